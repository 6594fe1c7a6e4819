"""Gives a swapped face the light and the colours of the picture it goes into.

Brightness and chroma go apart, both as ratios. Brightness: the slowly varying part of the logarithm of linear light
becomes the target's, the finer part stays the face's own. Chroma: what the target's skin has at each brightness, so
that highlights and shadows are tinted as there, times what the face's own chroma deviates by, as far as the target is
as saturated. A target of one colour gives a face of that colour, a dark one a dark one: no gain is limited downwards.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import cv2
import numpy as np

from ..geometry import resized
from ..types import FloatArray, ImageF32, Mask, Size
from .chroma import LUMA, ChromaCurve, chroma, monochrome
from .shading import light_change

_WORKING_SIDE = 48
"""Light varies slowly: it is worked out at this size, whatever the crop's."""
_LIGHT = 0.09
"""Of the crop's side: the Gaussian's sigma above which brightness is light and below which it is the face's own."""
_CORRECTIONS = 5
"""How often what is left of the difference is corrected, at most: a single Gaussian average leaves half of its own
scale."""
_ENOUGH = 0.088
"""Difference from the target's light, in stops, that is left: matching it further takes away the face's own shading."""
_TINT = 0.14
"""Sigma for the target's chroma."""
_OWN_TINT = 0.07
"""And for the face's own: finer, so that stubble doesn't turn a chin grey."""
_LEVEL = 0.2
"""And for the brightness of the skin around the lips: a shadow or stubble beside them must not brighten them."""
_DETAIL = 0.015
"""Sigma from which on what deviates from the light counts as contrast."""
_CONTRAST = 0.8
"""How far contrast follows the brightness: 0 keeps ratios of linear light, 1 about the differences that are seen."""
_CONTRASTS = (0.5, 1.6)
_OWN_SHADES = 0.8
"""How far what is brighter than around it is left out where more is brightened than a change of light explains: bright
skin within a beard or in a hard shadow, the white of an eye."""
_GAMMA = 2.2
_FLOOR = 0.02
"""Share of the skin's linear light that black counts as."""
_RANGE = (-14.0, 8.0)
"""Stops in all: from white to black, and as far up as eight bits hold anything to brighten."""
_FINE_TINT = 0.45
"""Share of the face's own fine chroma that stays; lips keep all."""
_MOST_SATURATED = 1.3
_DARK = np.float32(0.01)
_LIPSTICK = 12.0
"""In Lab: how far lips differ from skin by themselves, about."""
_RIM = 0.006
"""How softly lips end."""
_ON_ALL_CHANNELS = np.tile(LUMA, (3, 1))


def match_lighting(
    image: ImageF32,
    target: ImageF32,
    weight: Mask,
    target_weight: Mask,
    lips: Mask | None = None,
    normals: FloatArray | None = None,
) -> ImageF32:
    """Give `image` (H, W, 3) the light and the colours of `target` (H, W, 3), both RGB in [0, 1].

    `weight` and `target_weight`, of any size, say where each shows plain skin; `lips` where `image` shows lips;
    `normals` (h, w, 3), unit vectors of the face's surface, 0 outside, from what light may fall on its parts.
    """
    small = _working_size(image)
    own = _View.of(resized(image, small), resized(weight, small))
    light = _View.of(resized(target, small), resized(target_weight, small))
    lips = np.zeros_like(own.weight) if lips is None else _softened(resized(lips, small))
    surface = None if normals is None else resized(normals, small)
    result = _relit(_recolouring(own, light, lips), own, light, lips, surface).at(Size.of(image)).of(image)
    return np.minimum(result, 1, out=result)


