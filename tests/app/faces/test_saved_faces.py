"""Saved faces: what comes back is what was saved, and nothing else gets in or out."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest
import standins
from multifaceswap import Session, load_face, save_face
from multifaceswap.app.donor_files import PersonFiles, read_donors
from multifaceswap.app.faces.cutting import LONGEST, cut, moved
from multifaceswap.app.faces.folders import FaceFolders, checked_name
from multifaceswap.app.faces.keeping import saved_of
from multifaceswap.app.faces.reading import read_person
from multifaceswap.app.pictures import Donors
from multifaceswap.media.pictures import write_picture
from multifaceswap.models.store import Folders
from multifaceswap.pipeline.errors import (
    FaceNotFoundError,
    ImageError,
    MismatchError,
    SettingsError,
)
from multifaceswap.pipeline.faces.joining import joined, part_of
from multifaceswap.pipeline.geometry import align, extract_crop
from multifaceswap.pipeline.templates import FFHQ_512, TEMPLATES
from multifaceswap.pipeline.types import AgeRange, CropSpec, FaceSet, Size
from PIL import Image

safetensors = pytest.importorskip("safetensors.numpy")


SPEC = CropSpec(FFHQ_512, 256)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    path = tmp_path / "faces"
    monkeypatch.setenv("MULTIFACESWAP_FACES", str(path))
    return path


@pytest.fixture(scope="module")
def neural(tmp_path_factory):
    """A session with stand-ins of engines that take an identity, and a picture, and of an embedder."""
    models = tmp_path_factory.mktemp("models")
    standins.swapper(models / "inswapper_128.onnx")
    standins.pooled(models / "w600k_r50.onnx", scale=40)
    with Session([models], "cpu") as session:
        yield session


@pytest.fixture
def views(astronaut):
    return [astronaut, np.ascontiguousarray(astronaut[:, ::-1])]


def person(session, pictures):
    return session.merge(session.detect(pictures, gender=True), pictures)


def swapped(session, target, pictures, faces, **settings):
    return session.swap([target], pictures, session.map(session.detect([target]), faces), **settings).images[0]


@pytest.mark.parametrize("engine", ["mesh", "inswapper_128"])
def test_a_saved_face_swaps_as_the_pictures_that_it_was_made_of(neural, views, hopper, engine):
    faces = person(neural, views)
    about = neural.save_face("Eileen", faces, views)
    assert (about.views, about.pictures, about.models) == (2, 2, ("dlib128", "w600k_r50"))
    saved = neural.load_face("Eileen")
    assert all(picture.shape[0] * picture.shape[1] < 512 * 512 / 4 for picture in saved.pictures)
    made = swapped(neural, hopper, saved.pictures, saved.faces, swap_model=engine)
    meant = swapped(neural, hopper, views, faces, swap_model=engine)
    assert np.abs(made.astype(int) - hopper).max() > 20
    assert np.abs(made.astype(int) - meant).max() <= 1


def test_of_identities_alone_an_engine_gets_the_same_identity(neural, views, hopper):
    faces = person(neural, views)
    about = neural.save_face("Eileen", faces, views, embeddings_only=True)
    assert (about.views, about.pictures) == (2, 0) and about.size < 20_000
    saved = neural.load_face("Eileen")
    assert not any(view.pictured for view in saved.faces.flat()[0].person)
    assert {picture.shape for picture in saved.pictures} == {(64, 64, 3)}
    made = swapped(neural, hopper, saved.pictures, saved.faces, swap_model="inswapper_128")
    meant = swapped(neural, hopper, views, faces, swap_model="inswapper_128")
    assert np.abs(made.astype(int) - meant).max() <= 1


def test_without_pictures_mesh_says_so_before_any_work(neural, views, hopper, tmp_path, monkeypatch):
    neural.save_face("Eileen", person(neural, views), views, embeddings_only=True)
    saved = neural.load_face("Eileen")
    index_map = neural.map(neural.detect([hopper]), saved.faces)
    lines = r"it was saved without a picture, which mesh needs: choose an engine that takes an identity, such as "
    with pytest.raises(SettingsError, match=rf"^source 0: {lines}inswapper_128, or save it anew with pictures$"):
        neural.swap([hopper], saved.pictures, index_map)
    with pytest.raises(SettingsError, match=rf"^face:Eileen: {lines}"):
        read_donors(neural, [tmp_path / "faces" / "Eileen.safetensors"], [], {})
    with pytest.raises(SettingsError, match=lines):
        neural.swap_clip("never read.mp4", tmp_path / "out.mp4", saved.pictures, saved.faces)


def test_an_identity_of_another_model_is_said_to_be_missing(session, neural, views, hopper):
    """Saved where the embedder's file isn't installed."""
    session.save_face("Eileen", person(session, views), views, embeddings_only=True)
    saved = neural.load_face("Eileen")
    assert saved.about.models == ("dlib128",)
    lines = "without an identity of w600k_r50, which inswapper_128 takes: save it anew where the file of w600k_r50"
    with pytest.raises(SettingsError, match=lines):
        swapped(neural, hopper, saved.pictures, saved.faces, swap_model="inswapper_128")


def test_what_was_saved_is_saved_again_as_it_is(neural, views):
    neural.save_face("first", person(neural, views), views, consent="by mail")
    saved = neural.load_face("first")
    neural.save_face("second", saved.faces, saved.pictures, consent=saved.about.consent)
    one, other = (read_person(FaceFolders.of(Folders({})).find(name)) for name in ("first", "second"))
    assert len(one.views) == len(other.views) == 2
    for a, b in zip(one.views, other.views, strict=True):
        assert a.picture.shape == b.picture.shape and (a.picture == b.picture).all()
        assert [e.model for e in a.embeddings] == [e.model for e in b.embeddings] == ["dlib128", "w600k_r50"]
        assert all((x.vector == y.vector).all() for x, y in zip(a.embeddings, b.embeddings, strict=True))
        assert np.abs(a.landmarks - b.landmarks).max() < 1e-3 and np.abs(a.mesh - b.mesh).max() < 1e-3
    assert (one.consent, one.gender) == (other.consent, other.gender) == ("by mail", "female")


def test_the_file_says_what_it_is_and_nothing_of_where_the_pictures_lay(session, astronaut, tmp_path, folder):
    secret = tmp_path / "holiday in Rome"
    secret.mkdir()
    picture = Image.fromarray(astronaut)
    exif = Image.Exif()
    exif[0x010E], exif[0x9003] = "Somebody's garden", "2020:01:02 03:04:05"
    picture.save(secret / "private.jpg", exif=exif)
    donors = read_donors(session, [PersonFiles("E", (secret / "private.jpg",))], [], {}).donors
    faces = replace(
        donors.faces, frames=tuple(tuple(replace(f, age=AgeRange(30, 39)) for f in s) for s in donors.faces)
    )
    session.save_face("Eileen", faces, donors.pictures, consent="Yes, for the film.")
    data = (folder / "Eileen.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    said = header.pop("__metadata__")
    assert said.pop("written_by").startswith("MultiFaceSwap ")
    assert said == {
        "format": "multifaceswap face",
        "format_version": "1",
        "name": "Eileen",
        "models": "dlib128",
        "age": "30-39",
        "consent": "Yes, for the film.",
    }
    assert {name: (part["dtype"], part["shape"][1:]) for name, part in header.items()} == {
        "0.box": ("F32", []),
        "0.landmarks": ("F32", [2]),
        "0.score": ("F32", []),
        "0.mesh": ("F32", [3]),
        "0.embedding.dlib128": ("F32", []),
        "0.picture": ("U8", header["0.picture"]["shape"][1:]),
    }
    for word in (b"private", b"holiday", b"Rome", b"garden", b"2020", os.fsencode(tmp_path)):
        assert word not in data
    again = session.load_face("Eileen")
    assert again.faces.flat()[0].age == AgeRange(30, 39)


def test_a_note_of_consent_comes_with_the_donor(session, astronaut, folder):
    session.save_face("Eileen", session.detect([astronaut]), [astronaut], consent="Yes, for the film.")
    donors = read_donors(session, [folder / "Eileen.safetensors"], [], {})
    assert donors.notes == ("face:Eileen: consent: Yes, for the film.",)
    assert donors.names == ("face:Eileen",)


@pytest.mark.parametrize("text", ["two\nlines", "x" * 1001, "bell\x07", "‮turned"])
def test_a_note_that_no_line_can_show_is_refused(session, astronaut, folder, text):
    with pytest.raises(SettingsError, match="consent: expected one line"):
        session.save_face("Eileen", session.detect([astronaut]), [astronaut], consent=text)
    assert not folder.exists()


def test_nobody_and_several_people_cant_be_saved(session, astronaut, hopper):
    blank = np.full((80, 90, 3), 90, np.uint8)
    with pytest.raises(FaceNotFoundError, match="no face to save"):
        session.save_face("a", session.detect([blank]), [blank])
    with pytest.raises(SettingsError, match="is one person, got 2 faces: merge those of one person first"):
        session.save_face("a", session.detect([astronaut, hopper]), [astronaut, hopper])
    with pytest.raises(MismatchError):
        session.save_face("a", session.detect([astronaut]), [hopper])


def test_a_name_is_taken_once_unless_it_is_overwritten(session, astronaut, hopper, folder):
    save_face("Somebody", session.detect([astronaut]), [astronaut], session=session)
    before = (folder / "Somebody.safetensors").read_bytes()
    with pytest.raises(SettingsError, match="is there already"):
        save_face("Somebody", session.detect([hopper]), [hopper], session=session)
    assert (folder / "Somebody.safetensors").read_bytes() == before
    save_face("Somebody", session.detect([hopper]), [hopper], overwrite=True, session=session)
    assert load_face("Somebody", session=session).pictures[0].shape != (512, 512, 3)
    assert (folder / "Somebody.safetensors").read_bytes() != before
    assert [path.name for path in folder.iterdir()] == ["Somebody.safetensors"]


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a", "a/b", "a\\b", "C:a", "a:b", "/a", "a\0b", "a\nb", "-a", ".a", " a", "a ", "a."),
        *("a*", "a?", "<a>", "a|b", "a~b", "a\u202eb", "\ud800", "x" * 65, "名" * 64, "a" * 65),
        *("con", "NUL.x", "com1", "lpt¹", "a.safetensors"),
    ],
)
def test_names_that_lead_elsewhere_or_that_some_system_refuses(session, astronaut, folder, name):
    with pytest.raises(SettingsError, match="a saved face's name"):
        session.save_face(name, session.detect([astronaut]), [astronaut])
    with pytest.raises(SettingsError, match="a saved face's name"):
        FaceFolders.of(Folders({})).find(name)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["Anna", "Anna B.C", "anna_2-x.y", "Jürgen", "山田 太郎", "7", "console", "संजय"])
def test_names_of_people(name):
    assert checked_name(name) == name


def test_a_name_has_one_form_of_its_letters(session, astronaut, folder):
    session.save_face("Ju\u0308rgen", session.detect([astronaut]), [astronaut])
    assert [path.stem for path in folder.iterdir()] == ["J\u00fcrgen"]
    assert session.load_face("J\u00fcrgen").about.name == "J\u00fcrgen"


def test_a_missing_name_says_what_is_there(session, astronaut, folder):
    with pytest.raises(SettingsError, match="there are none"):
        session.load_face("Anna")
    session.save_face("Anna", session.detect([astronaut]), [astronaut])
    with pytest.raises(SettingsError, match=r"no face is saved as 'Ana' in .*, such as Anna: there are Anna"):
        session.load_face("Ana")


# What is in a picture


def test_a_cut_holds_every_crop_that_engines_make(astronaut, session):
    (face,) = session.detect([astronaut]).flat()
    shown = cut(astronaut, face)
    assert shown.picture.dtype == np.uint8 and shown.picture.shape[2] == 3
    for template in TEMPLATES.values():
        spec = CropSpec(template, 256)
        crops = [
            extract_crop(picture, align(one, spec)) for picture, one in ((astronaut, face), (shown.picture, shown.face))
        ]
        assert np.abs(crops[0] - crops[1]).max() < 0.01


@pytest.mark.parametrize("kind", ["grey", "alpha", "deep", "float"])
def test_a_cut_is_of_eight_bit_colours_whatever_came(astronaut, session, kind):
    (face,) = session.detect([astronaut]).flat()
    alpha = np.full((512, 512, 1), 255, np.uint8)
    given = {
        "grey": astronaut[..., :1],
        "alpha": np.concatenate([astronaut, alpha], 2),
        "deep": astronaut.astype(np.uint16) * 257,
        "float": astronaut.astype(np.float32) / 255,
    }[kind]
    meant = cut(np.repeat(astronaut[..., :1], 3, 2) if kind == "grey" else astronaut, face).picture
    assert (cut(given, face).picture == meant).all()


def test_a_large_face_is_made_smaller_and_a_small_one_stays(astronaut, session):
    (face,) = session.detect([astronaut]).flat()
    small = cut(astronaut, face)
    assert max(small.picture.shape) < LONGEST
    large = cv2.resize(astronaut, (4096, 4096), interpolation=cv2.INTER_CUBIC)
    big = replace(face, box=face.box * 8, landmarks=face.landmarks * 8, mesh=face.mesh * 8)
    shown = cut(large, big)
    assert max(shown.picture.shape) == LONGEST
    crops = [extract_crop(picture, align(one, SPEC)) for picture, one in ((large, big), (shown.picture, shown.face))]
    assert np.abs(crops[0] - crops[1]).mean() < 0.004
    scale = np.ptp(shown.face.mesh, 0) / np.ptp(big.mesh, 0)
    assert scale == pytest.approx(scale[0], rel=0.01)


def test_a_face_that_lies_outside_of_its_picture_is_saved_with_all_of_it(astronaut, session):
    (face,) = session.detect([astronaut]).flat()
    away = replace(face, box=face.box + 5000, landmarks=face.landmarks + 5000, mesh=None)
    assert cut(astronaut, away).picture.shape == (512, 512, 3)


# Files from elsewhere


def tensors(**others):
    own = {
        "0.box": np.array([10, 10, 50, 60], np.float32),
        "0.landmarks": np.array([(22, 29), (42, 29), (32, 41), (24, 52), (40, 52)], np.float32),
        "0.score": np.ones(1, np.float32),
        "0.embedding.dlib128": np.ones(128, np.float32),
    }
    return {name: value for name, value in {**own, **others}.items() if value is not None}


def second(*sizes):
    """Another view, and identities of an unknown model on both."""
    view = {name.replace("0", "1", 1): value for name, value in tensors().items()}
    return view | {f"{number}.embedding.x": np.ones(size, np.float32) for number, size in enumerate(sizes)}


def spread(change=lambda mesh: mesh):
    """A mesh (468, 3) whose places (468, 2), 40 pixels wide and high, were changed."""
    places = np.random.default_rng(0).uniform(10, 50, (468, 2))
    return np.pad(np.broadcast_to(change(places), (468, 2)), ((0, 0), (0, 1))).astype(np.float32)


SAID = {"format": "multifaceswap face", "format_version": "1"}


def written(path, parts, said=SAID):
    path.write_bytes(safetensors.save(parts, metadata=said))
    return path


def test_the_least_that_a_file_can_hold(session, tmp_path):
    face = session.load_face(written(tmp_path / "a.safetensors", tensors()))
    assert face.about.kind == "1 view, no pictures, identities of dlib128"
    (only,) = face.faces.flat()
    assert not only.pictured and only.embedding.model == "dlib128"


def test_a_mesh_seen_from_the_side_is_read(session, tmp_path):
    narrow = spread(lambda mesh: mesh * (0.1, 1))
    face = session.load_face(written(tmp_path / "a.safetensors", tensors(**{"0.mesh": narrow}))).faces.flat()[0]
    assert np.ptp(face.mesh[:, 1]) > 9 * np.ptp(face.mesh[:, 0])


def test_identities_of_unknown_models_may_have_any_size(session, tmp_path):
    face = session.load_face(written(tmp_path / "a.safetensors", tensors(**second(7, 7))))
    assert face.about.models == ("dlib128", "x")
    assert [len(one.embedding.vector) for one in face.faces.flat()[0].person] == [128, 7, 128, 7]


@pytest.mark.parametrize(
    ("others", "said", "message"),
    [
        ({"0.box": None}, SAID, "a view lacks its box"),
        ({"1.box": np.zeros(4, np.float32)}, SAID, "a view lacks its landmarks, score"),
        ({"2.box": np.zeros(4, np.float32)}, SAID, "its views aren't"),
        ({"0.more": np.zeros(4, np.float32)}, SAID, "which no saved face has"),
        ({"../0.box": np.zeros(4, np.float32)}, SAID, "which no saved face has"),
        ({"00.box": np.zeros(4, np.float32)}, SAID, "which no saved face has"),
        ({"0.embedding.": np.zeros(4, np.float32)}, SAID, "which no saved face has"),
        ({"0.box": np.zeros(4, np.float64)}, SAID, r"0\.box: expected F32 \(4,\), got F64 \(4,\)"),
        ({"0.box": np.zeros(5, np.float32)}, SAID, r"0\.box: expected F32 \(4,\), got F32 \(5,\)"),
        ({"0.box": np.full(4, np.nan, np.float32)}, SAID, "NaN or infinity"),
        ({"0.box": np.full(4, 1e5, np.float32)}, SAID, "lies outside of it"),
        ({"0.score": np.full(1, np.inf, np.float32)}, SAID, "score"),
        ({"0.mesh": np.zeros((478, 3), np.float32)}, SAID, r"0\.mesh: expected F32 \(468, 3\)"),
        ({"0.picture": np.zeros((4, 4), np.uint8)}, SAID, r"0\.picture: expected U8"),
        ({"0.picture": np.zeros((4, 4, 4), np.uint8)}, SAID, r"0\.picture: expected U8"),
        ({"0.picture": np.zeros((4, 4, 3), np.float32)}, SAID, r"0\.picture: expected U8"),
        ({"0.picture": np.zeros((2049, 1, 3), np.uint8)}, SAID, r"0\.picture: expected U8"),
        ({"0.picture": np.zeros((0, 4, 3), np.uint8)}, SAID, r"0\.picture: expected U8"),
        ({"0.embedding.x": np.zeros((2, 2), np.float32)}, SAID, r"0\.embedding\.x: expected F32"),
        ({"0.embedding.x": np.full(4, np.nan, np.float32)}, SAID, "NaN or infinity"),
        ({"0.embedding.dlib128": np.ones(64, np.float32)}, SAID, "dlib128: expected 128 numbers, got 64"),
        ({"0.embedding.w600k_r50": np.ones(128, np.float32)}, SAID, "w600k_r50: expected 512 numbers, got 128"),
        ({"0.embedding.dlib128": np.zeros(128, np.float32)}, SAID, "dlib128: its numbers come to 0, which tells"),
        ({"0.embedding.x": np.zeros(7, np.float32)}, SAID, "an identity of x: its numbers come to 0, which tells"),
        ({"0.embedding.x": np.full(7, 1e-30, np.float32)}, SAID, "an identity of x: its numbers come to 2.6"),
        ({"0.embedding.x": np.full(7, 3e38, np.float32)}, SAID, "an identity of x: its numbers come to 7.9"),
        ({"0.mesh": np.ones((468, 3), np.float32)}, SAID, "a view's mesh is collapsed: 1 of 468"),
        ({"0.mesh": spread(lambda mesh: mesh[:, 1:] * 0)}, SAID, "collapsed"),
        ({"0.mesh": spread(lambda mesh: mesh[:, :1] @ np.ones((1, 2)))}, SAID, "collapsed"),
        ({"0.mesh": spread(lambda mesh: mesh[np.arange(468) % 300])}, SAID, "collapsed: 300 of 468"),
        ({"0.mesh": spread(lambda mesh: mesh * 1e-4)}, SAID, "collapsed"),
        (second(7, 9), SAID, "identities of x: expected 7 numbers in every view, got 9"),
        ({}, {**SAID, "format_version": "2"}, "expected format 1, got '2': a later release wrote it"),
        ({}, {**SAID, "age": "old"}, "expected years"),
        ({}, {"format": "pt"}, "it holds no face"),
        ({}, None, "it holds no face"),
    ],
)
def test_a_file_that_isnt_a_saved_face_is_one_line_that_names_it(session, tmp_path, others, said, message):
    path = written(tmp_path / "a.safetensors", tensors(**others), said)
    with pytest.raises(ImageError, match=message) as raised:
        session.load_face(path)
    assert str(raised.value).startswith(f"{path}: can't be read as a saved face: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "data", [b"", b"junk", b"\xff" * 64, struct.pack("<Q", 1 << 40) + b"{}", b"\x80\x04\x95pickle"]
)
def test_other_files_are_refused(session, tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(ImageError, match="can't be read as a saved face"):
        session.load_face(path)


def test_every_cut_and_flipped_file_is_a_face_or_an_error(session, astronaut, folder, tmp_path):
    session.save_face("a", session.detect([astronaut]), [astronaut])
    whole = (folder / "a.safetensors").read_bytes()
    random, path = np.random.default_rng(3), tmp_path / "b.safetensors"
    ends = {"read": 0, "refused": 0}
    for turn in range(60):
        data = bytearray(whole[: random.integers(len(whole))] if turn % 2 else whole)
        for place in random.integers(0, min(len(data), 900) or 1, 3 if data else 0):
            data[place] = random.integers(256)
        path.write_bytes(bytes(data))
        try:
            session.load_face(path)
            ends["read"] += 1
        except ImageError:
            ends["refused"] += 1
    assert ends["refused"] > 30


def test_a_huge_file_isnt_read(session, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.truncate((256 << 20) + 1)
    monkeypatch.setattr("safetensors.safe_open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(ImageError, match="larger than 268,435,456 bytes"):
        session.load_face(path)


def test_a_pipe_isnt_waited_for(session, tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no such pipes")
    os.mkfifo(tmp_path / "a.safetensors")
    with pytest.raises(ImageError, match="not a regular file"):
        session.load_face(tmp_path / "a.safetensors")


def test_control_characters_in_a_foreign_note_are_shown_harmlessly(session, tmp_path):
    said = {**SAID, "consent": "yes\x1b[2J\nno", "written_by": "\x1b]0;x\x07"}
    about = session.load_face(written(tmp_path / "a.safetensors", tensors(), said)).about
    assert all(line.isprintable() for line in about.lines())
    assert about.consent.startswith("yes")


# ReActor's


def reactor_face(path, gender=1, **others):
    random = np.random.default_rng(1)
    own = {
        "bbox": np.array([100, 100, 300, 360], np.float32),
        "kps": random.random((5, 2), np.float32),
        "det_score": np.array(0.9, np.float32),
        "landmark_3d_68": np.zeros((68, 3), np.float32),
        "pose": np.zeros(3, np.float32),
        "landmark_2d_106": np.zeros((106, 2), np.float32),
        "embedding": random.standard_normal(512).astype(np.float32),
        "gender": np.array(gender, np.int64),
        "age": np.array(41, np.int64),
    }
    parts = {name: np.ascontiguousarray(value) for name, value in {**own, **others}.items() if value is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors.save(parts))
    return own["embedding"]


@pytest.mark.parametrize(("gender", "meant"), [(0, "female"), (1, "male"), (7, None)])
def test_of_reactors_faces_the_identity_and_the_gender_are_read(session, tmp_path, gender, meant):
    vector = reactor_face(tmp_path / "reactor" / "faces" / "Bob.safetensors", gender)
    with Session([tmp_path], "cpu") as own:
        saved = own.load_face("Bob")
    (face,) = saved.faces.flat()
    assert (face.embedding.vector == vector).all() and face.embedding.model == "w600k_r50"
    assert (face.gender, face.pictured, face.mesh, face.views) == (meant, False, None, ())
    assert saved.about.origin == "ReActor"


@pytest.mark.parametrize(
    "others",
    [
        {"embedding": np.zeros(256, np.float32)},
        {"embedding": np.zeros(512, np.int64)},
        {"embedding": np.full(512, np.nan, np.float32)},
        {"embedding": None},
    ],
)
def test_reactors_faces_without_a_usable_identity(session, tmp_path, others):
    reactor_face(tmp_path / "Bob.safetensors", **others)
    with pytest.raises(ImageError, match="can't be read as a saved face"):
        session.load_face(tmp_path / "Bob.safetensors")


def test_an_engine_takes_reactors_identity_and_mesh_refuses_it(neural, tmp_path, hopper):
    vector = reactor_face(tmp_path / "Bob.safetensors")
    saved = neural.load_face(tmp_path / "Bob.safetensors")
    made = swapped(neural, hopper, saved.pictures, saved.faces, swap_model="inswapper_128")
    faces = neural.detect([hopper])
    donor = replace(faces.flat()[0], embedding=saved.faces.flat()[0].embedding)
    meant = swapped(neural, hopper, [hopper], replace(faces, frames=((donor,),)), swap_model="inswapper_128")
    assert (made == meant).all() and (donor.embedding.vector == vector).all()
    with pytest.raises(SettingsError, match="saved without a picture, which mesh needs"):
        swapped(neural, hopper, saved.pictures, saved.faces)


# Folders


def test_the_variable_comes_first_then_the_hosts_then_what_is_there_then_the_users(tmp_path, monkeypatch):
    hosted = Folders({"multifaceswap": [tmp_path / "models" / "multifaceswap"]}, [tmp_path / "plain"])
    assert FaceFolders.of(hosted).own == tmp_path / "faces"
    monkeypatch.delenv("MULTIFACESWAP_FACES")
    assert FaceFolders.of(hosted).own == tmp_path / "models" / "multifaceswap" / "faces"
    plain = Folders({}, [tmp_path / "plain"])
    assert FaceFolders.of(plain).own.parts[-2:] == ("multifaceswap", "faces")
    assert tmp_path not in FaceFolders.of(plain).own.parents
    (tmp_path / "plain" / "multifaceswap" / "faces").mkdir(parents=True)
    assert FaceFolders.of(plain).own == tmp_path / "plain" / "multifaceswap" / "faces"


def test_reactors_folder_is_listed_and_nothing_is_deleted_there(tmp_path, folder):
    reactor_face(tmp_path / "models" / "reactor" / "faces" / "Bob.safetensors")
    reactor_face(folder / "Anna.safetensors")
    (folder / "notes.txt").write_text("x")
    (folder / "bad~name.safetensors").write_text("x")
    folders = FaceFolders.of(Folders({"reactor": [tmp_path / "models" / "reactor"]}))
    assert folders.names() == ["Anna", "Bob"]
    with pytest.raises(SettingsError, match="is ReActor's: delete it there"):
        folders.delete("Bob")
    assert folders.delete("Anna") == folder / "Anna.safetensors"
    assert folders.names() == ["Bob"]


def test_a_face_goes_along_as_a_file_and_with_pictures(session, astronaut, hopper, folder, tmp_path):
    """A person of a saved face and a further picture; the saved face of somebody else is left out."""
    session.save_face("Eileen", session.detect([astronaut]), [astronaut])
    session.save_face("Grace", session.detect([hopper]), [hopper])
    write_picture(tmp_path / "mirrored.png", np.ascontiguousarray(astronaut[:, ::-1]))
    eileen, grace = (folder / f"{name}.safetensors" for name in ("Eileen", "Grace"))
    found = read_donors(session, [grace, PersonFiles("E", (eileen, tmp_path / "mirrored.png", grace))], [], {})
    assert [len(face.person) for face in found.donors.faces.flat()] == [1, 2]
    assert found.names == ("face:Grace", "E", "E", "E")
    assert found.notes == ("face:Grace, face 0: another person, left out", "E: one donor of 2 faces")


def test_filters_say_that_they_leave_saved_faces_alone(session, hopper, folder):
    session.save_face("Grace", session.detect([hopper]), [hopper])
    found = read_donors(session, [folder / "Grace.safetensors"], [], {"detect_gender_source": "male"})
    assert found.donors.faces.count == 1
    assert found.notes == ("detect_gender_source has no effect on saved faces: whoever is named gives a face",)


def test_a_saved_face_is_a_reference(session, astronaut, hopper, folder, tmp_path):
    session.save_face("Eileen", session.detect([astronaut]), [astronaut], embeddings_only=True)
    write_picture(tmp_path / "donor.png", hopper)
    donors = read_donors(session, [tmp_path / "donor.png"], [folder / "Eileen.safetensors"], {})
    both = np.concatenate([hopper[:512], astronaut], 1)
    done = session.swap_picture(both, donors.donors)
    assert [pair.target.box[0] > 512 for pair in done.index_map.frames[0]] == [True]


def test_a_saved_view_counts_as_much_as_a_further_picture(neural, views, hopper, folder, tmp_path):
    """Its identity is known twice, of the file and of its picture, and counts once."""
    faces = neural.merge(neural.detect(views), views)
    neural.save_face("Eileen", neural.detect(views[:1]), views[:1])
    write_picture(tmp_path / "mirrored.png", views[1])
    files = (folder / "Eileen.safetensors", tmp_path / "mirrored.png")
    donors = read_donors(neural, [PersonFiles("E", files)], [], {}).donors
    made = neural.swap_picture(hopper, donors, swap_model="inswapper_128").result.images[0]
    meant = swapped(neural, hopper, views, faces, swap_model="inswapper_128")
    alone = swapped(neural, hopper, *neural.load_face("Eileen")[:2], swap_model="inswapper_128")
    assert np.abs(made.astype(int) - meant).max() <= 1 < np.abs(made.astype(int) - alone).max()


@pytest.mark.parametrize("embeddings_only", [False, True])
def test_nothing_of_a_saved_stranger_is_merged(neural, astronaut, hopper, folder, tmp_path, embeddings_only):
    """Neither his face nor what another embedder measured of it, with pictures or without."""
    for name, picture in (("Eileen", astronaut), ("Grace", hopper)):
        faces = neural.detect([picture])
        neural.save_face(name, faces, [picture], embeddings_only=embeddings_only)
    write_picture(tmp_path / "mirrored.png", np.ascontiguousarray(astronaut[:, ::-1]))
    eileen, grace = (folder / f"{name}.safetensors" for name in ("Eileen", "Grace"))
    found = read_donors(neural, [PersonFiles("E", (grace, eileen, tmp_path / "mirrored.png"))], [], {})
    (donor,) = found.donors.faces.flat()
    assert donor.pictured and {face.frame for face in donor.person} == {1, 2}
    assert sorted(face.embedding.model for face in donor.person) == ["dlib128", "dlib128", "w600k_r50"]
    assert found.notes == ("face:Grace, face 0: another person, left out", "E: one donor of 2 faces")


def test_of_more_views_than_a_file_holds_the_best_are_kept(session, astronaut):
    """The largest faces stay, and the first; the others are counted."""
    sizes = [100, *range(101, 170)]
    random = np.random.default_rng(0).permutation(sizes)
    lead = session.detect([astronaut]).flat()[0]
    views = [
        replace(moved(lead, np.array([[side / 300, 0, 0], [0, side / 300, 0]])), frame=frame)
        for frame, side in enumerate(random)
    ]
    faces = FaceSet(((replace(views[0], views=tuple(views[1:])),), *(() for _ in views[1:])), Size(512, 512))
    person = saved_of(session.models, faces, [astronaut] * 70, embeddings_only=True)
    assert (len(person.views), person.left_out) == (64, 6)
    kept = {round(float(view.box[2] - view.box[0]), 1) for view in person.views}
    widths = [round(float(view.box[2] - view.box[0]), 1) for view in views]
    assert kept == {widths[0], *sorted(widths[1:])[6:]}
    about = session.save_face("Many", faces, [astronaut] * 70, embeddings_only=True)
    assert about.notes == ["6 of 70 views left out: a saved face holds 64, the largest and most frontal"]
    assert session.load_face("Many").about.notes == []


def noted(session, astronaut, hopper):
    """Two people as one donor, and their pictures: a note of each, one of them on two views."""
    session.save_face("Eileen", session.detect([astronaut]), [astronaut], consent="Yes, for the film.")
    session.save_face("Grace", session.detect([hopper]), [hopper], consent="Yes, by mail.")
    one, other = session.load_face("Eileen"), session.load_face("Grace")
    return joined([one.faces, one.faces, other.faces]), [*one.pictures, *one.pictures, *other.pictures]


def test_a_note_of_consent_is_kept_when_a_face_is_saved_again(session, astronaut, hopper):
    faces, pictures = noted(session, astronaut, hopper)
    first = part_of(faces, 0, pictures[:1])
    assert session.save_face("Copy", first, pictures[:1]).consent == "Yes, for the film."
    assert session.load_face("Copy").about.consent == "Yes, for the film."
    assert session.save_face("Copy", first, pictures[:1], consent="No more.", overwrite=True).consent == "No more."
    both = session.merge(faces, pictures, identity_threshold=2.0)
    assert both.flat()[0].consents == ("Yes, by mail.", "Yes, for the film.")
    assert session.save_face("Both", both, pictures).consent == "Yes, by mail.; Yes, for the film."


def test_the_note_of_somebody_left_out_goes_with_them(session, astronaut, hopper):
    faces, pictures = noted(session, astronaut, hopper)
    assert session.merge(faces, pictures).flat()[0].consents == ("Yes, for the film.",)


def test_a_swap_says_what_was_agreed_once_a_donor_that_it_used(session, astronaut, hopper):
    faces, pictures = noted(session, astronaut, hopper)
    targets = session.detect([astronaut, hopper])
    done = session.swap([astronaut, hopper], pictures, session.map(targets, faces, "0", "2"))
    assert [line for line in done.report if "consent" in line] == ["source 2: consent: Yes, by mail."]
    donors = session.detect([hopper])
    done = session.swap([astronaut], [hopper], session.map(session.detect([astronaut]), donors))
    assert not [line for line in done.report if "consent" in line]


def test_a_clip_says_what_was_agreed(session, astronaut, hopper, tmp_path):
    pytest.importorskip("av")
    from clipmaking import write_clip

    faces, pictures = noted(session, astronaut, hopper)
    target = write_clip(tmp_path / "in.mp4", [np.ascontiguousarray(hopper[:512:2, ::2])] * 2)
    done = session.swap_clip(target, tmp_path / "out.mkv", pictures, faces)
    assert done.swapped == 2
    assert [line for line in done.report if "consent" in line] == ["source 0: consent: Yes, for the film."]


def test_a_donor_that_no_list_names_may_lack_its_picture(session, astronaut, hopper, tmp_path):
    pytest.importorskip("av")
    from clipmaking import write_clip

    session.save_face("Numbers", session.detect([hopper]), [hopper], embeddings_only=True)
    saved, shown = session.load_face("Numbers"), session.detect([astronaut])
    faces, pictures = joined([saved.faces, shown]), [*saved.pictures, astronaut]
    target = write_clip(tmp_path / "in.mp4", [np.ascontiguousarray(hopper[:512:2, ::2])] * 2)
    with pytest.raises(SettingsError, match=r"^source 0: it was saved without a picture"):
        session.swap_clip(target, tmp_path / "out.mkv", pictures, faces, source_faces_index="0")
    done = session.swap_clip(target, tmp_path / "out.mkv", pictures, faces, source_faces_index="1")
    assert done.swapped == 2
    donors = Donors(pictures, faces, names=("Numbers", "Eileen"))
    assert len(session.swap_picture(hopper, donors, source_faces_index="1").index_map.frames[0]) == 1
    with pytest.raises(SettingsError, match=r"^Numbers: it was saved without a picture"):
        session.swap_picture(hopper, donors, input_faces_index="*", source_faces_index="*")
