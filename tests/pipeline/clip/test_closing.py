"""What is left of a clip's work when it ends early: nothing, even while the error that ended it is kept."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from clipmodels import FACE, Blank, BrokenError, FailsLater, Finder, engine, held_error, watcher, workers
from multifaceswap.pipeline.clip.flow import ClipFrame, ClipSettings, swap_frames
from multifaceswap.pipeline.clip.lookahead import ObservedFrame, look_ahead
from multifaceswap.pipeline.clip.prefetch import prefetch
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.stream import SwapTask, swap_stream
from multifaceswap.pipeline.compose.swap import swap_batch
from multifaceswap.pipeline.types import Donor, IndexMap, Pair, Size

SETTINGS = SwapSettings("Nearest")


class Source:
    """Gives items for ever, or until it fails or ends; counts how often it was closed."""

    def __init__(self, make, fails_at=None, ends_at=None):
        self._make, self._fails_at, self._ends_at = make, fails_at, ends_at
        self.given, self.closed = 0, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.given == self._fails_at:
            raise BrokenError("source")
        if self.given == self._ends_at:
            raise StopIteration
        self.given += 1
        return self._make(self.given - 1)

    def close(self):
        self.closed += 1


def picture():
    return np.full((64, 64, 3), 90, np.uint8)


def frame(number):
    return ClipFrame(number, number / 25, picture())


def observed(number):
    return ObservedFrame(number, number / 25, 0, {0: FACE})


def task(number):
    one = picture()
    return SwapTask(one, [Pair(FACE, FACE)], one)


def swapped(source, swapper=None, finder=None, clip=None, before_observe=None):
    return swap_frames(source, watcher(finder), engine(swapper), clip, before_observe=before_observe)


AT = 15
"""The step that fails does so in the middle: all threads are at work by then."""


@pytest.mark.parametrize("clip", [ClipSettings(), ClipSettings(smooth=False, max_gap=0), ClipSettings(track=False)])
@pytest.mark.parametrize("step", ["reader", "observer", "detector", "place", "prepare", "swap"])
def test_after_an_error_in_any_step_no_thread_is_left_and_the_source_is_closed(step, clip):
    fails = FailsLater(AT)
    swapper = Blank(**{f"on_{step}": fails}) if step in ("place", "prepare", "swap") else None
    source = Source(frame, AT if step == "reader" else None)
    finder = Finder(fails) if step == "detector" else None
    work = swapped(source, swapper, finder, clip, fails if step == "observer" else None)
    error = held_error(work)
    assert (workers(), source.closed) == ([], 1)
    assert error.__traceback__ is not None


def test_an_error_where_the_frames_are_used_ends_all():
    source = Source(frame)

    def use():
        with closing(swapped(source)) as done:
            for one in done:
                if one.frame.number == AT:
                    raise BrokenError("progress")
                yield

    error = held_error(use())
    assert (workers(), source.closed, str(error)) == ([], 1, "progress")


MAKERS = {
    "swap_frames": (frame, swapped),
    "look_ahead": (observed, look_ahead),
    "look_ahead over prefetch": (observed, lambda source: look_ahead(prefetch(source, 2))),
    "prefetch": (frame, lambda source: prefetch(source, 2)),
    "swap_stream": (task, lambda source: swap_stream(source, Donor, Blank(), SETTINGS)),
    "swap_stream over prefetch": (task, lambda source: swap_stream(prefetch(source, 2), Donor, Blank(), SETTINGS)),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("taken", [1, AT])
def test_closing_early_closes_the_source(name, taken):
    make, work = MAKERS[name]
    source = Source(make)
    items = work(source)
    for _ in range(taken):
        next(items)
    items.close()
    assert (workers(), source.closed) == ([], 1)


@pytest.mark.parametrize("name", MAKERS)
def test_an_error_of_the_source_ends_all(name):
    make, work = MAKERS[name]
    source = Source(make, fails_at=AT)
    error = held_error(work(source))
    assert (workers(), source.closed, str(error)) == ([], 1, "source")


@pytest.mark.parametrize("name", MAKERS)
def test_a_source_that_ends_by_itself_is_closed_too(name):
    make, work = MAKERS[name]
    source = Source(make, ends_at=AT)
    assert len(list(work(source))) == AT
    assert (workers(), source.closed) == ([], 1)


@pytest.mark.parametrize("step", ["place", "swap"])
def test_the_stream_of_swaps_closes_its_source_when_the_engine_fails(step):
    source = Source(task)
    error = held_error(swap_stream(prefetch(source, 2), Donor, Blank(**{f"on_{step}": FailsLater(3)}), SETTINGS))
    assert (workers(), source.closed, str(error)) == ([], 1, "call")


def test_a_batch_of_pictures_that_is_stopped_leaves_no_thread():
    size, pictures = Size(64, 64), [picture() for _ in range(AT)]
    pairs = IndexMap(tuple((Pair(FACE, FACE),) for _ in pictures), (), size, size, 1)

    def swap():
        yield swap_batch(pictures, pictures[:1], pairs, Blank(), SETTINGS, progress=FailsLater(5))

    error = held_error(swap())
    assert (workers(), str(error)) == ([], "call")
