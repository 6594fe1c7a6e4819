from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline.errors import FaceNotFoundError, IndexListError, SettingsError
from multifaceswap.pipeline.faces.pairing import MISSING, PAIRINGS, map_indexes, source_of
from multifaceswap.pipeline.types import Face, FaceSet, Size

SIZE = Size(640, 480)


def faces(*counts):
    """A FaceSet with that many faces in each picture."""
    return FaceSet(
        tuple(
            tuple(
                Face((10 * index, 0, 10 * index + 9, 9), np.zeros((5, 2)), 0.9, frame, index) for index in range(count)
            )
            for frame, count in enumerate(counts)
        ),
        SIZE,
    )


def pairs(index_map):
    """Per frame the (target, source) numbers."""
    return [[(pair.target.index, pair.source.index) for pair in frame] for frame in index_map.frames]


def test_no_target_pictures():
    index_map = map_indexes(faces(), faces(1))
    assert index_map.frames == () and index_map.report == () and index_map.count == 0


def test_defaults_swap_the_first_face_with_the_first():
    index_map = map_indexes(faces(2), faces(3))
    assert pairs(index_map) == [[(0, 0)]]
    assert index_map.report == ()
    assert (index_map.target_size, index_map.source_size, index_map.source_count) == (SIZE, SIZE, 1)
    assert (PAIRINGS, MISSING) == (("pairwise", "round-robin"), ("skip", "error"))


@pytest.mark.parametrize(
    ("targets", "sources", "pairing", "expected", "report"),
    [
        # Four target faces, three source faces.
        ("0,2", "1,0", "pairwise", [(0, 1), (2, 0)], []),
        ("0-3", "2", "pairwise", [(0, 2), (1, 2), (2, 2), (3, 2)], []),
        ("*", "2", "pairwise", [(0, 2), (1, 2), (2, 2), (3, 2)], []),
        ("*", "-1", "pairwise", [(0, 2), (1, 2), (2, 2), (3, 2)], []),
        ("-1,0", "0,-1", "pairwise", [(3, 0), (0, 2)], []),
        ("0,1", "1,1", "pairwise", [(0, 1), (1, 1)], []),
        ("*", "*", "pairwise", [(0, 0), (1, 1), (2, 2)], ["no source left for target 3 (3 source faces)"]),
        ("*", "2,0", "pairwise", [(0, 2), (1, 0)], ["no source left for target 2-3 (3 source faces)"]),
        ("3,1", "*", "pairwise", [(3, 0), (1, 1)], ["1 of 3 sources not used (2 targets)"]),
        ("0", "*", "pairwise", [(0, 0)], ["2 of 3 sources not used (1 target)"]),
        ("*", "0,1,2,0,1,2", "pairwise", [(0, 0), (1, 1), (2, 2), (3, 0)], ["2 of 6 sources not used (4 targets)"]),
        ("*", "*", "round-robin", [(0, 0), (1, 1), (2, 2), (3, 0)], []),
        ("0-3", "2,1", "round-robin", [(0, 2), (1, 1), (2, 2), (3, 1)], []),
        ("3", "2,1", "round-robin", [(3, 2)], []),
        ("0,1,2", "1", "round-robin", [(0, 1), (1, 1), (2, 1)], []),
        # A missing face drops its own pair and shifts no other.
        ("0,7,1", "0,1,2", "pairwise", [(0, 0), (1, 2)], ["target 7 not found (4 faces)"]),
        ("7,-5,9,1", "0,1,2,0", "pairwise", [(1, 0)], ["target -5, 7, 9 not found (4 faces)"]),
        ("0,7,1", "0,1", "round-robin", [(0, 0), (1, 0)], ["target 7 not found (4 faces)"]),
        ("0,1,2", "0,5,1", "pairwise", [(0, 0), (2, 1)], ["source 5 not found (3 source faces), wanted for target 1"]),
        ("*", "8", "pairwise", [], ["source 8 not found (3 source faces), wanted for target 0-3"]),
        ("0-2", "0,-4,4", "pairwise", [(0, 0)], [
            "source -4 not found (3 source faces), wanted for target 1",
            "source 4 not found (3 source faces), wanted for target 2",
        ]),
        ("0,1,2,3", "0,9", "round-robin", [(0, 0), (2, 0)], [
            "source 9 not found (3 source faces), wanted for target 1, 3",
        ]),
        ("3,-1", "0,1", "pairwise", [(3, 0)], ["target 3 is listed twice (4 faces), its first entry counts"]),
        # Vast ranges on both sides.
        ("0-999999999", "0-999999999", "pairwise", [(0, 0), (1, 1), (2, 2)], [
            "source 3 not found (3 source faces), wanted for target 3",
            "target 4-999999999 not found (4 faces)",
        ]),
        ("999999990-999999999,0", "1-5,2-6", "round-robin", [(0, 1)], [
            "target 999999990-999999999 not found (4 faces)",
        ]),
    ],
)  # fmt: skip
def test_pairs_and_report(targets, sources, pairing, expected, report):
    index_map = map_indexes(faces(4), faces(3), targets, sources, pairing)
    assert pairs(index_map) == [expected]
    assert index_map.report == tuple(f"frame 0: {line}" for line in report)
    assert index_map.count == len(expected)


