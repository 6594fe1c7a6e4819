from __future__ import annotations

import pytest
from multifaceswap.hosted.segmind.answers import ApiResponse
from multifaceswap.hosted.segmind.deadline import Deadline
from multifaceswap.hosted.segmind.errors import ConnectionLostError
from multifaceswap.hosted.segmind.retry import send_again
from multifaceswap.media.retry import Retries

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

    deadline = Deadline(seconds, lambda: False, fake_clock.clock())
    try:
        result = send_again(attempt, deadline, retries or Retries(4, 1, 3, lambda: 0), safe=safe).status
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


def test_waits_double_up_to_the_longest(fake_clock):
    tried([LOST] * 4, fake_clock, safe=True)
    assert fake_clock.slept == pytest.approx(1 + 2 + 3)


def test_the_longer_wait_counts(fake_clock):
    tried([reply(429, retry_after="9"), reply(429, retry_after="0"), reply(200)], fake_clock, safe=True)
    assert fake_clock.slept == pytest.approx(9 + 2)


def test_wait_beyond_the_time_limit_is_not_begun(fake_clock):
    outcomes = [reply(429, retry_after="30"), reply(200)]
    assert tried(outcomes, fake_clock, safe=True, seconds=20) == (1, 429)
    assert fake_clock.slept == 0
