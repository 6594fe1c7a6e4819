from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from multifaceswap.hosted.segmind import journal as journal_module
from multifaceswap.hosted.segmind.deadline import Clock, Deadline
from multifaceswap.hosted.segmind.entries import JournalEntry, read_entry
from multifaceswap.hosted.segmind.errors import JournalError, TimeLimitError
from multifaceswap.hosted.segmind.journal import Journal
from multifaceswap.hosted.segmind.journal_files import JournalFiles
from multifaceswap.pipeline.errors import CancelledError

ROOT = Path(__file__).resolve().parents[3]
NOW = float(int(time.time()))
# Names of their own, for a test named by the hour isn't the same test for two workers.
LONG_AGO = pytest.param(NOW - 9 * 24 * 3600, id="long ago")
IN_MILLISECONDS = pytest.param(NOW * 1000, id="in milliseconds")


def name(text):
    """A job's name, as short texts stand for one here."""
    return hashlib.sha256(text.encode()).hexdigest()


D, E, OVER, THEIRS = name("d"), name("e"), name("over"), name("theirs")


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
    return JournalEntry("submitted", at, "id", "https://s", "https://r", inference_seconds=1.5, credits="3")


def test_unknown_job_is_none_and_touches_no_disk(journal, tmp_path):
    assert journal.read(D) is None
    journal.forget(D)
    journal.prune()
    assert list(tmp_path.iterdir()) == []
    journal.delivered(D)
    journal.forget_request(D, "id")
    assert list((tmp_path / "a/b").iterdir()) == []


def test_entries_come_back_as_written(journal):
    for entry in (journal.new("sending"), submitted(), replace(journal.new("fetched"), picture_sha256="x")):
        journal.write(D, entry)
        assert journal.read(D) == entry
        assert journal.read(name("other")) is None
    assert journal.new("sending").at == NOW
    journal.forget(D)
    assert journal.read(D) is None


@pytest.mark.parametrize("request_id", ["id", ""])
def test_result_is_kept_for_the_hour_once_delivered_and_for_a_week_until_then(journal, wall, tmp_path, request_id):
    entry = journal.store(D, replace(journal.new("submitted"), request_id=request_id), b"picture")
    assert entry.state == "fetched" and journal.read(D) == entry
    for age in (0, 3600, 6 * 24 * 3600):
        wall.now = NOW + age
        journal.prune()
        assert journal.picture(D, entry) == b"picture"
    wall.now = NOW
    journal.delivered(D)
    assert journal.read(D) == replace(entry, state="delivered")
    wall.now += 3599
    journal.prune()
    assert journal.picture(D, journal.read(D)) == b"picture"
    wall.now += 2
    assert bool(journal.read(D)) is bool(request_id)
    assert journal.picture(D, replace(entry, state="delivered")) is None
    journal.prune()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ([f"{D}.json"] if request_id else [])


