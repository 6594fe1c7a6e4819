from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest
from multifaceswap.hosted.segmind.settings import SETTINGS, SegmindSettings
from multifaceswap.pipeline.errors import IndexListError, SettingsError
from multifaceswap.pipeline.faces.ordering import GENDERS, ORDERS
from multifaceswap.pipeline.geometry import INTERPOLATIONS


def test_table_and_values_have_the_same_names_in_the_same_order():
    assert [field.name for field in fields(SegmindSettings)] == list(SETTINGS)
    assert SegmindSettings().values() == {name: setting.default for name, setting in SETTINGS.items()}


def test_names_mean_the_same_as_on_this_machine():
    assert set(SETTINGS["detection_face_order"].choices) <= set(ORDERS)
    assert set(SETTINGS["detect_gender_input"].choices) == set(GENDERS)
    assert set(SETTINGS["interpolation"].choices) == set(INTERPOLATIONS)


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.kind == "choice"])
def test_choices_are_accepted_and_others_are_not(name):
    for choice in SETTINGS[name].choices:
        assert getattr(SegmindSettings(**{name: choice}), name) == choice
    for other in ("", "NO", None, 1, True):
        with pytest.raises(SettingsError, match=f"^{name}: expected one of {SETTINGS[name].choices[0]}, "):
            SegmindSettings(**{name: other})


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("face_restore_weight", [0, 1, 0.5, 1.0], [-0.01, 1.01, float("nan"), float("inf"), "0.5", None, True]),
        ("image_quality", [10, 100], [9, 101, 50.0, "50", None, True]),
        ("base64", [True, False], [0, 1, "yes", None]),
    ],
)
def test_numbers_and_switches_keep_their_ranges(name, good, bad):
    for value in good:
        assert getattr(SegmindSettings(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(SettingsError, match=f"^{name}: expected "):
            SegmindSettings(**{name: value})


@pytest.mark.parametrize("name", ["input_faces_index", "source_faces_index"])
@pytest.mark.parametrize(
    ("text", "sent"), [("0", "0"), ("0,1,2", "0,1,2"), (" 2 , 0 ", "2,0"), ("007", "7"), ("1,1", "1,1")]
)
def test_index_lists_are_sent_without_spaces(name, text, sent):
    assert getattr(SegmindSettings(**{name: text}), name) == sent


@pytest.mark.parametrize(
    ("text", "position"),
    [("", 0), ("a", 0), ("0,", 2), ("0,,1", 2), ("0 1", 2), ("-1", 0), ("*", 0), ("0-3", 1), ("0, 2-2", 4), ("0;1", 1)],
)  # fmt: skip
def test_index_lists_that_the_api_does_not_know_are_refused_with_the_position(text, position):
    with pytest.raises(IndexListError) as caught:
        SegmindSettings(input_faces_index=text)
    assert (caught.value.text, caught.value.position) == (text, position)
    reason, advice = str(caught.value).rsplit(". ", 1)
    assert advice == "Write face numbers separated by commas: 0 or 0,1,2."
    assert "input_faces_index: " in reason and "stands alone" not in reason and "range" not in reason


@pytest.mark.parametrize("value", [None, 0, ["0"]])
def test_index_lists_are_text(value):
    with pytest.raises(SettingsError, match="input_faces_index: expected face numbers such as 0,1,2"):
        SegmindSettings(input_faces_index=value)


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        SegmindSettings().base64 = True
