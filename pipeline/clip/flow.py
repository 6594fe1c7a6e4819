"""The swap over a clip, frame after frame as they come: memory doesn't grow with the clip."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple, TypedDict

import numpy as np

from ..compose.crops import SwapSettings
from ..compose.stream import DonorOf, SwapTask, swap_stream
from ..compose.swap_restore import SwapRestore
from ..errors import require_range
from ..faces.depth import in_front
from ..faces.detect import enriched
from ..geometry import Region
from ..protocols import Attributes, Detector, Embedder, Mesher, Metric, Parser, Swapper
from ..streams import closing_source
from ..types import Face, FloatArray, Pair, Picture
from .assignment import Assignment, AssignmentState
from .depth_order import DepthOrder, DepthState, Leads, lead_by
from .lookahead import ObservedFrame, look_ahead, reach
from .prefetch import prefetch
from .scenes import is_cut, thumbnail
from .tracking import SAME_PERSON, Tracker, TrackerState

_DEPTH: Final = 2
"""Frames that wait between one step and the next."""


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How people are followed and smoothed in a clip."""

    track: bool = True
    """Follow people through each scene. Without it every frame is a scene of its own, and nothing is smoothed."""
    smooth: bool = True
    """Smooth landmarks and meshes over neighbouring frames."""
    max_gap: int = 5
    """Fill in a face that is missing for up to that many frames."""

    def __post_init__(self) -> None:
        require_range("max_gap", self.max_gap, 0, 50)

    @property
    def reach(self) -> int:
        """How many frames before it a frame's result may depend on, beyond the watcher's state."""
        return reach(self.max_gap, self.smooth) if self.track else 1


class ClipFrame(NamedTuple):
    """A frame on its way through."""

    number: int
    """From 0."""
    time: float
    """In seconds."""
    picture: Picture
    """(H, W, C) uint8 or uint16, handed over: it is changed in place."""
    decoded: object = None
    """Whatever else belongs to the frame: handed on as it is."""


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


class Models(NamedTuple):
    """The models that find and identify faces."""

    detector: Detector
    mesher: Mesher | None = None
    """Where faces must carry a mesh."""
    attributes: Attributes | None = None
    """Where people are chosen by gender."""
    embedder: Embedder | None = None
    """Identifies people where their places don't."""
    depth_mesher: Mesher | None = None
    """Helps to tell who is in front where faces overlap."""


class Engine(NamedTuple):
    """What changes the faces."""

    donor_of: DonorOf
    swapper: Swapper
    settings: SwapSettings
    parser: Parser | None = None
    """Keeps hair and hands in front of a face."""
    boost: SwapRestore | None = None
    """Restores swapped faces before they are pasted."""
    mesher: Mesher | None = None
    """Gives overlapping faces without a mesh their outline."""


class AssignedFrame(NamedTuple):
    """A frame and the donors of its people."""

    frame: ClipFrame
    sources: Mapping[int, Face]
    """Source faces by person."""
    leads: Leads
    """Who is in front of whom."""


class WatcherState(TypedDict):
    """A watcher as JSON."""

    scene: int
    before: list[list[list[float]]] | None
    tracker: TrackerState
    assignment: AssignmentState
    depth: DepthState


