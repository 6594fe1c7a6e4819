"""`--group`: the people of a pile of pictures and clips get numbers, by which one of them is swapped everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from clipmaking import MAN as MAN_CUT
from clipmaking import write_clip
from multifaceswap import cli
from multifaceswap.app.faces.reading import read_person
from multifaceswap.media.pictures import read_picture, write_picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def pile(tmp_path_factory):
    """Five pictures: a woman in four, a man in three."""
    folder = tmp_path_factory.mktemp("made") / "beach house"
    folder.mkdir()
    shutil.copy(EXAMPLES / "astronaut.png", folder / "a.png")
    write_picture(folder / "b.png", np.ascontiguousarray(read_picture(EXAMPLES / "astronaut.png")[:, ::-1, :3]))
    shutil.copy(EXAMPLES / "grace_hopper.jpg", folder / "c.jpg")
    shutil.copy(EXAMPLES / "pair.jpg", folder / "d.jpg")
    write_picture(folder / "e.png", np.ascontiguousarray(read_picture(EXAMPLES / "pair.jpg")[:, ::-1]))
    return folder


@pytest.fixture(scope="module")
def people(pile, tmp_path_factory):
    folder = tmp_path_factory.mktemp("people") / "found"
    assert run("detect", pile, "--group", folder) == 0
    return folder


def run(*words):
    return cli.main([str(word) for word in words])


def swap(tmp_path, *words, output="out"):
    """What became of every target, by its name."""
    report = tmp_path / "report.json"
    source = ("--source", EXAMPLES / "grace_hopper.jpg")
    assert run("swap", *source, *words, "--output", tmp_path / output, "--report", report, "--overwrite") == 0
    targets = json.loads(report.read_text())["targets"]
    return {Path(one["target"]).name: one for one in targets}


def swapped(done):
    return {name: len(one["pairs"]) for name, one in done.items()}


def test_people_get_numbers_thumbnails_and_no_picture_is_kept(pile, people):
    names = ["people.jpg", *(f"person-{n}.{kind}" for n in (0, 1) for kind in ("jpg", "safetensors"))]
    assert sorted(path.name for path in people.iterdir()) == names
    for number in (0, 1):
        somebody = read_person(people / f"person-{number}.safetensors")
        assert somebody.about("").pictures == 0 and somebody.about("").models == ("dlib128",)
        data = (people / f"person-{number}.safetensors").read_bytes()
        assert b"beach" not in data and b".png" not in data and len(data) < 8192
        thumbnail = read_picture(people / f"person-{number}.jpg")
        assert max(thumbnail.shape) <= 256
    sheet = read_picture(people / "people.jpg")
    assert sheet.shape == (256, 512, 3) and all(half.std() > 20 for half in (sheet[:, :256], sheet[:, 256:]))


def test_lines_say_who_is_seen_how_often(pile, tmp_path, capsys):
    assert run("detect", pile, "--group", tmp_path / "people") == 0
    said = capsys.readouterr().err
    assert "person 0: 4 faces in 4 files" in said and "person 1: 3 faces in 3 files" in said
    assert run("detect", pile, "--group", tmp_path / "people") == 2
    assert "there are people in it already" in capsys.readouterr().err


def test_one_person_is_swapped_in_all_pictures(pile, people, tmp_path):
    done = swap(tmp_path, "--target", pile, "--group", people, "--input-faces-index", 0)
    assert swapped(done) == {"a.png": 1, "b.png": 1, "c.jpg": 0, "d.jpg": 1, "e.png": 1}
    left, right = (done[name]["pairs"][0]["box"] for name in ("d.jpg", "e.png"))
    width = read_picture(pile / "d.jpg").shape[1]
    assert left[0] == pytest.approx(width - right[2], abs=12), "the same person in the mirrored picture"


@pytest.mark.slow
def test_one_command_groups_and_swaps(pile, tmp_path):
    done = swap(tmp_path, "--target", pile, "--group", tmp_path / "new", "--input-faces-index", "1")
    assert swapped(done) == {"a.png": 0, "b.png": 0, "c.jpg": 1, "d.jpg": 1, "e.png": 1}
    assert (tmp_path / "new" / "people.jpg").exists()


@pytest.mark.slow
def test_clips_are_looked_at_every_second(tmp_path, capsys):
    pytest.importorskip("av")
    left, top, right, bottom = MAN_CUT[1]
    man = read_picture(EXAMPLES / MAN_CUT[0])[top:bottom, left:right]
    write_picture(tmp_path / "man.png", np.ascontiguousarray(man))
    clip = write_clip(tmp_path / "clip.mp4", [_even(man)] * 55)
    assert run("detect", clip, tmp_path / "man.png", "--group", tmp_path / "people") == 0
    assert "person 0: 4 faces in 2 files" in capsys.readouterr().err
    done = swap(tmp_path, "--target", clip, "--group", tmp_path / "people", output="out.mp4")
    assert done["clip.mp4"]["swapped"] == 55


def test_a_damaged_file_is_told_and_the_others_are_grouped(pile, tmp_path, text, capsys):
    assert run("detect", text, pile / "a.png", "--group", tmp_path / "people") == 1
    said = capsys.readouterr().err
    assert "text.png" in said and "error" in said and "person 0: 1 face in 1 file" in said


def test_a_pile_without_a_face_leaves_no_folder_of_people(blank, tmp_path, capsys):
    assert run("detect", blank, "--group", tmp_path / "people") == 2
    assert "nobody to group" in capsys.readouterr().err
    assert not list((tmp_path / "people").glob("*"))


def test_a_folder_with_other_files_is_left_alone(pile, tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(pile / "c.jpg", folder / "person-0.jpg")
    before = (folder / "person-0.jpg").read_bytes()
    assert run("detect", pile, "--group", folder) == 2
    assert "expected a new or an empty folder" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["person-0.jpg"]
    assert (folder / "person-0.jpg").read_bytes() == before


def test_filters_say_who_counts(pile, tmp_path, capsys):
    assert run("detect", pile, "--group", tmp_path / "men", "--detect-gender", "male") == 0
    women = "person 0: 4 faces" in capsys.readouterr().err
    assert not women


@pytest.mark.slow
def test_a_threshold_joins_or_divides(pile, tmp_path):
    assert run("detect", pile, "--group", tmp_path / "all", "--identity-threshold", 2) == 0
    assert len(list((tmp_path / "all").glob("*.safetensors"))) == 1
    assert run("detect", pile, "--group", tmp_path / "each", "--identity-threshold", 0.01) == 0
    assert len(list((tmp_path / "each").glob("*.safetensors"))) >= 4


def test_a_missing_person_would_shift_the_numbers(pile, people, tmp_path, capsys):
    folder = shutil.copytree(people, tmp_path / "copy")
    (folder / "person-0.safetensors").unlink()
    words = ("--source", pile / "c.jpg", "--target", pile / "a.png", "--output", tmp_path / "out.png")
    assert run("swap", *words, "--group", folder) == 2
    assert "person-0.safetensors is missing" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--json",), "--json goes with faces picture by picture"),
        (("--preview", "preview.png"), "--preview goes with"),
        (("--limit", "2"), "--limit goes with"),
    ],
)
def test_what_goes_picture_by_picture_is_refused(pile, tmp_path, capsys, words, told):
    assert run("detect", pile, "--group", tmp_path / "people", *words) == 2
    assert told in capsys.readouterr().err


def test_what_tells_people_apart_needs_people(pile, capsys):
    assert run("detect", pile / "a.png", "--identity-threshold", "0.5") == 2
    assert "--identity-threshold tells people apart, which only --group does here" in capsys.readouterr().err


def test_references_and_a_group_are_too_much(pile, people, tmp_path, capsys):
    words = ("--source", pile / "c.jpg", "--target", pile / "a.png", "--output", tmp_path / "out.png")
    assert run("swap", *words, "--group", people, "--reference", pile / "a.png") == 2
    assert "--group and --reference both say whom to look for" in capsys.readouterr().err
    assert run("swap", *words, "--group", pile / "a.png") == 2
    assert "expected a folder" in capsys.readouterr().err


def _even(picture):
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[: height // 2 * 2, : width // 2 * 2, :3])
