"""Two commands with one output: the second is told at once, in one line, who is at it, and touches nothing."""

from __future__ import annotations

import re

import pytest
from clipmaking import EXAMPLES, moving, write_clip
from multifaceswap import Session, cli
from multifaceswap.commands import batch
from multifaceswap.media.clips import checkpoint_folder
from multifaceswap.models import catalog
from multifaceswap.models.store import Folders, home
from otherprocess import held

WOMAN, MAN = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"


def _main(*words: object) -> int:
    return cli.main([str(word) for word in words])


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def refused(text, process, subject):
    (line,) = text.splitlines()
    assert re.fullmatch(
        rf"multifaceswap: error: {re.escape(str(subject))}: is being written by process {process.pid} since "
        r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d: try again when that has ended",
        line,
    ), line


@pytest.fixture
def unread(monkeypatch):
    """No work is begun: no donor is looked at."""

    def fail(*_arguments, **_settings):
        pytest.fail("work was begun")

    monkeypatch.setattr(Session, "donors", fail)


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 3), sound=True)


def test_a_clip(tmp_path, clip, capsys, unread):
    output = tmp_path / "out.mp4"
    with held(checkpoint_folder(output) / "clip") as process:
        (checkpoint_folder(output) / "000000.tmp").write_bytes(b"the first one's")
        before = everything(tmp_path)
        for words in ([], ["--no-resume"], ["--strength", "0.5"]):
            assert _main("swap", "--source", WOMAN, "--target", clip, "--output", output, *words) == 2
            refused(capsys.readouterr().err, process, output)
        assert everything(tmp_path) == before


@pytest.mark.slow
def test_a_clip_that_is_taken_later_stops_no_other(tmp_path, clip, capsys, monkeypatch):
    output = tmp_path / "out"
    with held(checkpoint_folder(output / "clip.mp4") / "clip") as process:
        assert _main("swap", "--source", WOMAN, "--target", clip, "--target", MAN, "--output", output) == 1
        refused(capsys.readouterr().err.splitlines()[0], process, output / "clip.mp4")
    assert (output / "grace_hopper.jpg").is_file() and not (output / "clip.mp4").exists()
    assert _main("swap", "--source", WOMAN, "--target", clip, "--output", f"{output}/") == 0


def test_a_batch(tmp_path, capsys, unread):
    output = tmp_path / "out"
    with held(output / ".multifaceswap" / "batch") as process:
        before = everything(tmp_path)
        assert _main("batch", "--source", WOMAN, "--target", MAN, "--output", output) == 2
        refused(capsys.readouterr().err, process, output)
        assert everything(tmp_path) == before


@pytest.mark.slow
def test_a_batch_into_another_folder_goes_on(tmp_path, capsys):
    with held(tmp_path / "out" / ".multifaceswap" / "batch"):
        for name in ("other", "out/inner"):
            assert _main("batch", "--source", WOMAN, "--target", MAN, "--output", tmp_path / name) == 0
        assert _main("swap", "--source", WOMAN, "--target", MAN, "--output", tmp_path / "out" / "x.jpg") == 0
    assert _main("batch", "--source", WOMAN, "--target", MAN, "--output", tmp_path / "out") == 0
    assert not [path for path in (tmp_path / "out" / ".multifaceswap").iterdir() if path.suffix != ".json"]


def test_a_clip_of_a_batch_that_another_command_writes_is_reported_and_the_others_are_done(tmp_path, clip, capsys):
    output = tmp_path / "out"
    with held(checkpoint_folder(output / "clip.mp4") / "clip") as process:
        assert _main("batch", "--source", WOMAN, "--target", clip, MAN, "--output", output) == 1
    refused(capsys.readouterr().err.splitlines()[0], process, output / "clip.mp4")
    assert (output / "grace_hopper.jpg").is_file()
    assert _main("batch", "--source", WOMAN, "--target", clip, MAN, "--output", output) == 0
    assert capsys.readouterr().out.startswith("1 done, 1 kept from before, 0 failed")


def test_models(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("MULTIFACESWAP_OFFLINE", raising=False)
    (file,) = next(model.files for model in catalog.MODELS if model.name == "bisenet")
    target = home(file, Folders({}, [tmp_path]))
    with held(target) as process:
        part = target.with_name(f"{target.name}.00000000.part")
        part.write_bytes(b"the first one's")
        before = everything(tmp_path)
        assert _main("models", "get", "bisenet", "--folder", tmp_path) == 2
        refused(capsys.readouterr().err.splitlines()[-1], process, target)
        assert everything(tmp_path) == before


def test_what_a_killed_command_leaves_stops_nobody(tmp_path, clip):
    output, folder = tmp_path / "out.mp4", tmp_path / "out"
    with held(checkpoint_folder(output) / "clip") as one, held(folder / ".multifaceswap" / "batch") as other:
        one.kill()
        other.kill()
        one.wait()
        other.wait()
        assert _main("swap", "--source", WOMAN, "--target", clip, "--output", output) == 0
        assert _main("batch", "--source", WOMAN, "--target", MAN, "--output", folder) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out", "out.mp4"]


def test_a_batch_where_nothing_could_be_done_leaves_no_folder(tmp_path, blank, capsys):
    assert _main("batch", "--source", blank, "--target", MAN, "--output", tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()


def test_the_folder_of_a_batch_is_free_after_a_cancel(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(batch, "run_locally", stop)
        assert _main("batch", "--source", WOMAN, "--target", MAN, "--output", tmp_path / "out") == 130
    assert _main("batch", "--source", WOMAN, "--target", MAN, "--output", tmp_path / "out") == 0
