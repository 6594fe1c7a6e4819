from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from multifaceswap.hosted.segmind.errors import JournalError
from multifaceswap.hosted.segmind.journal import Entry, Journal
from multifaceswap.hosted.segmind.locks import try_lock
from multifaceswap.hosted.segmind.waiting import Clock

ROOT = Path(__file__).resolve().parents[3]
NOW = 1_000_000.0


class Wall:
    def __init__(self):
        self.now = NOW

    def journal(self, folder):
        return Journal(folder, Clock(wall=lambda: self.now))


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def journal(wall, tmp_path):
    return wall.journal(tmp_path / "a" / "b")


def submitted(at=NOW):
    return Entry("submitted", at, "id", "https://s", "https://r", inference_seconds=1.5, credits="3")


def test_unknown_job_is_none_and_touches_no_disk(journal, tmp_path):
    assert journal.read("d") is None
    journal.forget("d")
    journal.prune()
    assert list(tmp_path.iterdir()) == []
    journal.delivered("d")
    journal.forget_request("d", "id")
    assert list((tmp_path / "a/b").iterdir()) == []


def test_entries_come_back_as_written(journal):
    for entry in (journal.new("sending"), submitted(), journal.new("fetched", picture_sha256="x", credits=None)):
        journal.write("d", entry)
        assert journal.read("d") == entry
        assert journal.read("other") is None
    assert journal.new("sending").at == NOW
    journal.forget("d")
    assert journal.read("d") is None


def test_picture_is_kept_until_delivered(journal):
    entry = journal.store("d", submitted(), b"picture")
    assert entry.state == "fetched" and journal.read("d") == entry
    assert journal.picture("d", entry) == b"picture"
    journal.delivered("d")
    assert journal.picture("d", entry) is None
    assert journal.read("d") == submitted()
    journal.store("v1", journal.new("fetched"), b"picture")
    journal.delivered("v1")
    assert journal.read("v1") is None


def test_picture_that_is_not_whole_is_none(journal, tmp_path):
    entry = journal.store("d", submitted(), b"picture")
    (tmp_path / "a/b/d.picture").write_bytes(b"pict")
    assert journal.picture("d", entry) is None


def test_delivery_twice_or_of_a_new_request_changes_nothing(journal):
    journal.write("d", submitted())
    journal.delivered("d")
    assert journal.read("d") == submitted()


def test_only_the_request_that_failed_is_forgotten(journal, tmp_path):
    journal.write("d", submitted())
    journal.forget_request("d", "another id")
    assert journal.read("d") == submitted()
    lock = try_lock(tmp_path / "a/b/d.lock")
    journal.forget_request("d", "id")
    assert journal.read("d") == submitted()
    lock.release()
    journal.forget_request("d", "id")
    assert journal.read("d") is None


def test_result_is_not_taken_from_under_who_submits_anew(journal, tmp_path):
    entry = journal.store("d", submitted(), b"picture")
    lock = try_lock(tmp_path / "a/b/d.lock")
    journal.delivered("d")
    lock.release()
    assert journal.picture("d", entry) == b"picture"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"state": "sending"}', '{"state": "gone", "at": 1}',
     '{"state": "sending", "at": "x"}',
     '{"state": "submitted", "at": 1}', '{"state": "submitted", "at": 1, "request_id": 5}',
     '{"state": "sending", "at": 1, "more": 2}', b"\xff\xfe"],
)  # fmt: skip
def test_damaged_entry_counts_as_one_in_doubt(journal, wall, tmp_path, text):
    journal.write("d", submitted())
    path = tmp_path / "a/b/d.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (NOW - 5, NOW - 5))
    assert journal.read("d") == Entry("sending", NOW - 5)


@pytest.mark.parametrize(
    ("state", "hours", "remembered"),
    [("sending", 23, True), ("sending", 25, False), ("submitted", 23, True), ("submitted", 25, False),
     ("fetched", 25, True), ("fetched", 24 * 8, False), ("submitted", -1000, True)],
)  # fmt: skip
def test_entries_are_forgotten_in_time(journal, wall, tmp_path, state, hours, remembered):
    journal.store("d", submitted(), b"x")
    journal.write("d", replace(journal.read("d"), state=state))
    wall.now += hours * 3600
    assert (journal.read("d") is not None) is remembered
    journal.prune()
    assert bool(list((tmp_path / "a/b").iterdir())) is remembered


@pytest.mark.parametrize(("age", "recent"), [(0, True), (3599, True), (3601, False), (-100_000, True)])
def test_results_are_kept_for_an_hour(journal, age, recent):
    assert journal.is_recent(Entry("sending", NOW - age)) is recent


