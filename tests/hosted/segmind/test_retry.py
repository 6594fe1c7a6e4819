from __future__ import annotations

import threading

import pytest
from multifaceswap.hosted.segmind.errors import ConnectionLostError, TimeLimitError
from multifaceswap.hosted.segmind.retry import Retries, retry_after, send_again
from multifaceswap.hosted.segmind.transport import ApiResponse
from multifaceswap.hosted.segmind.waiting import Watch
from multifaceswap.pipeline.errors import CancelledError

LOST, UNSENT = ConnectionLostError("lost"), ConnectionLostError("refused", unsent=True)


def reply(status, **headers):
    return ApiResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def tried(outcomes, fake_clock, *, safe, retries=None, seconds=600):
    """How often it was tried, and what came of it."""
    waiting = list(outcomes)

    def attempt():
        outcome = waiting.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    watch = Watch(seconds, lambda: False, fake_clock.clock())
    try:
        result = send_again(attempt, watch, retries or Retries(4, 1, 3, lambda: 0), safe=safe).status
    except ConnectionLostError as error:
        result = error.detail
    return len(outcomes) - len(waiting), result


@pytest.mark.parametrize(
    ("outcomes", "safe", "tries", "result"),
    [
        ([reply(200)], True, 1, 200),
        ([reply(503), reply(502), reply(200)], True, 3, 200),
        ([LOST, UNSENT, reply(200)], True, 3, 200),
        ([LOST, LOST, LOST, LOST, LOST], True, 4, "lost"),
        ([reply(504)] * 5, True, 4, 504),
        ([reply(500), reply(200)], True, 1, 500),
        ([reply(422), reply(200)], True, 1, 422),
        ([reply(429), UNSENT, reply(200)], False, 3, 200),
        ([LOST, reply(200)], False, 1, "lost"),
        ([reply(502), reply(200)], False, 1, 502),
        ([reply(503), reply(200)], False, 1, 503),
        ([reply(504), reply(200)], False, 1, 504),
        ([UNSENT] * 5, False, 4, "refused"),
    ],
)
def test_what_is_tried_again(fake_clock, outcomes, safe, tries, result):
    assert tried(outcomes, fake_clock, safe=safe) == (tries, result)


def test_waits_double_up_to_the_longest_and_vary(fake_clock):
    assert [Retries(9, 0.5, 4, lambda: 0).pause(number) for number in range(5)] == [0.5, 1, 2, 4, 4]
    assert [Retries(9, 0.5, 4, lambda: 1).pause(number) for number in range(5)] == [0.25, 0.5, 1, 2, 2]
    pauses = {Retries().pause(0) for _ in range(20)}
    assert len(pauses) > 1 and all(0.25 <= pause <= 0.5 for pause in pauses)
    tried([LOST] * 4, fake_clock, safe=True)
    assert fake_clock.slept == pytest.approx(1 + 2 + 3)


def test_the_longer_wait_counts(fake_clock):
    tried([reply(429, retry_after="9"), reply(429, retry_after="0"), reply(200)], fake_clock, safe=True)
    assert fake_clock.slept == pytest.approx(9 + 2)


def test_wait_beyond_the_time_limit_is_not_begun(fake_clock):
    outcomes = [reply(429, retry_after="30"), reply(200)]
    assert tried(outcomes, fake_clock, safe=True, seconds=20) == (1, 429)
    assert fake_clock.slept == 0


DATE = "Sat, 03 Feb 2001 04:05:06 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry_after": "120"}, 120),
        ({"retry_after": " 5 "}, 5),
        ({"retry_after": "-5"}, 0),
        ({"retry_after": "1.5"}, 0),
        ({"retry_after": "٣"}, 0),
        ({"retry_after": "soon"}, 0),
        ({"retry_after": "9" * 5000}, 999_999_999),
        ({"retry_after": "Sat, 03 Feb 2001 04:05:16 GMT", "date": DATE}, 10),
        ({"retry_after": "Sat, 03 Feb 2001 04:04:06 GMT", "date": DATE}, 0),
        ({"retry_after": "Sat, 03 Feb 2001 04:05:16 GMT"}, 0),
        ({"retry_after": "Sat, 03 Feb 2001 04:05:16", "date": DATE}, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers, seconds):
    assert retry_after(reply(429, **headers)) == seconds


def test_watch_sleeps_in_slices_and_wakes_up(fake_clock):
    watch = Watch(10, lambda: fake_clock.slept > 3, fake_clock.clock())
    with pytest.raises(CancelledError):
        watch.sleep(100)
    assert 3 < fake_clock.slept < 3.2
    watch = Watch(10, lambda: False, fake_clock.clock())
    watch.sleep(4)
    assert watch.remaining == pytest.approx(6)
    with pytest.raises(TimeLimitError, match="not done within 10 s"):
        watch.sleep(100)
    assert watch.remaining == pytest.approx(0.1)
    assert watch.unstoppable().remaining == pytest.approx(0.1)


def test_stop_that_was_heard_once_holds(fake_clock):
    answers = [True, False, False]
    watch = Watch(10, lambda: answers.pop(0), fake_clock.clock())
    for _ in range(2):
        with pytest.raises(CancelledError):
            watch.check()


def test_watch_gives_back_and_raises_what_its_task_does(fake_clock):
    watch = Watch(10, lambda: False, fake_clock.clock())
    assert watch.run(lambda: 5) == 5
    assert watch.run(lambda: None) is None
    with pytest.raises(ConnectionLostError) as caught:
        watch.run(lambda: tried_once(LOST))
    assert caught.value is LOST


def tried_once(error):
    raise error


def test_watch_does_not_wait_for_a_task_that_died(fake_clock, monkeypatch):
    logged = []
    monkeypatch.setattr(threading, "excepthook", lambda error: logged.append(error.exc_value))
    with pytest.raises(RuntimeError, match="ended with an error"):
        Watch(10, lambda: False, fake_clock.clock()).run(lambda: tried_once(KeyError("a defect")))
    assert [type(error) for error in logged] == [KeyError]
