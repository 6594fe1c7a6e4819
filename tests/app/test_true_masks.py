"""Masks say the truth: where the file is black, the target's pixel is as it was, to the bit."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import standins
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multifaceswap import Session
from multifaceswap.media.pictures import read_picture, write_mask, write_picture
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.swap import swap_batch
from multifaceswap.pipeline.types import Donor, Face, IndexMap, Pair, Patch, Placement, Size
from PIL import features

ENGINES = ("mesh", "inswapper_128", "hyperswap_1a_256")
RESTORERS = ("disable", "GPEN-BFR-512.onnx", "codeformer.onnx")
MASKS = ["png", "jpg", "webp", *(["avif"] if features.check("avif") else [])]
CHANNELS = {1: cv2.COLOR_RGB2GRAY, 3: None, 4: cv2.COLOR_RGB2RGBA}
shares = st.one_of(st.sampled_from([0.0, 1e-7, 0.004, 1.0]), st.floats(0, 1))
sizes = st.builds(Size, st.integers(40, 420), st.integers(40, 420))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("standins")
    standins.swapper(folder / "inswapper_128.onnx")
    standins.swapper(folder / "hyperswap_1a_256.onnx", size=256, mean=0.5, std=0.5, map_name="", mask=True)
    standins.pooled(folder / "w600k_r50.onnx")
    standins.restorer(folder / "GPEN-BFR-512.onnx")
    standins.restorer(folder / "codeformer.onnx", weight="double")
    return folder


@pytest.fixture(scope="module")
def engines(folder):
    with Session(folders=folder, device="cpu") as session:
        yield session


@pytest.fixture(scope="module")
def people(session, astronaut, hopper):
    """Two pictures, each with its face."""
    return [(picture, session.detect([picture]).flat()[0]) for picture in (astronaut, hopper)]


def scaled(picture, face, size):
    """The picture and its face, stretched."""
    ratio = np.array(size) / Size.of(picture)
    mesh = face.mesh * [*ratio, ratio[0]]
    moved = replace(face, box=face.box * np.tile(ratio, 2), landmarks=face.landmarks * ratio, mesh=mesh)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), moved


def as_kind(picture, dtype, channels):
    if CHANNELS[channels] is not None:
        picture = cv2.cvtColor(picture, CHANNELS[channels]).reshape(*picture.shape[:2], channels)
    if dtype == np.uint16:
        return picture.astype(dtype) * 257
    return picture.astype(dtype) / 255 if np.dtype(dtype).kind == "f" else picture


def mapped(target, source, sizes):
    pair = Pair(target, source)
    return IndexMap(((pair,),), (), *sizes, 1)


def through_a_file(picture, path):
    if picture.dtype.kind == "f":
        return picture
    write_picture(path, picture)
    return read_picture(path)


def a_limit(random, size, kind):
    """A user's mask: none, a hard one, a soft one, or one whose weights leave their range."""
    noise = random.random((5, 5), dtype=np.float32)
    if kind == "none":
        return None
    soft = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    return {"hard": (soft > 0.5).astype(np.float32), "soft": soft.clip(0, 1), "wild": soft * 4 - 1.5}[kind]


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_black_in_the_mask_file_means_untouched(data, engines, people, tmp_path):
    draw = data.draw
    (picture, face), (donor, source) = draw(st.permutations(people))
    size, dtype = draw(sizes), draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    small, face = scaled(picture, face, size)
    target = as_kind(small, dtype, draw(st.sampled_from(sorted(CHANNELS))))
    limit = a_limit(
        np.random.default_rng(draw(st.integers(0, 99))), size, draw(st.sampled_from(["none", "hard", "soft", "wild"]))
    )
    strength = draw(shares)
    done = engines.swap(
        [target],
        [donor],
        mapped(face, source, (size, Size.of(donor))),
        mask=None if limit is None else [limit],
        swap_model=draw(st.sampled_from(ENGINES)),
        interpolation=draw(st.sampled_from(["Nearest", "Bilinear", "Bicubic", "Lanczos"])),
        strength=strength,
        mask_feather=draw(st.floats(0, 0.5)),
        colour_match=draw(st.sampled_from(["auto", "none", "lighting", "mean"])),
        face_restore=draw(st.sampled_from(RESTORERS)),
        face_restore_weight=draw(shares),
    )
    (image,), (mask,) = done.images, done.masks
    file = tmp_path / f"mask.{draw(st.sampled_from(MASKS))}"
    write_mask(file, mask)
    black = read_picture(file).max(2) == 0
    changed = (through_a_file(image, tmp_path / "image.png") != target).any(2)
    assert mask.min() >= 0 and mask.max() <= 1
    assert not (changed & black).any() and not (mask[black] > 0).any()
    assert limit is None or not (changed & (limit <= 0)).any()
    assert changed.any() or strength < 0.01 or limit is not None


