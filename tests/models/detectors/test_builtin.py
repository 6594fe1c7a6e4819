"""The built-in detector on the shipped pictures: what is found, where, and what is not taken for a face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest


def _detect(pool, picture, **options):
    return pool.open("detector", "builtin", **options).detect(picture)


def _middle(face):
    return (face.box[:2] + face.box[2:]) / 2


def test_one_face_each(pool, astronaut, hopper):
    for picture, box in ((astronaut, (178, 69, 274, 177)), (hopper, (170, 132, 357, 334))):
        (face,) = _detect(pool, picture)
        assert np.abs(face.box - box).max() < 6
        assert face.score > 0.8
        assert face.mesh.shape == (468, 3)
        left, right, nose, mouth_left, mouth_right = face.landmarks
        assert left[0] < nose[0] < right[0]
        assert mouth_left[0] < mouth_right[0]
        assert left[1] < nose[1] < mouth_left[1]


def test_all_of_a_group_with_their_tilt(pool, group):
    faces = sorted(_detect(pool, group), key=lambda face: face.box[0])
    assert len(faces) == 4
    tilts = [np.degrees(np.arctan2(*(f.landmarks[1] - f.landmarks[0])[::-1])) for f in faces]
    assert tilts[0] == pytest.approx(0, abs=5)
    assert tilts[2] == pytest.approx(tilts[0] - 14, abs=3)


def test_no_face_in_a_picture_without_one(pool):
    noise = np.random.default_rng(0).integers(0, 256, (400, 600, 3), np.uint8)
    assert _detect(pool, noise) == []
    assert _detect(pool, np.zeros((300, 300, 3), np.float32)) == []


@pytest.mark.slow
def test_faces_of_sixteen_pixels_in_a_4k_picture(pool, astronaut, hopper):
    picture = np.full((2160, 3840, 3), 115, np.uint8)
    places = [(300, 200), (1800, 1000), (3500, 1900), (2500, 300)]
    for number, (x, y) in enumerate(places):
        portrait, width = ((astronaut, 96), (hopper, 187))[number % 2]
        factor = 18 / width
        small = cv2.resize(portrait, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    faces = _detect(pool, picture)
    assert len(faces) == 4
    assert all(max(face.box[2:] - face.box[:2]) < 26 for face in faces)
    assert _detect(pool, picture, tiles=False) == []
    assert _detect(pool, picture, min_size=40) == []


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_turned_faces_are_found_turned(pool, astronaut, quarter):
    (upright,) = _detect(pool, astronaut)
    turned = np.rot90(astronaut, quarter)
    (face,) = _detect(pool, turned, turns=True)
    x, y = upright.landmarks.T
    for _ in range(quarter):
        x, y = y, 512 - x
    assert np.abs(face.landmarks - np.stack([x, y], 1)).max() < 4


def test_a_face_that_leaves_the_picture(pool, hopper):
    (face,) = _detect(pool, hopper[:, 230:])
    assert face.box[0] < 0
    assert _middle(face)[1] == pytest.approx(233, abs=8)


def test_pictures_of_every_kind_give_the_same_face(pool, hopper):
    (face,) = _detect(pool, hopper)
    grey = cv2.cvtColor(hopper, cv2.COLOR_RGB2GRAY)
    kinds = [
        hopper.astype(np.uint16) * 257,
        (hopper / 255).astype(np.float32),
        np.dstack([hopper, np.zeros_like(grey)]),
        grey[..., None],
    ]
    for picture in kinds:
        (same,) = _detect(pool, picture)
        assert np.abs(same.landmarks - face.landmarks).max() < 3


def test_confidence_can_be_set_later(pool, astronaut):
    detector = pool.open("detector", "builtin", confidence=0.5)
    before = detector.confidence
    detector.confidence = 0.999
    try:
        assert detector.detect(astronaut) == []
    finally:
        detector.confidence = before


def test_faces_inside_given_boxes(pool, group):
    detector = pool.open("detector", "builtin")
    found = sorted(detector.detect(group), key=lambda face: face.box[0])
    rough = [face.box + np.array([-12, 8, 15, -6], np.float32) for face in found]
    located = detector.locate(group, [*rough, np.array([0, 0, 40, 40], np.float32)])
    assert located[-1] is None
    for face, expected in zip(located, found, strict=False):
        assert np.abs(face.landmarks - expected.landmarks).max() < 4


def test_identity_tells_the_two_people_apart(pool, astronaut, hopper, group):
    embedder = pool.open("embedder", "dlib128")
    collins, hoppers = (embedder.embed(p, _detect(pool, p))[0].vector for p in (astronaut, hopper))
    faces = sorted(_detect(pool, group), key=lambda face: face.box[0])
    assert collins.shape == (128,)
    assert np.linalg.norm(collins - hoppers) > embedder.same_person
    for embedding, same, other in zip(
        embedder.embed(group, faces), (hoppers, collins) * 2, (collins, hoppers) * 2, strict=True
    ):
        assert np.linalg.norm(embedding.vector - same) < 0.45 < np.linalg.norm(embedding.vector - other)
        assert embedding.model == "dlib128"


def test_gender_and_identity_without_a_mesh_are_near_those_with_one(pool, astronaut):
    from dataclasses import replace

    (face,) = _detect(pool, astronaut)
    embedder, attributes = pool.open("embedder", "dlib128"), pool.open("attributes", "dlib_gender")
    with_mesh, without = embedder.embed(astronaut, [face, replace(face, mesh=None)])
    assert np.linalg.norm(with_mesh.vector - without.vector) < 0.2
    assert attributes.genders(astronaut, [face, replace(face, mesh=None)]) == ["female", "female"]
    assert embedder.embed(astronaut, []) == attributes.genders(astronaut, []) == []
