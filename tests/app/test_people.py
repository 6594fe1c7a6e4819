"""A donor is a person: several pictures, one identity, and whoever else is among them left out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import standins
from multifaceswap import Session, merge_faces
from multifaceswap.app.donor_files import PersonFiles, read_donors
from multifaceswap.app.jobs import Job, swap_job
from multifaceswap.media.pictures import write_picture
from multifaceswap.pipeline.errors import FaceNotFoundError, SettingsError
from multifaceswap.pipeline.faces.joining import joined, moved, part_of
from multifaceswap.pipeline.types import Embedding, FaceSet, Size

ENGINE = "inswapper_128"


@pytest.fixture(scope="module")
def neural(tmp_path_factory):
    """A session with stand-ins of an engine that takes an identity, and of its embedder."""
    folder = tmp_path_factory.mktemp("models")
    standins.swapper(folder / "inswapper_128.onnx")
    standins.pooled(folder / "w600k_r50.onnx", scale=40)
    with Session([folder], "cpu") as session:
        yield session


@pytest.fixture(scope="module")
def views(astronaut):
    """Three pictures of one person, whose identities differ: as she is, mirrored, and dim."""
    return [astronaut, np.ascontiguousarray(astronaut[:, ::-1]), astronaut // 3]


def identities(session, pictures, faces):
    """(N, 512) unit identities of the stand-in, each measured in its own picture."""
    embedder = session.models.embedder("w600k_r50")
    found = [embedder.embed(pictures[face.frame], [face])[0].vector for face in faces]
    return np.array([vector / np.linalg.norm(vector) for vector in found])


def swapped_by(session, target, vector):
    """What the engine makes of a target with that identity: through a face that carries it and isn't measured."""
    faces = session.detect([target])
    donor = replace(faces.flat()[0], embedding=Embedding(vector, "w600k_r50"))
    sources = replace(faces, frames=((donor,),))
    return session.swap([target], [target], session.map(faces, sources), swap_model=ENGINE).images[0]


@pytest.mark.parametrize("average", ["mean", "median"])
def test_the_engine_gets_the_mean_or_median_of_all_views(neural, views, hopper, average):
    faces = neural.merge(neural.detect(views), views)
    own = identities(neural, views, faces.flat()[0].person)
    assert len(own) == 3 and (own @ own.T).min() < 0.99
    targets = neural.detect([hopper])
    index_map = neural.map(targets, faces)
    made = neural.swap([hopper], views, index_map, swap_model=ENGINE, average=average).images[0]
    by = {"mean": own.mean(0), "median": np.median(own, axis=0)}
    others = {name: swapped_by(neural, hopper, np.float32(vector * 40)) for name, vector in by.items()}
    assert np.abs(made.astype(int) - others.pop(average)).max() <= 1
    assert np.abs(made.astype(int) - others.popitem()[1]).max() > 1


@pytest.mark.parametrize("door", ["swap", "picture", "job", "function"])
def test_average_acts_at_every_door(neural, views, hopper, tmp_path, door):
    made = [_through(neural, views, hopper, tmp_path, door, average) for average in ("mean", "median", "mean")]
    assert (made[0] == made[2]).all()
    assert np.abs(made[0].astype(int) - made[1]).max() > 1


def _through(session, views, target, folder, door, average):
    settings = {"swap_model": ENGINE, "average": average}
    if door in ("swap", "function"):
        found = session.detect(views)
        merge = session.merge if door == "swap" else lambda *a: merge_faces(*a, session=session)
        faces = merge(found, views)
        return session.swap([target], views, session.map(session.detect([target]), faces), **settings).images[0]
    if door == "picture":
        donors = session.donors([], people={"Eileen": views})
        done = session.swap_picture(target, donors, **settings)
        assert not [note for note in done.notes if "has no effect" in note]
        return done.result.images[0]
    files = []
    for number, view in enumerate(views):
        files.append(folder / f"{number}.png")
        write_picture(files[-1], view)
    write_picture(folder / "target.png", target)
    donors = read_donors(session, [PersonFiles("Eileen", tuple(files))], [], settings)
    done = swap_job(session, Job(folder / "target.png", folder / "out.png"), donors, {**settings, "mark": False})
    assert not [note for note in done.notes if "has no effect" in note]
    return session_picture(folder / "out.png")