def test_delivered_results_have_a_limit_and_the_oldest_go(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_KEPT_BYTES", 25)
    for number in range(4):
        journal.store(name(f"d{number}"), journal.new("fetched"), b"0123456789")
        os.utime(tmp_path / "a/b" / f"{name(f'd{number}')}.picture", (NOW + number, NOW + number))
    kept = []
    for number in (3, 2, 1):
        journal.delivered(name(f"d{number}"))
        kept.append([journal.place(name(f"d{other}")).exists() for other in range(4)])
    # What nobody has yet is never let go.
    assert kept == [[True] * 4, [True] * 4, [True, False, True, True]]
    # That it was paid for stays known.
    assert journal.read(name("d1")).state == "delivered"


@pytest.mark.parametrize("state", ["sending", "submitted", "fetched"])
def test_picture_that_no_entry_knows_of_yet_counts(journal, state):
    journal.store(D, journal.new("fetched"), b"picture")
    journal.write(D, replace(submitted(), state=state))
    assert journal.picture(D, journal.read(D)) == b"picture"


def test_what_is_sent_anew_has_nothing_of_before(journal):
    journal.store(D, submitted(), b"picture")
    journal.begin(D)
    assert journal.read(D) == JournalEntry("sending", NOW)
    assert journal.picture(D, journal.read(D)) is None


@pytest.mark.parametrize("stopped_at", [1, 2, 3])
def test_one_picture_or_the_other_counts_whenever_storing_ends(journal, monkeypatch, stopped_at):
    entry = journal.store(D, submitted(), b"old")
    written, save = [], JournalFiles.save

    def save_until_the_end(files, path, data):
        written.append(path)
        if len(written) == stopped_at:
            raise JournalError("the end")
        save(files, path, data)

    with monkeypatch.context() as patch:
        patch.setattr(JournalFiles, "save", save_until_the_end)
        with pytest.raises(JournalError):
            journal.store(D, entry, b"new")
    assert journal.picture(D, journal.read(D)) == (b"new" if stopped_at == 3 else b"old")


def test_picture_that_is_not_whole_is_none(journal, tmp_path):
    entry = journal.store(D, submitted(), b"picture")
    (tmp_path / "a/b" / f"{D}.picture").write_bytes(b"pict")
    assert journal.picture(D, entry) is None


def test_delivery_twice_or_of_a_new_request_changes_nothing(journal):
    journal.write(D, submitted())
    journal.delivered(D)
    assert journal.read(D) == submitted()


def test_only_the_request_that_failed_is_forgotten(journal, tmp_path):
    journal.write(D, submitted())
    journal.forget_request(D, "another id")
    assert journal.read(D) == submitted()
    with locked(journal):
        journal.forget_request(D, "id")
    assert journal.read(D) == submitted()
    journal.forget_request(D, "id")
    assert journal.read(D) is None


def test_result_is_not_taken_from_under_who_submits_anew(journal, tmp_path):
    entry = journal.store(D, submitted(), b"picture")
    with locked(journal):
        journal.delivered(D)
    assert journal.picture(D, entry) == b"picture"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"state": "sending"}', '{"state": "gone", "at": 1}',
     '{"state": "sending", "at": "x"}',
     '{"state": "submitted", "at": 1}', '{"state": "submitted", "at": 1, "request_id": 5}',
     b"\xff\xfe", "[" * 100_000, '{"state": "sending", "at": ' + "9" * 5000 + "}"],
    ids=lambda text: str(text)[:40],
)  # fmt: skip
def test_damaged_entry_counts_as_one_in_doubt(journal, wall, tmp_path, text):
    journal.write(D, submitted())
    path = tmp_path / "a/b" / f"{D}.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (NOW - 5, NOW - 5))
    assert journal.read(D) == JournalEntry("sending", NOW - 5)


def test_entry_of_a_newer_version_keeps_what_is_known(journal, tmp_path):
    values = {**asdict(submitted()), "priority": [1], "nested": {"a": None}}
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b" / f"{D}.json").write_text(json.dumps(values))
    assert journal.read(D) == submitted()


