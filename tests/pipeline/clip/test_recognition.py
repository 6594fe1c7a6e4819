"""Who is recognised: the decisions, given what is known of each person's identity in each frame."""

from __future__ import annotations

import json

import numpy as np
import pytest
from multifaceswap.pipeline.clip.assignment import AssignmentRules
from multifaceswap.pipeline.clip.recognition import Recognition
from multifaceswap.pipeline.errors import FaceNotFoundError, SettingsError
from multifaceswap.pipeline.faces.matching import match_identities
from multifaceswap.pipeline.types import Embedding, Face, FaceSet, Size


class Plane:
    """Identities are places in a plane; people are the same below 1."""

    name, metric, same_person = "plane", "euclidean", 1.0


def face(person=0, at=None, gender=None, model="plane") -> Face:
    embedding = None if at is None else Embedding(np.array(at, np.float32), model)
    return Face(np.zeros(4), np.zeros((5, 2)), 0.9, index=person, gender=gender, embedding=embedding)


def together(*some: Face) -> FaceSet:
    return FaceSet((some,), Size(9, 9))


ANNA, BERT, CARLA = (0.0, 0.0), (10.0, 0.0), (0.0, 10.0)
DONORS = together(face(), face())


def recognition(*references, targets="*", sources="*", threshold=None, ahead=0, max_gap=0, **rules) -> Recognition:
    people = together(*(face(at=at) for at in references))
    given = AssignmentRules(targets, sources, **rules)
    return Recognition(given, people, DONORS, Plane(), threshold, ahead=ahead, max_gap=max_gap)


def see(who: Recognition, frame: int, **people) -> dict[int, int | None]:
    """Person (p0, p1 …) to number of the source, where these people are in view and newcomers appear."""
    known = {int(name[1:]): None if at is None else np.array(at, np.float32) for name, at in people.items()}
    who.appear([face(person) for person in known if person not in who.sources])
    who.recognise(frame, known)
    return {person: source.index for person, source in who.sources.items() if person in known and source}


def test_people_take_the_source_of_the_reference_that_they_look_like():
    who = recognition(ANNA, BERT)
    assert see(who, 0, p0=(9.5, 0), p1=(0.2, 0), p2=CARLA) == {0: 1, 1: 0}


def test_one_frame_is_decided_as_a_picture_is():
    """With the same distances, whoever is nearest first."""
    random = np.random.default_rng(4)
    for _ in range(200):
        references, people = random.normal(size=(3, 2)), random.normal(size=(4, 2))
        targets = together(*(face(number, at) for number, at in enumerate(people)))
        lists = "0,1", "0,1"
        made = match_identities(
            targets, together(*(face(at=at) for at in references)), DONORS, *lists, embedder=Plane()
        )
        who = recognition(*references, targets=lists[0], sources=lists[1])
        found = see(who, 0, **{f"p{number}": at for number, at in enumerate(people)})
        assert found == {pair.target.index: pair.source.index for pair in made.frames[0]}


def test_the_index_lists_count_references():
    who = recognition(ANNA, BERT, CARLA, targets="2", sources="1")
    assert see(who, 0, p0=ANNA, p1=CARLA) == {1: 1}


def test_a_reference_without_a_source_keeps_its_face_from_others():
    who = recognition((0.5, 0), ANNA, targets="0", sources="0")
    assert see(who, 0, p0=(0.1, 0)) == {}


def test_in_every_scene_people_are_found_again_wherever_and_whatever_their_number():
    who = recognition(ANNA)
    assert see(who, 0, p0=BERT, p1=ANNA) == {1: 0}
    who.end_scene(10)
    assert not who.sources and see(who, 10, p0=BERT) == {}
    who.end_scene(20)
    assert see(who, 20, p0=(0.3, 0)) == {0: 0}


def test_who_was_recognised_stays_so_a_little_beyond_the_threshold():
    """A distance that trembles round the threshold changes nothing: who is out stays out, who is in stays in."""
    trembling = [1.02, 1.0, 1.05, 1.01, 1.08]
    who = recognition(ANNA)
    assert [see(who, t, p0=(x, 0)) for t, x in enumerate(trembling)] == [{}] * 5
    assert see(who, 5, p0=(0.95, 0)) == {0: 0}
    assert [see(who, 6 + t, p0=(x, 0)) for t, x in enumerate(trembling)] == [{0: 0}] * 5
    assert see(who, 12, p0=(1.11, 0)) == {}


def test_two_who_are_alike_do_not_take_turns():
    who = recognition(ANNA)
    assert see(who, 0, p0=(0.5, 0), p1=(0.9, 0)) == {0: 0}
    assert see(who, 1, p0=(0.55, 0), p1=(0.5, 0)) == {0: 0}  # nearer, but not by enough
    assert see(who, 2, p1=(0.92, 0)) == {}  # alone, but seen beside her
    assert see(who, 3, p0=(0.5, 0), p1=(0.92, 0)) == {0: 0}
    assert see(who, 4, p0=(0.8, 0), p1=(0.2, 0)) == {1: 0}