def session_picture(path):
    from multifaceswap.media.pictures import read_picture

    return read_picture(path)


def test_without_several_views_average_says_that_it_has_no_effect(neural, astronaut, hopper):
    donors = neural.donors([astronaut])
    done = neural.swap_picture(hopper, donors, swap_model=ENGINE, average="median")
    assert "average median has no effect: no donor is shown by several faces" in done.notes


def test_sources_come_first_then_people_in_their_order(session, views, hopper, astronaut):
    donors = session.donors([hopper], people={"Eileen": views, "Grace": [hopper]})
    assert [face.frame for face in donors.faces.flat()] == [0, 1, 4]
    assert [len(face.person) for face in donors.faces.flat()] == [1, 3, 1]
    assert donors.names == ("picture 0", "Eileen", "Eileen", "Eileen", "Grace")
    assert donors.told == ("Eileen: one donor of 3 faces", "Grace: one donor of 1 face")
    assert all(view.frame in (1, 2, 3) for view in donors.faces.flat()[1].person)


def test_somebody_else_among_the_pictures_is_named_and_left_out(session, views, hopper):
    donors = session.donors([], people={"Eileen": [views[0], hopper, views[1]]})
    (donor,) = donors.faces.flat()
    assert sorted(face.frame for face in donor.person) == [0, 2]
    assert donors.told == ("Eileen, picture 1, face 0: another person, left out", "Eileen: one donor of 2 faces")


def test_a_person_whom_no_picture_shows_is_the_usual_error(session):
    blank = np.full((200, 200, 3), 90, np.uint8)
    with pytest.raises(FaceNotFoundError, match=r"^no source face found: nothing can be swapped"):
        session.donors([], people={"Nobody": [blank]})


def test_a_person_without_a_face_takes_no_number(session, astronaut):
    blank = np.full((200, 200, 3), 90, np.uint8)
    donors = session.donors([], people={"Nobody": [blank], "Eileen": [astronaut]})
    assert [face.frame for face in donors.faces.flat()] == [1]
    assert donors.told == ("Nobody, picture 0: no face found", "Eileen: one donor of 1 face")


def test_pictures_without_a_face_and_pictures_given_twice_are_told_apart(session, astronaut):
    blank, mirrored = np.full((200, 200, 3), 90, np.uint8), np.ascontiguousarray(astronaut[:, ::-1])
    donors = session.donors([], people={"E": [astronaut, blank, astronaut.copy(), mirrored]})
    assert donors.told == ("E, picture 1: no face found", "E: one donor of 2 faces")
    assert {view.frame for view in donors.faces.flat()[0].person} == {0, 3}


def test_what_the_filters_leave_out_isnt_said_to_be_no_face(session, astronaut, hopper):
    donors = session.donors([], people={"E": [astronaut, hopper]}, detect_gender_source="female")
    assert donors.told == ("E, picture 1: no face found that the filters keep", "E: one donor of 1 face")


def test_a_face_too_small_to_tell_isnt_called_another_person(session, astronaut, hopper):
    small = np.full((160, 160, 3), 90, np.uint8)
    small[:] = cv2.resize(hopper[:500, :500], (160, 160), interpolation=cv2.INTER_AREA)
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    donors = session.donors([], people={"E": [astronaut, mirrored, small]})
    assert donors.told[0] == "E, picture 2, face 0: too unlike the others, or too small to tell, left out"


def test_that_the_order_decided_between_two_people_is_told(session, astronaut, hopper):
    donors = session.donors([], people={"E": [astronaut, hopper]})
    assert donors.told == (
        "E, picture 1, face 0: another person, whom as many faces show, left out",
        "E: one donor of 1 face",
    )