@pytest.mark.parametrize(
    "damage",
    [{"state": "verified"}, {"state": None}, {"at": "noon"}, {"at": float("nan")}, {"at": None},
     {"state": ["submitted"]}, {"credits": {}}, {"inference_seconds": "x"}, {"status_url": 7}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize(
    "beside", ["", '"more": ' + "[" * 100_000 + "]" * 100_000 + ", ", '"more": ' + "9" * 5000 + ", "]
)
def test_id_is_read_whatever_is_wrong_beside_it(journal, tmp_path, damage, beside):
    (tmp_path / "a/b").mkdir(parents=True)
    path = tmp_path / "a/b" / f"{D}.json"
    path.write_text("{" + beside + json.dumps({**asdict(submitted()), **damage})[1:])
    os.utime(path, (NOW - 5, NOW - 5))
    entry = journal.read(D)
    is_dated = damage.keys() & {"state", "at"}
    assert (entry.state, entry.request_id, entry.at) == ("submitted", "id", NOW - 5 if is_dated else NOW)


def special(path, kind):
    """Something that isn't an entry of ours, under its name."""
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    else:
        path.write_bytes(b"[" * 100_000)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("suffix", [".json", ".picture", ".lock", ".tmp"])
@pytest.mark.parametrize("kind", ["folder", "fifo", "loop", "huge", "nested"])
def test_foreign_files_stop_no_other_job(journal, wall, tmp_path, suffix, kind):
    journal.write(D, submitted())
    journal.write(OVER, replace(journal.new("sending"), at=NOW - 10**7))
    os.utime(tmp_path / "a/b" / f"{OVER}.json", (NOW - 10**7, NOW - 10**7))
    special(tmp_path / "a/b" / f"{name('x')}{suffix}", kind)
    wall.now += 60
    journal.prune()
    assert journal.read(D) == submitted()
    assert not (tmp_path / "a/b" / f"{OVER}.json").exists()
    entry = journal.store(E, journal.new("fetched"), b"picture")
    journal.delivered(E)
    assert journal.picture(E, entry) == b"picture"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["folder", "fifo", "huge"])
def test_entry_that_is_no_file_counts_as_one_in_doubt(journal, tmp_path, kind):
    (tmp_path / "a/b").mkdir(parents=True)
    special(tmp_path / "a/b" / f"{D}.json", kind)
    os.utime(tmp_path / "a/b" / f"{D}.json", (NOW - 5, NOW - 5))
    assert journal.read(D) == JournalEntry("sending", NOW - 5)


def test_files_that_may_not_be_read_stop_no_other_job(journal, tmp_path, monkeypatch):
    """Written by another user once: who tests this may be allowed everything, so the refusal is made."""
    journal.write(D, submitted())
    journal.store(THEIRS, submitted(), b"picture")
    os.utime(tmp_path / "a/b" / f"{THEIRS}.json", (NOW - 5, NOW - 5))
    read_bytes, opened = Path.read_bytes, os.open

    def refuse(action):
        def refusing(path, *arguments, **options):
            if Path(path).name.startswith(THEIRS):
                raise PermissionError(13, "Permission denied", str(path))
            return action(path, *arguments, **options)

        return refusing

    monkeypatch.setattr(Path, "read_bytes", refuse(read_bytes))
    assert journal.read(THEIRS) == JournalEntry("sending", NOW - 5)
    assert journal.picture(THEIRS, submitted()) is None
    monkeypatch.setattr(os, "open", refuse(opened))
    journal.prune()
    assert journal.read(D) == submitted()
    journal.store(E, submitted(), b"picture")
    journal.delivered(E)
    assert journal.read(E).state == "delivered"
    with pytest.raises(JournalError, match=rf"{THEIRS}\.lock: Permission denied"), locked(journal, THEIRS):
        pytest.fail("held what can't be opened")


@pytest.mark.parametrize(
    ("state", "hours", "remembered"),
    [("sending", 24 * 6, True), ("sending", 24 * 8, False), ("submitted", 24 * 6, True), ("submitted", 24 * 8, False),
     ("fetched", 24 * 6, True), ("fetched", 24 * 8, False), ("submitted", -1000, True)],
)  # fmt: skip
def test_entries_are_forgotten_in_time(journal, wall, tmp_path, state, hours, remembered):
    journal.store(D, submitted(), b"x")
    journal.write(D, replace(journal.read(D), state=state))
    wall.now += hours * 3600
    assert (journal.read(D) is not None) is remembered
    journal.prune()
    assert bool(list((tmp_path / "a/b").iterdir())) is remembered


@pytest.mark.parametrize(("age", "recent"), [(0, True), (3599, True), (3601, False), (-100_000, True)])
def test_results_are_kept_for_an_hour(journal, age, recent):
    assert journal.is_recent(JournalEntry("sending", NOW - age)) is recent


def test_prune_removes_what_a_crash_left_and_nothing_in_use(journal, wall, tmp_path):
    journal.write(D, submitted())
    folder = tmp_path / "a/b"
    old, fresh, unfinished = f".{'0' * 16}.tmp", f".{'1' * 16}.tmp", f"{name('z')}.picture"
    left = [(old, 100_000), (fresh, 10), (f"{name('x')}.lock", 0), (f"{name('y')}.picture", 100_000), (f"{E}.json", 0)]
    # A picture is stored right before its entry.
    for file, age in [*left, (unfinished, 10)]:
        (folder / file).write_text("")
        os.utime(folder / file, (NOW - age, NOW - age))
    with locked(journal, E):
        journal.prune()
        kept = {path.name for path in folder.iterdir()}
        assert kept == {f"{D}.json", fresh, f"{E}.json", f"{E}.lock", unfinished}


@pytest.mark.parametrize(
    "foreign",
    ["settings.json", "cat.picture", "package.lock", "notes.tmp", f"{D.upper()}.json", f"{D[1:]}.json", f"{D}0.picture",
     f"{D}.json.json", f"x{D}.lock", f"{D}\n.json", f"{D}.JSON", f"{D} .picture", ".0123.tmp", f".{'g' * 16}.tmp",
     f"{D}.tmp", f"{D}.json.bak", ".json"],
    ids=ascii,
)  # fmt: skip
def test_only_the_journals_own_files_are_ever_removed(journal, wall, tmp_path, monkeypatch, foreign):
    journal.store(E, journal.new("fetched"), b"picture")
    monkeypatch.setattr(journal_module, "_KEPT_BYTES", 5)
    for content in (b"", b'{"state": "delivered", "at": 5}'):
        (tmp_path / "a/b" / foreign).write_bytes(content)
        os.utime(tmp_path / "a/b" / foreign, (1, 1))
        journal.prune()
        journal.delivered(E)
        assert (tmp_path / "a/b" / foreign).read_bytes() == content


@pytest.mark.parametrize("written", [0, 315_532_800, LONG_AGO])
def test_a_file_system_that_keeps_no_time_ends_no_doubt(journal, tmp_path, written):
    journal.write(D, journal.new("sending"))
    os.utime(tmp_path / "a/b" / f"{D}.json", (written, written))
    assert journal.read(D).at == NOW and journal.is_recent(journal.read(D))


@pytest.mark.parametrize("state", ["sending", "submitted", "fetched", "delivered"])
@pytest.mark.parametrize("at", [-5, 0, 1, -1e300, 1e300, 946_684_800, LONG_AGO, IN_MILLISECONDS, 2**63])
def test_an_entry_of_an_absurd_time_is_as_old_as_its_file(journal, wall, tmp_path, state, at):
    journal.write(D, replace(submitted(), state=state, at=at))
    os.utime(tmp_path / "a/b" / f"{D}.json", (NOW - 5, NOW - 5))
    entry = journal.read(D)
    assert (entry.state, entry.at, entry.request_id) == (state, NOW - 5, "id") and journal.is_recent(entry)
    journal.prune()
    wall.now += 3600
    assert journal.read(D) is not None and not journal.is_recent(entry)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_files_are_for_their_owner_alone(journal, tmp_path):
    journal.store(D, submitted(), b"private picture")
    assert (tmp_path / "a/b").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "a/b").iterdir())


