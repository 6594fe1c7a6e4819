"""One command at a time for one output, by processes that are real."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from filelock import FileLock
from multifaceswap.media import ownership
from multifaceswap.media.ownership import owned, require_unowned
from multifaceswap.pipeline.errors import BusyError
from otherprocess import held


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_left_when_it_ends_however_it_ends(tmp_path):
    with owned(tmp_path / "a" / "b" / "out.mp4"):
        assert names(tmp_path / "a" / "b") == [".out.mp4.lock", ".out.mp4.owner"]
    assert names(tmp_path) == []
    with pytest.raises(ZeroDivisionError), owned(tmp_path / "out.mp4"):
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_folders_stay_if_something_is_in_them(tmp_path):
    with owned(tmp_path / "a" / "out.mp4"):
        (tmp_path / "a" / "out.mp4").touch()
    assert names(tmp_path / "a") == ["out.mp4"]


def test_the_second_is_told_who_is_at_it_and_touches_nothing(tmp_path):
    with held(tmp_path / "out.mp4") as process:
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix == ".owner"}
        for attempt in (owned(tmp_path / "out.mp4"), owned(tmp_path / "sub" / ".." / "out.mp4")):
            with pytest.raises(BusyError) as caught, attempt:
                pytest.fail("there are two")
            line = str(caught.value)
            assert f"out.mp4: is being written by process {process.pid} since 20" in line and "\n" not in line
        assert names(tmp_path) == [".out.mp4.lock", ".out.mp4.owner"]
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.suffix == ".owner"} == before


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_it_is_the_same_output(tmp_path):
    (tmp_path / "link.mp4").symlink_to(tmp_path / "out.mp4")
    with owned(tmp_path / "out.mp4"), pytest.raises(BusyError), owned(tmp_path / "link.mp4"):
        pytest.fail("there are two")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("suffix", ["lock", "owner"])
def test_a_pipe_in_the_place_of_its_files_goes(tmp_path, suffix):
    os.mkfifo(tmp_path / f".out.mp4.{suffix}")
    with owned(tmp_path / "out.mp4"):
        assert all(path.is_file() for path in tmp_path.iterdir())
    assert names(tmp_path) == []


def test_other_outputs_in_the_folder_are_free(tmp_path):
    with held(tmp_path / "a.mp4"), owned(tmp_path / "b.mp4"), owned(tmp_path / "a.mp4.mp4"):
        require_unowned(tmp_path / "c.mp4")


def test_what_a_killed_process_held_is_free(tmp_path):
    for _ in range(3):
        with held(tmp_path / "out.mp4") as process:
            process.kill()
            process.wait()
            assert names(tmp_path) == [".out.mp4.lock", ".out.mp4.owner"]
            require_unowned(tmp_path / "out.mp4")
        assert names(tmp_path) == []
    with owned(tmp_path / "out.mp4"):
        assert json.loads((tmp_path / ".out.mp4.owner").read_text())["pid"] == os.getpid()


def test_threads_keep_each_other_out_too(tmp_path):
    found = []

    def second():
        try:
            with owned(tmp_path / "out.mp4"):
                found.append("in")
        except BusyError as error:
            found.append(str(error))

    with owned(tmp_path / "out.mp4"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(found) == 1 and "is being written by this process since" in found[0]


@pytest.mark.parametrize(
    ("note", "who"),
    [
        (b'{"pid": 7, "host": "elsewhere", "since": 1700000000}', "process 7 on elsewhere since 2023-11-1"),
        (b'{"pid": 7, "host": "%s", "since": 1700000000.5}' % b"h" * 2, "another process"),
        (b'{"pid": 7, "host": "' + b"h" * 5000 + b'", "since": 1}', "process 7 on " + "h" * 64 + " since 19"),
        (b"", "another process"),
        (b"{}", "another process"),
        (b"[1]", "another process"),
        (b"[" * 100_000, "another process"),
        (b"\xff\xfe", "another process"),
        (b'{"pid": "7", "host": 1, "since": null}', "another process"),
        (b'{"pid": 7, "host": "x", "since": 1e300}', "another process"),
        (b'{"pid": 7, "host": "x", "since": NaN}', "another process"),
    ],
)
def test_whatever_the_note_says_the_line_is_one_and_true(tmp_path, note, who):
    with owned(tmp_path / "out.mp4"):
        (tmp_path / ".out.mp4.owner").write_bytes(note)
        with pytest.raises(BusyError) as caught, owned(tmp_path / "out.mp4"):
            pytest.fail("there are two")
    assert f"is being written by {who}" in str(caught.value) and len(str(caught.value)) < 200 + len(str(tmp_path))


def test_on_this_machine_the_host_is_not_named(tmp_path):
    with owned(tmp_path / "out.mp4"):
        note = {"pid": os.getpid() + 1, "host": socket.gethostname(), "since": 1700000000}
        (tmp_path / ".out.mp4.owner").write_text(json.dumps(note))
        with pytest.raises(BusyError, match=rf"process {os.getpid() + 1} since"), owned(tmp_path / "out.mp4"):
            pytest.fail("there are two")


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL])
def test_a_file_system_without_locks_is_warned_of_and_written_to(tmp_path, monkeypatch, caplog, code):
    def refuses(lock, **_):
        Path(lock.lock_file).touch()
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(FileLock, "acquire", refuses)
    with owned(tmp_path / "out.mp4"), owned(tmp_path / "out.mp4"):
        (tmp_path / "out.mp4").touch()
    assert names(tmp_path) == ["out.mp4"]
    (line, _) = caplog.messages
    assert line == f"{tmp_path}: its file system has no locks: let no other command write out.mp4"


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="the mode of a folder keeps nobody from it")
def test_a_folder_that_may_not_be_written_to_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError), owned(tmp_path / "out.mp4"):
            pytest.fail("it can't be")
    finally:
        tmp_path.chmod(0o700)


def test_what_else_goes_wrong_is_an_error_and_leaves_the_output_free(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(ownership, "write_atomic", full)
        with pytest.raises(OSError, match="No space"), owned(tmp_path / "out.mp4"):
            pytest.fail("nobody could see whose it is")
    with owned(tmp_path / "out.mp4"):
        pass
    assert names(tmp_path) == []


def test_names_as_long_as_they_can_be_have_locks(tmp_path):
    with ExitStack() as stack:
        for name in ("x" * 251 + ".mp4", "y" * 250 + ".mp4", "脸" * 83 + ".mp4"):
            stack.enter_context(owned(tmp_path / name))
        assert len(names(tmp_path)) == 6 and all(len(os.fsencode(name)) <= 255 for name in names(tmp_path))
        with pytest.raises(BusyError):
            require_unowned(tmp_path / ("x" * 251 + ".mp4"))


def test_looking_makes_nothing(tmp_path):
    require_unowned(tmp_path / "a" / "out.mp4")
    assert names(tmp_path) == []
