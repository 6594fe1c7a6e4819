"""Records what work is really handed to the pipeline and to models, so that a setting that gets lost shows.

Nothing is taken from the plan of the work itself: only what reaches those who do it counts.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import NamedTuple

import numpy as np

PROBES = {
    "facedetection": "scrfd_10g",
    "confidence": 0.9,
    "min_size": 200,
    "detection_size": 320,
    "limit": 1,
    "detect_age": "20-39",
    "detect_age_input": "20-39",
    "detect_age_source": "20-39",
    "input_faces_index": "1",
    "source_faces_index": "1",
    "identity_threshold": 0.01,
    "embedder": "w600k_r50",
    "swap_model": "inswapper_128",
    "strength": 0.5,
    "mask_feather": 0.3,
    "keep": "mouth",
    "glasses": "target",
    "mask_padding": "10",
    "expression": 0.5,
    "pixel_boost": "512",
    "face_restore_weight": 0.25,
    "visibility": 0.5,
    "crop_size": 320,
    "crop_margin": 1.0,
    "max_gap": 9,
    "start": "0.04",
    "end": "2f",
    "duration": 0.08,
    "image_quality": 40,
}
"""Values that differ from the defaults; of switches the other one, of choices the last one."""


def probe(setting):
    """Another value than the default."""
    if setting.kind == "switch":
        return not setting.default
    if setting.name == "face_restore":
        return "GPEN-BFR-512.onnx"
    return PROBES[setting.name] if setting.name in PROBES else setting.known[-1]


class Outcome(NamedTuple):
    """What one run handed on, and what it said."""

    calls: frozenset
    said: list[str]


def require_effect(name, base, other):
    """Raise AssertionError unless a changed setting acts, is refused, or is reported as without effect."""
    acts = other.calls != base.calls
    denied = any(name in line and "no effect" in line for line in other.said)
    refused = any(line.startswith("refused: ") for line in other.said)
    assert acts or denied or refused, f"{name} got lost"
    assert not (acts and denied), f"{name} acts, and the report denies it"


class Recorder:
    """What was handed on since the last `take`."""

    def __init__(self, monkeypatch, module, faces):
        """`module(name)` gives a module of the package under test by its name below the package; `faces` are found in
        every picture. The work itself isn't done."""
        self._patch, self._calls = monkeypatch, set()
        session, clips, recognise = (module(f"app.{name}") for name in ("session", "clips", "recognise"))
        cropping, place = module("app.cropping"), module("pipeline.compose.face_crops").place
        self._untouched = module("pipeline.compose.restore").untouched
        pool = module("models.pool").ModelPool
        self._wrap(pool, "open", lambda a, k: (a[1:], k))
        # Weights of these aren't at hand: what matters is that they are asked for.
        for kind in ("attributes", "landmarker"):
            self._stub(pool, kind, lambda a, k, kind=kind: (kind, a[1:]), lambda a, k: None)
        self._stub(pool, "parser", lambda a, k: a[1:], lambda a, k: None)
        self._stub(pool, "expresser", lambda a, k: a[1:], lambda a, k: None)
        self._stub(pool, "require", lambda a, k: None, lambda a, k: None)
        monkeypatch.setattr(session, "model_lines", lambda models, choices: [])
        self._stub(session, "detect_batch", lambda a, k: None, lambda a, k: faces(len(a[0])))
        self._stub(session, "locate_batch", lambda a, k: None, lambda a, k: faces(len(a[0])))
        swap = lambda a, k: (a[4], len(k["parsers"]), self._stages(k["stages"]))  # noqa: E731
        self._stub(session, "swap_batch", swap, self._unswapped)
        self._stub(session, "restore_batch", lambda a, k: (a[3], k["parser"]), lambda a, k: self._untouched(a[0]))
        # What a margin does is where the crops lie.
        places = lambda faces, how: [place(face, how).matrix.tolist() for face in faces.flat()]  # noqa: E731
        self._wrap(cropping, "crop_batch", lambda a, k: (a[2].side, a[2].interpolation, places(a[1], a[2])))
        self._wrap(cropping, "paste_batch", lambda a, k: a[3])
        self._wrap(session.pairing, "map_indexes", lambda a, k: (a[2:], k))
        self._wrap(session.ordering, "order_faces", lambda a, k: (a[1:], k))
        self._stub(recognise, "with_identities", lambda a, k: None, lambda a, k: a[0])
        self._wrap(recognise, "match_identities", lambda a, k: (a[3:], k))
        self._wrap(session.Session, "marker", lambda a, k: a[2]["mark"])
        self._wrap(module("app.jobs"), "write_picture", lambda a, k: (k.get("image_format"), k.get("image_quality")))
        part = lambda a, k: (a[0].start, a[0].duration, *map(str, a[1:]))  # noqa: E731
        self._stub(clips, "part_of", part, lambda a, k: a[0])
        result = module("media.clips").ClipResult
        monkeypatch.setattr(clips, "swap_file", lambda *a, **k: self._clip(result, a, k))

    def _unswapped(self, arguments, options):
        result = self._untouched(arguments[0])
        return replace(result, report=arguments[2].report)

    def take(self):
        calls, self._calls = frozenset(self._calls), set()
        return calls

    def outcome(self, work, refusal):
        """What the work, which gives the lines of its report, does and says; `refusal` is the error that refuses it."""
        self.take()
        try:
            said = [line for text in work() or () for line in str(text).splitlines()]
        except refusal as error:
            said = [f"refused: {error}"]
        return Outcome(self.take(), said)

    def _wrap(self, owner, name, pick):
        real = getattr(owner, name)

        def recorded(*arguments, **options):
            self._calls.add((name, plain(pick(arguments, options))))
            return real(*arguments, **options)

        self._patch.setattr(owner, name, recorded)

    def _stub(self, owner, name, pick, give):
        def recorded(*arguments, **options):
            self._calls.add((name, plain(pick(arguments, options))))
            return give(arguments, options)

        self._patch.setattr(owner, name, recorded)

    def _clip(self, result, arguments, options):
        """Stands in for the swap of the file: what it would be done with."""
        clip, output, watcher, engine, settings = arguments
        rules, same_person = watcher.assignment._rules, watcher._tracker._same_person
        work = (clip.start, clip.duration, rules, same_person, engine.settings, settings)
        work += (len(engine.parsers), self._stages(engine.stages), options["hardware"], options["resume"])
        self._calls.add(("swap_file", plain(work)))
        return result(output, 0, 0, "none", ())

    @staticmethod
    def _stages(stages):
        """What each was made with beside its model."""
        return tuple(tuple(stage)[1:] for stage in stages)


def plain(value):
    """A text of values alone: no objects' addresses, no pixels."""
    if is_dataclass(value):
        return repr([(field.name, plain(getattr(value, field.name))) for field in fields(value)])
    if isinstance(value, (tuple, list)):
        return repr([plain(item) for item in value])
    if isinstance(value, dict):
        return repr(sorted((key, plain(item)) for key, item in value.items() if key not in ("progress", "pool")))
    if value is None or isinstance(value, (str, int, float, np.generic)):
        return repr(value)
    return type(value).__name__
