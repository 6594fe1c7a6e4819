"""HRFFA and 2DFAN4 on graphs of the published inputs, outputs and types, which measure spots of colour."""

from __future__ import annotations

import logging

import cv2
import numpy as np
import pytest
import standins
import standins_points
from multifaceswap import open_model
from multifaceswap.models.landmarkers import fan, hrffa
from multifaceswap.models.runtime.onnx_file import read_first_step
from multifaceswap.pipeline.errors import DamagedModelError
from multifaceswap.pipeline.geometry import transform_points
from multifaceswap.pipeline.types import Face

FILES = {
    "hrffa_vitt": "hrffa_vitt_ibug68_1x3x256x256.onnx",
    "hrffa_hg0": "hrffa_hg0_ibug68_1x3x256x256.onnx",
    "2dfan4": "2dfan4.onnx",
}
UPRIGHT = np.array([(265, 255), (335, 252), (302, 300), (272, 341), (330, 340)], float) + 0.5
"""In a picture of 600 × 600, around its middle."""
RIGHT = np.array([600, 0])
ANGLES = [0, 35, 90, 180, -120]


def turned(points, degrees):
    """Around the middle of the picture."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points - 300) @ np.array([[cos, sin], [-sin, cos]]) + 300


def face(points, box=(220, 210, 380, 390)):
    return Face(np.array(box), points, 0.9)


@pytest.fixture
def folder(tmp_path):
    standins_points.hrffa(tmp_path / "facedetection" / FILES["hrffa_vitt"])
    standins_points.hrffa(tmp_path / "facedetection" / FILES["hrffa_hg0"])
    standins_points.fan4(tmp_path / "facefusion" / FILES["2dfan4"])
    return tmp_path


def measured(folder, name, picture, *faces):
    return open_model("landmarker", name, folders=[folder]).measure(picture, faces)


@pytest.mark.parametrize("name", FILES)
def test_no_faces_no_answers(folder, name):
    assert measured(folder, name, np.zeros((9, 9, 3), np.uint8)) == []


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("name", FILES)
def test_five_landmarks_come_of_68_points_at_any_angle(folder, name, degrees):
    """The detector's landmarks are roughly right: each is some pixels off."""
    points = turned(UPRIGHT, degrees)
    rough = points + np.array([(3, -2), (-3, 4), (0, 5), (2, 2), (-4, 0)])
    (found,) = measured(folder, name, standins_points.draw(points, (600, 600)), face(rough))
    np.testing.assert_allclose(found, points, atol=0.1)


@pytest.mark.parametrize("name", FILES)
def test_an_upside_down_face_that_a_detector_takes_for_upright_is_measured_right(folder, name):
    points = turned(UPRIGHT, 180)
    (found,) = measured(folder, name, standins_points.draw(points, (600, 600)), face(UPRIGHT))
    np.testing.assert_allclose(found, points, atol=0.1)


@pytest.mark.parametrize("name", FILES)
def test_what_isn_t_seen_gives_nothing(folder, name):
    blank = np.full((600, 600, 3), standins_points.GREY, np.float32)
    other = standins_points.draw(UPRIGHT, (600, 600))[..., ::-1]  # red and blue exchanged: another face to the graph
    assert measured(folder, name, blank, face(UPRIGHT)) == [None]
    if name == "2dfan4":
        (found,) = measured(folder, name, other, face(UPRIGHT))
        assert found is None or np.abs(found - UPRIGHT).max() > 50
    else:
        (found,) = measured(folder, name, other, face(UPRIGHT))
        assert np.abs(found - UPRIGHT).max() > 50


