"""One donor of several faces: whose they are, and what they come to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from multifaceswap.pipeline.errors import FaceNotFoundError, MismatchError, SettingsError
from multifaceswap.pipeline.faces.identity import average_of, distances, identity_of, require_identities
from multifaceswap.pipeline.faces.people import groups_of, merge
from multifaceswap.pipeline.types import Embedding, Face, FaceSet, IndexMap, Pair, Size


class Near:
    name, same_person, metric = "near", 0.5, "euclidean"


def face(frame, index, *vector, side=10.0, model="near"):
    embedding = Embedding(np.array(vector), model) if vector else None
    return Face(np.array([0, 0, side, side]), np.zeros((5, 2)), 1.0, frame=frame, index=index, embedding=embedding)


def faces(*frames):
    return FaceSet(tuple(map(tuple, frames)), Size(100, 100))


def places(person):
    return [(one.frame, one.index) for one in person.person]


def merged(found, embedder=Near, threshold=None):
    result = merge(found, embedder, threshold)
    (donor,) = result.faces.flat()
    return donor, result


def test_all_faces_of_a_person_are_one_donor_that_the_largest_leads():
    donor, result = merged(faces([face(0, 0, 1, 0)], [face(1, 0, 1, 0.1, side=30)], [face(2, 0, 1, 0.2)]))
    assert places(donor) == [(1, 0), (0, 0), (2, 0)]
    assert [len(frame) for frame in result.faces] == [0, 1, 0] and result.told() == ()
    assert donor.index == 0 and result.faces.merged


def test_another_person_is_left_out_and_named():
    small = face(3, 0, 9, 9, side=79)
    found = faces(
        [face(0, 0, 1, 0), face(0, 1, 5, 5, side=90)], [face(1, 0, 1, 0.1)], [face(2, 0, 9, 0, side=80)], [small]
    )
    donor, result = merged(found)
    assert sorted(places(donor)) == [(0, 0), (1, 0)]
    assert result.told() == (
        "picture 0, face 1: another person, left out",
        "picture 2, face 0: another person, left out",
        "picture 3, face 0: too unlike the others, or too small to tell, left out",
    )


def test_who_is_shown_as_often_is_told():
    pictures = [[face(n, 0, *place, side=90)] for n, place in enumerate([(0, 0), (9, 9), (0, 0.1), (9, 9.1), (5, 0)])]
    donor, result = merged(faces(*pictures))
    assert sorted(places(donor)) == [(0, 0), (2, 0)]
    assert result.told() == (
        "picture 1, face 0: another person, whom as many faces show, left out",
        "picture 3, face 0: another person, whom as many faces show, left out",
        "picture 4, face 0: another person, left out",
    )


def test_views_belong_together_by_their_mean_distance():
    """A profile, a half profile and a frontal view: the ends are further apart than two faces of one person are."""
    views = [[face(number, 0, 0.35 * number, 0)] for number in range(3)]
    assert len(merged(faces(*views))[0].person) == 2, "0.35 and 0.7 from the others: 0.525 on average"
    assert len(merged(faces(*views), threshold=0.6)[0].person) == 3
    assert len(merged(faces(*views), threshold=0.3)[0].person) == 1


def test_of_a_picture_one_face_counts_the_one_nearest_to_the_others():
    found = faces([face(0, 0, 1, 0.4), face(0, 1, 1, 0.05)], [face(1, 0, 1, 0)], [face(2, 0, 1, 0)])
    donor, result = merged(found)
    assert [float(view.embedding.vector[1]) for view in donor.person] == pytest.approx([0.05, 0, 0])
    assert [(one.frame, one.index) for one in result.left_out] == [(0, 0)]


def test_without_identities_everybody_is_taken():
    assert len(merged(faces([face(0, 0), face(0, 1)], [face(1, 0)]), embedder=None)[0].person) == 3


def test_merging_again_adds_views():
    _, result = merged(faces([face(0, 0, 1, 0)], [face(1, 0, 1, 0)], []))
    grown = replace(result.faces, frames=(*result.faces.frames[:2], (face(2, 0, 1, 0.1, side=50),)))
    again, _ = merged(grown)
    assert sorted(places(again)) == [(0, 0), (1, 0), (2, 0)] and places(again)[0] == (2, 0)


def test_saved_views_without_pictures_stay_and_never_lead_over_pictured_ones():
    saved = replace(face(0, 0, 1, 0, side=99), pictured=False)
    donor, _ = merged(faces([saved, face(0, 1, 1, 0)], [face(1, 0, 1, 0)]))
    assert donor.pictured and sorted(view.pictured for view in donor.views) == [False, True]


def test_what_can_t_be_compared_is_taken_for_the_same_person_and_told():
    """Another model's identity, and no picture to measure this one's in."""
    other = replace(face(1, 0, 9, 9, 9, model="other"), pictured=False, box=np.array([5, 5, 20, 20]))
    donor, result = merged(faces([face(0, 0, 1, 0)], [other]))
    assert places(donor) == [(0, 0), (1, 0)]
    assert result.told(["Anna", "Bob"]) == (
        "Bob, face 0: holds no identity to compare it by, taken for the same person",
    )
    assert merged(faces([], [other]))[1].told() == ()


def test_no_face_is_an_error():
    with pytest.raises(FaceNotFoundError, match="no face to merge"):
        merge(faces([], []), Near)


def test_views_have_no_views():
    with pytest.raises(SettingsError, match="views of their own"):
        replace(face(0, 0), views=(replace(face(1, 0), views=(face(2, 0),)),))


def test_the_pictures_of_all_views_are_needed():
    donor = replace(face(0, 0), views=(face(3, 0),))
    index_map = IndexMap(((Pair(face(0, 0), donor),),), (), Size(4, 4), Size(4, 4), 2)
    pictures = [np.zeros((4, 4, 3), np.uint8)] * 2
    with pytest.raises(MismatchError, match=r"pictures \[0, 3\], but 2 came"):
        index_map.require(pictures[:1], pictures)


@pytest.mark.parametrize(
    ("average", "direction"), [("mean", [2 / 3, 1 / 3]), ("median", [1, 0])], ids=["mean", "median"]
)
def test_identities_count_by_direction_and_keep_their_length(average, direction):
    """Two alike and one across, of lengths 1, 2 and 6."""
    vector = average_of([np.array([1.0, 0]), np.array([2.0, 0]), np.array([0, 6.0])], average)
    assert vector == pytest.approx(3 * np.array(direction) / np.linalg.norm(direction), rel=1e-6)


def test_one_identity_stays_bit_for_bit():
    vector = np.array([0.1, 0.7], np.float32)
    assert average_of([vector]) is vector


def test_opposite_identities_have_no_mean():
    with pytest.raises(SettingsError, match="contradict each other"):
        average_of([np.array([1.0, 0]), np.array([-1.0, 0])])


def test_a_person_is_recognised_by_all_views_of_the_model():
    donor = replace(face(0, 0, 1, 0), views=(face(1, 0, 0, 1), face(2, 0, 9, 9, 9, model="other")))
    (vector,) = require_identities([donor], "reference", Near)
    assert vector == pytest.approx([0.5**0.5, 0.5**0.5])
    assert identity_of(donor.person, "third") is None
    with pytest.raises(SettingsError, match="carry identities of other, which can't be compared"):
        require_identities([donor.views[1]], "reference", Near)


def test_a_stranger_is_as_far_from_a_person_as_from_the_views_on_average():
    """The mean of many views is nearer to everybody: what is too far from each view on average stays a stranger."""
    views = [face(n, 0, *np.eye(6)[n]) for n in range(5)]
    anna = replace(views[0], views=tuple(views[1:]))
    stranger = face(0, 0, *(0.3 * np.ones(6)))
    mean = np.mean([view.embedding.vector for view in views], axis=0)
    apart = float(distances([stranger], [anna], Near)[0, 0])
    assert apart == pytest.approx(np.mean([np.linalg.norm(stranger.embedding.vector - np.eye(6)[n]) for n in range(5)]))
    assert np.linalg.norm(stranger.embedding.vector - mean) < 0.5 < apart


def test_groups_are_the_largest_first():
    assert groups_of(table([0, 10, 0.2, 10.1, 0.4, 50]), 0.35) == [[0, 2, 4], [1, 3], [5]]
    assert groups_of(np.zeros((0, 0)), 1) == [] and groups_of(np.zeros((1, 1)), 1) == [[0]]


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_those_of_average_linkage(seed):
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    distance = pytest.importorskip("scipy.spatial.distance")
    points = np.random.default_rng(seed).normal(size=(60, 3))
    condensed = distance.pdist(points)
    for threshold in (0.4, 1.0, 2.5, 9.0):
        labels = hierarchy.fcluster(hierarchy.linkage(condensed, "average"), threshold, "distance")
        wanted = {frozenset(np.flatnonzero(labels == label).tolist()) for label in labels}
        assert {frozenset(group) for group in groups_of(distance.squareform(condensed), threshold)} == wanted


def table(values):
    return np.abs(np.subtract.outer(values, values))
