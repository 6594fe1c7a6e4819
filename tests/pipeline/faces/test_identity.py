from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from multifaceswap.app.report import of_one_picture
from multifaceswap.pipeline.errors import FaceNotFoundError, IndexListError, MismatchError, SettingsError
from multifaceswap.pipeline.faces import matching
from multifaceswap.pipeline.faces.identity import apart, distances, model_of, with_identities
from multifaceswap.pipeline.faces.matching import Match, assign
from multifaceswap.pipeline.types import Embedding, Face, FaceSet, Size

SIZE = Size(100, 50)
POINTS = np.zeros((5, 2))
ANN, BOB, CAT, DAN = np.eye(4) * 0.7
"""Four people, 0.99 from each other."""


class Network:
    """An embedder that gives every face the same identity, and counts."""

    def __init__(self, name="net", metric="euclidean", same_person=0.6):
        self.name, self.metric, self.same_person = name, metric, same_person
        self.asked = []

    def embed(self, frame, faces):
        self.asked += faces
        return [Embedding(ANN, self.name) for _ in faces]

    def fit(self, frame, faces):
        return list(faces)


def _face(vector=None, index=0, model="net"):
    embedding = None if vector is None else Embedding(vector, model)
    return Face((0, 0, 10, 10), POINTS, 0.9, index=index, embedding=embedding)


def _set(*frames, model="net"):
    return FaceSet(tuple(tuple(_face(vector, model=model) for vector in frame) for frame in frames), SIZE)


def match_identities(*arguments, embedder=None, **settings):
    return matching.match_identities(*arguments, embedder=embedder or Network(), **settings)


SOURCES = _set([None, None], [None, None])


def _pairs(index_map):
    return [[(pair.target.index, pair.source.index) for pair in frame] for frame in index_map.frames]


def _near(person, apart):
    """Somebody this far away, in a direction in which nobody else is."""
    return person - apart * np.full(4, 0.5)


def test_a_person_twice_in_a_picture_is_told():
    """In a mirror, say. Who looks like nobody, or like a reference that gets no source, isn't."""
    twice = [_near(ANN, 0.1), _near(ANN, 0.3), CAT]
    made = match_identities(_set(twice), _set([ANN]), SOURCES, "0", "1")
    assert _pairs(made) == [[(0, 1)]]
    told = "reference 0: target 1 looks like it too in frame 0, 0.30 away: each person is swapped once a picture"
    assert made.report[-1] == told
    assert of_one_picture([told]) == [told.replace(" in frame 0", "")]
    frames = [[CAT], twice, [*twice[:2], _near(ANN, 0.5)]]
    made = match_identities(_set(*frames), _set([ANN]), SOURCES, "0", "1")
    assert made.report[-1] == (
        "reference 0: targets 1, 2 look like it too in frames 1-2, 0.30 to 0.50 away: each person is swapped once a "
        "picture"
    )
    both = _set([BOB], [ANN])
    made = match_identities(_set([*twice, BOB, _near(BOB, 0.2)]), both, SOURCES, "1", "0")
    assert [line for line in made.report if "too" in line] == [
        "reference 1: target 1 looks like it too in frame 0, 0.30 away: each person is swapped once a picture"
    ]


def test_no_frames_no_pairs():
    made = match_identities(_set(), _set([ANN]), SOURCES, "0", "1")
    assert made.frames == () and made.report == ("matched by identity: euclidean distance, threshold 0.6",)


def test_faces_that_cross_keep_their_donors():
    clip = _set([ANN, BOB], [ANN, BOB], [BOB, ANN], [BOB], [CAT, BOB, ANN], [])
    made = match_identities(clip, _set([ANN, BOB]), SOURCES, "0,1", "3,1")
    assert _pairs(made) == [[(0, 3), (1, 1)], [(0, 3), (1, 1)], [(0, 1), (1, 3)], [(0, 1)], [(1, 1), (2, 3)], []]
    assert (made.target_size, made.source_size, made.source_count) == (SIZE, SIZE, 2)


def test_the_report_tells_threshold_places_and_distances():
    clip = _set([_near(ANN, 0.1), CAT], [DAN, _near(ANN, 0.25)], [_near(BOB, 0.2)])
    made = match_identities(clip, _set([ANN], [BOB]), SOURCES, "0,1", "2,0", threshold=0.5)
    assert made.report == (
        "matched by identity: euclidean distance, threshold 0.5",
        "reference 0 → source 2: targets 0, 1 in frames 0-1, distance 0.10 to 0.25",
        "reference 0 not found in frame 2, nearest face 1.01 away",
        "reference 1 → source 0: target 0 in frame 2, distance 0.20",
        "reference 1 not found in frames 0-1, nearest face 0.99 away",
    )


def test_a_picture_without_faces_has_no_nearest_face():
    made = match_identities(_set([]), _set([ANN]), SOURCES)
    assert "reference 0 not found in frame 0" in made.report


def test_the_threshold_is_where_people_stop_being_one():
    clip = _set([_near(ANN, 0.5)])
    assert _pairs(match_identities(clip, _set([ANN]), SOURCES, "0", "0", threshold=0.51)) == [[(0, 0)]]
    assert _pairs(match_identities(clip, _set([ANN]), SOURCES, "0", "0", threshold=0.49)) == [[]]


def test_a_reference_without_a_source_keeps_its_face_from_others():
    """Bob's face is nearer than the threshold to Ann's reference, but Bob is known."""
    bob = _near(ANN, 0.4)
    clip, references = _set([bob]), _set([ANN, bob])
    assert _pairs(match_identities(clip, _set([ANN]), SOURCES, "0", "0")) == [[(0, 0)]]
    assert _pairs(match_identities(clip, references, SOURCES, "0", "0")) == [[]]


