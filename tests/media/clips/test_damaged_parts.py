"""Parts that aren't as they were written are made again, and nothing fails for ever."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
from clipmaking import Read, write_clip
from clipmodels import Blank, engine, watcher
from multifaceswap.media import atomic
from multifaceswap.media.atomic import replace_file
from multifaceswap.media.clips import Clip, checkpoint, checkpoint_folder, swap_file, transcode
from multifaceswap.media.ownership import owned
from multifaceswap.media.sealed import unseal
from multifaceswap.pipeline.clip.flow import ClipSettings
from multifaceswap.pipeline.errors import BusyError, CancelledError, ImageError

FRAMES, A_PART = 36, 10


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    random = np.random.default_rng(1)
    scene = random.integers(0, 120, (64, 64, 3))
    frames = [(scene + 2 * number).astype(np.uint8) for number in range(FRAMES)]
    return write_clip(tmp_path_factory.mktemp("clip") / "in.mp4", frames, sound=True)


def swap(target, output, stop=None):
    """The result, and the frames that were made for it."""
    made = []

    def progress(done, _total):
        made.append(done)
        if done == stop:
            raise CancelledError("stopped")

    result = swap_file(
        Clip(target),
        output,
        watcher(),
        engine(Blank()),
        ClipSettings(),
        hardware=False,
        progress=progress,
        frames_a_part=A_PART,
    )
    return result._replace(output=None), made


@pytest.fixture(scope="module")
def whole(target, tmp_path_factory):
    return swap(target, tmp_path_factory.mktemp("whole") / "out.mp4")[0]


@pytest.fixture(scope="module")
def stopped(target, tmp_path_factory):
    """Work that was stopped when three of its parts were finished."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(CancelledError):
        swap(target, folder / "out.mp4", stop=34)
    return checkpoint_folder(folder / "out.mp4")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_stop_leaves_the_finished_parts_and_their_notes(stopped):
    assert names(stopped) == [
        *("000000.json", "000000.mp4", "000001.json", "000001.mp4", "000002.json", "000002.mp4", "clip.json")
    ]
    saved = json.loads((stopped / "000001.json").read_bytes())
    assert saved["size"] == (stopped / "000001.mp4").stat().st_size and len(saved["part_sha256"]) == 64
    assert unseal((stopped / "000001.json").read_bytes()) is None  # it belongs to this work alone


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


def longer(path):
    path.write_bytes(path.read_bytes() + b"x")


def emptied(path):
    path.write_bytes(b"")


def gone(path):
    path.unlink()


def a_folder(path):
    path.unlink()
    path.mkdir()
    (path / "x").touch()


def says(data):
    def write(path):
        path.write_bytes(data)

    return write


def altered(path):
    """Well-formed, with another number."""
    values = json.loads(path.read_bytes())
    values["part"]["frames"] += 1
    path.write_bytes(json.dumps(values).encode())


def of_another_part(path):
    shutil.copy(path.with_name("000000" + path.suffix), path)


def newer(path):
    path.write_bytes(json.dumps({**json.loads(path.read_bytes()), "version": 9}).encode())


FILES = {one.__name__: one for one in (cut, flipped, zeroed, longer, emptied, gone, a_folder)}
NOTES = {
    "empty": says(b"{}"),
    "list": says(b"[1]"),
    "null": says(b"null"),
    "deep": says(b"[" * 100_000),
    "foreign": says(b'{"part": {}, "run": {}}'),
    "binary": says(b"\xff"),
}
DAMAGE = FILES | NOTES | {one.__name__: one for one in (altered, of_another_part, newer)}
CASES = [("000001.mp4", kind) for kind in (*FILES, "of_another_part")] + [("000001.json", kind) for kind in DAMAGE]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_first_bad_part_and_what_follows_is_made_again(tmp_path, target, whole, stopped, caplog, name, kind):
    shutil.copytree(stopped, checkpoint_folder(tmp_path / "out.mp4"))
    DAMAGE[kind](checkpoint_folder(tmp_path / "out.mp4") / name)
    result, made = swap(target, tmp_path / "out.mp4")
    assert result == whole and made[0] == A_PART + 1
    (line,) = caplog.messages
    assert "000001.mp4: this part or its notes are damaged: made again" in line
    assert names(tmp_path) == ["out.mp4"] and len(Read(tmp_path / "out.mp4").times) == FRAMES


