"""Networks that give NaN or something else than they should, through the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import spoiling
import standins
from multifaceswap import Session, cli
from multifaceswap.commands import restore, swap
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
        monkeypatch.setattr(command, "Session", lambda device: Session([folder], "cpu"))
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
    assert code == 0 and said.out == f"{MAN} -> {output}: 0 of 1 face(s) swapped\n"
    assert (
        f"{MAN}: face 0: not swapped: inswapper_128.onnx gave NaN or infinity on CPU: its file is damaged" in said.err
    )
    np.testing.assert_array_equal(read_picture(output)[..., :3], read_picture(MAN)[..., :3])


def test_a_restoration_to_nan_leaves_the_swap(models, run):
    spoiling.spoil(models / GPEN, "nan", declared=True)
    code, said, output = run(*SWAP, "--face-restore", "GPEN-BFR-512.onnx")
    assert code == 0 and said.out.endswith(": 1 of 1 face(s) swapped\n")
    assert "swapped and not restored: GPEN-BFR-512.onnx gave NaN" in said.err
    assert (read_picture(output)[..., :3] != read_picture(MAN)[..., :3]).any()
    code, said, output = run("restore", MAN, "--face-restore", "GPEN-BFR-512.onnx")
    assert code == 0 and said.out.endswith(": 0 face(s) restored\n")
    assert "face 0: not restored: GPEN-BFR-512.onnx gave NaN" in said.err


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
