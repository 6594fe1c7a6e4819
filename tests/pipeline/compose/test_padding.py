from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.padding import padded
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.pipeline.padding import Padding, parse_padding
from multifaceswap.pipeline.templates import ARCFACE_128
from multifaceswap.pipeline.types import Crop, Face, Patch

SIDE = 200


def crop(turn=0.0):
    """A crop of a face turned by so many degrees around its middle."""
    angle = np.radians(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = ((ARCFACE_128 - 0.5) * 100 @ rotation.T + SIDE / 2).astype(np.float32)
    face = Face((*landmarks.min(0), *landmarks.max(0)), landmarks, 1.0)
    return Crop(np.zeros((SIDE, SIDE, 3), np.float32), np.array([[1.0, 0, 0], [0, 1.0, 0]]), face)


def patch(size=SIDE):
    """Its mask is a disc, half as wide as the crop."""
    y, x = np.mgrid[:size, :size] + 0.5
    mask = (np.hypot(x - size / 2, y - size / 2) < size / 4).astype(np.float32)
    return Patch(np.zeros((size, size, 3), np.float32), mask)


@pytest.mark.parametrize(
    ("text", "padding"),
    [
        ("", (0, 0, 0, 0)),
        ("0", (0, 0, 0, 0)),
        ("10", (10,) * 4),
        (" 1, 2.5 ,3,4", (1, 2.5, 3, 4)),
        ("90,0,0,90", (90, 0, 0, 90)),
    ],
)
def test_one_number_or_four_are_read(text, padding):
    assert parse_padding(text) == Padding(*padding)


@pytest.mark.parametrize(
    "text", ["1,2", "1,2,3", "1,2,3,4,5", "a", "10%", "1,,2,3", "-1", "91", "inf", "nan", "46", "50,0,41,0"]
)
def test_anything_else_is_refused_and_shown(text):
    with pytest.raises(SettingsError, match=rf"got '{text}'"):
        parse_padding(text)


@pytest.mark.parametrize("size", [SIDE, 64, 400])
@pytest.mark.parametrize(
    ("side", "rows", "columns"),
    [(0, (0.25, 0.35), None), (1, None, (0.65, 0.75)), (2, (0.65, 0.75), None), (3, None, (0.25, 0.35))],
)
def test_each_number_takes_off_its_own_side_of_the_face(size, side, rows, columns):
    padding = Padding(*(20 if number == side else 0 for number in range(4)))
    (bound,) = padded(patch(size), crop(), padding).bounds
    off = np.argwhere((bound == 0) & (patch(size).mask > 0)) / size
    for axis, expected in ((0, rows), (1, columns)):
        if expected is not None:
            assert off[:, axis].min() == pytest.approx(expected[0], abs=0.025)
            assert off[:, axis].max() == pytest.approx(expected[1], abs=0.025)
    assert {*np.unique(bound)} == {0, 1}


@pytest.mark.parametrize("turn", [30, 90, 180, 250])
def test_sides_turn_with_the_face(turn):
    (bound,) = padded(patch(), crop(turn), Padding(top=20)).bounds
    off = np.argwhere((bound == 0) & (patch().mask > 0))[:, ::-1] + 0.5 - SIDE / 2
    middle = off.mean(0) / np.linalg.norm(off.mean(0))
    angle = np.radians(turn)
    assert middle @ (np.sin(angle), -np.cos(angle)) > 0.99


@pytest.mark.parametrize(
    ("made", "padding"), [(patch(), Padding()), (patch()._replace(mask=np.zeros((9, 9), np.float32)), Padding(10))]
)
def test_nothing_to_take_off_changes_nothing(made, padding):
    assert padded(made, crop(), padding) is made
