"""Close-ups: faces that fill their picture, and what it costs to find them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.models.detectors.blazeface import BlazeFace
from multifaceswap.models.detectors.builtin import BuiltinDetector
from multifaceswap.models.detectors.facemesh import FaceMesh
from multifaceswap.pipeline.boxes import tiles
from multifaceswap.pipeline.geometry import align, extract_crop, transform_points
from multifaceswap.pipeline.templates import ARCFACE_112, FFHQ_512
from multifaceswap.pipeline.types import CropSpec, Size

BLACK, GREY, WHITE = 0, 128, 255
SOURCES = [("astronaut", 0), ("hopper", 0), *(("group", number) for number in range(4))]


@pytest.fixture(scope="module", params=SOURCES, ids=lambda param: f"{param[0]} {param[1]}")
def known(request, pool):
    """A picture and a face of it, as it is found there."""
    name, number = request.param
    picture = request.getfixturevalue(name)
    faces = sorted(pool.open("detector", "builtin").detect(picture), key=lambda face: face.box[0])
    return picture, faces[number]


def crop_of(picture, box, grown, width):
    """A crop at the box grown by a share of it on each side, that wide, and where the box lies in it."""
    extent = np.tile(box[2:] - box[:2], 2) * grown * [-1, -1, 1, 1]
    low, high = np.floor((box + extent)[:2]), np.ceil((box + extent)[2:])
    left, top = np.maximum(low, 0).astype(int)
    right, bottom = np.minimum(high, Size.of(picture)).astype(int)
    crop = picture[top:bottom, left:right]
    size = Size(width, round(width * crop.shape[0] / crop.shape[1]))
    scale = np.array(size) / Size.of(crop)
    return cv2.resize(crop, size, interpolation=cv2.INTER_AREA), (box - [left, top] * 2) * np.tile(scale, 2)


def barred(crop, box, across, along, level):
    """The crop between bars of these shares of its width and height."""
    height, width = crop.shape[:2]
    left, top = int(across * width), int(along * height)
    wide = np.full((height + 2 * top, width + 2 * left, 3), level, np.uint8)
    wide[top : top + height, left : left + width] = crop
    return wide, box + [left, top] * 2


def deviation(found, box):
    """The edge that is furthest off, as a share of the box's longer side."""
    return np.abs(found - box).max() / (box[2:] - box[:2]).max()


def require_once(pool, picture, box, most):
    """One face and no second one, nowhere further off than that share."""
    (face,) = pool.open("detector", "builtin").detect(picture)
    assert deviation(face.box, box) < most


@pytest.mark.parametrize(("grown", "most"), [(0.1, 0.06), (0, 0.06), (-0.1, 0.1)])
@pytest.mark.parametrize("width", [112, 400, 800])
def test_crops_at_the_faces_box(pool, known, grown, most, width):
    picture, face = known
    require_once(pool, *crop_of(picture, face.box, grown, width), most)


@pytest.mark.parametrize("level", [BLACK, GREY, WHITE])
@pytest.mark.parametrize(("across", "along"), [(0.45, 0), (0, 0.45), (0.15, 0.15)])
def test_crops_between_bars(pool, known, level, across, along):
    picture, face = known
    require_once(pool, *barred(*crop_of(picture, face.box, 0, 256), across, along, level), 0.1)


@pytest.mark.parametrize(("template", "size"), [(ARCFACE_112, 112), (ARCFACE_112, 256), (FFHQ_512, 256)])
def test_aligned_crops(pool, known, template, size):
    picture, face = known
    placement = align(face, CropSpec(template, size))
    points = transform_points(placement.matrix, face.mesh[:, :2])
    crop = np.rint(np.clip(extract_crop(picture, placement), 0, 1) * 255).astype(np.uint8)
    require_once(pool, crop, np.concatenate([points.min(0), points.max(0)]), 0.1)


def test_a_face_that_fills_the_picture_is_measured_in_its_box(pool, known):
    crop, box = crop_of(*known_box(known), 0, 256)
    (face,) = pool.open("detector", "builtin").locate(crop, [box])
    assert deviation(face.box, box) < 0.06


def known_box(known):
    picture, face = known
    return picture, face.box


class OneFace:
    """Stands for BlazeFace's network: sees a face of that size and score in the middle of every view; counts runs."""

    def __init__(self, share, score):
        self.share, self.score, self.runs = share, score, 0

    def run(self, inputs, wanted):
        self.runs += 1
        raw, logits = np.zeros((1, 48 * 48, 16), np.float32), np.full((1, 48 * 48, 1), -9, np.float32)
        side = self.share * 192
        raw[0, 24 * 48 + 24, :8] = [-2, -2, side, side, -side / 4, 0, side / 4, 0]
        logits[0, 24 * 48 + 24] = np.log(self.score / (1 - self.score))
        return [raw, logits]


class NoMesh:
    """Stands for the mesh's network: nothing is a face."""

    def run(self, _inputs, _wanted):
        return [np.zeros((1, 468 * 3), np.float32), np.float32([[-9]])]


@pytest.mark.parametrize(
    ("share", "score", "extra"),
    [(0.5, 0.9, 0), (0.35, 0.82, 0), (0.3, 0.9, 1), (0.5, 0.75, 1), (0.5, 0.1, 1)],
    ids=["large and sure", "just so", "small", "unsure", "none"],
)
def test_one_run_more_and_only_where_a_close_up_may_be_missed(share, score, extra):
    picture, tiled = (
        np.zeros((400, 640, 3), np.uint8),
        len(tiles(Size(640, 400), 192)) + len(tiles(Size(640, 400), 576)),
    )
    for options, runs in (
        ({"tiles": False}, 1 + extra),
        ({"tiles": True}, 1 + tiled + extra),
        ({"tiles": False, "turns": True}, 4 * (1 + extra)),
    ):
        network = OneFace(share, score)
        BuiltinDetector(BlazeFace(network), FaceMesh(NoMesh()), **options).detect(picture)
        assert network.runs == runs


@pytest.mark.parametrize(("share", "found"), [(0.1, 1), (0.2, 2)])
def test_the_view_with_a_rim_counts_for_large_faces_only(share, found):
    """In that view the stand-in's face is two and a half times as large."""
    blazeface = BlazeFace(OneFace(share, 0.9))
    assert len(blazeface.find(np.zeros((400, 640, 3), np.uint8), 0.5, tiled=False, smallest=16).boxes) == found
