from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.errors import FaceNotFoundError, SettingsError
from multifaceswap.pipeline.faces.feasible import require_feasible
from multifaceswap.pipeline.faces.pairing import map_indexes
from multifaceswap.pipeline.types import Face, FaceSet, Size

PAIRWISE, ROUND = "pairwise", "round-robin"


def faces(*counts: int) -> FaceSet:
    """As many faces in each picture."""
    return FaceSet(
        tuple(tuple(Face(np.zeros(4), np.zeros((5, 2)), 1.0, frame=n) for _ in range(c)) for n, c in enumerate(counts)),
        Size(9, 9),
    )


@pytest.mark.parametrize(
    ("targets", "sources", "pairing", "reached"),
    [
        ("0", "0", PAIRWISE, [0]),
        ("0", "2", PAIRWISE, [2]),
        ("0,1", "-1,0", PAIRWISE, [0, 2]),
        ("0", "*", PAIRWISE, [0]),
        ("*", "*", PAIRWISE, [0, 1, 2]),
        ("0,1", "1,2,0", ROUND, [1, 2]),
        ("*", "1,7", ROUND, [1]),
    ],
)
def test_the_sources_that_lists_reach(targets, sources, pairing, reached):
    found = require_feasible(faces(2, 1), None, targets, sources, pairing, "skip")
    assert sorted(face.index for face in found) == reached
    # As `map_indexes` does, of as many targets as there could be.
    used = {
        pair.source.index
        for count in range(6)
        for pair in map_indexes(faces(count), faces(2, 1), targets, sources, pairing).frames[0]
    }
    assert sorted(used) == reached


def test_the_sources_that_references_reach():
    found = require_feasible(faces(1, 1, 1), faces(2), "1,0", "2,1", PAIRWISE, "skip")
    assert sorted(face.index for face in found) == [1, 2]


@pytest.mark.parametrize("missing", ["skip", "error"])
@pytest.mark.parametrize("references", [None, faces(1)])
def test_without_a_source_face_nothing_can_be_swapped(missing, references):
    for sources in (faces(), faces(0, 0)):
        with pytest.raises(FaceNotFoundError, match=r"^no source face found: nothing can be swapped$"):
            require_feasible(sources, references, "0", "0", PAIRWISE, missing)


@pytest.mark.parametrize(
    ("targets", "sources", "pairing", "count", "told"),
    [
        ("0", "5", PAIRWISE, 1, "source_faces_index 5: source 5 not found (1 source face), nothing can be swapped"),
        ("0,1", "5,7", PAIRWISE, 2, "source 5, 7 not found (2 source faces)"),
        ("0,1", "3-4", PAIRWISE, 2, "source 3-4 not found"),
        ("*", "5", PAIRWISE, 3, "source 5 not found (3 source faces)"),
        ("*", "8,9", ROUND, 3, "source 8-9 not found"),
        ("0", "-2", PAIRWISE, 1, "source -2 not found"),
        ("0", "5,0", ROUND, 1, "source 5 not found"),
        ("0-999999998", "1-999999999", PAIRWISE, 1, "source 1-999999999 not found"),
    ],
)
def test_lists_that_name_no_source_are_refused(targets, sources, pairing, count, told):
    with pytest.raises(SettingsError) as raised:
        require_feasible(faces(count), None, targets, sources, pairing, "skip")
    assert told in str(raised.value)
    # And rightly: no number of targets gives a pair.
    for targets_there in range(4) if len(targets) < 4 else ():
        assert not map_indexes(faces(targets_there), faces(count), targets, sources, pairing).count


@pytest.mark.parametrize(
    ("targets", "sources", "pairing", "count"),
    [
        ("0", "0", PAIRWISE, 1),
        ("7", "0", PAIRWISE, 1),
        ("*", "*", PAIRWISE, 1),
        ("0,1", "5,0", PAIRWISE, 1),
        ("*", "5,0", PAIRWISE, 1),
        ("0,1", "5,0", ROUND, 1),
        ("0", "-1", PAIRWISE, 2),
    ],
)
def test_what_may_give_a_pair_is_left_to_the_targets(targets, sources, pairing, count):
    require_feasible(faces(count), None, targets, sources, pairing, "skip")
    assert any(map_indexes(faces(n), faces(count), targets, sources, pairing).count for n in range(9))


def test_a_source_that_every_target_needs_is_an_error_where_missing_is_one():
    with pytest.raises(FaceNotFoundError, match=r"source 5 not found \(1 source face\). Name other faces"):
        require_feasible(faces(1), None, "0,1", "0,5", PAIRWISE, "error")
    require_feasible(faces(1), None, "*", "0,5", PAIRWISE, "error")
    require_feasible(faces(1), None, "0", "0,5", ROUND, "error")


def test_references_are_counted_before_any_target():
    one, two = faces(1), faces(2)
    with pytest.raises(FaceNotFoundError, match="no reference face found: nobody can be recognised"):
        require_feasible(one, faces(0), "0", "0", PAIRWISE, "skip")
    with pytest.raises(SettingsError, match=r"reference 3 not found \(1 face\): nothing can be swapped"):
        require_feasible(one, one, "3", "0", PAIRWISE, "skip")
    with pytest.raises(SettingsError, match=r"source 4 not found \(1 source face\), wanted for reference 0"):
        require_feasible(one, one, "0", "4", PAIRWISE, "skip")
    with pytest.raises(FaceNotFoundError, match="reference 3 not found"):
        require_feasible(two, two, "0,3", "0,1", PAIRWISE, "error")
    require_feasible(two, two, "0,3", "0,1", PAIRWISE, "skip")