def test_who_is_not_measured_yet_is_nobody_and_is_recognised_later():
    who = recognition(ANNA)
    assert see(who, 0, p0=None) == {}
    assert see(who, 1, p0=ANNA) == {0: 0}


def test_people_of_another_gender_are_not_compared():
    who = recognition(ANNA, detect_gender="female")
    who.appear([face(0, gender="male"), face(1, gender="female")])
    who.recognise(0, {0: np.array(ANNA), 1: np.array((0.5, 0))})
    assert {person for person, source in who.sources.items() if source} == {1}


def test_those_who_cannot_come_back_are_forgotten():
    who, sizes = recognition(ANNA), []
    for person in range(400):
        see(who, person, **{f"p{person}": (0.5, 0)})
        who.keep({person, person - 1})
        sizes.append(len(json.dumps(who.as_json())))
    assert sizes[-1] - sizes[20] < 50


def test_frames_that_were_handed_on_keep_what_was_decided_then():
    who = recognition(ANNA)
    see(who, 0, p0=ANNA)
    before = who.sources
    see(who, 1, p0=(5, 5))
    assert before[0] is not None and who.sources[0] is None


def test_the_report_gives_frames_and_distances():
    who = recognition(ANNA, BERT, CARLA, targets="0,1,2", sources="0")
    for frame in range(5):
        see(who, frame, p0=(0.1 + frame / 10, 0), p1=(7.5, 0))
    who.end_scene(5)
    see(who, 9, p0=ANNA)
    assert who.report() == (
        "matched by identity: euclidean distance, threshold 1",
        "reference 0 → source 0: frames 0-4, 9, distance 0.00 to 0.50",
        "reference 1 not found, nearest face 2.50 away",
        "reference 2 not found, nearest face 10.00 away",
    )
    assert recognition(ANNA, sources="0").report()[1:] == ("reference 0 not found",)


def test_the_report_counts_frames_that_a_recognition_still_reaches_and_gaps_that_are_filled():
    who = recognition(ANNA, sources="0", ahead=3, max_gap=2)
    for frame in range(6):
        see(who, frame, p0=(4, 0) if frame < 5 else ANNA)
    for frame in (8, 12):  # 6 and 7 are filled in, 9 to 11 are too many
        see(who, frame, p0=ANNA)
    assert who.report()[1] == "reference 0 → source 0: frames 2-8, 12, distance 0.00"


def test_the_report_is_bounded():
    who, sizes = recognition(ANNA, sources="0"), []
    for scene in range(0, 4000, 2):
        see(who, scene, p0=ANNA)
        who.end_scene(scene + 2)
        sizes.append(len(json.dumps(who.as_json())))
    assert sizes[-1] - sizes[99] < 20
    assert who.report()[1] == ("reference 0 → source 0: frames 0, 2, 4, 6, 8, 10, 12, 14 and 1992 more, distance 0.00")


def test_a_scene_that_lacks_somebody_is_an_error_where_missing_is_one():
    who = recognition(ANNA, BERT, targets="0,1", sources="0,1", missing="error")
    who.end_scene(3)  # nobody at all: a title
    see(who, 3, p0=ANNA, p1=BERT)
    who.end_scene(5)
    see(who, 5, p0=ANNA)
    with pytest.raises(FaceNotFoundError, match=r"^frames 5-8: nobody looks like reference 1\. Raise the threshold"):
        who.end_scene(9)


def test_what_cannot_be_is_refused_before_any_frame():
    with pytest.raises(FaceNotFoundError, match="reference 1 not found"):
        recognition(ANNA, targets="0,1", sources="0,1", missing="error")
    bare, foreign = together(face()), together(face(at=ANNA, model="other"))
    for people, told in ((bare, "carry no identity"), (foreign, "identities of other")):
        with pytest.raises(SettingsError, match=told):
            Recognition(AssignmentRules(), people, DONORS, Plane())


def test_it_goes_on_from_its_state_in_a_file():
    random = np.random.default_rng(2)
    frames = [{f"p{n}": random.normal(size=2) for n in range(3) if random.random() < 0.7} for _ in range(60)]

    def run(who, some, start):
        decided = []
        for frame, people in enumerate(some, start):
            if frame in (25, 45):
                who.end_scene(frame)
            decided.append(see(who, frame, **people))
        return decided

    first = recognition(ANNA, (1.0, 0.5), ahead=2, max_gap=1)
    run(first, frames[:30], 0)
    second = recognition(ANNA, (1.0, 0.5), ahead=2, max_gap=1)
    second.restore(json.loads(json.dumps(first.as_json())))
    assert run(first, frames[30:], 30) == run(second, frames[30:], 30)
    assert first.as_json() == second.as_json() and first.report() == second.report()