def test_sources_are_numbered_through_all_pictures_and_targets_afresh():
    donors = faces(2, 0, 1)
    index_map = map_indexes(faces(1, 2), donors, "0,1", "2,1")
    assert pairs(index_map) == [[(0, 2)], [(0, 2), (1, 1)]]
    assert index_map.source_count == 3
    third = index_map.frames[1][0].source
    assert third.frame == 2 and third.box[0] == donors.frames[2][0].box[0]
    assert index_map.report == ("frame 0: target 1 not found (1 face)",)


def test_a_source_is_one_object_in_all_its_pairs():
    frames = map_indexes(faces(2, 2), faces(1, 1), "*", "1").frames
    assert len({id(pair.source) for frame in frames for pair in frame}) == 1


def test_faces_that_get_no_source_are_the_others():
    found = faces(3, 1)
    found = replace(found, others=(faces(1).frames[0], ()))
    index_map = map_indexes(found, faces(1), "1", "0")
    assert [[face.index for face in some] for some in index_map.others] == [[0, 2, 0], [0]]
    assert index_map.others_of(0)[-1] is found.others[0][0]
    fewer = replace(index_map, frames=index_map.frames[:1])
    assert fewer.others_of(0) == ()


def test_faces_without_numbers_are_numbered_by_their_place():
    unordered = FaceSet((tuple(Face((0, 0, 9, 9), np.zeros((5, 2)), 0.9) for _ in range(3)),), SIZE)
    assert pairs(map_indexes(unordered, unordered, "2,1", "0,2")) == [[(2, 0), (1, 2)]]
    assert [face.index for face in unordered.flat()] == [0, 0, 0]


def test_a_star_that_finds_one_source_serves_all_targets():
    assert pairs(map_indexes(faces(3), faces(1), "*", "*")) == [[(0, 0), (1, 0), (2, 0)]]
    assert pairs(map_indexes(faces(3), faces(1), "2,0", "*")) == [[(2, 0), (0, 0)]]


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize(("targets", "sources"), [("0", "0"), ("*", "*"), ("*", "0"), ("0,1", "*")])
def test_no_sources_is_a_report_and_no_error(targets, sources, pairing):
    index_map = map_indexes(faces(2, 0), faces(0, 0), targets, sources, pairing)
    assert pairs(index_map) == [[], []]
    assert index_map.report == ("no source face found: nothing is swapped",)


@pytest.mark.parametrize(
    ("targets", "line"),
    [("*", "no face found"), ("0,1", "target 0-1 not found (no faces)"), ("-1", "target -1 not found (no faces)")],
)
def test_a_picture_without_faces_is_a_report_and_no_error(targets, line):
    index_map = map_indexes(faces(0), faces(2), targets, "*", "round-robin")
    assert pairs(index_map) == [[]]
    assert index_map.report == (f"frame 0: {line}",)


def test_the_report_of_a_clip_merges_frames():
    counts = [2, 1, 1, 1, 2, 1] + [2] * 4 + [0]
    index_map = map_indexes(faces(*counts), faces(2), "0,1", "0,1")
    assert index_map.report == (
        "frames 1-3, 5: target 1 not found (1 face)",
        "frame 10: target 0-1 not found (no faces)",
    )
    assert index_map.count == 6 * 2 + 4


def test_the_report_of_a_long_flickering_clip_stays_short():
    report = map_indexes(faces(*[1, 2] * 500), faces(2), "1", "0").report
    assert report == ("frames 0, 2, 4, 6, 8, 10, 12, 14 and 492 more: target 1 not found (1 face)",)


