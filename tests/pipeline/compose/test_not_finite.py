"""A face for which a network gives no numbers stays bit for bit, is reported, and never counts as changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.restore import RestoreSettings, restore_batch
from multifaceswap.pipeline.compose.swap import swap_batch
from multifaceswap.pipeline.compose.swap_restore import SwapRestore
from multifaceswap.pipeline.errors import NotFiniteError
from multifaceswap.pipeline.types import Donor, Face, FaceSet, IndexMap, Pair, Patch, Placement, Size

SIDE = 40
LANDMARKS = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]])
SETTINGS = SwapSettings("Nearest", colour_match="none")
WHY = "a.onnx gave NaN or infinity on CUDA"


def _face(left, index):
    corner = np.array([left, 10.0])
    return Face((*corner, *(corner + SIDE)), corner + SIDE * LANDMARKS, 0.9, index=index)


class Network:
    """An engine, restorer or parser that fails at crops of dark pictures, with all that are given with them."""

    needs_mesh = fidelity = False
    rim = 0.0
    colour = "none"
    batch = 4

    def __init__(self, value=1.0):
        self.value, self.calls = value, []

    def place(self, face):
        return Placement(np.array([[1.0, 0, -face.box[0]], [0, 1.0, -face.box[1]]]), Size(SIDE, SIDE))

    def prepare(self, frame, face, others=()):
        return Donor(face)

    def _run(self, images):
        self.calls.append(len(images))
        if any(image.mean() < 0.1 for image in images):
            raise NotFiniteError(WHY)

    def swap(self, crops, donors, strength):
        self._run([crop.image for crop in crops])
        return [
            Patch(np.full((SIDE, SIDE, 3), self.value, np.float32), np.ones((SIDE, SIDE), np.float32)) for _ in crops
        ]

    def restore(self, crops, weight):
        self._run(crops)
        return [np.full((SIDE, SIDE, 3), self.value, np.float32) for _ in crops]

    def parse(self, crops):
        self._run([crop.image for crop in crops])
        return [np.zeros((SIDE, SIDE), np.float32) for _ in crops]


@pytest.fixture
def picture():
    """Three faces side by side; the middle one is dark."""
    picture = np.full((60, 180, 3), 0.5, np.float32)
    picture[:, 60:120] = 0.01
    return picture


FACES = tuple(_face(10 + 60 * number, number) for number in range(3))
SIZE = Size(180, 60)


def _map(faces=FACES):
    donor = _face(10, 0)
    return IndexMap((tuple(Pair(face, donor) for face in faces),), (), SIZE, SIZE, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_the_others_of_a_batch_are_swapped(picture, dtype):
    target = (picture * (255 if dtype == np.uint8 else 1)).astype(dtype)
    engine, ticks = Network(), []
    result = swap_batch([target], [target], _map(), engine, SETTINGS, progress=lambda *now: ticks.append(now))
    assert engine.calls == [3, 1, 1, 1] and ticks == [(1, 3), (2, 3), (3, 3)]
    assert [face.index for face in result.faces.frames[0]] == [0, 2]
    assert [face.index for face in result.faces.others[0]] == [1]
    assert result.report == (f"frame 0, face 1: not swapped: {WHY}",)
    image, mask = result.images[0], result.masks[0]
    assert (image[:, 60:120] == target[:, 60:120]).all() and not mask[:, 60:120].any()
    assert (image[20:40, 20:40] == (255 if dtype == np.uint8 else 1)).all()


def test_a_picture_of_one_such_face_is_the_targets_bit_for_bit(picture):
    result = swap_batch([picture], [picture], _map(FACES[1:2]), Network(), SETTINGS)
    assert np.array_equal(result.images[0], picture) and not result.masks[0].any()
    assert result.faces.count == 0 and result.report == (f"frame 0, face 1: not swapped: {WHY}",)


def test_a_donor_without_numbers_is_refused(picture):
    engine = Network()
    engine.prepare = lambda frame, face, others: engine._run([np.zeros(1)])
    with pytest.raises(NotFiniteError, match=r"a\.onnx"):
        swap_batch([picture], [picture], _map(), engine, SETTINGS)


def test_a_parser_without_numbers_is_done_without(picture):
    class Fine(Network):
        def _run(self, images):
            pass

    parser = Network()
    result = swap_batch([picture], [picture], _map(), Fine(), SETTINGS, parsers=[parser])
    assert parser.calls == [3, 1, 1, 1]
    assert f"frame 0, face 1: swapped without face parsing: {WHY}" in result.report
    assert result.faces.count == 3 and result.images[0][30, 90, 0] == 1


def test_swapped_faces_that_cannot_be_restored_stay_swapped(picture):
    class Fine(Network):
        def _run(self, images):
            pass

    boost = SwapRestore(Network(0.0), RestoreSettings(colour_correct=False))
    engine = Fine(0.05)
    result = swap_batch([picture], [picture], _map(FACES[1:2]), engine, SETTINGS, stages=[boost])
    assert result.report == (f"frame 0, face 1: swapped and not restored: {WHY}",)
    assert result.faces.count == 1 and result.images[0][30, 90, 0] == pytest.approx(0.05)


def test_the_others_of_a_batch_are_restored(picture):
    restorer, faces = Network(), FaceSet((FACES,), SIZE)
    result = restore_batch([picture], faces, restorer, RestoreSettings(colour_correct=False))
    assert restorer.calls == [3, 1, 1, 1]
    assert [face.index for face in result.faces.frames[0]] == [0, 2]
    assert [face.index for face in result.faces.others[0]] == [1]
    assert result.report == (f"frame 0, face 1: not restored: {WHY}",)
    assert np.array_equal(result.images[0][:, 60:120], picture[:, 60:120]) and not result.masks[0][:, 60:120].any()
    assert result.images[0][30, 30, 0] == 1
    dark = replace(faces, frames=((FACES[1],),))
    assert np.array_equal(restore_batch([picture], dark, restorer, RestoreSettings()).images[0], picture)
