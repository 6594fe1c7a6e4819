from __future__ import annotations

import ast
import errno
import os
import stat
from pathlib import Path

import pytest
from multifaceswap.media import atomic
from multifaceswap.media.atomic import atomic_path, hidden_beside, patiently, remove, replace_file, write_atomic

ROOT = Path(__file__).resolve().parents[2]
NOT_SHIPPED = {"tests", "benchmarks", "scripts", "docs", "build"}
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes and folders")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_empty_file_is_a_file(tmp_path):
    write_atomic(tmp_path / "a", b"")
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b""


def test_a_file_takes_the_place_of_the_old_one_and_folders_are_made(tmp_path):
    for data in (b"one", b"\r\n\x1a two"):
        write_atomic(tmp_path / "b" / "脸" / "c.bin", data)
        assert (tmp_path / "b" / "脸" / "c.bin").read_bytes() == data
    assert names(tmp_path / "b" / "脸") == ["c.bin"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ZeroDivisionError()])
@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_whatever_goes_wrong_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, error, step):
    (tmp_path / "a").write_bytes(b"old")

    def fail(*_, **__):
        raise error

    if step == "write":
        monkeypatch.setattr("builtins.open", lambda file, *_: _Full(file, fail))
    else:
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        write_atomic(tmp_path / "a", b"new", durable=True)
    monkeypatch.undo()
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


class _Full:
    """A file that takes nothing."""

    def __init__(self, descriptor, write):
        self.descriptor, self.write = descriptor, write

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)


def test_a_block_that_raises_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a") as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        pass
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_the_file_appears_at_the_end_of_the_block_from_the_same_folder(tmp_path):
    with atomic_path(tmp_path / "a.mp4") as path:
        path.write_bytes(b"whole")
        assert path.parent == tmp_path and path.name.startswith(".") and path.suffix == ".tmp"
        assert names(tmp_path) == [path.name]
    assert names(tmp_path) == ["a.mp4"] and (tmp_path / "a.mp4").read_bytes() == b"whole"


def test_a_link_is_followed_and_not_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "there" / "real")
    write_atomic(tmp_path / "link", b"new", durable=True)
    assert (tmp_path / "there" / "real").read_bytes() == b"new" and (tmp_path / "link").is_symlink()
    assert names(tmp_path / "there") == ["real"]


def test_what_is_no_file_is_never_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(FileExistsError, match="it exists and is not a regular file"):
        write_atomic(tmp_path / "a", b"")
    assert (tmp_path / "a").is_dir() and names(tmp_path) == ["a"]


@POSIX
@pytest.mark.parametrize(("options", "mode"), [({}, 0o640), ({"mode": 0o600}, 0o600)])
def test_modes_are_set_before_there_is_anything_to_read(tmp_path, options, mode):
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(0o666)
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"secret", **options)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("durable", [False, True])
def test_contents_are_on_disk_before_the_name_and_the_name_before_the_return(tmp_path, monkeypatch, durable):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (events.append("replace"), replace(*paths)))
    write_atomic(tmp_path / "a", b"data", durable=durable)
    folder = [] if os.name == "nt" else ["fsync"]
    assert events == (["fsync", "replace", *folder] if durable else ["replace"])


def test_windows_is_given_time(tmp_path, monkeypatch):
    """It refuses to replace a file while another process has it open."""
    tries, pauses = [], []
    replace = os.replace

    def busy(*paths):
        tries.append(paths)
        if len(tries) < 4:
            raise PermissionError
        replace(*paths)

    (tmp_path / "a").write_bytes(b"new")
    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(atomic.time, "sleep", pauses.append)
    monkeypatch.setattr(atomic, "_IS_WINDOWS", True)
    replace_file(tmp_path / "a", tmp_path / "b")
    assert len(tries) == 4 and pauses == [0.02] * 3
    assert names(tmp_path) == ["b"]


