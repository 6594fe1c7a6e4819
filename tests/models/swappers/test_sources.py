"""What neural swappers take of a donor whom several pictures show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from multifaceswap.models.swappers.sources import IdentitySource, PictureSource
from multifaceswap.pipeline import templates
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.pipeline.types import Crop, Embedding, Face, View

SIDE = 64
FRONTAL = np.array([[20, 24], [44, 24], [32, 36], [23, 48], [41, 48]], np.float32)
TURNED = FRONTAL + np.array([[0, 0], [0, 0], [9, 0], [2, 0], [2, 0]], np.float32)


def face(landmarks=FRONTAL, vector=None, model="w600k_r50", pictured=True):
    embedding = None if vector is None else Embedding(np.asarray(vector, np.float32), model)
    return Face(np.array([10, 10, 54, 60]), landmarks, 1.0, embedding=embedding, pictured=pictured)


def picture(level):
    return np.full((SIDE, SIDE, 3), level, np.uint8)


def unit(*places):
    """(512,) of these entries, the others 0."""
    vector = np.zeros(512, np.float32)
    vector[: len(places)] = places
    return vector


class Measuring:
    """Gives every picture the identity whose number its pixels are."""

    name = "w600k_r50"
    sessions = ()

    def __init__(self):
        self.measured = 0

    def embed(self, frame, faces):
        self.measured += 1
        return [Embedding(np.eye(512, dtype=np.float32)[int(frame[0, 0, 0])] * 3, self.name)]


def identity_of(*views, **options):
    embedder = Measuring()
    (first, *others) = [View(picture(level), one) for level, one in views]
    source = IdentitySource(None, embedder, "as it is", **options)
    return source.prepare(*first, others).embedding, embedder.measured


def test_the_mean_and_the_median_of_directions():
    views = [(0, face(vector=unit(1))), (0, face(vector=unit(2))), (0, face(vector=unit(0, 6)))]
    mean, _ = identity_of(*views)
    median, _ = identity_of(*views, average="median")
    assert mean[:2] == pytest.approx(3 * np.array([2, 1]) / 5**0.5)
    assert median[:2] == pytest.approx([3, 0])


def test_views_without_an_identity_of_the_model_are_measured_and_unpictured_ones_left_out():
    views = [
        (5, face()),
        (0, face(vector=unit(3))),
        (0, face(vector=unit(0, 0, 9), model="dlib128", pictured=False)),
    ]
    vector, measured = identity_of(*views)
    assert measured == 1
    assert np.flatnonzero(vector).tolist() == [0, 5] and vector[0] == pytest.approx(vector[5])


def test_a_saved_face_without_the_models_identity_and_without_pictures_is_refused():
    with pytest.raises(SettingsError, match="no identity of w600k_r50, which this engine takes, and no picture"):
        identity_of((0, face(vector=unit(1), model="dlib128", pictured=False)))


@pytest.fixture
def pictures():
    return PictureSource(templates.arcface(SIDE))


def fed(source, donor, target):
    return float(source.feed([Crop(picture(0).astype(np.float32), np.eye(2, 3), target)], [donor], 1.0).max())


def test_of_pictures_the_nearest_view_is_fed(pictures):
    donor = pictures.prepare(picture(51), face(), [View(picture(204), face(TURNED))])
    assert fed(pictures, donor, face()) == pytest.approx(0.2, abs=0.01)
    assert fed(pictures, donor, face(TURNED)) == pytest.approx(0.8, abs=0.01)


def test_given_shares_say_which_view_is_fed(pictures):
    donor = pictures.prepare(picture(51), face(), [View(picture(204), face(TURNED))])
    assert fed(pictures, donor._replace(shares=(0.4, 0.6)), face()) == pytest.approx(0.8, abs=0.01)
    assert fed(pictures, donor._replace(shares=(0.6, 0.4)), face(TURNED)) == pytest.approx(0.2, abs=0.01)


def test_views_without_pictures_are_left_out_of_pictures(pictures):
    saved = replace(face(), pictured=False)
    donor = pictures.prepare(picture(0), saved, [View(picture(204), face())])
    assert not donor.others and fed(pictures, donor, face()) == pytest.approx(0.8, abs=0.01)
    with pytest.raises(SettingsError, match="saved without a picture, which this engine needs"):
        pictures.prepare(picture(0), saved)