@pytest.mark.parametrize(
    ("targets", "sources", "counts"), [("0,1,2", "0,1", (3, 2)), ("0", "0,1", (1, 2)), ("0-4", "-1,-2", (5, 2))]
)
def test_unequal_lists_are_refused_in_pairwise_only(targets, sources, counts):
    for found in (faces(), faces(0), faces(5)):
        with pytest.raises(
            SettingsError, match=f"names {counts[0]} face.*, source_faces_index .* {counts[1]}: .*'round-robin'"
        ):
            map_indexes(found, faces(5), targets, sources)
        map_indexes(found, faces(5), targets, sources, "round-robin")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"input_faces_index": "0,1,0"}, SettingsError, "input_faces_index: face 0 is listed twice in '0,1,0'"),
        ({"input_faces_index": "0,x"}, IndexListError, "character 3: input_faces_index: "),
        ({"source_faces_index": ""}, IndexListError, "character 1: source_faces_index: "),
        ({"pairing": "zip"}, SettingsError, "pairing: expected one of pairwise, round-robin, got 'zip'"),
        ({"missing": "shift"}, SettingsError, "missing: expected one of skip, error, got 'shift'"),
    ],
)
def test_settings_are_refused_before_faces_are_looked_at(settings, error, message):
    with pytest.raises(error, match=message):
        map_indexes(faces(), faces(), **settings)


@pytest.mark.parametrize(
    ("targets", "sources", "message"),
    [
        ("2", "0", r"frame 1: target 2 not found \(2 faces\)\. .*'skip'"),
        ("0", "3", r"frame 0: source 3 not found \(3 source faces\), wanted for target 0\."),
        ("*", "0,1", r"frame 0: no source left for target 2 \(3 source faces\)"),
        ("1,-1", "0,1", r"frame 1: target 1 is listed twice \(2 faces\)"),
    ],
)
def test_missing_faces_as_errors(targets, sources, message):
    with pytest.raises(FaceNotFoundError, match=message):
        map_indexes(faces(3, 2), faces(3), targets, sources, missing="error")


def test_missing_faces_as_errors_leave_the_rest_alone():
    assert pairs(map_indexes(faces(2, 0), faces(3), "*", "*", missing="error")) == [[(0, 0), (1, 1)], []]
    assert map_indexes(faces(0), faces(0), "*", "*", missing="error").count == 0
    with pytest.raises(FaceNotFoundError, match="frame 0: target 0 not found"):
        map_indexes(faces(0), faces(1), missing="error")
    with pytest.raises(FaceNotFoundError, match="source 0 not found"):
        map_indexes(faces(1), faces(0), missing="error")


index_lists = st.one_of(
    st.just("*"),
    st.lists(st.integers(-4, 6), min_size=1, max_size=5, unique=True).map(lambda all: ",".join(map(str, all))),
)


@given(st.lists(st.integers(0, 5), max_size=4), st.lists(st.integers(0, 3), max_size=3), index_lists, index_lists)
def test_every_face_asked_for_is_swapped_or_reported_and_swapped_once(targets, donors, target_list, source_list):
    index_map = map_indexes(faces(*targets), faces(*donors), target_list, source_list, "round-robin")
    told = "\n".join(index_map.report)
    for frame, count, made in zip(range(len(targets)), targets, pairs(index_map), strict=True):
        assert len({target for target, _ in made}) == len(made) <= count
        assert all(0 <= target < count and 0 <= source < sum(donors) for target, source in made)
        asked = count if target_list == "*" else len(target_list.split(","))
        assert len(made) == asked or "no source face found" in told or frame in _frames_named(told)


def _frames_named(report):
    """The numbers of all frames that a report's lines begin with, runs such as 1-3 written out."""
    runs = re.findall(r"^frames? ([\d, -]+):", report, re.MULTILINE)
    ends = [run.partition("-") for line in runs for run in line.split(", ")]
    return {frame for first, _, last in ends for frame in range(int(first), int(last or first) + 1)}


@given(
    st.integers(0, 6),
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), min_size=1, max_size=5, unique_by=lambda entry: entry[0]),
)
def test_pairwise_makes_exactly_the_written_pairs_that_exist(targets, donors, written):
    target_list, source_list = (",".join(str(entry[side]) for entry in written) for side in (0, 1))
    made = pairs(map_indexes(faces(targets), faces(donors), target_list, source_list))
    assert made == [[entry for entry in written if entry[0] < targets and entry[1] < donors]]


@given(st.integers(0, 7), st.integers(0, 4), index_lists, index_lists, st.sampled_from(PAIRINGS))
def test_the_source_of_one_face_is_the_one_that_the_map_gives_it(targets, donors, target_list, source_list, pairing):
    lists = target_list, source_list, pairing
    try:
        (made,) = pairs(map_indexes(faces(targets), faces(donors), *lists))
    except SettingsError as refused:
        with pytest.raises(SettingsError, match=re.escape(str(refused))):
            source_of(0, targets, donors, *lists)
    else:
        given = {target: source_of(target, targets, donors, *lists) for target in range(targets)}
        assert {target: source for target, source in given.items() if source is not None} == dict(made)