class _View(NamedTuple):
    """A picture at the working size."""

    image: ImageF32
    weight: Mask
    """Plain skin."""
    colour: FloatArray
    """(3,) the skin's median colour in CIE Lab."""
    floor: float
    """What is added to linear light, so that black can be compared."""

    @classmethod
    def of(cls, image: ImageF32, weight: Mask) -> _View:
        sure = weight >= 0.5 * float(weight.max())
        level = float(_linear(image)[sure].mean())
        return cls(image, weight, np.median(_lab(image)[sure], 0), max(_FLOOR * level, 1e-6))

    @property
    def saturation(self) -> float:
        return max(float(np.hypot(self.colour[1], self.colour[2])), 1e-3)

    def average(self, values: FloatArray, sigma: float) -> FloatArray:
        """(h, w) or (h, w, 3) averages over the skin around each pixel, `sigma` as a share of the longer side."""
        weight = self.weight if values.ndim == 2 else self.weight[..., None]
        stacked = np.dstack([values * weight, self.weight]).astype(np.float32)
        blurred = cv2.GaussianBlur(stacked, (0, 0), sigma * max(self.weight.shape))
        overall = (values * weight).sum((0, 1)) / max(float(self.weight.sum()), 1e-6)
        averages = (blurred[..., :-1] + 1e-3 * overall) / (blurred[..., -1:] + 1e-3)
        return averages if values.ndim == 3 else averages[..., 0]

    def overall(self, values: FloatArray) -> float:
        """The average of values (h, w) over all the skin."""
        return float((values * self.weight).sum() / max(float(self.weight.sum()), 1e-6))

    def stops(self, image: ImageF32) -> FloatArray:
        """(h, w) logarithms to base 2 of an image's linear light, by this picture's floor."""
        return np.log2(_linear(image) + self.floor)


class _Recolouring(NamedTuple):
    """Colours as functions of an image and its brightness; fields (h, w, ...) of any one size."""

    own: FloatArray
    """(h, w, 3) factors of the image's channels."""
    brightness: FloatArray
    """(h, w, 3) factors of the image's brightness."""
    fine: FloatArray
    """(h, w) 1 where the curve is asked at each pixel's brightness, 0 where at that of the skin around, as on lips."""
    around: FloatArray
    """(h, w) that brightness, by 1 - `fine`."""
    curve: ChromaCurve

    def at(self, size: Size) -> _Recolouring:
        own, brightness, fine, around = (resized(field.astype(np.float32), size) for field in self[:4])
        return _Recolouring(own, brightness, fine, around, self.curve)

    def of(self, image: ImageF32) -> ImageF32:
        """The colours of an image of the fields' size, above 1 where they leave the range."""
        result = self.own * image
        result += self.brightness * cv2.transform(image, _ON_ALL_CHANNELS)
        np.maximum(result, 0, out=result)
        result *= self.curve.colours(self.fine * cv2.transform(result, LUMA[None]) + self.around)
        return result

    def scaled(self, factor: FloatArray) -> _Recolouring:
        """With factors (h, w, 1 or 3) of all colours."""
        return self._replace(own=self.own * factor, brightness=self.brightness * factor)


def _recolouring(own: _View, light: _View, lips: Mask) -> _Recolouring:
    """Of the target's chroma, with the image's own brightness."""
    toned, curve = _curve(light)
    elsewhere = lips * np.float32(1 - toned)
    # Chroma as a share of brightness: for the same difference in Lab a brighter face needs less of it.
    full = min((own.colour[0] + 16) / (light.colour[0] + 16), _MOST_SATURATED)
    kept = min(light.saturation / own.saturation, 1.0) * (1 - toned)
    kept = (kept * (_FINE_TINT + (full - _FINE_TINT) * lips))[..., None]
    around = np.exp2(light.average(light.stops(light.image), _LIGHT) / _GAMMA) * elsewhere
    own_factors = kept / chroma(own.average(own.image, _OWN_TINT))
    brightness = np.broadcast_to(1 - kept, own_factors.shape)
    return _Recolouring(own_factors, brightness, 1 - elsewhere, around, curve)


def _curve(light: _View) -> tuple[float, ChromaCurve]:
    """How much the target is of one colour, all of it, and its chroma by brightness: else that of its skin."""
    everything = ChromaCurve.of(light.image, np.ones_like(light.weight))
    toned = monochrome(light.image, everything)
    return toned, ChromaCurve.of(light.image, light.weight).mixed(everything, toned)


