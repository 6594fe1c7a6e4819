from __future__ import annotations

import json
from functools import partial

import pytest
from multifaceswap.batch import Item, Worker, owned_folder, run_locally, tally, working
from multifaceswap.media.retry import Retries
from multifaceswap.pipeline.errors import (
    BusyError,
    CancelledError,
    ImageError,
    MissingModelError,
    MissingPackageError,
    SettingsError,
)


class Copies:
    """Copies targets; raises the errors it was given, one a call, and counts."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, item, target, output):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        output.write_bytes(target.read_bytes())
        return {"faces": 1}


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    found = []
    monkeypatch.setattr(working, "Retries", partial(Retries, chance=lambda: 0, sleep=found.append))
    return found


@pytest.fixture
def item(tmp_path):
    (tmp_path / "x.png").write_bytes(b"target")
    return Item("x.png", str(tmp_path / "x.png"))


def _worker(tmp_path, work, **changes):
    values = {"settings": {"strength": 1.0}, "retries": 2, **changes}
    return Worker(lambda: work, str(tmp_path / "out"), **values)


def _run(worker, *items):
    return list(run_locally(items, worker))


def test_an_item_is_done_once(tmp_path, item):
    work = Copies()
    (first,), (second,) = (_run(_worker(tmp_path, work), item) for _ in range(2))
    assert work.calls == 1
    assert (first["faces"], first["attempts"], first["kept"], first["error"]) == (1, 1, False, None)
    assert second == {**first, "kept": True}
    assert first["output"] == str(tmp_path / "out" / "x.png")
    assert (tmp_path / "out" / "x.png").read_bytes() == b"target"


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"tar"), lambda path: path.write_bytes(b"")])
def test_a_result_that_was_cut_short_is_made_anew(tmp_path, item, damage):
    work = Copies()
    _run(_worker(tmp_path, work), item)
    damage(tmp_path / "out" / "x.png")
    (again,) = _run(_worker(tmp_path, work), item)
    assert (work.calls, again["kept"]) == (2, False)
    assert (tmp_path / "out" / "x.png").read_bytes() == b"target"


def test_another_setting_target_source_or_a_lost_result_makes_it_anew(tmp_path, item):
    work = Copies()
    source = tmp_path / "source.png"
    source.write_bytes(b"one")
    _run(_worker(tmp_path, work), item)
    _run(_worker(tmp_path, work, settings={"strength": 0.5}), item)
    _run(_worker(tmp_path, work, settings={"strength": 0.5}, inputs=[str(source)]), item)
    source.write_bytes(b"other")
    _run(_worker(tmp_path, work, settings={"strength": 0.5}, inputs=[str(source)]), item)
    assert work.calls == 4
    (tmp_path / "x.png").write_bytes(b"another")
    _run(_worker(tmp_path, work, settings={"strength": 0.5}, inputs=[str(source)]), item)
    (tmp_path / "out" / "x.png").unlink()
    _run(_worker(tmp_path, work, settings={"strength": 0.5}, inputs=[str(source)]), item)
    assert work.calls == 6
    assert (tmp_path / "out" / "x.png").read_bytes() == b"another"


def test_a_failed_item_is_tried_again_with_growing_waits(tmp_path, item, waits):
    work = Copies(ImageError("busy"), OSError("busy"))
    (entry,) = _run(_worker(tmp_path, work), item)
    assert (entry["attempts"], entry["error"], waits) == (3, None, [0.5, 1.0])


def test_an_item_that_keeps_failing_is_reported_and_others_go_on(tmp_path, item):
    (tmp_path / "y.png").write_bytes(b"")
    work = Copies(*[ImageError("broken")] * 3)
    entries = _run(_worker(tmp_path, work), item, Item("y.png", str(tmp_path / "y.png")))
    assert [entry["error"] for entry in entries] == ["broken", None]
    assert work.calls == 4 and not entries[0]["fatal"]
    assert tally(entries) == (1, 0, 1) and str(tally(entries)) == "1 done, 0 kept from before, 1 failed"


def test_a_failed_item_is_tried_again_by_the_next_run(tmp_path, item):
    work = Copies(*[ImageError("broken")] * 3)
    _run(_worker(tmp_path, work), item)
    (entry,) = _run(_worker(tmp_path, work), item)
    assert (entry["error"], entry["kept"]) == (None, False)


@pytest.mark.parametrize(
    ("error", "fatal"),
    [(SettingsError("no"), False), (MissingModelError("gone"), True), (MissingPackageError("gone"), True)],
)
def test_what_would_end_the_same_is_not_tried_again(tmp_path, item, error, fatal):
    work = Copies(error)
    (entry,) = _run(_worker(tmp_path, work), item)
    assert (work.calls, entry["error"], entry["fatal"]) == (1, str(error), fatal)


def test_a_target_that_is_not_there_is_reported(tmp_path):
    (entry,) = _run(_worker(tmp_path, Copies()), Item("x.png", str(tmp_path / "x.png")))
    assert "x.png" in entry["error"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, CancelledError])
def test_a_cancel_goes_through(tmp_path, item, stop):
    with pytest.raises(stop):
        _run(_worker(tmp_path, Copies(stop())), item)


def test_an_item_that_ended_its_workers_is_left_out_until_the_next_run(tmp_path, item):
    class Death(BaseException):
        """Stands for the end of the process."""

    work = Copies(Death(), Death(), Death())
    worker = _worker(tmp_path, work)
    for _ in range(3):
        with pytest.raises(Death):
            _run(worker, item)
    (entry,) = _run(worker, item)
    assert "left out: 3 workers ended while doing it" in entry["error"] and work.calls == 3
    (entry,) = _run(_worker(tmp_path, work), item)
    assert entry["error"] is None


def test_a_damaged_record_is_no_record(tmp_path, item):
    work = Copies()
    _run(_worker(tmp_path, work), item)
    record = tmp_path / "out" / ".multifaceswap" / "x.png.json"
    assert json.loads(record.read_text())["entry"]["faces"] == 1
    whole = record.read_bytes()
    for data in (
        *(b"", b"[]", b'{"entry"', b"null", b"7", b"\xff\xfe", b"\0" * 50, b"[" * 100_000, b'{"a":' * 100_000),
        *(whole[:-1], whole.replace(b'"faces": 1', b'"faces": 2'), whole.replace(b'"entry"', b'"other"')),
        json.dumps({**json.loads(whole), "entry": {}}).encode(),
        json.dumps({**json.loads(whole), "entry": [1], "begun": "x"}).encode(),
        json.dumps({**json.loads(whole), "new": 1}).encode(),
    ):
        record.write_bytes(data)
        (entry,) = _run(_worker(tmp_path, work), item)
        assert (entry["kept"], entry["faces"], entry["error"]) == (False, 1, None)
        assert _run(_worker(tmp_path, work), item)[0]["kept"] is True


def test_a_record_that_is_a_folder_stops_no_other_item(tmp_path, item):
    (tmp_path / "y.png").write_bytes(b"")
    (tmp_path / "out" / ".multifaceswap" / "x.png.json").mkdir(parents=True)
    entries = _run(_worker(tmp_path, Copies()), item, Item("y.png", str(tmp_path / "y.png")))
    assert "x.png.json" in entries[0]["error"] and entries[1]["error"] is None


def test_a_result_that_another_command_writes_is_left_to_it(tmp_path, item):
    work = Copies(BusyError("out.mp4: is being written by process 7"))
    (entry,) = _run(_worker(tmp_path, work), item)
    assert (work.calls, entry["fatal"]) == (1, False) and "process 7" in entry["error"]


def test_one_batch_at_a_time_has_a_folder(tmp_path):
    out = tmp_path / "out"
    with owned_folder(str(out)):
        with pytest.raises(BusyError, match=r"out: is being written by this process since"), owned_folder(str(out)):
            pytest.fail("there are two")
        with pytest.raises(BusyError, match="this process"), owned_folder(out.as_uri()):
            pytest.fail("another name of it makes two")
        with owned_folder(str(tmp_path / "other")), owned_folder("memory://bucket/out"):
            pass
    assert [path.name for path in tmp_path.iterdir()] == []
