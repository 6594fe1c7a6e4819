from __future__ import annotations

import threading

import pytest
from multifaceswap.hosted.segmind.deadline import Deadline
from multifaceswap.hosted.segmind.errors import ConnectionLostError, TimeLimitError
from multifaceswap.pipeline.errors import CancelledError

LOST = ConnectionLostError("lost")


def test_deadline_sleeps_in_slices_and_wakes_up(fake_clock):
    deadline = Deadline(10, lambda: fake_clock.slept > 3, fake_clock.clock())
    with pytest.raises(CancelledError):
        deadline.sleep(100)
    assert 3 < fake_clock.slept < 3.2
    deadline = Deadline(10, lambda: False, fake_clock.clock())
    deadline.sleep(4)
    assert deadline.remaining == pytest.approx(6)
    with pytest.raises(TimeLimitError, match="not done within 10 s"):
        deadline.sleep(100)
    assert deadline.remaining == pytest.approx(0.1)


def test_stop_that_was_heard_once_holds(fake_clock):
    answers = [True, False, False]
    deadline = Deadline(10, lambda: answers.pop(0), fake_clock.clock())
    for _ in range(2):
        with pytest.raises(CancelledError):
            deadline.check()


def test_deadline_gives_back_and_raises_what_its_task_does(fake_clock):
    deadline = Deadline(10, lambda: False, fake_clock.clock())
    assert deadline.run(lambda: 5) == 5
    assert deadline.run(lambda: None) is None
    with pytest.raises(ConnectionLostError) as caught:
        deadline.run(lambda: tried_once(LOST))
    assert caught.value is LOST


def tried_once(error):
    raise error


def test_deadline_does_not_wait_for_a_task_that_died(fake_clock, monkeypatch):
    logged = []
    monkeypatch.setattr(threading, "excepthook", lambda error: logged.append(error.exc_value))
    with pytest.raises(RuntimeError, match="ended with an error"):
        Deadline(10, lambda: False, fake_clock.clock()).run(lambda: tried_once(KeyError("a defect")))
    assert [type(error) for error in logged] == [KeyError]
