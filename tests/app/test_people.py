"""A donor is a person: several pictures, one identity, and whoever else is among them left out."""

from __future__ import annotations

from dataclasses import replace

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
    assert donors.told == ("Eileen: one donor of 1 face",)


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
    ],
)
def test_what_is_no_picture_is_named(session, given, name):
    with pytest.raises(SettingsError, match=rf"^{name}: expected"):
        session.donors(**given)


def test_batches_are_joined_and_taken_apart_again(session, astronaut, hopper):
    first, second = session.detect([astronaut]), session.merge(session.detect([hopper, hopper]), [hopper, hopper])
    both = joined([first, second])
    assert [face.frame for face in both.flat()] == [0, 1]
    assert [view.frame for view in both.flat()[1].views] == [2]
    assert both.size == Size(512, 600) and len(both) == 3
    again = part_of(both, 1, [hopper, hopper])
    assert [face.frame for face in again.flat()[0].person] == [0, 1] and again.size == Size(512, 600)
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
