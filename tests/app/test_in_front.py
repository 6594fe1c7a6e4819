"""One face in front of another, through every step from pictures to pictures and from clip to clip."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from multifaceswap.models.detectors.facemesh import FaceMesh
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.clip.flow import ClipSettings, Engine, swap_frames
from multifaceswap.pipeline.clip.watching import ClipFrame, Models, Watcher
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.restore import RestoreSettings, restore_batch
from multifaceswap.pipeline.compose.stream import donors_of
from multifaceswap.pipeline.compose.swap import swap_batch
from multifaceswap.pipeline.compose.swap_restore import SwapRestore
from multifaceswap.pipeline.faces.pairing import map_indexes
from multifaceswap.pipeline.geometry import align
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import CropSpec, Donor, FaceSet, Patch, Size
from overlaps import Scene, nearest, overlap, well_inside

SCENES = [
    Scene("astronaut", 0.6, 0, 0.8),
    Scene("astronaut", 0.6, 215, 0.65),
    Scene("astronaut", 0.8, 180, 0.8, mirrored=True),
    Scene("astronaut", 1.4, 180, 0.8, mirrored=True),
    Scene("hopper", 0.6, 30, 0.65),
    Scene("hopper", 0.8, 180, 0.8),
    Scene("hopper", 1.0, 0, 0.65, mirrored=True),
    Scene("hopper", 1.4, 180, 0.8),
]
DEEP = SCENES[6]


class Negative:
    """An engine and a restorer: the negative of a wide square around each face."""

    needs_mesh = fidelity = False
    colour = "none"
    batch = 4

    def place(self, face):
        return align(face, CropSpec(FFHQ_512, 256))

    def prepare(self, frame, face, others=()):
        return Donor(face)

    def swap(self, crops, donors, strength):
        return [Patch(1 - crop.image, np.ones(crop.image.shape[:2], np.float32)) for crop in crops]

    def restore(self, crops, weight):
        return [1 - crop for crop in crops]


@pytest.fixture(scope="module")
def make(pool, astronaut, hopper):
    detector, made = pool.detector("builtin"), {}

    def make(scene):
        if scene not in made:
            made[scene] = overlap({"astronaut": astronaut, "hopper": hopper}, scene, detector)
        return made[scene]

    return make


@pytest.fixture(scope="module")
def donors(session, group):
    return session.order(session.detect([group]), detection_face_order="left-right", limit=1)


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_the_face_in_front_stays_whoever_is_swapped(session, make, group, donors, scene):
    """Face 0 is the one behind, face 1 the one in front."""
    made = make(scene)
    inside = well_inside(made.front, made.picture)

    def swap(index, faces=made.faces):
        return session.swap([made.picture], [group], session.map(faces, donors, index, "0"))

    behind, front, both = swap("0"), swap("1"), swap("0,1")
    alone = swap("0", FaceSet(((made.front,),), made.faces.size))
    np.testing.assert_array_equal(behind.images[0][inside], made.picture[inside])
    assert not behind.masks[0][inside].any()
    assert (behind.masks[0][well_inside(made.behind, made.picture)] > 0.5).mean() > 0.2
    np.testing.assert_array_equal(front.images[0], alone.images[0])
    np.testing.assert_array_equal(both.images[0][inside], front.images[0][inside])
    assert (front.masks[0][inside] > 0.5).mean() > 0.5


def test_a_face_that_the_order_left_out_is_still_in_front(session, make, group, donors):
    made = make(DEEP)
    people = [
        replace(face, gender=gender) for face, gender in zip(made.faces.frames[0], ("female", "male"), strict=True)
    ]
    women = session.order(FaceSet((tuple(people),), made.faces.size), detect_gender="female")
    assert women.count == 1
    result = session.swap([made.picture], [group], session.map(women, donors, "*", "0"))
    inside = well_inside(made.front, made.picture)
    np.testing.assert_array_equal(result.images[0][inside], made.picture[inside])
    assert result.masks[0].max() > 0.9


@pytest.mark.parametrize("meshes", [True, False], ids=["with meshes", "without meshes"])
def test_engines_with_crops_of_any_kind_keep_off(pool, make, meshes):
    """Faces of a detector without meshes get the outlines of the mesh where they overlap."""
    made = make(DEEP)
    faces = tuple(face if meshes else replace(face, mesh=None) for face in made.faces.frames[0])
    found = FaceSet((faces[:1],), made.faces.size, others=(faces[1:],))
    inside = well_inside(made.front, made.picture)
    engine = Negative()
    index_map = map_indexes(found, found)
    settings = SwapSettings()
    boost = SwapRestore(engine, RestoreSettings(colour_correct=False))
    for restore in ((), (boost,)):
        result = swap_batch(
            [made.picture],
            [made.picture],
            index_map,
            engine,
            settings,
            stages=restore,
            mesher=pool.mesher(),
        )
        np.testing.assert_array_equal(result.images[0][inside], made.picture[inside])
        assert not result.masks[0][inside].any() and result.masks[0].max() > 0.9
        assert result.faces.others == (faces[1:],)
    restored = restore_batch([made.picture], found, engine, RestoreSettings(), mesher=pool.mesher())
    np.testing.assert_array_equal(restored.images[0][inside], made.picture[inside])
    assert restored.masks[0].max() > 0.9


def test_without_a_mesher_the_ellipse_in_the_box_stays(make):
    made = make(DEEP)
    faces = tuple(replace(face, mesh=None) for face in made.faces.frames[0])
    found = FaceSet((faces[:1],), made.faces.size, others=(faces[1:],))
    image = restore_batch([made.picture], found, Negative(), RestoreSettings()).images[0]
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    left, top, right, bottom = made.front.box
    away = ((2 * columns - left - right) / (right - left)) ** 2 + ((2 * rows - top - bottom) / (bottom - top)) ** 2
    np.testing.assert_array_equal(image[away < 0.9], made.picture[away < 0.9])


def test_nothing_is_looked_at_where_no_faces_overlap(session, make, group, donors, monkeypatch):
    looked = []
    agreement = FaceMesh.agreement

    def counted(self, crops):
        looked.append(len(crops))
        return agreement(self, crops)

    monkeypatch.setattr(FaceMesh, "agreement", counted)
    faces = session.detect([group])
    session.swap([group], [group], session.map(faces, donors, "0", "0"))
    assert looked == []
    made = make(DEEP)
    session.swap([made.picture], [group], session.map(made.faces, donors, "0", "0"))
    assert looked == [2, 2]


def test_a_face_that_was_found_twice_is_not_in_front_of_itself(session, astronaut, group, donors):
    (face,) = session.detect([astronaut]).frames[0]
    twin = replace(face, box=face.box + 3, landmarks=face.landmarks + 2, mesh=face.mesh + 2, score=1.0)
    once, twice = (
        session.swap([astronaut], [group], session.map(FaceSet((faces,), Size(512, 512)), donors, "0", "0"))
        for faces in ((face,), (face, twin))
    )
    np.testing.assert_array_equal(once.images[0], twice.images[0])


@pytest.mark.slow
def test_the_face_in_front_stays_through_a_clip(pool, make, group, donors):
    """The head in front drifts by half a pixel a frame. Numbered from the right, the one behind is first."""
    made = make(SCENES[2])
    frames = [np.ascontiguousarray(made.picture[number // 2 :][:560]) for number in range(12)]
    swapper = pool.swapper("mesh")
    mesher, detector = pool.mesher(), pool.detector("builtin")
    rules = AssignmentRules("0", "0", detection_face_order="right-left")
    watcher = Watcher(Models(detector, mesher, depth_mesher=mesher), Assignment(rules, donors))
    engine = Engine(donors_of([group], swapper), swapper, SwapSettings(), mesher=mesher)
    clip = (ClipFrame(number, number / 25, frame.copy()) for number, frame in enumerate(frames))
    done = list(swap_frames(clip, watcher, engine, ClipSettings(), masks=True))
    assert len(done) == 12
    for one, frame in zip(done, frames, strict=True):
        front = nearest(detector.detect(frame), _middle(made.front) - (0, one.frame.number // 2))
        inside = well_inside(front, frame, 0.9)
        np.testing.assert_array_equal(one.frame.picture[inside], frame[inside])
        assert one.mask is not None and one.mask.max() > 0.9
    changed = [float(one.mask.sum()) for one in done]
    assert all(abs(a / b - 1) < 0.05 for a, b in pairwise(changed))


def _middle(face):
    return (face.box[:2] + face.box[2:]) / 2
