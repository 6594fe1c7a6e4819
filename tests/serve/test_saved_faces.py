"""`face:NAME` as a source: a face that is saved on the server's machine."""

from __future__ import annotations

import io

import numpy as np
import pytest
from multifaceswap.app.faces.folders import FaceFolders
from multifaceswap.media.pictures import read_picture
from PIL import Image
from serverworld import ASTRONAUT, EXAMPLES, HOPPER

WOMAN = EXAMPLES / "astronaut.png"
MAN = EXAMPLES / "grace_hopper.jpg"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MULTIFACESWAP_FACES", str(tmp_path / "saved people"))
    return tmp_path / "saved people"


@pytest.fixture
def saving(folder, session, started):
    """A server, and who is saved on its machine: Anna with pictures, Bob by his identity alone."""
    for name, file, options in (("Anna", WOMAN, {}), ("Bob", MAN, {"embeddings_only": True})):
        picture = np.ascontiguousarray(read_picture(file)[..., :3])
        faces = session.merge(session.detect([picture]), [picture])
        session.save_face(name, faces, [picture], **options)
    return started()


def picture_of(answer):
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)


def test_a_saved_face_swaps_as_its_picture_does(saving):
    target = HOPPER
    asked = {"target_img": target, "image_format": "png"}
    saved = picture_of(saving.run(source_img="face:Anna", **asked))
    shown = picture_of(saving.run(source_img=ASTRONAUT, **asked))
    plain = np.asarray(Image.open(MAN).convert("RGB")).astype(int)
    assert np.abs(saved - plain).max() > 60
    assert np.abs(saved - shown).max() <= 1


def test_what_was_saved_when_it_was_accepted_counts(saving, folder):
    submitted = saving.submit(source_img="face:Anna", target_img=HOPPER, image_format="png").json()
    (folder / "Anna.safetensors").unlink()
    result = saving.over(submitted["request_id"]).json()
    assert result["status"] == "COMPLETED" and len(result["pairs"]) == 1


@pytest.mark.parametrize("name", ["Eve", "", "../Anna", "Anna.safetensors", "/etc/passwd", "CON"])
def test_nobody_else_and_no_other_file_is_there(saving, folder, name):
    answer = saving.submit(source_img=f"face:{name}", target_img=HOPPER)
    assert answer.status_code == 400
    assert answer.json() == {"error": "source_img: no face is saved under this name on this server"}


def test_what_the_engine_lacks_is_said_before_the_work(saving):
    answer = saving.submit(source_img="face:Bob", target_img=HOPPER)
    assert answer.status_code == 400
    assert "source_img: face:Bob: it was saved without a picture, which mesh needs" in answer.json()["error"]


def test_a_damaged_file_is_told_without_its_folder(saving, folder):
    (folder / "Cid.safetensors").write_bytes(b"\x08" + bytes(7) + b"no JSON.")
    answer = saving.submit(source_img="face:Cid", target_img=HOPPER)
    assert answer.status_code == 400 and "can't be read as a saved face" in answer.json()["error"]
    assert "saved people" not in answer.json()["error"]


def test_a_target_is_a_picture(saving):
    answer = saving.submit(source_img="face:Anna", target_img="face:Anna")
    assert answer.status_code == 400 and "target_img: expected a picture's" in answer.json()["error"]


def test_the_server_looks_where_the_command_saves(folder, session):
    assert FaceFolders.of(session.models.folders).own == folder
