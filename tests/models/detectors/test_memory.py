"""Detection in large pictures takes little memory beside them, and finds the same faces as in small ones."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from multifaceswap.models.detectors import blazeface
from multifaceswap.models.detectors.blazeface import BlazeFace
from multifaceswap.models.detectors.builtin import BuiltinDetector
from multifaceswap.models.detectors.facemesh import FaceMesh
from multifaceswap.models.detectors.scan import Detections, Letterbox, ScanningDetector
from multifaceswap.pipeline.bands import to_float
from multifaceswap.pipeline.types import Size

LARGE = Size(6000, 4000)


class WholeFace:
    """Stands for BlazeFace's network: it sees a face that nearly fills the view where light is above dark."""

    def run(self, inputs, wanted):
        light, dark = np.array_split(inputs["input_1"][0, 48:144, 48:144], 2)
        raw, logits = np.zeros((1, 48 * 48, 16), np.float32), np.full((1, 48 * 48, 1), -9, np.float32)
        raw[0, 24 * 48 + 24, :8] = [-2, -2, 178, 178, -40, -20, 40, -20]
        logits[0, 24 * 48 + 24] = 9 if light.mean() > dark.mean() + 1 else -9
        return [raw, logits]


class WholeMesh:
    """Stands for the mesh's network: a mesh over the whole crop."""

    def run(self, inputs, wanted):
        return [np.random.RandomState(0).uniform(0, 192, (1, 468 * 3)).astype(np.float32), np.float32([[9]])]


class Bottom:
    """A network of 640 pixels that sees a face at the bottom of every view."""

    padding, overlap, border, sessions, side = 0.5, 0.4, 0.0, (), 640

    def fit(self, size):
        scale = self.side / max(size)
        return Letterbox(Size(round(size.width * scale), round(size.height * scale)), Size(640, 640), 0, 0, scale)

    def look(self, images, confidence):
        box = np.float32([[100, 300, 200, 400]])
        return [Detections(box, np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32))] * len(images)


def builtin():
    blaze = BlazeFace(WholeFace())
    return BuiltinDetector(blaze, FaceMesh(WholeMesh()), turns=True, tiles=True, min_size=150)


def scanning():
    return ScanningDetector(Bottom(), confidence=0.5, turns=True, tiles=True, min_size=64)


@pytest.mark.slow
@pytest.mark.parametrize("opened", [builtin, scanning])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_twenty_four_megapixels_take_less_than_their_own_bytes_again(opened, dtype, monkeypatch):
    monkeypatch.setattr(blazeface, "threads", lambda: 16)  # as many views at once as any machine looks at
    picture, detector = np.zeros((LARGE.height, LARGE.width, 3), dtype), opened()
    picture[: LARGE.height // 2] = 1 if dtype is np.float32 else np.iinfo(dtype).max
    tracemalloc.start()
    faces = detector.detect(picture)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert faces and max(face.box[2] - face.box[0] for face in faces) > 900
    assert peak < picture.nbytes


@pytest.fixture(scope="module")
def scene(astronaut, hopper):
    """24 megapixels with two portraits, and where their faces lie."""
    picture = np.full((LARGE.height, LARGE.width, 3), 115, np.uint8)
    boxes = []
    for portrait, box, factor, left, top in (
        (astronaut, (178, 69, 274, 177), 3.5, 200, 300),
        (hopper, (170, 132, 357, 334), 1.5, 4000, 2500),
    ):
        large = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        picture[top : top + large.shape[0], left : left + large.shape[1]] = large
        boxes.append(np.array(box) * factor + np.array([left, top] * 2))
    return picture, boxes


@pytest.mark.parametrize("of_dtype", [np.copy, lambda picture: picture * np.uint16(257), to_float])
def test_the_faces_of_a_large_picture_are_found_where_they_lie(pool, scene, of_dtype):
    picture, boxes = scene
    detector = pool.open("detector", "builtin", min_size=150)
    faces = sorted(detector.detect(of_dtype(picture)), key=lambda face: face.box[0])
    assert len(faces) == len(boxes)
    for face, box in zip(faces, boxes, strict=True):
        assert face.score > 0.8
        np.testing.assert_allclose(face.box, box, atol=0.06 * (box[2] - box[0]))