def test_prune_removes_what_a_crash_left_and_nothing_in_use(journal, wall, tmp_path):
    journal.write("d", submitted())
    folder = tmp_path / "a/b"
    left = [("d.1.tmp", 100_000), ("d.2.tmp", 10), ("x.lock", 0), ("y.picture", 100_000), ("held.json", 0)]
    # A picture is stored right before its entry.
    for name, age in [*left, ("z.picture", 10)]:
        (folder / name).write_text("")
        os.utime(folder / name, (NOW - age, NOW - age))
    held = try_lock(folder / "held.lock")
    wall.now += 0
    journal.prune()
    assert {path.name for path in folder.iterdir()} == {"d.json", "d.2.tmp", "held.json", "held.lock", "z.picture"}
    held.release()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_files_are_for_their_owner_alone(journal, tmp_path):
    journal.store("d", submitted(), b"private picture")
    assert (tmp_path / "a/b").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "a/b").iterdir())


def test_write_that_is_interrupted_leaves_the_old_entry(journal, tmp_path, monkeypatch):
    journal.write("d", submitted())

    def fail(*_):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(JournalError, match="No space left on device"):
                journal.write("d", journal.new("sending"))
        assert journal.read("d") == submitted()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["d.json"]


def test_contents_are_on_disk_before_they_take_their_name(journal, monkeypatch):
    events = []
    fsync, replace_file = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (events.append("replace"), replace_file(*paths)))
    journal.write("d", submitted())
    assert events[:2] == ["fsync", "replace"]
    assert events[2:] == ([] if os.name == "nt" else ["fsync"])


def test_one_holder_a_lock(tmp_path):
    path = tmp_path / "x.lock"
    first = try_lock(path)
    assert first is not None and try_lock(path) is None
    first.release()
    second = try_lock(path)
    assert second is not None
    second.release()
    assert not path.exists()


def test_lock_of_a_file_that_its_holder_removed_does_not_count(tmp_path, monkeypatch):
    """Who waited has the old file open, and somebody else may already hold the new one."""
    path = tmp_path / "x.lock"
    first = try_lock(path)
    opened = os.open

    def open_just_before_removal(*arguments):
        file = opened(*arguments)
        first.release()
        return file

    monkeypatch.setattr(os, "open", open_just_before_removal)
    assert try_lock(path) is None
    monkeypatch.setattr(os, "open", opened)
    third = try_lock(path)
    assert third is not None
    third.release()


def python(script, *arguments):
    """Another process that has the package loaded."""
    start = f"import runpy; runpy.run_path({str(ROOT / 'tests/conftest.py')!r})\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + textwrap.dedent(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_lock_goes_with_the_process_that_held_it(tmp_path):
    script = """
        import sys, pathlib
        from multifaceswap.hosted.segmind.locks import try_lock
        lock = try_lock(pathlib.Path(sys.argv[1]))
        print("held", flush=True)
        sys.stdin.read()
    """
    path = tmp_path / "x.lock"
    with python(script, path) as other:
        assert other.stdout.readline() == "held\n"
        assert try_lock(path) is None
        other.kill()
        other.wait()
    lock = try_lock(path)
    assert lock is not None
    lock.release()


def test_processes_at_once_do_not_corrupt_it(tmp_path):
    script = """
        import sys, pathlib
        from multifaceswap.hosted.segmind.journal import Entry, Journal
        journal = Journal(pathlib.Path(sys.argv[1]))
        sys.stdin.readline()
        for number in range(40):
            entry = journal.new("submitted", request_id=f"{sys.argv[2]}-{number}")
            journal.store("shared", entry, entry.request_id.encode() * 500)
            journal.store(f"own-{sys.argv[2]}-{number}", entry, b"x")
            found = journal.read("shared")
            assert found is not None and found.request_id, found
            journal.prune()
    """
    others = [python(script, tmp_path, number) for number in range(3)]
    for other in others:
        other.stdin.write("go\n")
        other.stdin.flush()
    assert [other.wait() for other in others] == [0, 0, 0]
    for other in others:
        other.stdin.close()
        other.stdout.close()
    journal = Journal(tmp_path)
    for number in range(3):
        for turn in range(40):
            assert journal.read(f"own-{number}-{turn}").request_id == f"{number}-{turn}"
    assert json.loads((tmp_path / "shared.json").read_text())["request_id"].endswith("-39")
    assert not list(tmp_path.glob("*.tmp"))