class Watcher:
    """Finds the people of each frame, follows them, and gives them their donors."""

    def __init__(
        self, models: Models, assignment: Assignment, track: bool = True, same_person: float | None = None
    ) -> None:
        """`same_person` stands in for the embedder's own distance below which two faces are one person."""
        self._models = models
        self.assignment = assignment
        self._track = track
        self._same_person = same_person or getattr(models.embedder, "same_person", SAME_PERSON)
        self._metric: Metric = getattr(models.embedder, "metric", "euclidean")
        self._tracker = Tracker(self._same_person, self._metric)
        self._depth = DepthOrder(models.depth_mesher)
        self._scene = 0
        self._before: FloatArray | None = None

    @property
    def scene(self) -> int:
        """The number of the scene that the latest frame belongs to, from 0."""
        return self._scene

    def observe(self, frame: ClipFrame) -> ObservedFrame[AssignedFrame]:
        """The next frame's people."""
        now = thumbnail(frame.picture) if self._track else None
        if frame.number and (now is None or (self._before is not None and is_cut(self._before, now))):
            self.assignment.end_scene(frame.number)
            self._tracker.reset()
            self._depth.reset()
            self._scene += 1
        self._before = now
        people = {face.index: face for face in self._tracked(frame.picture)}
        assigned = AssignedFrame(frame, self.assignment.sources, self._depth.leads)
        return ObservedFrame(assigned, frame.time, self._scene, people)

    def as_json(self) -> WatcherState:
        """What `restore` goes on from."""
        before = None if self._before is None else self._before.tolist()
        return {
            "scene": self._scene,
            "before": before,
            "tracker": self._tracker.as_json(),
            "assignment": self.assignment.as_json(),
            "depth": self._depth.as_json(),
        }

    def restore(self, state: WatcherState) -> None:
        """Go on as if the frames before had been seen."""
        self._scene = state["scene"]
        self._before = None if state["before"] is None else np.array(state["before"], np.float32)
        self._tracker = Tracker.from_json(state["tracker"], self._same_person, self._metric)
        self.assignment.restore(state["assignment"])
        self._depth.restore(state["depth"])

    def _tracked(self, picture: Picture) -> list[Face]:
        found = self._models.detector.detect(picture)
        if self._models.mesher is not None:
            found = [f for f in enriched(picture, found, mesher=self._models.mesher) if f.mesh is not None]
        known = self._tracker.count
        faces = self._tracker.update(found, self._embed(picture) if self._track else None)
        newcomers = [face for face in faces if face.index >= known]
        if newcomers:
            self.assignment.appear(enriched(picture, newcomers, attributes=self._models.attributes))
        self.assignment.keep(self._tracker.people)
        self._depth.keep(self._tracker.people)
        self._depth.update(picture, faces)
        return faces

    def _embed(self, picture: Picture) -> Callable[[Sequence[Face]], Sequence[FloatArray | None]] | None:
        embedder = self._models.embedder
        return None if embedder is None else lambda faces: [one.vector for one in embedder.embed(picture, faces)]


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

    def observed() -> Iterator[ObservedFrame[AssignedFrame]]:
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


def _swapped(frames: Iterable[ObservedFrame[AssignedFrame]], engine: Engine, masks: bool) -> Generator[SwappedFrame]:
    waiting: list[tuple[ClipFrame, int]] = []

    def work() -> Iterator[SwapTask]:
        with closing_source(frames) as source:
            for seen in source:
                if seen.frame is None:
                    continue
                waiting.append((seen.frame.frame, seen.scene))
                yield _work(seen.frame, seen.people, engine.mesher, masks)

    models = engine.donor_of, engine.swapper, engine.settings, engine.parser, engine.boost
    with closing(swap_stream(work(), *models)) as results:
        for done in results:
            frame, scene = waiting.pop(0)
            faces = tuple(pair.target for pair in done.work.pairs)
            notes = tuple((scene, pair.target.index, note) for pair, note in done.notes)
            yield SwappedFrame(frame, faces, done.work.changed, done.regions, notes)


def _work(assigned: AssignedFrame, people: Mapping[int, Face], mesher: Mesher | None, masks: bool) -> SwapTask:
    frame, sources, leads = assigned
    pairs = [
        Pair(replace(face, frame=frame.number), sources[person]) for person, face in people.items() if person in sources
    ]
    others = [face for person, face in people.items() if person not in sources]
    stay = in_front(frame.picture, [pair.target for pair in pairs], others, mesher, partial(lead_by, leads))
    changed = np.zeros(frame.picture.shape[:2], np.float32) if masks else None
    return SwapTask(frame.picture, pairs, frame.picture, changed, in_front=stay)
