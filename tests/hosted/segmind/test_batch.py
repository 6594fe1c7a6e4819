from __future__ import annotations

import threading
from concurrent.futures import as_completed, wait

import numpy as np
import pytest
from multifaceswap.hosted.segmind import batch, errors
from multifaceswap.hosted.segmind.batch import swap_all
from multifaceswap.hosted.segmind.settings import SegmindSettings
from multifaceswap.pipeline.errors import CancelledError, SettingsError

PNG = SegmindSettings(image_format="png")
SOURCE = np.zeros((4, 4, 3), np.uint8)
QUICK = {"poll_interval": 0.01, "timeout": 20}


def frames(number):
    return [np.full((6, 8, 3), 10 * frame, np.uint8) for frame in range(number)]


def test_no_target_is_no_call(api, client):
    assert swap_all(client, SOURCE, [], PNG, **QUICK) == []
    assert api.calls == []


def test_results_are_in_order_and_the_source_is_uploaded_once(api, client):
    done = []
    results = swap_all(client, SOURCE, frames(7), PNG, progress=lambda *numbers: done.append(numbers), **QUICK)
    assert [int(result.picture[0, 0, 0]) for result in results] == [255 - 10 * frame for frame in range(7)]
    assert done == [(number, 7) for number in range(1, 8)]
    assert (api.count("upload-asset"), api.paid()) == (8, 7)


def test_equal_frames_are_paid_once(api, client):
    results = swap_all(client, SOURCE, [frames(1)[0]] * 5, PNG, **QUICK)
    assert len(results) == 5 and api.paid() == 1


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_calls_at_once_than_allowed(api, client, concurrency):
    running, most, lock = [], [], threading.Lock()
    meeting = threading.Barrier(concurrency)

    def submit(handler, body):
        with lock:
            running.append(body)
            most.append(len(running))
        if len(most) <= concurrency:
            meeting.wait(10)
        with lock:
            running.remove(body)
        handler.submit(body)

    api.fault("submit", submit, always=True)
    swap_all(client, SOURCE, frames(6), PNG, concurrency=concurrency, **QUICK)
    assert max(most) == concurrency


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("busy", [False, True])
def test_first_failure_stops_the_rest_and_names_the_frame(api, client, monkeypatch, busy, concurrency):
    """Also where the thread that waits for the results comes to look at them last."""
    api.polls = []
    if busy:
        monkeypatch.setattr(batch, "as_completed", lambda futures: as_completed(wait(futures).done))

    def submit(handler, body):
        if api.count("submit") >= 3:
            return handler.reply(400, {"error": "bad picture"})
        handler.submit(body)

    api.fault("submit", submit, always=True)
    with pytest.raises(errors.BadRequestError, match=r"^target picture \d+: Segmind does not accept") as caught:
        swap_all(client, SOURCE, frames(20), PNG, concurrency=concurrency, **QUICK)
    assert caught.value.frame == 2 or concurrency > 1
    # Those that were under way when it failed had their say, and no other.
    assert 3 <= api.paid() <= 2 + concurrency


def test_after_a_failure_what_was_paid_is_picked_up(api, client, faults):
    api.fault("submit", *[lambda handler, body: handler.submit(body)] * 4, faults.status(400))
    with pytest.raises(errors.BadRequestError):
        swap_all(client, SOURCE, frames(6), PNG, concurrency=2, **QUICK)
    accepted = len(api.jobs)
    results = swap_all(client, SOURCE, frames(6), PNG, concurrency=2, **QUICK)
    assert len(api.jobs) == 6 and accepted >= 4
    assert [int(result.picture[0, 0, 0]) for result in results] == [255 - 10 * frame for frame in range(6)]


def test_single_target_has_no_frame_number(api, client, faults):
    api.fault("submit", faults.status(400))
    with pytest.raises(errors.BadRequestError) as caught:
        swap_all(client, SOURCE, frames(1), PNG, **QUICK)
    assert caught.value.frame is None


def test_cancel_stops_all(api, client):
    api.polls = ["QUEUED"] * 10_000
    with pytest.raises(CancelledError):
        swap_all(client, SOURCE, frames(5), PNG, cancelled=lambda: api.count("status") > 8, **QUICK)
    assert api.paid() <= 4


@pytest.mark.parametrize("concurrency", [0, 17])
def test_concurrency_is_bounded(client, concurrency):
    with pytest.raises(SettingsError, match="concurrency: expected 1 to 16"):
        swap_all(client, SOURCE, frames(1), PNG, concurrency=concurrency)
