"""Gives a swapped face the sharpness and the noise of the picture it goes into, band by band of its finest detail."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, sqrt
from typing import NamedTuple
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import resized
from ..types import FloatArray, ImageF32, Mask, Size
from .chroma import LUMA

_PIXEL = 0.8
"""Sigma of a Gaussian, in pixels, above which detail is single pixels: noise, compression, focus."""
_PORES = 0.0065
"""The same, as a share of the crop's side, above which it is the skin's texture."""
_FLOOR = np.float32(0.02)
"""Brightness that pixels are compared with at least, so that black can't blow up."""
_SHARPER = 1.4
"""Most by which the face's own detail is strengthened; what lacks then is noise."""
_LEAST_NOISE = 0.1
"""Share of the target's detail, in energy, from which on noise makes up for what lacks."""
_BLURRED = (0.35, 0.65)
"""Shares of the strength of the face's own edges: below the first the target is out of focus, above the second not."""
_EDGES = 98.0
"""Per cent of a face's pixels, eyes and brows included, that show weaker detail than its edges."""
_HOLE = 0.25
"""Of the weight's side: size of the features that skin lies around."""
_STANDS_OUT = 4.0
"""Times the strength of the skin's detail from which on detail is an edge, which isn't weakened like noise."""
_DARKEST = np.float32(0.65)
"""Least share of its brightness that stays of a pixel: strengthened, dark lines would turn black."""
_DEFOCUS = 2.0
"""How far, in coarsest scales."""
_NOTICED = 0.05
_SAMPLES = 4000
_TILE = 256
_COARSE_NOISE = 0.35
_PATCH = 8
_SMOOTHEST = 30
"""Per cent."""
_MEDIAN_OF_MEAN = 0.845
"""Of the absolute values of noise."""


def match_grain(image: ImageF32, target: ImageF32, weight: Mask, target_weight: Mask) -> ImageF32:
    """Give `image` (H, W, 3) detail as fine and as strong as that of `target` (H, W, 3), both RGB in [0, 1].

    Compared is plain skin, by `weight` and `target_weight` of any size. Where the image has too little, noise is added:
    of other pixels with every other target, of the same with the same. Colours keep their chroma.
    """
    size = Size.of(image)
    skin, target_skin = (_Skin.of(weight, size), _Skin.of(target_weight, size))
    scales, brightness = _scales(max(size)), _brightness(target)
    wanted = [_Detail.of(brightness, target_skin, scale) for scale in scales]
    before = _brightness(image)
    sharpness = target_skin.edges(wanted[-1].detail) / max(skin.edges(_detail(before, scales[-1])[1]), 1e-5)
    low, high = _BLURRED
    if sharpness < high:
        # Made-up eyes have stronger edges than plain ones: skin whose texture is as strong is as sharp.
        own = _Detail.of(before, skin, scales[0])
        sharpness = max(sharpness, _texture(wanted) / max(own.strength, 1e-5))
    if sharpness < high:
        share = sharpness + (1 - sharpness) * max(sharpness - low, 0) / (high - low)
        image = _blended(image, _blurred(image, _DEFOCUS * scales[0].coarse), share)
        before = _brightness(image)
    after = before
    # Of whole levels, so that the same picture in another number format gets the same noise.
    random = np.random.default_rng(crc32(np.rint(target[::8, ::8] * 255).astype(np.uint8).tobytes()))
    for scale, detail in zip(scales, wanted, strict=True):
        after = _matched(_Detail.of(after, skin, scale), detail, scale, random)
    change = np.maximum((after + _FLOOR) / (before + _FLOOR), _DARKEST)
    result = image * cv2.merge([np.asarray(change, np.float32)] * 3)
    return np.clip(result, 0, 1, out=result)


class _Scale(NamedTuple):
    """Sigmas of Gaussians, in pixels, between which detail lies."""

    fine: float
    coarse: float


def _scales(side: int) -> tuple[_Scale, ...]:
    # Rounded, so that few kinds of noise are made.
    pores = round(2 * _PORES * side) / 2
    pixel = _Scale(0, _PIXEL)
    return (_Scale(_PIXEL, pores), pixel) if pores > 1.5 * _PIXEL else (pixel,)