class Wild:
    """An engine whose masks hold what no mask should."""

    needs_mesh = False
    colour = "none"

    def __init__(self, masks):
        self.masks = masks

    def place(self, face):
        return Placement(np.array([[1.3, 0.2, -5], [-0.2, 1.3, 3]]), Size(32, 32))

    def prepare(self, frame, face, others=()):
        return Donor(face)

    def swap(self, crops, donors, strength):
        return [Patch(np.ones_like(crop.image), self.masks) for crop in crops]


odd = st.one_of(st.floats(-2, 3, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 1e-38, 1 + 2**-23]))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(odd, min_size=16, max_size=16), st.floats(0, 0.5), st.sampled_from([np.uint8, np.uint16, np.float32]))
def test_no_engine_and_no_limit_takes_weights_beyond_their_range(tmp_path, weights, feather, dtype):
    mask = cv2.resize(np.float32(weights).reshape(4, 4), (32, 32), interpolation=cv2.INTER_NEAREST)
    target = as_kind(np.random.RandomState(3).randint(0, 250, (40, 50, 3), np.uint8), dtype, 3)
    points = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]]) * 20
    pair = mapped(Face((0, 0, 20, 20), points, 1), Face((0, 0, 20, 20), points, 1), (Size(50, 40), Size(50, 40)))
    limits = np.resize(np.nan_to_num(np.float32(weights), nan=np.nan, posinf=2, neginf=-1), (40, 50))
    for limit in (None, [limits]):
        done = swap_batch([target], [target], pair, Wild(mask), SwapSettings(mask_feather=feather), limits=limit)
        (image,), (changed,) = done.images, done.masks
        assert changed.min() >= 0 and changed.max() <= 1
        write_mask(tmp_path / "mask.png", changed)
        black = read_picture(tmp_path / "mask.png")[..., 0] == 0
        assert np.array_equal(image[black], target[black]) and np.isfinite(image).all()


@pytest.mark.parametrize("extension", MASKS)
def test_files_of_masks_are_black_where_the_weight_is_nothing_and_nowhere_else(tmp_path, extension):
    random = np.random.default_rng(1)
    noise = random.random((60, 80), dtype=np.float32)
    mask = np.where(noise < 0.4, 0, noise**12).astype(np.float32)
    mask[:9], mask[0, 0], mask[1, 1] = 1, np.nextafter(np.float32(1), np.float32(2)), np.float32(1e-40)
    path = tmp_path / f"mask.{extension}"
    write_mask(path, mask)
    levels = read_picture(path).max(2)
    assert (mask[levels == 0] == 0).all() and levels[1, 1] > 0 and levels[:9, 2:].min() >= 254
    assert np.abs(levels / 255 - mask).max() < (0.02 if extension in ("jpg", "avif") else 0.004)
    if extension in ("png", "webp"):
        np.testing.assert_array_equal(levels == 0, mask == 0)
