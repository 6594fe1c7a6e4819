"""The swap over a clip, frame after frame as they come: memory doesn't grow with the clip."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from ..compose.crops import SwapSettings
from ..compose.stream import DonorOf, SwapTask, swap_stream
from ..compose.swap_restore import SwapStage
from ..faces.depth import in_front
from ..geometry import Region
from ..protocols import Mesher, Parser, Swapper
from ..streams import closing_source
from ..types import Face, FloatArray, Pair
from .depth_order import lead_by
from .lookahead import ObservedFrame, look_ahead
from .prefetch import prefetch
from .settings import ClipSettings
from .watching import ClipFrame, Watcher

_DEPTH: Final = 2
"""Frames that wait between one step and the next."""


class SwappedFrame(NamedTuple):
    """A finished frame."""

    frame: ClipFrame
    faces: tuple[Face, ...]
    """The faces that were changed, smoothed; `index` is the person."""
    mask: FloatArray | None
    """(H, W) where pixels changed, if asked for."""
    regions: tuple[Region, ...]
    """What holds all pixels that changed."""
    notes: tuple[tuple[int, int, str], ...]
    """Scene, person and what there is to say."""


class Engine(NamedTuple):
    """What changes the faces."""

    donor_of: DonorOf
    swapper: Swapper
    settings: SwapSettings
    parsers: tuple[Parser, ...] = ()
    """Keep hair, hands and what else lies before a face."""
    stages: tuple[SwapStage, ...] = ()
    """Change swapped faces before they are pasted."""
    mesher: Mesher | None = None
    """Gives faces without a mesh one where they overlap or parts of them are to stay."""


def swap_frames(
    frames: Iterable[ClipFrame],
    watcher: Watcher,
    engine: Engine,
    clip: ClipSettings | None = None,
    *,
    masks: bool = False,
    before_observe: Callable[[ClipFrame], None] | None = None,
) -> Generator[SwappedFrame]:
    """Swap the people of a clip who have donors, frame by frame, in order.

    Frames are read in one thread, observed in another and swapped in a third; a fixed number of them is held. At its
    end, by itself, by an error or by `close`, the threads have ended and `frames` is closed.
    `before_observe` is called with each frame before the watcher sees it, in the watcher's thread.
    """
    clip = clip or ClipSettings()

    def observed() -> Iterator[ObservedFrame[ClipFrame]]:
        end = 0
        with closing(prefetch(frames, _DEPTH)) as read:
            for frame in read:
                if before_observe is not None:
                    before_observe(frame)
                yield watcher.observe(frame)
                end = frame.number + 1
        watcher.assignment.end_scene(end)

    max_gap, smooth = (clip.max_gap, clip.smooth) if clip.track else (0, False)
    smoothed = look_ahead(prefetch(observed(), _DEPTH), max_gap=max_gap, smooth=smooth)
    return prefetch(_swapped(smoothed, engine, masks), _DEPTH)


def _swapped(frames: Iterable[ObservedFrame[ClipFrame]], engine: Engine, masks: bool) -> Generator[SwappedFrame]:
    waiting: list[tuple[ClipFrame, int]] = []

    def work() -> Iterator[SwapTask]:
        with closing_source(frames) as source:
            for seen in source:
                if seen.frame is None:
                    continue
                waiting.append((seen.frame, seen.scene))
                yield _work(seen, engine.mesher, masks)

    models = engine.donor_of, engine.swapper, engine.settings, engine.parsers, engine.stages, engine.mesher
    with closing(swap_stream(work(), *models, first_alone=True)) as results:
        for done in results:
            frame, scene = waiting.pop(0)
            faces = tuple(pair.target for pair in done.swapped)
            notes = tuple((scene, pair.target.index, note) for pair, note in done.notes)
            yield SwappedFrame(frame, faces, done.work.changed, done.regions, notes)


def _work(seen: ObservedFrame[ClipFrame], mesher: Mesher | None, masks: bool) -> SwapTask:
    frame = seen.frame
    assert frame is not None  # frames that are observed once more are left out above
    given = [(person, face, seen.sources.get(person)) for person, face in seen.people.items()]
    pairs = [
        Pair(replace(face, frame=frame.number), source, seen.shares.get(person, ()))
        for person, face, source in given
        if source is not None
    ]
    others = [face for _, face, source in given if source is None]
    stay = in_front(frame.picture, [pair.target for pair in pairs], others, mesher, partial(lead_by, seen.leads))
    changed = np.zeros(frame.picture.shape[:2], np.float32) if masks else None
    return SwapTask(frame.picture, pairs, frame.picture, changed, in_front=stay)