class _Skin(NamedTuple):
    """Where a picture shows skin."""

    weight: Mask
    """In any size."""
    places: NDArray[np.intp]
    """Some of its pixels, in the flattened picture."""
    face: NDArray[np.intp]
    """The same with what lies between."""

    @classmethod
    def of(cls, weight: Mask, size: Size) -> _Skin:
        hole = np.ones((2 * round(_HOLE * max(weight.shape) / 2) + 1,) * 2, np.uint8)
        whole = np.asarray(cv2.morphologyEx(weight, cv2.MORPH_CLOSE, hole), np.float32)
        return cls(weight, _some(weight, size), _some(whole, size))

    def patches(self, values: FloatArray, side: int) -> FloatArray:
        """(N,) averages of values (H, W) over the squares that lie on skin."""
        height, width = values.shape
        small = Size(max(width // side, 1), max(height // side, 1))
        return resized(values, small)[resized(self.weight, small) > 0.5]

    def edges(self, detail: FloatArray) -> float:
        """How strong the strongest detail of the face is."""
        face = np.take(detail, self.face)
        return float(np.percentile(face, _EDGES)) if face.size else 0.0


class _Detail(NamedTuple):
    brightness: FloatArray
    """(H, W)"""
    average: FloatArray
    """(H, W) the same without the detail."""
    strength: float
    """Median of the detail on skin, as a share of the average."""
    noise: float
    """The same where skin is smoothest: wrinkles are in places, noise is everywhere."""
    detail: FloatArray
    """(H, W) its absolute value, as a share of the average."""

    @classmethod
    def of(cls, brightness: FloatArray, skin: _Skin, scale: _Scale) -> _Detail:
        average, detail = _detail(brightness, scale)
        near = skin.patches(detail, _PATCH * max(ceil(scale.coarse), 1))
        noise = _MEDIAN_OF_MEAN * float(np.percentile(near, _SMOOTHEST)) if near.size else 0.0
        return cls(brightness, average, _median(np.take(detail, skin.places)), noise, detail)


def _texture(details: Sequence[_Detail]) -> float:
    """How strong the detail of skin is that is no noise, which is strongest in single pixels."""
    return sqrt(max(details[0].strength ** 2 - details[-1].strength ** 2, 0.0))


def _detail(brightness: FloatArray, scale: _Scale) -> tuple[FloatArray, FloatArray]:
    """(H, W) the brightness without the detail of a scale, and that detail's absolute value as a share of it."""
    average = _blurred(brightness, scale.coarse)
    detail = cv2.absdiff(_blurred(brightness, scale.fine), average) / (average + _FLOOR)
    return average, np.asarray(detail, np.float32)


def _matched(own: _Detail, wanted: _Detail, scale: _Scale, random: np.random.Generator) -> FloatArray:
    """(H, W) the own brightness with as much detail as is wanted."""
    gain = min(wanted.strength / max(own.strength, 1e-5), _SHARPER)
    result = own.brightness
    if abs(gain - 1) > _NOTICED:
        # A filter leaves part of what it takes out: of twice the width, little.
        wide = _blurred(own.average, np.sqrt(3) * scale.coarse)
        share = np.float32(gain)
        if gain < 1:
            loud = own.detail * np.float32(1 / max(_STANDS_OUT * own.strength, 1e-5))
            share = 1 - (1 - share) / (1 + loud * loud)
        result = wide + (result - wide) * share
    lacking = (1 - _LEAST_NOISE) * wanted.noise**2 - (gain * own.noise) ** 2
    if lacking > 0:
        noise = _cut(_noise(scale), own.brightness.shape, random)
        # Coarser noise looks mottled: some of what pores lack is left away.
        share = np.sqrt(lacking) * (1.0 if scale.fine == 0 else _COARSE_NOISE)
        result = result + noise * ((own.average + _FLOOR) * np.float32(share))
    return result


@lru_cache(maxsize=32)
def _noise(scale: _Scale) -> FloatArray:
    """(256, 256) noise of that scale, as strong as a detail of strength 1, that goes on at its own other side."""
    white = np.tile(np.random.default_rng(0).standard_normal((_TILE, _TILE), np.float32), (3, 3))
    noise = _blurred(white, scale.fine) - _blurred(white, 2 * scale.coarse)
    seen = np.abs(_blurred(noise, scale.fine) - _blurred(noise, scale.coarse))
    middle = np.s_[_TILE : 2 * _TILE, _TILE : 2 * _TILE]
    tile = noise[middle] / _median(seen[middle])
    tile.flags.writeable = False
    return tile


def _cut(tile: FloatArray, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
    """As much of a tile, laid out again and again, from a place and in a direction of chance."""
    top, left, turned = random.integers(0, (_TILE, _TILE, 4))
    begun = np.roll(np.rot90(tile, turned), (-top, -left), (0, 1))
    height, width = shape
    return np.tile(begun, (ceil(height / _TILE), ceil(width / _TILE)))[:height, :width]


def _some(weight: Mask, size: Size) -> NDArray[np.intp]:
    """Pixels of a picture of that size, by their number, spread over where its weight (h, w) is high."""
    rows, columns = np.nonzero(weight > 0.5)
    across, down = size.width / weight.shape[1], size.height / weight.shape[0]
    each = min(ceil(sqrt(_SAMPLES / max(len(rows), 1))), ceil(max(across, down)))
    steps = (np.arange(each, dtype=np.float64) + 0.5) / each
    y = ((rows[:, None] + steps) * down).astype(np.intp)
    x = ((columns[:, None] + steps) * across).astype(np.intp)
    return (y[:, :, None] * size.width + x[:, None, :]).ravel()


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if values.size else 0.0


def _brightness(image: ImageF32) -> FloatArray:
    return np.asarray(cv2.transform(image, LUMA[None]), np.float32)


def _blended(sharp: FloatArray, soft: FloatArray, share: float) -> NDArray[np.float32]:
    """With that share of the first, which may be above 1."""
    return np.asarray(sharp * np.float32(share) + soft * np.float32(1 - share), np.float32)


def _blurred(values: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32) if sigma > 0 else values