def _relit(recolouring: _Recolouring, own: _View, light: _View, lips: Mask, normals: FloatArray | None) -> _Recolouring:
    """With the target's brightness and its chroma, place by place, and the lips' chroma as it stands out from skin."""
    plain, theirs = light.stops(recolouring.of(own.image)), light.stops(light.image)
    wanted = light.average(theirs, _LIGHT)
    explained = light_change(theirs - plain, np.minimum(own.weight, light.weight), normals)
    shades = np.maximum(plain - own.average(plain, _LIGHT), 0)
    stops = wished = explained + _contrast_change(own, light, plain + explained, normals)
    bright = recolouring.scaled(_gain(stops)).of(own.image)
    for _ in range(_CORRECTIONS):
        lacking = wanted - own.average(light.stops(bright), _LIGHT)
        share = _correction(own.overall(lacking**2) ** 0.5)
        if share == 0:
            break
        wished = wished + share * lacking
        stops = wished - _OWN_SHADES * np.clip(wished - explained, 0, shades)
        bright = recolouring.scaled(_gain(stops)).of(own.image)
    recolouring = recolouring.scaled(_tint_change(own, light, bright))
    level = wanted - own.average(plain, _LEVEL)
    bright = recolouring.scaled(_gain(stops + lips * (level - stops)))
    return bright.scaled(_lip_tint(own, light, lips * (1 - recolouring.fine), bright.of(own.image)))


def _correction(difference: float) -> float:
    """Share of a difference that is corrected, without a jump, which would flicker in a clip."""
    return float(np.clip(2 * (1 - _ENOUGH / max(difference, 1e-6)), 0, 1))


def _contrast_change(own: _View, light: _View, logs: FloatArray, normals: FloatArray | None) -> FloatArray:
    """(h, w) stops that strengthen the face's shades where it gets darker and weaken them where it gets brighter.

    Of dark skin in hard light, pale skin of the same ratios would show black eye sockets.
    """
    inside = (own.weight > 0).astype(np.float32) if normals is None else (np.abs(normals).sum(2) > 0.5)
    inside = np.asarray(cv2.erode(inside.astype(np.float32), np.ones((3, 3))), np.float32)
    shades = own._replace(weight=inside).average(logs, _DETAIL) - own.average(logs, _LIGHT)
    brighter = (own.overall(own.stops(own.image)) - light.overall(light.stops(light.image))) / _GAMMA
    return inside * shades * np.float32(np.clip(2 ** (_CONTRAST * brighter), *_CONTRASTS) - 1)


def _tint_change(own: _View, light: _View, image: ImageF32) -> FloatArray:
    """(h, w, 3) factors that tint the skin as the target's is at the same place, whatever its brightness."""
    return chroma(light.average(light.image, _TINT)) / chroma(own.average(image, _TINT))


def _lip_tint(own: _View, light: _View, lips: FloatArray, image: ImageF32) -> FloatArray:
    """(h, w, 3) factors by which lips differ from skin in Lab as they did, less where the target is less saturated."""
    lab = _lab(image)
    share = min(light.saturation / own.saturation, 1.0)
    away = _lab(own.image)[..., 1:] - own.colour[1:]
    far = np.linalg.norm(away, axis=2, keepdims=True)
    # Half as bright, lipstick is half as far from grey.
    dimmed = min((light.colour[0] + 16) / (own.colour[0] + 16), 1.0)
    kept = 1 - (1 - dimmed) * np.maximum(far - _LIPSTICK, 0) / np.maximum(far, 1e-6)
    lab[..., 1:] = light.colour[1:] + share * kept * away
    wanted = np.asarray(np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1), np.float32)
    # As bright in Lab: of lipstick, luma is no measure, and dark red would become glaring.
    return np.exp(np.log((wanted + _DARK) / (np.clip(image, 0, 1) + _DARK)) * lips[..., None])


def _gain(stops: FloatArray) -> FloatArray:
    return np.exp2(np.clip(stops, *_RANGE) / _GAMMA).astype(np.float32)[..., None]


def _linear(image: ImageF32) -> FloatArray:
    return np.power(image, _GAMMA) @ LUMA


def _lab(image: ImageF32) -> ImageF32:
    return np.asarray(cv2.cvtColor(np.clip(image, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB), np.float32)


def _softened(weight: Mask) -> Mask:
    return np.asarray(cv2.GaussianBlur(weight, (0, 0), _RIM * max(weight.shape)), np.float32)


def _working_size(image: ImageF32) -> Size:
    height, width = image.shape[:2]
    shrink = max(max(height, width) / _WORKING_SIDE, 1.0)
    return Size(ceil(width / shrink), ceil(height / shrink))
