"""People and saved faces on the command line: folders, --person, face:NAME, and the command faces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from multifaceswap import cli
from multifaceswap.media.pictures import read_picture, write_picture
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WOMAN, MAN, PAIR = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg", EXAMPLES / "pair.jpg"


@pytest.fixture(autouse=True)
def saved(tmp_path, monkeypatch):
    """The folder of saved faces."""
    monkeypatch.setenv("MULTIFACESWAP_FACES", str(tmp_path / "saved"))
    return tmp_path / "saved"


@pytest.fixture
def holiday(tmp_path):
    """Two pictures of one woman, and one of a man."""
    folder = tmp_path / "holiday"
    folder.mkdir()
    shutil.copy(WOMAN, folder / "1.png")
    write_picture(folder / "2.png", np.ascontiguousarray(read_picture(WOMAN)[:, ::-1, :3]))
    shutil.copy(MAN, folder / "3.jpg")
    return folder


def run(*words):
    return cli.main([str(word) for word in words])


def swap(tmp_path, *words, target=MAN):
    """The report of one target."""
    report = tmp_path / "report.json"
    assert run("swap", *words, "--target", target, "--output", tmp_path / "out.png", "--report", report) == 0
    return json.loads(report.read_text())["targets"][0]


@pytest.mark.slow
def test_a_folder_is_one_person_and_a_file_is_each_of_its_faces(tmp_path, holiday):
    done = swap(
        tmp_path,
        "--source",
        PAIR,
        holiday,
        WOMAN,
        "--input-faces-index",
        "0,1",
        "--source-faces-index",
        "2,3",
        target=PAIR,
    )
    assert [(pair["source_face"], pair["source"]) for pair in done["pairs"]] == [(2, "holiday"), (3, str(WOMAN))]
    assert f"{holiday / '3.jpg'}, face 0: another person, left out" in done["report"]
    assert "holiday: one donor of 2 faces" in done["report"]


@pytest.mark.slow
def test_people_and_sources_are_numbered_in_the_order_given(tmp_path, holiday):
    given = ("--person", "Eileen", holiday / "1.png", holiday / "2.png", "--source", MAN, "--person", "Grace", MAN)
    for number, name in enumerate(("Eileen", str(MAN), "Grace")):
        done = swap(tmp_path, *given, "--source-faces-index", number, target=WOMAN)
        assert [(pair["source_face"], pair["source"]) for pair in done["pairs"]] == [(number, name)]


def test_two_folders_of_one_name_are_told_apart(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place / "faces").mkdir(parents=True)
        shutil.copy(WOMAN, tmp_path / place / "faces")
    a, b = (tmp_path / place / "faces" for place in ("a", "b"))
    done = swap(tmp_path, "--source", a, b, "--source-faces-index", "1")
    assert done["pairs"][0]["source"] == str(b)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nobody gives a face: say --source or --person"),
        (("--person", "Anna"), "--person Anna: expected files behind the name"),
        (("--person", "", MAN), "expected a name"),
        (
            ("--person", "Anna", MAN, "--person", "anna", MAN),
            "--person anna: expected a name, and all files of a person",
        ),
        (("--source", "face:Nobody"), "no face is saved as 'Nobody'"),
        (("--source", "face:../a"), "a saved face's name"),
        (("--person", "A", "nowhere.png"), "nowhere.png"),
    ],
)
def test_what_names_nobody_is_said_before_any_work(tmp_path, capsys, words, message):
    assert run("swap", *words, "--target", MAN, "--output", tmp_path / "out.png") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_a_folder_given_twice_is_said_before_any_work(tmp_path, monkeypatch, capsys, holiday):
    monkeypatch.chdir(tmp_path)
    assert run("swap", "--source", "holiday", "--source", "holiday", "--target", MAN, "--output", "out.png") == 2
    assert "--source holiday: there is a person of that name already: give everybody once" in capsys.readouterr().err


def test_faces_are_numbered_as_detect_numbers_them_and_pictures_without_a_face_are_named(tmp_path, holiday, capsys):
    """Of two strangers beside each other the larger one is face 0, wherever it was found first."""
    woman, man = read_picture(WOMAN)[..., :3], read_picture(MAN)[:512, :512]
    half = np.ascontiguousarray(man[::2, ::2])
    row = np.zeros((512, 1024, 3), np.uint8)
    row[128:384, 128:384], row[:, 512:] = half, man
    write_picture(holiday / "4.png", row)
    write_picture(holiday / "5.png", np.concatenate([row[:, 512:], row[:, :512]], 1))
    write_picture(holiday / "6.png", np.zeros((99, 99, 3), np.uint8))
    for number in range(6):
        write_picture(holiday / f"7-{number}.png", np.roll(woman, 3 * number, 0))
    assert run("faces", "save", "Eileen", holiday) == 0
    told = capsys.readouterr().err
    assert f"{holiday / '6.png'}: no face found\n" in told
    for name, side in (("4.png", "right"), ("5.png", "left")):
        assert run("detect", holiday / name, "--json") == 0
        boxes = [face["box"] for face in json.loads(capsys.readouterr().out)["pictures"][0]["faces"]]
        assert (boxes[0][0] > 512) == (side == "right") and len(boxes) == 2
        assert all(f"{holiday / name}, face {number}: " in told for number in (0, 1))
    done = swap(tmp_path, "--source", holiday)
    assert f"{holiday / '6.png'}: no face found" in done["report"]
    assert [line for line in done["report"] if ", face 0" in line] == [
        line.partition("note: ")[2] for line in told.splitlines() if ", face 0" in line
    ]


def test_a_damaged_picture_of_a_person_is_told_and_the_others_count(tmp_path, holiday, saved, capsys):
    broken, line = holiday / "0.png", f"multifaceswap: error: {holiday / '0.png'}: "
    broken.write_bytes(WOMAN.read_bytes()[:3000])
    report = tmp_path / "report.json"
    words = ("--source", holiday, "--target", MAN, "--output", tmp_path / "out.png", "--report", report)
    assert run("swap", *words) == 1
    out, err = capsys.readouterr()
    assert "1 of 1 face(s) swapped" in out and err.count(line) == 1 and err.count("0.png") == 1
    (done,) = json.loads(report.read_text())["targets"]
    assert done["error"] is None and [text for text in done["report"] if text.startswith(str(broken))]
    assert "holiday: one donor of 2 faces" in done["report"]

    assert run("faces", "save", "Eileen", holiday) == 1
    out, err = capsys.readouterr()
    assert out.startswith("face:Eileen: 2 views") and err.count(line) == 1 and (saved / "Eileen.safetensors").exists()

    assert run("batch", "--source", holiday, "--target", MAN, "--output", tmp_path / "results") == 1
    out, err = capsys.readouterr()
    assert out.startswith("1 done, 0 kept from before, 0 failed") and err.count(line) == 1


@pytest.mark.parametrize("words", [("swap", "--source"), ("swap", "--person", "A"), ("save",)])
def test_where_no_picture_of_a_person_can_be_read_that_is_the_error(tmp_path, saved, capsys, words):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(WOMAN.read_bytes()[:3000])
    rest = (folder, "--target", MAN, "--output", tmp_path / "out.png")
    given = ("faces", "save", "A", folder) if words == ("save",) else (*words, *rest)
    assert run(*given) == 2
    assert f"error: {folder / '1.png'}: " in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists() and not saved.exists()


def test_a_damaged_source_by_itself_stays_an_error(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(WOMAN.read_bytes()[:3000])
    words = ("--source", tmp_path / "a.png", WOMAN, "--target", MAN, "--output", tmp_path / "out.png")
    assert run("swap", *words) == 2 and not (tmp_path / "out.png").exists()


def test_a_folder_without_a_face_is_the_usual_error(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (90, 90), "grey").save(tmp_path / "empty" / "a.png")
    assert run("swap", "--source", tmp_path / "empty", "--target", MAN, "--output", tmp_path / "out.png") == 2
    assert "no source face found: nothing can be swapped" in capsys.readouterr().err


@pytest.mark.slow
def test_faces_are_saved_listed_shown_used_and_deleted(tmp_path, holiday, saved, capsys):
    assert run("faces", "save", "Eileen C.M", holiday, "--consent", "Yes, by mail.") == 0
    out, err = capsys.readouterr()
    path = saved / "Eileen C.M.safetensors"
    size = path.stat().st_size
    about = "2 views, 2 with pictures, identities of dlib128"
    assert out == f"face:Eileen C.M: {about}, {size:,} bytes: {path}\n"
    assert f"{holiday / '3.jpg'}, face 0: another person, left out" in err
    assert run("faces", "list") == 0
    assert capsys.readouterr().out == f"Eileen C.M: {about}\n"
    assert run("faces", "show", "Eileen C.M") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == [str(path), f"  {about}"]
    assert (
        shown[2].startswith(f"  {size:,} bytes, written by MultiFaceSwap ") and shown[3] == "  consent: Yes, by mail."
    )

    done = swap(tmp_path, "--source", "face:Eileen C.M")
    assert done["pairs"][0]["source"] == "face:Eileen C.M"
    # Once, though the swap itself would say it too.
    consents = [line for line in done["report"] if "consent" in line]
    assert consents == ["face:Eileen C.M: consent: Yes, by mail."]
    assert run("faces", "save", "Copy", "face:Eileen C.M") == 0
    capsys.readouterr()
    assert run("faces", "show", "Copy") == 0
    assert "  consent: Yes, by mail.\n" in capsys.readouterr().out
    assert run("faces", "delete", "Copy") == 0
    capsys.readouterr()
    by_name = read_picture(tmp_path / "out.png")
    (holiday / "3.jpg").unlink()
    swap(tmp_path, "--source", holiday)
    assert np.abs(by_name.astype(int) - read_picture(tmp_path / "out.png")).max() <= 1

    assert run("faces", "delete", "Eileen C.M") == 0
    assert not path.exists() and run("faces", "show", "Eileen C.M") == 2


def test_a_name_is_overwritten_only_when_asked(saved, capsys):
    assert run("faces", "save", "a", WOMAN) == 0
    before = (saved / "a.safetensors").read_bytes()
    assert run("faces", "save", "a", MAN) == 2
    assert "is there already: choose another name or say --overwrite" in capsys.readouterr().err
    assert (saved / "a.safetensors").read_bytes() == before
    assert run("faces", "save", "a", MAN, "--overwrite", "--embeddings-only") == 0
    assert len((saved / "a.safetensors").read_bytes()) < 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("save", "../a", WOMAN), "a saved face's name"),
        (("save", "con", WOMAN), "a saved face's name"),
        (("save", "a", WOMAN, "--consent", "two\nlines"), "consent: expected one line"),
        (("save", "a", "nowhere.png"), "nowhere.png"),
        (("save", "a", EXAMPLES.parent / "docs" / "growth.png"), "no face found: nobody can be saved"),
        (("show", "a"), "no face is saved as 'a'"),
        (("delete", "a"), "no face is saved as 'a'"),
    ],
)
def test_faces_says_what_it_cant_do(saved, capsys, words, message):
    assert run("faces", *words) == 2
    assert message in capsys.readouterr().err
    assert not saved.exists()


def test_an_empty_list_is_no_failure_and_a_damaged_face_is_one(saved, capsys):
    assert run("faces", "list") == 0
    assert f"no face is saved in {saved}" in capsys.readouterr().err
    saved.mkdir()
    (saved / "a.safetensors").write_bytes(b"junk")
    assert run("faces", "save", "b", WOMAN) == 0
    assert run("faces", "list") == 1
    out, err = capsys.readouterr()
    assert "b: 1 view" in out and f"{saved / 'a.safetensors'}: can't be read as a saved face" in err


def test_identities_alone_and_mesh_is_one_line_before_any_work(tmp_path, capsys):
    assert run("faces", "save", "a", WOMAN, "--embeddings-only") == 0
    capsys.readouterr()
    assert run("swap", "--source", "face:a", "--target", MAN, "--output", tmp_path / "out.png") == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "face:a: it was saved without a picture, which mesh needs" in err


@pytest.mark.slow
def test_a_saved_face_is_somebody_to_recognise(tmp_path):
    assert run("faces", "save", "a", WOMAN, "--embeddings-only") == 0
    done = swap(tmp_path, "--source", MAN, "--reference", "face:a", target=PAIR)
    (pair,) = done["pairs"]
    assert pair["box"][0] > 600  # she is at the right


@pytest.mark.slow
def test_a_batch_takes_people_and_saved_faces_of_its_own_and_of_its_rows(tmp_path, holiday, capsys):
    assert run("faces", "save", "Eileen", WOMAN, "--consent", "yes") == 0
    rows = [f"{MAN},holiday,a.png", f"{MAN},face:Eileen,b.png", f"{MAN},,c.png"]
    (tmp_path / "rows.csv").write_text("\n".join(["target,source,output", *rows]))
    words = ("batch", "--target", tmp_path / "rows.csv", "--output", tmp_path / "out")
    words += ("--person", "Both", holiday / "1.png", holiday / "2.png")
    assert run(*words) == 0
    entries = json.loads((tmp_path / "out" / "report.json").read_text())["targets"]
    assert [entry["pairs"][0]["source"] for entry in entries] == ["holiday", "face:Eileen", "Both"]
    assert "face:Eileen: consent: yes" in entries[1]["report"]
    capsys.readouterr()
    assert run(*words) == 0
    assert capsys.readouterr().out.startswith("0 done, 3 kept")
    # A person whose pictures change is another one.
    (holiday / "3.jpg").unlink()
    assert run(*words) == 0
    assert capsys.readouterr().out.startswith("1 done, 2 kept")
    assert run("faces", "save", "Eileen", WOMAN, "--overwrite") == 0
    capsys.readouterr()
    assert run(*words) == 0
    assert capsys.readouterr().out.startswith("1 done, 2 kept")


def test_a_row_whose_saved_face_isnt_there_fails_alone(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    rows = [f"{MAN},face:Nobody,a.png", f"{MAN},{WOMAN},b.png", f"{MAN},face:../x,c.png", f"{MAN},empty,d.png"]
    (tmp_path / "rows.csv").write_text("\n".join(["target,source,output", *rows]))
    assert run("batch", "--target", tmp_path / "rows.csv", "--output", tmp_path / "out") == 1
    out, err = capsys.readouterr()
    assert out.startswith("1 done, 0 kept from before, 3 failed")
    for text in ("no face is saved as 'Nobody'", "a saved face's name: expected", "there is no picture here"):
        assert err.count(text) == 1 and "\nTraceback" not in err
    entries = json.loads((tmp_path / "out" / "report.json").read_text())["targets"]
    assert [entry["error"] is None for entry in entries] == [False, True, False, False]
    assert (tmp_path / "out" / "b.png").exists() and not (tmp_path / "out" / "a.png").exists()


def test_where_no_row_has_a_face_nothing_is_done(tmp_path):
    (tmp_path / "rows.csv").write_text(f"target,source,output\n{MAN},face:Nobody,a.png")
    assert run("batch", "--target", tmp_path / "rows.csv", "--output", tmp_path / "out") == 2


@pytest.mark.parametrize("words", [("--source", "face:a"), ("--source", EXAMPLES), ("--person", "A", MAN)])
def test_the_hosted_engine_takes_pictures_alone(tmp_path, capsys, monkeypatch, words):
    monkeypatch.setenv("SEGMIND_API_KEY", "never sent")
    assert run("remote", *words, "--target", MAN, "--output", tmp_path / "out.png") == 2
    out, err = capsys.readouterr()
    said = "the hosted API takes pictures, no people and no saved faces: give one picture by --source"
    assert out == "" and err == f"multifaceswap: error: {said}\n"


@pytest.mark.slow
def test_settings_act_on_people(tmp_path, holiday):
    """With a threshold that takes everybody for one person, the man is among the faces; with a strict one nobody is."""
    for threshold, count in ((2, 3), (0.01, 1)):
        done = swap(tmp_path, "--source", holiday, "--identity-threshold", threshold)
        faces = f"{count} face{'' if count == 1 else 's'}"
        assert f"holiday: one donor of {faces}" in done["report"]
        assert not [line for line in done["report"] if line.startswith("identity_threshold") and count > 1]