@pytest.mark.parametrize("kind", [*FILES, *NOTES])
def test_without_the_note_of_whose_they_are_all_are_made_again(tmp_path, target, whole, stopped, kind):
    shutil.copytree(stopped, checkpoint_folder(tmp_path / "out.mp4"))
    DAMAGE[kind](checkpoint_folder(tmp_path / "out.mp4") / "clip.json")
    result, made = swap(target, tmp_path / "out.mp4")
    assert result == whole and made[0] == 1 and names(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize("name", ["000003.mp4", "000003.tmp", "000003.json", ".0123456789abcdef.tmp", "else"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_whatever_else_lies_there_is_in_nobodys_way(tmp_path, target, whole, stopped, name, kind):
    folder = checkpoint_folder(tmp_path / "out.mp4")
    shutil.copytree(stopped, folder)
    if kind == "file":
        (folder / name).write_bytes(b"half")
    else:
        (folder / name / "inner").mkdir(parents=True)
    result, made = swap(target, tmp_path / "out.mp4")
    assert result == whole and made[0] == 3 * A_PART + 1 and names(tmp_path) == ["out.mp4"]


def test_a_file_in_the_place_of_their_folder_is_in_nobodys_way(tmp_path, target, whole):
    checkpoint_folder(tmp_path / "out.mp4").write_bytes(b"x")
    assert swap(target, tmp_path / "out.mp4")[0] == whole and names(tmp_path) == ["out.mp4"]


def test_a_lock_that_is_a_folder_is_in_nobodys_way(tmp_path, target, whole):
    for name in (".clip.lock", ".clip.owner"):
        (checkpoint_folder(tmp_path / "out.mp4") / name).mkdir(parents=True)
    assert swap(target, tmp_path / "out.mp4")[0] == whole and names(tmp_path) == ["out.mp4"]


def test_the_part_is_on_disk_before_its_note(tmp_path, monkeypatch):
    events = []
    monkeypatch.setattr(os, "fsync", lambda _: events.append("sync"))
    monkeypatch.setattr(
        checkpoint, "replace_file", lambda a, b, **k: (replace_file(a, b, **k), events.append(b.suffix))
    )
    write = checkpoint.write_file
    monkeypatch.setattr(checkpoint, "write_file", lambda path, data: (write(path, data), events.append(path.suffix)))
    parts = checkpoint.Checkpoint(tmp_path / "out.mp4", "work")
    parts.open()
    events.clear()
    parts.unfinished.write_bytes(b"part")
    parts.finish({"first_pts": 0, "frames": 1, "swapped": 0}, {"next": None, "notes": [], "report": []})
    folder = [] if os.name == "nt" else ["sync"]
    assert events == ["sync", *folder, ".mp4", "sync", *folder, ".json"]


def test_the_clip_is_on_disk_before_it_has_its_name(tmp_path, target, monkeypatch):
    events = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (sync(file), events.append("sync")))
    monkeypatch.setattr(os, "replace", lambda a, b: (replace(a, b), events.append(os.path.basename(b))))
    swap(target, tmp_path / "out.mp4")
    place = events.index("out.mp4")
    assert events[place - 1] == "sync" and (os.name == "nt" or events[place + 1] == "sync")


def test_the_second_at_one_clip_is_refused_and_the_first_goes_on(tmp_path, target, whole):
    seen = []

    def second():
        before = names(checkpoint_folder(tmp_path / "out.mp4"))
        with pytest.raises(BusyError, match=r"out.mp4: is being written by this process since") as caught:
            swap(target, tmp_path / "out.mp4")
        assert "\n" not in str(caught.value)
        assert names(checkpoint_folder(tmp_path / "out.mp4")) == before
        assert swap(target, tmp_path / "other.mp4")[0] == whole
        seen.append(1)

    def progress(done, _total):
        if done in (5, 25):
            second()

    result = swap_file(
        Clip(target),
        tmp_path / "out.mp4",
        watcher(),
        engine(Blank()),
        ClipSettings(),
        hardware=False,
        progress=progress,
        frames_a_part=A_PART,
    )
    assert result._replace(output=None) == whole and seen == [1, 1]
    assert names(tmp_path) == ["other.mp4", "out.mp4"]


def test_without_resuming_the_first_is_safe_as_well(tmp_path, target):
    with owned(checkpoint_folder(tmp_path / "out.mp4") / "clip"), pytest.raises(BusyError):
        swap_file(Clip(target), tmp_path / "out.mp4", watcher(), engine(Blank()), ClipSettings(), resume=False)


def test_what_is_open_elsewhere_on_windows_ends_in_one_line(tmp_path, target, stopped, monkeypatch):
    """As there: a program that has a part open keeps it from being replaced."""
    shutil.copytree(stopped, checkpoint_folder(tmp_path / "out.mp4"))
    tries = []

    def busy(source, place):
        tries.append(place)
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    with monkeypatch.context() as patched:
        patched.setattr(atomic, "_IS_WINDOWS", True)
        patched.setattr(atomic.time, "sleep", lambda _: None)
        patched.setattr(os, "replace", busy)
        with pytest.raises((ImageError, PermissionError), match="another program has it open"):
            swap(target, tmp_path / "out.mp4")
    assert len(tries) == 21
    result, made = swap(target, tmp_path / "out.mp4")
    assert result.frames == FRAMES and made[0] == 3 * A_PART + 1


def test_another_version_of_the_pack_makes_them_again(tmp_path, target, whole, stopped, monkeypatch):
    shutil.copytree(stopped, checkpoint_folder(tmp_path / "out.mp4"))
    monkeypatch.setattr(transcode, "__version__", "99")
    result, made = swap(target, tmp_path / "out.mp4")
    assert result == whole and made[0] == 1
