"""Watches a clip frame by frame: who is in it, who is who, and who gets which source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar, NamedTuple, Protocol, TypedDict

import numpy as np

from ..faces.detect import enriched
from ..faces.index_list import Span
from ..faces.landmarks import Refiner, refined
from ..protocols import Attributes, Detector, Embedder, Follower, Mesher, Metric
from ..types import Face, FloatArray, Picture
from .depth_order import DepthOrder, DepthState
from .following import Finder, FinderState
from .lookahead import ObservedFrame
from .looks import look_of
from .notes import Notes, NoteState
from .scenes import is_cut, thumbnail
from .tracking import SAME_PERSON, Tracker, TrackerState
from .view_choice import ChosenState, ViewChoice


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


class Models(NamedTuple):
    """The models that find and identify faces."""

    detector: Detector
    mesher: Mesher | None = None
    """Where faces must carry a mesh."""
    attributes: Attributes | None = None
    """Where people are chosen by gender."""
    embedder: Embedder | None = None
    """Identifies people where their places don't."""
    identity_mesher: Mesher | None = None
    """Fits a mesh to the faces that are identified, for an embedder that is more exact with one."""
    depth_mesher: Mesher | None = None
    """Helps to tell who is in front where faces overlap."""
    follower: Follower | None = None
    """Follows faces from frame to frame, so that not every frame is searched."""
    refiner: Refiner | None = None
    """Measures landmarks anew."""


class Assigner(Protocol):
    """Decides who becomes whom: by numbers (`Assignment`) or by looks (`Recognition`)."""

    needs_identities: ClassVar[bool]
    """Whether it matters who people are, and not only that they stay the same."""

    @property
    def sources(self) -> Mapping[int, Face | None]:
        """Source faces by person, of all who are known in this scene; None, or nothing, for who gets none."""
        ...

    def appear(self, newcomers: Sequence[Face]) -> None:
        """People who are seen for the first time; each face's `index` is its person."""
        ...

    def recognise(self, frame: int, identities: Mapping[int, FloatArray | None]) -> None:
        """What is known of the identity of the people in a frame."""
        ...

    def keep(self, people: AbstractSet[int]) -> None:
        """Forget everybody else: they can't come back."""
        ...

    def end_scene(self, next_frame: int) -> None: ...

    def report(self) -> tuple[str, ...]: ...

    def as_json(self) -> object: ...

    def restore(self, state: object) -> None:
        """Go on where `as_json` was called."""
        ...


class WatcherState(TypedDict):
    """A watcher as JSON."""

    scene: int
    before: list[list[list[float]]] | None
    tracker: TrackerState
    assignment: object
    depth: DepthState
    finder: FinderState
    notes: list[NoteState]
    views: list[ChosenState]


class Watcher:
    """Finds the people of each frame, follows them, and gives them their donors."""

    def __init__(
        self, models: Models, assignment: Assigner, track: bool = True, same_person: float | None = None
    ) -> None:
        """`same_person` stands in for the embedder's own distance below which two faces are one person."""
        self._models = models
        self.assignment = assignment
        self._track = track
        self._same_person = same_person or getattr(models.embedder, "same_person", SAME_PERSON)
        self._metric: Metric = getattr(models.embedder, "metric", "euclidean")
        self._closely = track and assignment.needs_identities
        self._tracker = Tracker(self._same_person, self._metric, closely=self._closely)
        self._depth = DepthOrder(models.depth_mesher)
        self._finder = Finder(models.detector, models.follower if track else None)
        self._scene = 0
        self._before: FloatArray | None = None
        self._notes = Notes()
        self._views = ViewChoice()

    @property
    def scene(self) -> int:
        """The number of the scene that the latest frame belongs to, from 0."""
        return self._scene

    def observe(self, frame: ClipFrame) -> ObservedFrame[ClipFrame]:
        """The next frame's people."""
        now = thumbnail(frame.picture) if self._track else None
        if frame.number and (now is None or (self._before is not None and is_cut(self._before, now))):
            self.assignment.end_scene(frame.number)
            self._tracker.reset()
            self._depth.reset()
            self._finder.reset()
            self._views.reset()
            self._scene += 1
        self._before = now
        people = {face.index: face for face in self._tracked(frame)}
        sources = self.assignment.sources
        self._views.update(frame.time, list(people.values()), sources)
        return ObservedFrame(frame, frame.time, self._scene, people, sources, self._depth.leads, self._views.shares)

    def as_json(self) -> WatcherState:
        """What `restore` goes on from."""
        before = None if self._before is None else self._before.tolist()
        return {
            "scene": self._scene,
            "before": before,
            "tracker": self._tracker.as_json(),
            "assignment": self.assignment.as_json(),
            "depth": self._depth.as_json(),
            "finder": self._finder.as_json(),
            "notes": self._notes.as_json(),
            "views": self._views.as_json(),
        }

    def restore(self, state: WatcherState) -> None:
        """Go on as if the frames before had been seen."""
        self._scene = state["scene"]
        self._before = None if state["before"] is None else np.array(state["before"], np.float32)
        known = state["tracker"], self._same_person, self._metric
        self._tracker = Tracker.from_json(*known, closely=self._closely)
        self.assignment.restore(state["assignment"])
        self._depth.restore(state["depth"])
        self._finder.restore(state["finder"])
        self._notes = Notes(state["notes"])
        self._views.restore(state["views"])

    def report(self) -> tuple[str, ...]:
        """Lines about who got whom, and about faces whose landmarks aren't sure."""
        return (*self.assignment.report(), *self._notes.lines())

    def _tracked(self, frame: ClipFrame) -> list[Face]:
        picture = frame.picture
        found = self._refined(frame, self._finder.find(picture, frame.time))
        if self._models.mesher is not None:
            found = [f for f in enriched(picture, found, mesher=self._models.mesher) if f.mesh is not None]
        known = self._tracker.count
        looks = [look_of(picture, face) for face in found] if self._closely else ()
        faces = self._tracker.update(found, self._embed(picture), looks)
        newcomers = [face for face in faces if face.index >= known]
        if newcomers:
            self.assignment.appear(enriched(picture, newcomers, attributes=self._models.attributes))
        if self.assignment.needs_identities:
            identities = {face.index: self._tracker.identity(face.index) for face in faces}
            self.assignment.recognise(frame.number, identities)
        self.assignment.keep(self._tracker.people)
        self._depth.keep(self._tracker.people)
        self._views.keep(self._tracker.people)
        self._depth.update(picture, faces)
        return faces

    def _refined(self, frame: ClipFrame, found: Sequence[Face]) -> list[Face]:
        if self._models.refiner is None:
            return list(found)
        faces, unsure = refined(frame.picture, found, self._models.refiner)
        if unsure:
            self._notes.add(self._models.refiner.note(), Span(frame.number, frame.number))
        return faces

    def _embed(self, picture: Picture) -> Callable[[Sequence[Face]], Sequence[FloatArray | None]] | None:
        embedder, mesher = self._models.embedder, self._models.identity_mesher
        if embedder is None or not (self._track or self.assignment.needs_identities):
            return None

        def embed(faces: Sequence[Face]) -> Sequence[FloatArray | None]:
            meshed = enriched(picture, faces, mesher=mesher)
            return [one.vector for one in embedder.embed(picture, meshed)]

        return embed
