"""Networks that give NaN or something else than they should, through the command line."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import spoiling
import standins
from multifaceswap import Session, cli
from multifaceswap.commands import batch, restore, swap
from multifaceswap.media.pictures import read_picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WOMAN, MAN = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"
SWAPPER, ARCFACE = "insightface/inswapper_128.onnx", "insightface/models/buffalo_l/w600k_r50.onnx"
SCRFD, GPEN = "insightface/models/buffalo_l/det_10g.onnx", "facerestore_models/GPEN-BFR-512.onnx"


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    standins.swapper(folder / SWAPPER)
    standins.pooled(folder / ARCFACE)
    standins.scrfd(folder / SCRFD)
    standins.restorer(folder / GPEN)
    for command in (swap, restore):
        monkeypatch.setattr(command, "Session", lambda device, **_: Session([folder], "cpu"))
    return folder


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a command: its exit code, what it printed, and the result's file."""

    def run(*words):
        output = tmp_path / "out.png"
        code = cli.main([*map(str, words), "--output", str(output)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said, output

    return run


SWAP = ("swap", "--source", WOMAN, "--target", MAN, "--swap-model", "inswapper_128")


@pytest.mark.parametrize("how", spoiling.NUMBERS)
def test_a_swap_to_nan_leaves_the_face_and_is_not_counted(models, run, how):
    spoiling.spoil(models / SWAPPER, how)
    code, said, output = run(*SWAP)
    assert code == 1 and said.out == f"{MAN} -> {output}: 0 of 1 face(s) swapped\n"
    (line,) = [line for line in said.err.splitlines() if "NaN" in line]
    assert line.startswith(f"multifaceswap: error: {MAN}: inswapper_128.onnx gave NaN or infinity on CPU: its file is")
    np.testing.assert_array_equal(read_picture(output)[..., :3], read_picture(MAN)[..., :3])


@pytest.mark.parametrize(
    "words", [SWAP, ("restore", MAN, "--face-restore", "GPEN-BFR-512.onnx")], ids=["swap", "restore"]
)
def test_colours_far_beyond_all_others_leave_the_face(models, run, words):
    spoiling.spoil(models / SWAPPER, "1e7")
    spoiling.spoil(models / GPEN, "1e7", declared=True)
    code, said, output = run(*words)
    assert code == 1 and ": 0 " in said.out
    (line,) = [line for line in said.err.splitlines() if "error:" in line]
    assert "gave numbers such as 1e+07 on cpu: its file is damaged or its numbers overflow" in line
    np.testing.assert_array_equal(read_picture(output)[..., :3], read_picture(MAN)[..., :3])


def test_a_restoration_to_nan_leaves_the_swap(models, run):
    spoiling.spoil(models / GPEN, "nan", declared=True)
    code, said, output = run(*SWAP, "--face-restore", "GPEN-BFR-512.onnx")
    assert code == 0 and said.out.endswith(": 1 of 1 face(s) swapped, marked: XMP\n")
    assert "swapped and not restored: GPEN-BFR-512.onnx gave NaN" in said.err
    assert (read_picture(output)[..., :3] != read_picture(MAN)[..., :3]).any()
    code, said, output = run("restore", MAN, "--face-restore", "GPEN-BFR-512.onnx")
    assert code == 1 and said.out.endswith(": 0 face(s) restored\n")
    assert f"error: {MAN}: GPEN-BFR-512.onnx gave NaN" in said.err


@pytest.mark.parametrize("file", [SWAPPER, ARCFACE, SCRFD, GPEN])
@pytest.mark.parametrize("how", ["one channel", "rank 5", "no rows", "seven rows", "twice", "half"])
def test_other_shapes_are_one_line_about_the_file_and_nothing_is_written(models, run, file, how):
    # Of SCRFD the boxes: its scores have one channel.
    spoiling.spoil(models / file, how, output=4 if file == SCRFD else 0, declared=file == GPEN)
    words = {SCRFD: ["--facedetection", "scrfd_10g"], GPEN: ["--face-restore", "GPEN-BFR-512.onnx"]}.get(file, [])
    code, said, output = run(*SWAP, *words)
    error = said.err.splitlines()[-1]
    assert code == 2 and said.out == "" and not output.exists()
    assert error.startswith(f"multifaceswap: error: {models / file} holds another network than its name says")


@pytest.mark.parametrize(("file", "word"), [(ARCFACE, "builtin"), (SCRFD, "scrfd_10g")])
def test_no_identity_and_no_detection_are_errors(models, run, file, word):
    spoiling.spoil(models / file, "nan")
    code, said, output = run(*SWAP, "--facedetection", word)
    assert code == 2 and not output.exists()
    assert f"{Path(file).name} gave NaN or infinity on CPU" in said.err.splitlines()[-1]


def test_a_batch_whose_network_fails_at_every_face_says_so_once_an_item(models, tmp_path, monkeypatch, capsys):
    spoiling.spoil(models / SWAPPER, "nan")
    monkeypatch.setattr(batch, "Session", lambda device, **_: Session([models], "cpu"))
    words = ("batch", "--source", WOMAN, "--target", MAN, WOMAN, "--output", tmp_path / "out", *SWAP[5:])
    assert cli.main([*map(str, words)]) == 2
    errors = [line for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if "error:" in line]
    assert len(errors) == 2 and all("inswapper_128.onnx gave NaN or infinity on CPU" in line for line in errors)


def test_a_clip_whose_network_fails_at_every_face_ends_with_1(models, run, tmp_path):
    pytest.importorskip("av")
    from clipmaking import moving, write_clip

    spoiling.spoil(models / SWAPPER, "nan")
    clip = write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 2))
    code = cli.main([*map(str, (*SWAP[:3], "--target", clip, *SWAP[5:], "--output", tmp_path / "out.mp4"))])
    assert code == 1 and (tmp_path / "out.mp4").is_file()


@pytest.mark.parametrize(("output", "how"), [(3, "1e30"), (3, "1e7"), (6, "1e30"), (6, "-inf")])
def test_boxes_and_points_far_outside_are_an_error_about_the_network(models, run, output, how):
    spoiling.spoil(models / SCRFD, "one", output=0, declared=True)  # sees faces wherever it looks
    spoiling.spoil(models / SCRFD, how, output=output, declared=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        code, said, output = run(*SWAP, "--facedetection", "scrfd_10g")
    assert code == 2 and not output.exists()
    wanted = "NaN or infinity" if how == "-inf" else "numbers such as"
    (line,) = [line for line in said.err.splitlines() if "error:" in line]
    assert f"det_10g.onnx gave {wanted}" in line and "fetch it again, or choose another model" in line


@pytest.mark.slow
def test_faces_without_number_are_an_error_about_the_network(models, run):
    spoiling.spoil(models / SCRFD, "one", output=0, declared=True)
    spoiling.spoil(models / SCRFD, "one", output=3, declared=True)  # boxes of two cells that hardly meet
    code, said, output = run(*SWAP, "--facedetection", "scrfd_10g")
    assert code == 2 and not output.exists()
    (line,) = [line for line in said.err.splitlines() if "error:" in line]
    assert "det_10g.onnx saw 6,400 faces in a picture, more than 2,000: its file is damaged, or the confidence" in line
