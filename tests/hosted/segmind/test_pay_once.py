"""Nothing is paid twice, and nothing paid is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from multifaceswap.hosted.segmind import errors
from multifaceswap.hosted.segmind.deadline import Clock
from multifaceswap.hosted.segmind.journal import Journal
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.pipeline.errors import CancelledError

PNG = SegmindSettings(image_format="png")
MODES = [("submit", "asynchronous"), ("sync", "synchronous")]


class Crash(BaseException):
    """The process ends here."""


def crash_at(stage):
    def progress(reached):
        if reached == stage:
            raise Crash

    return progress


KILLED = """
import runpy, sys
runpy.run_path(sys.argv[1])
import numpy as np
from pathlib import Path
from multifaceswap.hosted.segmind.client import SegmindClient
from multifaceswap.hosted.segmind.journal import Journal
from multifaceswap.hosted.segmind.key import ApiKey
from multifaceswap.hosted.segmind.settings import SegmindSettings
client = SegmindClient(ApiKey(sys.argv[2]), sys.argv[3], Journal(Path(sys.argv[4])))
pixels = np.full((6, 8, 3), 200, np.uint8)
client.swap(pixels, pixels, SegmindSettings(image_format="png"), mode=sys.argv[5])
"""
CONFTEST = Path(__file__).resolve().parents[2] / "conftest.py"


@pytest.mark.parametrize(
    ("route", "mode", "again"),
    [("status", "asynchronous", "picked up"), ("submit", "asynchronous", None), ("sync", "synchronous", None)],
)
def test_process_that_is_killed_has_noted_what_it_paid_for(
    api, client, swap, key, faults, tmp_path, route, mode, again
):
    reached = threading.Event()

    def stall(handler, body):
        reached.set()
        faults.stall(handler, body)

    api.fault(route, stall)
    arguments = [sys.executable, "-c", KILLED, CONFTEST, key, api.base_url, tmp_path / "journal", mode]
    with subprocess.Popen([str(argument) for argument in arguments]) as process:
        assert reached.wait(60)
        process.kill()
    pixels = np.full((6, 8, 3), 200, np.uint8)
    if again:
        assert again in swap(pixels, pixels, PNG, mode=mode).report[-1]
    else:
        with pytest.raises(errors.UncertainSubmitError):
            swap(pixels, pixels, PNG, mode=mode)
    assert api.paid() == 1


@pytest.mark.parametrize("stage", ["queued", "fetching"])
def test_after_a_crash_the_paid_request_is_picked_up(api, make_client, swap, stage):
    with pytest.raises(Crash):
        swap(by=make_client(), settings=PNG, progress=crash_at(stage))
    result = swap(by=make_client(), settings=PNG)
    assert api.paid() == 1 and (result.picture == 55).all()
    assert result.report[-1] == "picked up a request that was sent before: nothing is paid again"


def test_crash_before_sending_costs_nothing_and_is_forgotten(api, make_client, swap):
    with pytest.raises(Crash):
        swap(by=make_client(), progress=crash_at("sending"))
    assert api.paid() == 0
    swap(by=make_client())
    assert api.paid() == 1


def test_after_the_time_limit_the_paid_request_is_picked_up(api, swap):
    api.polls = ["QUEUED"] * 1000
    with pytest.raises(errors.TimeLimitError):
        swap(timeout=1)
    api.jobs["req-0"].states.clear()
    swap()
    assert api.paid() == 1


@pytest.mark.parametrize("route", ["status", "result", "media"])
def test_after_a_lost_connection_the_paid_request_is_picked_up(api, swap, faults, route):
    api.fault(route, faults.reset, faults.reset, faults.reset)
    with pytest.raises(errors.ConnectionLostError, match=r"\[request req-0\]"):
        swap()
    swap()
    assert api.paid() == 1


def test_cancel_during_polling_lets_the_paid_request_be_picked_up(api, swap):
    api.polls = ["QUEUED"] * 1000
    with pytest.raises(CancelledError):
        swap(cancelled=lambda: api.count("status") > 2)
    api.jobs["req-0"].states.clear()
    swap()
    assert api.paid() == 1


@pytest.mark.parametrize(("route", "mode"), MODES)
def test_cancel_during_the_paid_call_still_notes_its_outcome(api, swap, faults, route, mode):
    stop, go = threading.Event(), threading.Event()

    def slow(handler, body):
        stop.set()
        go.wait(10)
        getattr(handler, route)(body)

    api.fault(route, slow)
    with pytest.raises(CancelledError):
        swap(mode=mode, settings=PNG, cancelled=stop.is_set)
    go.set()
    result = swap(mode=mode, settings=PNG)
    assert api.paid() == 1 and (result.picture == 55).all()


@pytest.mark.parametrize(("route", "mode"), MODES)
@pytest.mark.parametrize("fault", ["reset", "accepted_then_reset", "stall", "cut", "html"])
def test_call_that_may_have_arrived_is_never_sent_again_by_itself(
    api, make_client, swap, faults, route, mode, fault, fake_clock
):
    broken = {"cut": faults.cut(b"x" * 1000), "html": faults.html()}
    api.fault(route, broken.get(fault) or getattr(faults, fault))
    limits = {"timeout": 0.4} if fault == "stall" else {}
    clock = None if fault == "stall" else fake_clock.clock()
    with pytest.raises(errors.SegmindError):
        swap(by=make_client(clock=clock), mode=mode, **limits)
    api.over.set()
    # A synchronous answer is kept, whatever it is.
    again = errors.ResultError if (fault, mode) == ("html", "synchronous") else errors.UncertainSubmitError
    with pytest.raises(again, match="To send it anyway, change `run_again`"):
        swap(by=make_client(clock=clock), mode=mode)
    assert api.paid() == 1
    swap(by=make_client(clock=clock), mode=mode, run_again=1)
    assert api.paid() == 2


@pytest.mark.parametrize(("route", "mode"), MODES)
def test_paid_call_has_a_connection_of_its_own(api, swap, route, mode):
    """One that lay idle may be closed by the server just then, and the doubt would be about nothing."""
    served = []
    api.fault(route, lambda handler, body: (served.append(handler.served), getattr(handler, route)(body)))
    api.fault("upload-asset", None, lambda handler, body: (served.append(handler.served), handler.upload_asset(body)))
    swap(mode=mode)
    assert served == [2, 1]


def test_doubt_is_over_after_an_hour(api, make_client, swap, faults, fake_clock):
    client = make_client(clock=fake_clock.clock())
    api.fault("submit", faults.reset)
    with pytest.raises(errors.UncertainSubmitError):
        swap(by=client)
    fake_clock.now += 3590
    with pytest.raises(errors.UncertainSubmitError):
        swap(by=client)
    fake_clock.now += 20
    swap(by=client)
    assert api.paid() == 2


@pytest.mark.parametrize("at", [-5, 0, -1e300, 86_400.0, 1e300])
def test_doubt_does_not_end_early_by_an_absurd_time(api, make_client, swap, faults, fake_clock, tmp_path, at):
    client = make_client(clock=fake_clock.clock())
    api.fault("submit", faults.reset)
    with pytest.raises(errors.UncertainSubmitError):
        swap(by=client)
    (entry,) = (tmp_path / "journal").glob("*.json")
    entry.write_text(json.dumps({**json.loads(entry.read_text()), "at": at}))
    for passed in (0, 3500):
        fake_clock.now += passed
        with pytest.raises(errors.UncertainSubmitError):
            swap(by=make_client(clock=fake_clock.clock()))
    fake_clock.now += 200
    swap(by=client)
    assert api.paid() == 2


def test_doubt_outlasts_a_clock_that_was_set_back(api, make_client, swap, faults, fake_clock):
    client = make_client(clock=fake_clock.clock())
    api.fault("submit", faults.reset)
    with pytest.raises(errors.UncertainSubmitError):
        swap(by=client)
    fake_clock.wall_offset -= 86_400
    with pytest.raises(errors.UncertainSubmitError):
        swap(by=client)
    assert api.paid() == 1


@pytest.mark.parametrize("code", [502, 504])
@pytest.mark.parametrize(("route", "mode"), MODES)
def test_gateway_that_gave_up_leaves_doubt(api, swap, faults, route, mode, code):
    api.fault(route, faults.status(code))
    with pytest.raises(
        errors.BadGatewayError if code == 502 else errors.GatewayTimeoutError, match="change `run_again`"
    ):
        swap(mode=mode)
    with pytest.raises(errors.UncertainSubmitError):
        swap(mode=mode)
    assert api.paid() == 1


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 406, 413, 415, 422])
@pytest.mark.parametrize(("route", "mode"), MODES)
def test_refused_call_is_forgotten(api, swap, faults, tmp_path, route, mode, code):
    api.fault(route, faults.status(code))
    with pytest.raises(errors.SegmindError):
        swap(mode=mode)
    assert list((tmp_path / "journal").iterdir()) == []
    swap(mode=mode)
    assert api.paid() == 2


def test_failed_job_is_forgotten(api, swap):
    api.polls = ["FAILED"]
    with pytest.raises(errors.JobFailedError):
        swap()
    api.polls = []
    swap()
    assert api.paid() == 2


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_undelivered_result_is_kept_and_needs_no_server(api, make_client, swap, mode):
    first = swap(by=make_client(), settings=PNG, mode=mode)
    api.calls.clear()
    again = swap(by=make_client(), settings=PNG, mode=mode)
    assert api.calls == []
    assert again.data == first.data and again.inference_seconds == first.inference_seconds


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_delivered_result_serves_for_the_hour(api, make_client, swap, fake_clock, mode):
    for _ in range(4):
        client = make_client(clock=fake_clock.clock())
        result = swap(by=client, settings=PNG, mode=mode)
        client.delivered(result)
        assert (result.picture == 55).all()
        assert api.paid() == 1 and (api.count("media") == 1) is (mode == "asynchronous")
        fake_clock.now += 1100
    fake_clock.now += 1100
    # Then the API is asked where it gave an id; nobody can be where it gave none.
    swap(by=make_client(clock=fake_clock.clock()), settings=PNG, mode=mode)
    assert api.paid() == (1 if mode == "asynchronous" else 2)


def test_result_that_is_no_longer_kept_is_not_paid_for_again(api, make_client, swap, tmp_path):
    client = make_client()
    client.delivered(swap(by=client, mode="synchronous"))
    for path in (tmp_path / "journal").glob("*.picture"):
        path.unlink()
    with pytest.raises(errors.UncertainSubmitError, match="no answer is kept"):
        swap(by=make_client(), mode="synchronous")
    assert api.paid() == 1


def test_request_that_the_api_forgot_too_early_is_not_paid_for_again(api, make_client, swap):
    with pytest.raises(Crash):
        swap(by=make_client(), progress=crash_at("queued"))
    api.jobs.clear()
    for _ in range(2):
        with pytest.raises(errors.NotFoundError, match=r"picked up and not paid for twice.*change `run_again`"):
            swap(by=make_client())
    assert api.paid() == 1


def test_expired_request_is_forgotten_and_sent_anew(api, make_client, swap, fake_clock):
    client = make_client(clock=fake_clock.clock())
    client.delivered(swap(by=client, settings=PNG))
    api.jobs.clear()
    fake_clock.now += 3700
    result = swap(by=client, settings=PNG)
    assert api.paid() == 2 and (result.picture == 55).all()
    assert result.report[-1] == "a request that was sent before has expired at the API: it was sent anew"


def test_expired_request_is_sent_anew_by_one_alone(api, make_client, swap, faults):
    """Both find that the id has expired; the second finds the first one's new request."""
    first = make_client()
    first.delivered(swap(by=first))
    later = Clock(wall=lambda: time.time() + 3700)
    both = threading.Barrier(2)

    def expired(handler, body):
        both.wait(20)
        handler.reply(404, {"error": "request not found"})

    api.fault("status", expired, expired)
    done, clients = [], [make_client(clock=later) for _ in range(2)]
    threads = [threading.Thread(target=lambda by=by: done.append(swap(by=by))) for by in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2 and api.paid() == 2


@pytest.mark.parametrize("jump", [7200, -7200], ids=["ahead", "back"])
def test_the_servers_clock_counts_and_not_one_that_jumps(api, make_client, swap, fake_clock, jump):
    client = make_client(clock=fake_clock.clock())
    client.delivered(swap(by=client))
    fake_clock.wall_offset += jump
    swap(by=client)
    assert api.paid() == 1


def test_fresh_request_that_the_api_does_not_know_is_not_paid_again(api, swap, faults):
    api.fault("status", faults.status(404))
    with pytest.raises(errors.NotFoundError):
        swap()
    assert api.paid() == 1
    swap()
    assert api.paid() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"source": np.full((4, 4, 3), 9, np.uint8)},
        {"target": np.full((6, 8, 3), 9, np.uint8)},
        {"settings": SegmindSettings(image_quality=94)},
        {"run_again": 7},
    ],
    ids=["source", "target", "settings", "run_again"],
)
def test_anything_else_that_is_asked_is_another_request(api, swap, other):
    swap()
    swap(**other)
    assert api.paid() == 2