def test_write_that_is_interrupted_leaves_the_old_entry(journal, tmp_path, monkeypatch):
    journal.write(D, submitted())

    def fail(*_):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(JournalError, match="No space left on device"):
                journal.write(D, journal.new("sending"))
        assert journal.read(D) == submitted()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == [f"{D}.json"]


def test_contents_are_on_disk_before_they_take_their_name(journal, monkeypatch):
    events = []
    fsync, replace_file = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (events.append("replace"), replace_file(*paths)))
    journal.write(D, submitted())
    assert events[:2] == ["fsync", "replace"]
    assert events[2:] == ([] if os.name == "nt" else ["fsync"])


def locked(journal, digest=D):
    """The job's lock, waited for no longer than it takes to see that it is held."""
    return journal.lock(digest, Deadline(0.01, lambda: False, Clock(sleep=lambda seconds: None)))


def test_one_holder_a_lock(journal, tmp_path):
    with locked(journal):
        with pytest.raises(TimeLimitError), locked(journal):
            pytest.fail("two held it")
        with locked(journal, E):
            pass
    with locked(journal):
        pass
    assert list((tmp_path / "a/b").iterdir()) == []


def test_one_holder_among_threads(journal):
    """Each waits for the others, whose turn it is adds one: nobody reads while another one writes."""
    total, threads = [0], []

    def add():
        for _ in range(25):
            with journal.lock(D, Deadline(30, lambda: False, Clock(sleep=lambda seconds: time.sleep(0.001)))):
                seen = total[0]
                time.sleep(0)
                total[0] = seen + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == [100]


def test_another_thread_may_release_it(journal):
    held = ExitStack()
    held.enter_context(locked(journal))
    thread = threading.Thread(target=held.close)
    thread.start()
    thread.join()
    with locked(journal):
        pass


