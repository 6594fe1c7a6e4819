"""FairFace on a graph of the published inputs, outputs and types, and InsightFace's ages."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import recipe
import standins
import standins_points
from multifaceswap import Session, open_model
from multifaceswap.models.attributes.fairface import AGES, FairFace
from multifaceswap.pipeline.errors import DamagedModelError
from multifaceswap.pipeline.templates import ARCFACE_112
from multifaceswap.pipeline.types import AgeRange, Face

LANDMARKS = ARCFACE_112 * 224 + np.array([30, 20])
"""In a picture these lie as they do in the network's crop, 30 pixels further right and 20 further down."""
BESIDE = LANDMARKS + np.array([320, 0])
"""The same in a picture to the right of it."""


@pytest.fixture
def model(tmp_path):
    standins_points.fairface(tmp_path / "facefusion/fairface.onnx")
    return open_model("attributes", "fairface", folders=[tmp_path])


def face(landmarks=LANDMARKS):
    return Face(np.array([60, 60, 220, 240]), landmarks, 1.0)


def painted(red, green):
    """A picture whose crop alone has colour: beside it all is white."""
    picture = np.ones((300, 320, 3), np.float32)
    picture[20:244, 30:254] = red, green, 0
    return picture


def test_no_faces_no_answers(model):
    assert model.guess(np.zeros((9, 9, 3), np.uint8), []) == []


@pytest.mark.parametrize(
    ("green", "age"),
    [
        (0, "0-2"),
        (0.15, "3-9"),
        (0.3, "10-19"),
        (0.4, "20-29"),
        (0.5, "30-39"),
        (0.6, "40-49"),
        (0.7, "50-59"),
        (0.8, "60-69"),
        (0.95, "70+"),
    ],
)
def test_ages_are_the_nine_ranges(model, green, age):
    (guess,) = model.guess(painted(0, green), [face()])
    assert str(guess.age) == age and guess.gender == "male"


def test_one_is_female_and_every_face_is_looked_at(model):
    picture = np.concatenate([painted(0.8, 0.2), painted(0.2, 0.95)], 1)
    guesses = model.guess(picture, [face(), face(BESIDE)])
    assert [(one.gender, str(one.age)) for one in guesses] == [("female", "3-9"), ("male", "70+")]
    assert model.genders(picture, [face()]) == ["female"]


def test_graphs_with_a_free_batch_axis_give_the_same(tmp_path):
    standins_points.fairface(tmp_path / "fairface.onnx", rows="batch")
    picture = np.concatenate([painted(0.8, 0.2), painted(0.2, 0.95)], 1)
    guesses = open_model("attributes", "fairface", folders=[tmp_path]).guess(picture, [face(), face(BESIDE)])
    assert [(one.gender, str(one.age)) for one in guesses] == [("female", "3-9"), ("male", "70+")]


def test_the_crop_is_arcfaces_in_imagenets_colours():
    """The crop is OpenCV's warp by a turn and scale that are known."""

    class Session:
        def input_shapes(self):
            return {"input": [1, 3, 224, 224]}

        def run_batched(self, feeds, wanted, *, names, whole):
            self.fed, self.names = feeds["input"], names
            assert wanted == [(), ()] and whole
            return [np.zeros(1, np.float32)] * 2

    picture = np.random.RandomState(1).uniform(0, 1, (200, 200, 3)).astype(np.float32)
    picture = cv2.GaussianBlur(picture, (0, 0), 3)
    turn, scale, shift = np.radians(20), 0.5, np.array([50.0, 20.0])
    spin = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    # The projects take a detector's numbers as counted from pixel middles.
    landmarks = (ARCFACE_112 * 224) @ spin.T + shift
    session = Session()
    FairFace(session).guess(picture, [face(landmarks)])
    way_back = np.hstack([spin, shift[:, None]]).astype(np.float64)
    crop = cv2.warpAffine(picture, way_back, (224, 224), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    wanted = (crop - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    np.testing.assert_allclose(session.fed[0].transpose(1, 2, 0), wanted, atol=0.02)
    assert session.names == ("gender_id", "age_id")


@pytest.mark.parametrize("beyond", [9, -1])
def test_numbers_that_name_nothing_are_another_networks(tmp_path, beyond):
    standins_points.fairface(tmp_path / "fairface.onnx", beyond=beyond)
    model = open_model("attributes", "fairface", folders=[tmp_path])
    with pytest.raises(DamagedModelError, match=rf"expected numbers from 0 to 8, got \[{beyond}\]\."):
        model.guess(painted(0, 0), [face()])


def test_other_networks_are_refused(tmp_path):
    standins.pooled(tmp_path / "fairface.onnx", size=224, numbers=9)
    with pytest.raises(DamagedModelError, match=r"fairface: expected one that gives \?, \?, \?, this one gives \?×9"):
        open_model("attributes", "fairface", folders=[tmp_path])
    standins_points.fairface(tmp_path / "fairface.onnx", names=("a", "b", "c"))
    with pytest.raises(DamagedModelError, match="expected outputs gender_id, age_id, this one gives a, b, c"):
        open_model("attributes", "fairface", folders=[tmp_path])


def test_outputs_that_are_no_whole_numbers_are_refused(tmp_path):
    """InsightFace's network gives floats: a table of that name isn't read as numbers."""
    standins.pooled(tmp_path / "genderage.onnx", size=96, numbers=3, name="data", output="fc1")
    session = open_model("attributes", "genderage", folders=[tmp_path]).sessions[0]
    with pytest.raises(DamagedModelError, match="expected it to give whole numbers, got float32"):
        session.run({"data": np.zeros((1, 3, 96, 96), np.float32)}, [(1, 3)], whole=True)


def test_insightfaces_ages_are_a_hundred_times_its_third_number(tmp_path):
    vectors = recipe.vectors("standin_faces")
    file = tmp_path / "insightface/models/buffalo_l/genderage.onnx"
    standins.pooled(
        file, size=96, numbers=3, name="data", output="fc1", seed=22, scale=0.2, bias=(0, 0, 0.3), normalise=True
    )
    faces = [Face(vectors[f"face{i}.bbox"], vectors[f"face{i}.kps"], 1.0) for i in range(3)]
    guesses = open_model("attributes", "genderage", folders=[tmp_path]).guess(vectors["image_bgr_u8"][..., ::-1], faces)
    assert [one.age.low for one in guesses] == [int(vectors[f"face{i}.age"]) for i in range(3)]
    assert all(one.age.low == one.age.high for one in guesses)


def test_ages_beyond_all_bounds_stay_within_them(tmp_path):
    for bias, years in (-3, 0), (9, 120):
        standins.pooled(tmp_path / "genderage.onnx", size=96, numbers=3, name="data", scale=0, bias=(0, 1, bias))
        model = Session([tmp_path], "cpu").models.attributes("genderage")
        (guess,) = model.guess(np.zeros((200, 200, 3), np.uint8), [face()])
        assert guess == ("male", AgeRange(years, years))


def test_the_ranges_leave_no_gap():
    assert [one.low for one in AGES[1:]] == [one.high + 1 for one in AGES[:-1]]
