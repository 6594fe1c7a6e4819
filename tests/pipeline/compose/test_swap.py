"""The flow from pairs to pictures, with an engine that paints."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.swap import SwapSettings, swap_batch
from multifaceswap.pipeline.errors import CancelledError, MismatchError, SettingsError
from multifaceswap.pipeline.faces.detect import detect_batch, with_meshes
from multifaceswap.pipeline.faces.pairing import map_indexes
from multifaceswap.pipeline.types import Donor, Face, FaceSet, Patch, Placement, Size

SETTINGS = SwapSettings(colour_match="none")


def face(left, top, side, frame=0, index=0):
    box = np.array([left, top, left + side, top + side], np.float32)
    landmarks = box[:2] + side * np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]])
    return Face(box, landmarks, 0.9, frame, index)


class Painter:
    """Paints the box of every target in its donor's colour."""

    needs_mesh = False
    colour = "none"

    def __init__(self):
        self.prepared, self.batches = [], []

    def place(self, target):
        left, top, right, bottom = target.box
        return Placement(np.array([[1.0, 0, -left], [0, 1.0, -top]]), Size(int(right - left), int(bottom - top)))

    def prepare(self, frame, source, others=()):
        self.prepared.append(source)
        return Donor(source, embedding=frame[int(source.box[1]), int(source.box[0])] / 255)

    def swap(self, crops, donors, strength):
        self.batches.append(len(crops))
        return [
            Patch(np.broadcast_to(donor.embedding, crop.image.shape), np.ones(crop.image.shape[:2], np.float32))
            for crop, donor in zip(crops, donors, strict=True)
        ]


SOURCES = [np.full((20, 20, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 200, 0))]
SOURCE_FACES = FaceSet(((face(0, 0, 9),), (face(0, 0, 9, frame=1),)), Size(20, 20))


def _target_faces(*frames):
    return FaceSet(tuple(tuple(frame) for frame in frames), Size(40, 30))


def _blank(count=1):
    return [np.full((30, 40, 3), 50, np.uint8) for _ in range(count)]


def test_two_donors_onto_two_people():
    faces = _target_faces([face(2, 2, 8), face(20, 10, 12, index=1)])
    result = swap_batch(_blank(), SOURCES, map_indexes(faces, SOURCE_FACES, "0,1", "0,1"), Painter(), SETTINGS)
    image = result.images[0]
    assert image[5, 5].tolist() == [200, 0, 0]
    assert image[15, 25].tolist() == [0, 200, 0]
    assert image[29, 39].tolist() == [50, 50, 50]
    assert (result.masks[0] > 0).sum() == 8 * 8 + 12 * 12
    assert [len(frame) for frame in result.faces] == [2]


def test_each_donor_is_prepared_once_for_all_frames():
    faces = _target_faces(*[[face(2, 2, 8, frame=n), face(20, 10, 8, n, 1)] for n in range(5)])
    painter = Painter()
    result = swap_batch(_blank(5), SOURCES, map_indexes(faces, SOURCE_FACES, "*", "1,0"), painter, SETTINGS)
    assert len(painter.prepared) == 2
    assert sum(painter.batches) == 10
    assert len(result.images) == 5


def test_the_engine_gets_faces_of_several_frames_together_but_never_many():
    faces = _target_faces(*[[face(2, 2, 8, frame=n), face(20, 10, 12, n, 1)] for n in range(9)])
    painter = Painter()
    result = swap_batch(_blank(9), SOURCES, map_indexes(faces, SOURCE_FACES, "*", "1,0"), painter, SETTINGS)
    assert painter.batches == [8, 8, 2]
    for image in result.images:
        assert image[5, 5].tolist() == [0, 200, 0] and image[15, 25].tolist() == [200, 0, 0]


def test_of_two_overlapping_faces_the_larger_is_on_top():
    faces = _target_faces([face(2, 2, 20), face(10, 5, 12, index=1)])
    for order in ("0,1", "1,0"):
        index_map = map_indexes(faces, SOURCE_FACES, order, order)
        result = swap_batch(_blank(), SOURCES, index_map, Painter(), SETTINGS)
        assert result.images[0][10, 15].tolist() == [200, 0, 0]


def test_a_frame_without_a_pair_passes_through():
    faces = _target_faces([], [face(2, 2, 8, frame=1)])
    targets = _blank(2)
    result = swap_batch(targets, SOURCES, map_indexes(faces, SOURCE_FACES), Painter(), SETTINGS)
    assert (result.images[0] == targets[0]).all()
    assert not result.masks[0].any()
    assert (result.images[1] != targets[1]).any()
    assert any("0" in line for line in result.report)


def test_a_mask_limits_where_pixels_change():
    faces = _target_faces([face(2, 2, 8)])
    limit = np.zeros((30, 40), np.float32)
    limit[:, :5] = 1
    targets = _blank()
    result = swap_batch(targets, SOURCES, map_indexes(faces, SOURCE_FACES), Painter(), SETTINGS, limits=[limit])
    assert (result.images[0][:, 5:] == targets[0][:, 5:]).all()
    assert result.images[0][5, 4].tolist() == [200, 0, 0]
    assert result.masks[0][:, 5:].max() == 0


def test_progress_counts_faces_and_can_stop():
    faces = _target_faces([face(2, 2, 8), face(20, 10, 8, index=1)])
    index_map = map_indexes(faces, SOURCE_FACES, "*", "0,1")
    seen = []
    swap_batch(_blank(), SOURCES, index_map, Painter(), SETTINGS, progress=lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]

    def stop(done, total):
        raise CancelledError("stopped")

    targets = _blank()
    with pytest.raises(CancelledError):
        swap_batch(targets, SOURCES, index_map, Painter(), SETTINGS, progress=stop)
    assert (targets[0] == 50).all()


def test_other_pictures_than_the_faces_come_from_are_refused():
    index_map = map_indexes(_target_faces([face(2, 2, 8)]), SOURCE_FACES)
    with pytest.raises(MismatchError, match=r"1 picture\(s\) of 40×30, but 2 picture"):
        swap_batch(_blank(2), SOURCES, index_map, Painter(), SETTINGS)
    with pytest.raises(MismatchError, match="source"):
        swap_batch(_blank(), SOURCES[:1], index_map, Painter(), SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [{"strength": 2.1}, {"strength": -1.1}, {"mask_feather": -0.1}, {"interpolation": "Best"}, {"colour_match": "yes"}],
)
def test_settings_check_themselves(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        SwapSettings(**wrong)


class Finder:
    confidence = 0.5

    def detect(self, frame):
        return [face(1, 1, 8), face(20, 2, 8)][: int(frame[0, 0, 0])]


class NoMesh:
    def fit(self, frame, faces):
        return [None] * len(faces)


def test_detection_numbers_frames_and_faces():
    pictures = [np.full((30, 40, 3), count, np.uint8) for count in (2, 0, 1)]
    found = detect_batch(pictures, Finder())
    assert [[(f.frame, f.index) for f in frame] for frame in found] == [[(0, 0), (0, 1)], [], [(2, 0)]]
    assert found.size == Size(40, 30)


def test_a_face_that_no_mesh_fits_is_left_out_and_told():
    index_map = map_indexes(_target_faces([face(2, 2, 8)]), SOURCE_FACES)
    without = with_meshes(index_map, _blank(), SOURCES, NoMesh())
    assert without.count == 0
    assert without.report[-1] == "frame 0, face 0: no mesh fits the target face, not swapped"
    assert without.others == ((index_map.frames[0][0].target,),)