@pytest.mark.parametrize("rows", [1, "N"])
def test_several_faces_are_each_measured(tmp_path, rows):
    standins_points.hrffa(tmp_path / FILES["hrffa_vitt"], rows=rows)
    picture = np.full((600, 1200, 3), standins_points.GREY, np.float32)
    picture[:, :600] = standins_points.draw(UPRIGHT, (600, 600))
    other = turned(UPRIGHT, 180)
    picture[:, 600:] = standins_points.draw(other, (600, 600))
    faces = [
        face(UPRIGHT),
        face(other + RIGHT, (820, 210, 980, 390)),
        face(UPRIGHT + RIGHT / 2, (520, 210, 680, 390)),
    ]
    one, two, nobody = measured(tmp_path, "hrffa_vitt", picture, *faces)
    np.testing.assert_allclose(one, UPRIGHT, atol=0.1)
    np.testing.assert_allclose(two, other + RIGHT, atol=0.1)
    assert nobody is None


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_pictures_of_whole_numbers_are_measured_alike(folder, kind):
    picture = standins_points.draw(UPRIGHT, (600, 600))
    (found,) = measured(folder, "hrffa_vitt", (picture * np.iinfo(kind).max).astype(kind), face(UPRIGHT))
    np.testing.assert_allclose(found, UPRIGHT, atol=0.1)


# Crops


def test_heads_squares_are_axis_parallel_and_raised():
    matrix, size = hrffa.place(face(UPRIGHT, (200, 200, 300, 360)))
    assert size == (256, 256)
    # 1.5 × 160 around (250, 280), raised by 0.08 × 160, or nearly so: the rough face is not quite upright.
    corners = transform_points(matrix, [(250 - 120, 280 - 12.8 - 120), (250 + 120, 280 - 12.8 + 120)])
    np.testing.assert_allclose(corners, [(0, 0), (256, 256)], atol=1)
    assert matrix[0, 1] == matrix[1, 0] == 0


@pytest.mark.parametrize(("degrees", "raised"), [(0, (0, -12.8)), (180, (0, 12.8)), (90, (8, 0)), (-90, (-8, 0))])
def test_heads_squares_are_raised_to_where_the_forehead_is(degrees, raised):
    level = np.array([(270, 260), (330, 260), (300, 300), (280, 340), (320, 340)], float)
    matrix, _ = hrffa.place(face(turned(level, degrees), (250, 220, 350, 380)))
    middle = transform_points(matrix, [np.add((300, 300), raised)])
    np.testing.assert_allclose(middle, [(128, 128)], atol=1e-6)


def test_landmarks_in_one_place_raise_the_square_upwards():
    matrix, _ = hrffa.place(face(np.full((5, 2), 300.0), (250, 220, 350, 380)))
    np.testing.assert_allclose(transform_points(matrix, [(300, 300 - 12.8)]), [(128, 128)], atol=1e-6)


@pytest.mark.parametrize("degrees", ANGLES)
def test_fans_squares_are_turned_upright_195_pixels_a_face(degrees):
    points = turned(UPRIGHT, degrees)
    matrix, size = fan.place(face(points, (240, 200, 340, 395)))
    eyes = transform_points(matrix, points[:2])
    assert size == (256, 256) and eyes[0, 1] == pytest.approx(eyes[1, 1]) and eyes[0, 0] < eyes[1, 0]
    assert np.hypot(*matrix[0, :2]) == pytest.approx(195 / 195)
    np.testing.assert_allclose(transform_points(matrix, [(290, 297.5)]), [(128, 128)], atol=1e-6)


def test_fans_quarter_turns_are_of_the_upright_crop():
    points = transform_points(fan.place(face(UPRIGHT))[0], UPRIGHT)
    for turn, (sideways, wanted) in enumerate([((1, 0), 0), ((0, -1), 1), ((-1, 0), 2), ((0, 1), 3)]):
        seen = transform_points(fan.place(face(UPRIGHT), turn)[0], UPRIGHT)
        across = (seen[1] - seen[0]) / np.hypot(*(points[1] - points[0]))
        np.testing.assert_allclose(across, sideways, atol=1e-6, err_msg=str(wanted))


# Scores


def test_visibility_is_the_mean_share_of_the_last_state():
    logits = np.zeros((2, 68, 3), np.float32)
    logits[1, :34, 2] = 1000
    np.testing.assert_allclose(hrffa.visibility(logits), [1 / 3, (1 + 1 / 3) / 2], atol=1e-6)