def test_waiting_for_a_lock_heeds_the_stop_button(journal, fake_clock):
    with locked(journal), pytest.raises(CancelledError):
        journal.lock(D, Deadline(60, lambda: fake_clock.slept > 3, fake_clock.clock())).__enter__()
    assert 3 < fake_clock.slept < 3.2


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
def test_lock_of_a_file_that_its_holder_removed_does_not_count(journal, monkeypatch):
    """Who waited has the old file open, and somebody else may already hold the new one."""
    first = journal._try_lock(D)
    opened = os.open

    def open_just_before_removal(path, *arguments, **options):
        file = opened(path, *arguments, **options)
        if first.is_locked:
            journal._unlock(D, first)
        return file

    monkeypatch.setattr(os, "open", open_just_before_removal)
    # A removed file is opened once more where the first attempt is to make one.
    assert journal._try_lock(D) is None
    monkeypatch.setattr(os, "open", opened)
    with locked(journal):
        pass


def python(script, *arguments):
    """Another process that has the package loaded."""
    start = f"import runpy; runpy.run_path({str(ROOT / 'tests/conftest.py')!r})\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + textwrap.dedent(script), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


HOLD = """
    import sys, pathlib
    from multifaceswap.hosted.segmind.deadline import Clock, Deadline
    from multifaceswap.hosted.segmind.journal import Journal
    with Journal(pathlib.Path(sys.argv[1])).lock(sys.argv[2], Deadline(60, lambda: False, Clock())):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.mark.slow
def test_lock_goes_with_the_process_that_held_it(journal, tmp_path):
    with python(HOLD, tmp_path / "a/b", D) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TimeLimitError), locked(journal):
            pytest.fail("two held it")
        journal.prune()
        assert [path.name for path in (tmp_path / "a/b").iterdir()] == [f"{D}.lock"]
        other.kill()
        other.wait()
    # What is left behind keeps nobody out, and goes with the next tidying.
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == [f"{D}.lock"]
    with locked(journal):
        pass
    (tmp_path / "a/b" / f"{D}.lock").touch()
    journal.prune()
    assert list((tmp_path / "a/b").iterdir()) == []


@pytest.mark.slow
def test_one_holder_among_processes(tmp_path):
    script = """
        import sys, pathlib, time
        from multifaceswap.hosted.segmind.deadline import Clock, Deadline
        from multifaceswap.hosted.segmind.journal import Journal
        folder = pathlib.Path(sys.argv[1])
        journal = Journal(folder / "journal")
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(25):
            with journal.lock("d" * 64, Deadline(60, lambda: False, Clock(sleep=lambda seconds: time.sleep(0.001)))):
                seen = int((folder / "total").read_text())
                (folder / "total").write_text(str(seen + 1))
    """
    (tmp_path / "total").write_text("0")
    others = [python(script, tmp_path) for _ in range(3)]
    for other in others:
        assert other.stdout.readline() == "ready\n"
    for other in others:
        other.stdin.write("go\n")
        other.stdin.flush()
    assert [other.wait() for other in others] == [0, 0, 0]
    for other in others:
        other.stdin.close()
        other.stdout.close()
    assert (tmp_path / "total").read_text() == "75"
    assert list((tmp_path / "journal").iterdir()) == []


@pytest.mark.slow
def test_processes_at_once_do_not_corrupt_it(tmp_path):
    script = """
        import sys, pathlib
        from dataclasses import replace
        from multifaceswap.hosted.segmind.journal import Journal
        journal = Journal(pathlib.Path(sys.argv[1]))
        sys.stdin.readline()
        for number in range(40):
            entry = replace(journal.new("submitted"), request_id=f"{sys.argv[2]}-{number}")
            journal.store("a" * 64, entry, entry.request_id.encode() * 500)
            journal.store(f"{sys.argv[2]}{number:063}", entry, b"x")
            found = journal.read("a" * 64)
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
            assert journal.read(f"{number}{turn:063}").request_id == f"{number}-{turn}"
    assert json.loads((tmp_path / f"{'a' * 64}.json").read_text())["request_id"].endswith("-39")
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize(
    ("damage", "at"),
    [(lambda t: t[:-1], 7.0), (lambda t: b"{" + t, 7.0), (lambda t: t + b"x", 5.0), (lambda t: t + b"\0" * 9, 5.0)],
    ids=["cut", "begun twice", "letter behind", "zeros behind"],
)
def test_an_id_that_can_be_read_survives_damage(damage, at):
    text = json.dumps({"state": "submitted", "at": 5.0, "request_id": "abc-123", "status_url": "https://a.example/s"})
    entry = read_entry(damage(text.encode()), 7.0, 9.0)
    found = entry.state, entry.request_id, entry.status_url, entry.at
    assert found == ("submitted", "abc-123", "https://a.example/s", at)