def test_another_account_is_another_request(api, make_client, swap, faults):
    swap()
    with pytest.raises(errors.UnauthorizedError):
        swap(by=make_client(key="SG_another"))


@pytest.mark.parametrize("other", [{"mode": "synchronous"}, {"transport": "data-uri"}])
def test_the_way_there_makes_no_other_request(api, swap, other):
    swap()
    swap(**other)
    assert api.paid() == 1


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_same_request_at_the_same_time_is_paid_once(api, make_client, swap, mode):
    results = []
    clients = [make_client() for _ in range(6)]
    threads = [
        threading.Thread(target=lambda by=by: results.append(swap(by=by, settings=PNG, mode=mode))) for by in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert api.paid() == 1
    assert len(results) == 6 and all((result.picture == 55).all() for result in results)


def test_without_a_journal_nothing_is_submitted(api, make_client, swap, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(errors.JournalError, match="set MULTIFACESWAP_STATE to a folder that can be written"):
        swap(by=make_client(journal=Journal(tmp_path / "file" / "journal")))
    assert api.paid() == 0


class FullDisk(Journal):
    """Takes what is written before a submit and nothing after."""

    def write(self, digest, entry):
        if entry.state != "sending":
            raise errors.JournalError("No space left on device")
        super().write(digest, entry)


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
def test_disk_that_fills_up_loses_no_paid_result(api, make_client, swap, tmp_path, mode):
    result = swap(by=make_client(journal=FullDisk(tmp_path / "journal")), settings=PNG, mode=mode)
    assert (result.picture == 55).all()
    assert any("No space left on device" in line for line in result.report)


def test_request_id_is_on_disk_before_the_first_poll(api, make_client, swap, tmp_path):
    seen = []

    def look(handler, body):
        seen.extend(path.read_text() for path in (tmp_path / "journal").glob("*.json"))
        handler.status(body)

    api.fault("status", look)
    swap()
    assert len(seen) == 1 and '"submitted"' in seen[0] and '"req-0"' in seen[0]


def test_intent_is_on_disk_before_the_submit(api, make_client, swap, tmp_path):
    seen = []

    def look(handler, body):
        seen.extend(path.read_text() for path in (tmp_path / "journal").glob("*.json"))
        handler.submit(body)

    api.fault("submit", look)
    swap()
    assert len(seen) == 1 and '"sending"' in seen[0]


def test_old_entries_are_pruned_when_a_client_starts(make_client, swap, fake_clock, tmp_path):
    client = make_client(clock=fake_clock.clock())
    client.delivered(swap(by=client))
    fake_clock.now += 24 * 8 * 3600
    newcomer = make_client(clock=fake_clock.clock())
    newcomer.delivered(swap(by=newcomer, run_again=1))
    assert sorted(path.suffix for path in (tmp_path / "journal").iterdir()) == [".json", ".picture"]


class Busy(Journal):
    """Another process is at work on every job."""

    def lock(self, digest, deadline):
        self.other = self._try_lock(digest)
        assert self.other is not None
        return super().lock(digest, deadline)


def test_waiting_for_another_process_ends_by_cancel_and_time_limit(api, make_client, swap, fake_clock, tmp_path):
    client = make_client(journal=Busy(tmp_path / "journal"), clock=fake_clock.clock())
    with pytest.raises(errors.TimeLimitError):
        swap(by=client)
    with pytest.raises(CancelledError):
        swap(by=client, run_again=1, cancelled=lambda: fake_clock.slept > 12)
    assert api.calls == []
