from __future__ import annotations

import threading

import pytest
from multifaceswap.pipeline.clip.prefetch import prefetch


def test_items_come_in_order_from_another_thread():
    def source():
        for number in range(50):
            yield number, threading.current_thread() is threading.main_thread()

    assert list(prefetch(source(), 3)) == [(number, False) for number in range(50)]
    assert list(prefetch([], 1)) == []


def test_what_is_raised_comes_after_what_was_made():
    def source():
        yield 1
        yield 2
        raise OSError("no more")

    got = []
    with pytest.raises(OSError, match="no more"):
        for item in prefetch(source(), 5):
            got.append(item)
    assert got == [1, 2]


def test_no_more_is_made_than_may_wait():
    made = []
    two_more = threading.Event()

    def source():
        for number in range(100):
            made.append(number)
            if number == 3:
                two_more.set()
            yield number

    items = prefetch(source(), 2)
    assert next(items) == 0
    assert two_more.wait(10)  # 1 and 2 wait, 3 is made and can't be put down
    items.close()
    assert made == [0, 1, 2, 3]


def test_closing_ends_the_thread_and_closes_the_source():
    closed = []

    def source():
        try:
            while True:
                yield 0
        finally:
            closed.append(threading.current_thread().name)

    before = threading.active_count()
    items = prefetch(prefetch(source(), 1), 1)
    next(items)
    items.close()
    assert len(closed) == 1 and threading.active_count() == before