@pytest.mark.parametrize("there", [True, False])
def test_saved_identities_are_compared_by_what_there_is(session, astronaut, there, tmp_path):
    """Somebody known by an embedder whose file may not be there, and a picture that it then can't measure."""
    if there:
        standins.pooled(tmp_path / "w600k_r50.onnx", scale=40)
    with Session([tmp_path], "cpu") as own:
        shown = own.detect([astronaut])
        who = standins_identity(own, astronaut) if there else np.ones(512, np.float32)
        bob = replace(shown.flat()[0], pictured=False, embedding=Embedding(who, "w600k_r50"))
        alone = own.merge(replace(shown, frames=((bob,),)), [astronaut])
        assert alone.flat()[0].embedding.model == "w600k_r50" and alone.notes == ()
        both = own.merge(joined([replace(shown, frames=((bob,),)), shown]), [astronaut] * 2)
    models = {view.embedding.model for view in both.flat()[0].person if view.embedding}
    told = "picture 0, face 0: holds no identity to compare it by, taken for the same person"
    assert both.notes == (() if there else (told,))
    assert models == ({"w600k_r50"} if there else {"w600k_r50", "dlib128"})


def standins_identity(session, picture):
    return session.models.embedder("w600k_r50").embed(picture, session.detect([picture]).flat())[0].vector


def test_saved_identities_are_compared_with_each_other_without_their_file(session, astronaut):
    shown, random = session.detect([astronaut]), np.random.default_rng(0)
    vectors = [random.normal(size=512) for _ in range(2)]
    people = [
        replace(shown.flat()[0], pictured=False, embedding=Embedding(vector, "w600k_r50"))
        for vector in (vectors[0], vectors[0] + 0.1, vectors[1])
    ]
    made = session.merge(joined([replace(shown, frames=((one,),)) for one in people]), [astronaut] * 3)
    assert made.notes == ("picture 2, face 0: another person, left out",)


def test_the_embedder_and_threshold_act_on_people(neural, views, hopper):
    """With a threshold so large that everybody is one person, nobody is left out."""
    given = {"Both": [views[0], hopper]}
    assert len(neural.donors([], people=given, identity_threshold=2).faces.flat()[0].person) == 2
    strict = neural.donors([], people=given)
    assert len(strict.faces.flat()[0].person) == 1
    done = neural.swap_picture(hopper, neural.donors([], people={"E": views}), embedder="w600k_r50")
    assert not [note for note in done.notes if note.startswith("embedder")]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"sources": None}, "sources"),
        ({"sources": [], "people": {"A": [1]}}, "A, picture 0"),
        ({"sources": [], "references": [np.zeros(3)]}, "references, picture 0"),
        ({"sources": [], "people": [np.zeros((9, 9, 3))]}, "people"),
        ({"sources": [], "people": np.zeros((1, 9, 9, 3))}, "people"),
    ],
)
def test_what_is_no_picture_is_named(session, given, name):
    with pytest.raises(SettingsError, match=rf"^{name}: expected"):
        session.donors(**given)


def test_batches_are_joined_and_taken_apart_again(session, astronaut, hopper):
    two = [hopper, np.ascontiguousarray(hopper[:, ::-1])]
    first, second = session.detect([astronaut]), session.merge(session.detect(two), two)
    both = joined([first, second])
    lead = both.flat()[1]
    assert [face.frame for face in both.flat()] == [0, lead.frame]
    assert {view.frame for view in lead.person} == {1, 2}
    assert both.size == Size(512, 600) and len(both) == 3
    again = part_of(both, 1, two)
    assert {face.frame for face in again.flat()[0].person} == {0, 1} and again.size == Size(512, 600)
    assert joined([]).count == 0 and joined([]).size == (0, 0)
    assert moved(first.flat()[0], 0) is first.flat()[0]
    assert isinstance(both, FaceSet)


def test_average_acts_on_a_clip(neural, views, hopper, tmp_path):
    pytest.importorskip("av")
    from clipmaking import write_clip

    target = write_clip(tmp_path / "in.mp4", [np.ascontiguousarray(hopper[:512:2, ::2])] * 3)
    faces = neural.merge(neural.detect(views), views)
    made = []
    for average in ("mean", "median"):
        output = tmp_path / f"{average}.mkv"
        done = neural.swap_clip(target, output, views, faces, swap_model=ENGINE, average=average)
        assert done.swapped == 3 and not [line for line in done.report if line.startswith("average")]
        made.append(first_frame(output))
    assert np.abs(made[0].astype(int) - made[1]).max() > 4


def first_frame(path):
    import av

    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="rgb24")