def test_heat_is_the_mean_of_maxima_over_nine_tenths():
    heat = np.zeros((68, 64, 64), np.float32)
    heat[:34, 3, 5] = 0.9
    assert fan.score(heat) == pytest.approx(0.5)
    assert fan.score(heat + 1) == 1


@pytest.mark.parametrize(("heat", "sure"), [(0.46, True), (0.44, False)])
def test_low_heat_leaves_the_detectors_landmarks(tmp_path, heat, sure):
    standins_points.fan4(tmp_path / FILES["2dfan4"], heat=heat)
    picture = standins_points.draw(UPRIGHT, (600, 600), radius=12)
    (found,) = measured(tmp_path, "2dfan4", picture, face(UPRIGHT))
    assert (found is not None) == sure


# Colours


def test_bright_crops_are_fed_as_they_are():
    crop = np.full((256, 256, 3), 0.4, np.float32)
    assert fan.lightened(crop) is crop


def test_dark_crops_have_their_contrast_raised():
    crop = np.random.RandomState(2).uniform(0, 0.1, (256, 256, 3)).astype(np.float32)
    lab = cv2.cvtColor((crop * 255 + 0.5).astype(np.uint8), cv2.COLOR_RGB2LAB)
    assert lab[..., 0].mean() < 30
    lab[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(lab[..., 0].copy())
    np.testing.assert_allclose(fan.lightened(crop), cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) / 255, atol=1e-6)
    assert fan.lightened(crop).std() > 1.3 * crop.std()


@pytest.mark.parametrize(("inside", "first"), [("", "Conv"), ("unit", "Sub"), ("bytes", "Mul"), ("constant", "Sub")])
def test_graphs_that_normalise_by_themselves_are_fed_plain_colours(tmp_path, inside, first):
    """Fed as the others, they would see nothing: their spots would have other colours."""
    standins_points.hrffa(tmp_path / FILES["hrffa_hg0"], inside=inside)
    assert read_first_step(tmp_path / FILES["hrffa_hg0"]).operator == first
    (found,) = measured(tmp_path, "hrffa_hg0", standins_points.draw(UPRIGHT, (600, 600)), face(UPRIGHT))
    np.testing.assert_allclose(found, UPRIGHT, atol=0.1)


def test_the_first_step_is_read_with_its_constants(tmp_path):
    for inside, largest in (("unit", 0.5), ("bytes", 1 / 127.5), ("constant", 0.5)):
        step = read_first_step(standins_points.hrffa(tmp_path / "a.onnx", inside=inside))
        assert step.largest == pytest.approx(largest)


# Other files


@pytest.mark.parametrize("name", FILES)
def test_other_networks_are_refused(tmp_path, name):
    standins.pooled(tmp_path / FILES[name], size=112)
    with pytest.raises(DamagedModelError, match=rf"holds another network than {name}: expected one that takes"):
        open_model("landmarker", name, folders=[tmp_path])


def test_networks_of_other_points_are_refused(tmp_path):
    standins_points.hrffa(tmp_path / FILES["hrffa_vitt"], points=67)
    with pytest.raises(DamagedModelError, match=r"gives \?×68×2, \?×68×3, this one gives 1×67×2, 1×67×3"):
        open_model("landmarker", "hrffa_vitt", folders=[tmp_path])


def test_each_landmarker_is_refused_under_the_others_name(tmp_path):
    standins_points.fan4(tmp_path / FILES["hrffa_vitt"])
    standins_points.hrffa(tmp_path / FILES["2dfan4"])
    for name in ("hrffa_vitt", "2dfan4"):
        with pytest.raises(DamagedModelError, match="holds another network"):
            open_model("landmarker", name, folders=[tmp_path])


def test_files_that_arent_the_published_ones_are_noted(folder, caplog):
    with caplog.at_level(logging.WARNING):
        open_model("landmarker", "2dfan4", folders=[folder])
    assert "2dfan4.onnx is not the published file, but used" in caplog.text