def test_one_source_serves_all_references_and_lists_read_as_ever():
    clip = _set([BOB, ANN, CAT])
    assert _pairs(match_identities(clip, _set([ANN, BOB]), SOURCES, "*", "2")) == [[(0, 2), (1, 2)]]
    assert _pairs(match_identities(clip, _set([ANN, BOB, CAT]), SOURCES, "0-2", "0,1", "round-robin")) == [
        [(0, 1), (1, 0), (2, 0)]
    ]
    with pytest.raises(IndexListError):
        match_identities(clip, _set([ANN]), SOURCES, "x")


def test_references_that_are_not_there_are_reported_by_that_name():
    made = match_identities(_set([ANN]), _set([ANN]), SOURCES, "0,4", "0,9")
    assert "reference 4 not found (1 face)" in made.report
    assert _pairs(made) == [[(0, 0)]]


def test_missing_error_stops_where_a_reference_is_not_found():
    clip = _set([ANN, BOB], [BOB])
    with pytest.raises(FaceNotFoundError, match="frame 1: nobody looks like reference 0"):
        match_identities(clip, _set([ANN, BOB]), SOURCES, "0,1", "0,1", missing="error")
    with pytest.raises(FaceNotFoundError, match="reference 2 not found"):
        match_identities(clip, _set([ANN, BOB]), SOURCES, "0,2", "0,1", missing="error")
    assert _pairs(match_identities(clip, _set([ANN, BOB]), SOURCES, "1", "1", missing="error")) == [[(1, 1)], [(0, 1)]]


def test_cosine_distance_takes_directions_alone():
    a, b = [_face(3 * ANN), _face(ANN + BOB)], [_face(ANN), _face(5 * BOB)]
    cosine = distances(a, b, Network(metric="cosine"))
    assert np.allclose(cosine, [[0, 1], [1 - 0.5**0.5] * 2], atol=1e-7)
    assert np.allclose(distances(a, b, Network())[0], [1.4, np.hypot(2.1, 3.5)])
    assert distances([], b, Network()).shape == (0, 2)
    assert apart(np.eye(2), np.eye(2)[:1], "cosine").tolist() == [[0], [1]]


def test_faces_are_matched_by_the_metric_and_distance_of_their_network():
    clip, references = _set([9 * ANN], [ANN + BOB / 2]), _set([ANN])
    made = match_identities(clip, references, SOURCES, "0", "1", embedder=Network("net", "cosine", 0.05))
    assert made.report[0] == "matched by identity: cosine distance, threshold 0.05"
    assert _pairs(made) == [[(0, 1)], []]


@pytest.mark.parametrize("targets", [[None], [ANN, None]])
def test_faces_without_identity_are_refused_with_what_to_do(targets):
    with pytest.raises(SettingsError, match="target faces carry no identity: detect them with identity"):
        match_identities(_set(targets), _set([ANN]), SOURCES)


def test_identities_of_different_networks_are_refused_by_name_even_where_they_are_as_long():
    with pytest.raises(SettingsError, match=r"reference faces carry identities of other, which .* those of net: give"):
        match_identities(_set([ANN]), _set([ANN], model="other"), SOURCES)
    with pytest.raises(SettingsError, match=r"target faces carry identities of other, which .* those of net"):
        match_identities(FaceSet(((_face(ANN), _face(ANN, model="other")),), SIZE), _set([ANN]), SOURCES)
    with pytest.raises(SettingsError, match=r"carry identities of net, which .* those of third"):
        match_identities(_set([ANN]), _set([ANN]), SOURCES, embedder=Network("third"))


def test_only_what_another_network_made_or_nobody_is_embedded_anew():
    network = Network()
    known, foreign, blank = _face(BOB), _face(BOB, model="other"), _face()
    faces = FaceSet(((known, foreign), (blank,)), SIZE)
    pictures = [np.zeros((50, 100, 3), np.uint8)] * 2
    (first, second), (third,) = with_identities(faces, pictures, network, network, "target")
    assert first is known and [model_of(face) for face in network.asked] == ["other", None]
    for one in (second, third):
        assert one.embedding.model == "net" and one.embedding.vector.tolist() == np.float32(ANN).tolist()
    with pytest.raises(MismatchError, match="target faces"):
        with_identities(faces, pictures[:1], network, network, "target")


def test_the_nearest_go_together_first():
    table = np.array([[0.3, 0.2], [0.1, 0.25]])
    assert assign(table, 0.6) == [Match(0, 1, 0.2), Match(1, 0, 0.1)]
    assert assign(np.array([[0.3, 0.4], [0.2, 0.9]]), 0.6) == [Match(0, 1, 0.4), Match(1, 0, 0.2)]


def test_ties_go_to_the_lower_reference_then_the_lower_face():
    assert assign(np.full((2, 2), 0.5), 0.6) == [Match(0, 0, 0.5), Match(1, 1, 0.5)]
    assert assign(np.full((3, 1), 0.5), 0.6) == [Match(0, 0, 0.5)]
    assert assign(np.full((1, 3), 0.5), 0.6) == [Match(0, 0, 0.5)]


@given(arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 5)), elements=st.sampled_from([0.1, 0.3, 0.5, 0.7])))
def test_matches_are_one_to_one_near_and_leave_no_near_couple_apart(table):
    matches = assign(table, 0.6)
    targets, references = {m.target for m in matches}, {m.reference for m in matches}
    assert len(targets) == len(references) == len(matches)
    assert all(m.distance == table[m.target, m.reference] < 0.6 for m in matches)
    for (target, reference), distance in np.ndenumerate(table):
        if target not in targets and reference not in references:
            assert distance >= 0.6
