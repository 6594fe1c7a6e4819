from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import standins
from multifaceswap import Session, cli
from multifaceswap.commands import restore
from multifaceswap.media.pictures import read_picture

WOMAN = Path(__file__).resolve().parents[2] / "examples" / "astronaut.png"


@pytest.fixture(autouse=True)
def _models(tmp_path, monkeypatch):
    """A folder of stand-ins in place of the user's."""
    folder = tmp_path / "models" / "facerestore_models"
    standins.restorer(folder / "GPEN-BFR-512.onnx")
    standins.restorer(folder / "mine.onnx", size=256)
    monkeypatch.setattr(restore, "Session", lambda device, **_: Session([tmp_path / "models"], "cpu"))


def _restore(*words: object) -> int:
    return cli.main(["restore", *(str(word) for word in words)])


@pytest.mark.parametrize("name", ["GPEN-BFR-512.onnx", "mine.onnx"])
def test_faces_are_restored_and_the_rest_stays(tmp_path, capsys, name):
    output, mask = tmp_path / "a.png", tmp_path / "mask.png"
    words = ["--face-restore", name, "--face-restore-weight", 1, "--no-colour-correct"]
    assert _restore(WOMAN, "--output", output, "--mask", mask, *words) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{WOMAN} -> {output}: 1 face(s) restored, marked: XMP\n"
    assert f"{WOMAN}: {name} runs on CPU" in captured.err
    before, after = (read_picture(path)[..., :3].astype(int) for path in (WOMAN, output))
    changed = read_picture(mask)[..., 0]
    assert (after[changed == 0] == before[changed == 0]).all()
    assert 0.03 < (changed > 0).mean() < 0.3
    # The stand-in gives 0.9·x + 0.05 for x in [-1, 1].
    wanted = np.clip(((before / 127.5 - 1) * 0.9 + 1.05) * 127.5, 0, 255)
    assert np.abs(after - wanted)[changed == 255].mean() < 3


def test_a_picture_without_a_face_is_written_as_it_is(tmp_path, blank, capsys):
    assert _restore(blank, "--output", tmp_path / "a.png", "--face-restore", "mine.onnx") == 0
    captured = capsys.readouterr()
    assert "0 face(s) restored" in captured.out
    assert f"note: {blank}: no face to restore" in captured.err
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), read_picture(blank))


def test_a_missing_restorer_is_told_before_any_picture_is_read(tmp_path, blank, capsys, monkeypatch):
    monkeypatch.setattr(restore, "read_picture", lambda path: pytest.fail("a picture was read"))
    assert _restore(blank, "--output", tmp_path / "a.png") == 2
    assert "codeformer-v0.1.0.pth is in none of these folders" in capsys.readouterr().err
    assert _restore(blank, "--output", tmp_path / "a.png", "--face-restore", "GFPGAN") == 2
    assert "expected one of codeformer-v0.1.0.pth" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_several_pictures_go_into_a_folder_and_a_bad_one_stops_no_other(tmp_path, blank, text, capsys):
    folder = tmp_path / "out"
    assert _restore(blank, text, WOMAN, "--output", folder, "--face-restore", "mine.onnx") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["astronaut.png", "blank.png"]
    assert f"error: {text}: not a picture" in capsys.readouterr().err


def test_inputs_are_only_replaced_when_asked(tmp_path, blank, capsys):
    before = blank.read_bytes()
    assert _restore(blank, "--output", blank, "--face-restore", "mine.onnx") == 2
    assert "would be overwritten" in capsys.readouterr().err and blank.read_bytes() == before
    assert _restore(blank, "--output", blank, "--face-restore", "mine.onnx", "--overwrite") == 0


@pytest.mark.parametrize(("option", "value"), [("--face-restore-weight", "1.1"), ("--visibility", "-0.1")])
def test_numbers_out_of_range_are_refused(tmp_path, blank, capsys, option, value):
    assert _restore(blank, "--output", tmp_path / "a.png", option, value) == 2
    assert f"{option}: expected 0 to 1, got '{value}'" in capsys.readouterr().err


def test_a_mask_that_is_there_is_not_replaced_unasked(tmp_path, blank, capsys):
    mask = tmp_path / "mine.png"
    mask.write_bytes(WOMAN.read_bytes())
    words = [blank, "--output", tmp_path / "a.png", "--face-restore", "mine.onnx", "--mask", mask]
    assert _restore(*words) == 2
    assert f"--mask {mask} is there already" in capsys.readouterr().err and mask.read_bytes() == WOMAN.read_bytes()
    assert _restore(*words, "--overwrite") == 0 and not read_picture(mask).any()