@pytest.mark.parametrize(("is_windows", "tries"), [(True, 21), (False, 1)])
def test_patience_ends(monkeypatch, is_windows, tries):
    calls = []

    def refused():
        calls.append(1)
        raise PermissionError

    monkeypatch.setattr(atomic.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(atomic, "_IS_WINDOWS", is_windows)
    with pytest.raises(PermissionError) as caught:
        patiently(refused)
    assert len(calls) == tries and ("another program has it open" in str(caught.value)) == is_windows


def test_a_file_that_is_open_elsewhere_is_named_with_what_may_be_the_matter(tmp_path, monkeypatch):
    reason = "The process cannot access the file because it is being used by another process"

    def busy(source, target):
        raise PermissionError(13, reason, source)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(atomic.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(atomic, "_IS_WINDOWS", True)
    with pytest.raises(PermissionError) as caught:
        write_atomic(tmp_path / "a", b"new")
    assert caught.value.strerror == f"{reason}: it is write-protected, or another program has it open"
    monkeypatch.undo()
    assert names(tmp_path) == []


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EACCES])
@pytest.mark.parametrize("step", ["open", "fsync"])
def test_where_a_folder_cannot_be_written_down_its_files_are_complete_all_the_same(tmp_path, monkeypatch, code, step):
    real = getattr(os, step)

    def refuse(file, *arguments):
        if os.path.isdir(file) if step == "open" else stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(code, os.strerror(code))
        return real(file, *arguments)

    monkeypatch.setattr(os, step, refuse)
    write_atomic(tmp_path / "a", b"data", durable=True)
    monkeypatch.undo()
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"data"


@POSIX
def test_a_folder_on_a_broken_disk_is_an_error(tmp_path, monkeypatch):
    real = os.fsync

    def broken(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(file)

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_atomic(tmp_path / "a", b"data", durable=True)


def test_all_kinds_of_things_are_removed_and_what_is_not_there_is_no_error(tmp_path):
    (tmp_path / "folder" / "in").mkdir(parents=True)
    (tmp_path / "folder" / "in" / "x").touch()
    (tmp_path / "file").touch()
    for name in ("folder", "file", "nothing"):
        remove(tmp_path / name)
    assert names(tmp_path) == []


@POSIX
def test_of_a_link_only_the_link_is_removed(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").touch()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "none")
    remove(tmp_path / "link")
    remove(tmp_path / "dangling")
    assert names(tmp_path) == ["folder"] and names(tmp_path / "folder") == ["x"]


def test_a_file_may_be_written_in_another_folder_until_it_is_whole(tmp_path):
    (tmp_path / "parts").mkdir()
    with atomic_path(tmp_path / "a.mp4", within=tmp_path / "parts") as path:
        path.write_bytes(b"whole")
        assert path.parent == tmp_path / "parts" and names(tmp_path) == ["parts"]
    assert names(tmp_path) == ["a.mp4", "parts"] and names(tmp_path / "parts") == []


def test_hidden_names_leave_room(tmp_path):
    assert hidden_beside(tmp_path / "a.mp4", ".lock") == tmp_path / ".a.mp4.lock"
    long = hidden_beside(tmp_path / ("x" * 251 + ".mp4"), ".lock")
    assert len(long.name) == 38 and long.suffix == ".lock" and long.parent == tmp_path


def _renames(tree):
    """Calls that rename a file. `text.replace` takes two arguments, `Path.replace` one."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner, method = getattr(node.func.value, "id", None), node.func.attr
        of_os = owner in ("os", "shutil") and method in ("replace", "rename", "renames", "move")
        of_path = owner not in ("dataclasses", "os") and method in ("replace", "rename") and len(node.args) == 1
        if of_os or (of_path and not node.keywords):
            yield node


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil"):
            yield from (alias.name for alias in node.names if alias.name in ("replace", "rename", "renames", "move"))


def _temporary_names(tree):
    """f-strings that make up a temporary name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from (part for part in node.values if isinstance(part, ast.Constant) and ".tmp" in str(part.value))


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("os.replace(a, b)", 1),
        ("os.rename(a, b)", 1),
        ("shutil.move(a, b)", 1),
        ("path.replace(other)", 1),
        ("Path(a).rename(b)", 1),
        ("text.replace('a', 'b')", 0),
        ("replace(entry, state=1)", 0),
        ("time.replace(tzinfo=None)", 0),
    ],
)
def test_renaming_is_recognised(code, found):
    assert len([*_renames(ast.parse(code))]) == found


def test_nothing_else_in_the_package_renames_files():
    renaming, naming = set(), set()
    for file in ROOT.rglob("*.py"):
        place = file.relative_to(ROOT)
        if place.parts[0] in NOT_SHIPPED:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if any(_renames(tree)) or any(_imported(tree)):
            renaming.add(place.as_posix())
        if any(_temporary_names(tree)):
            naming.add(place.as_posix())
    assert renaming == naming == {"media/atomic.py"}
