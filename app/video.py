"""The Python API for clips: models by name, a file in, a file out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from io import BufferedIOBase
from typing import Any

import numpy as np

from ..media.clips import Clip, ClipResult, swap_file
from ..models.pool import ModelPool
from ..models.runtime import onnx as runtime
from ..pipeline.clip.assignment import Assignment, AssignmentRules
from ..pipeline.clip.flow import ClipSettings, Engine, Models, Watcher
from ..pipeline.compose.crops import SwapSettings
from ..pipeline.compose.restore import RestoreSettings
from ..pipeline.compose.stream import donors_of
from ..pipeline.compose.swap_restore import SwapRestore
from ..pipeline.faces.detect import add_meshes
from ..pipeline.types import ColourMatch, FaceSet, Interpolation, Mesher, Picture, Progress
from .functions import DISABLE, detect_faces, known_options


def swap_clip(
    target: str | os.PathLike[str] | BufferedIOBase,
    output: str | os.PathLike[str],
    sources: Sequence[Picture],
    source_faces: FaceSet | None = None,
    input_faces_index: str = "0",
    source_faces_index: str = "0",
    swap_model: str = "mesh",
    interpolation: Interpolation = "Bilinear",
    *,
    pairing: str = "pairwise",
    missing: str = "skip",
    detection_face_order: str = "large-small",
    detect_gender_input: str = "no",
    facedetection: str = "builtin",
    confidence: float | None = None,
    turns: bool = False,
    tiles: bool = True,
    min_size: float = 16,
    strength: float = 1.0,
    mask_feather: float = 0.0,
    colour_match: ColourMatch = "auto",
    mirror: bool = True,
    pixel_boost: int = 0,
    parse_mask: bool = False,
    face_restore: str = DISABLE,
    face_restore_weight: float = 0.75,
    track: bool = True,
    smooth: bool = True,
    bridge: int = 5,
    start: float = 0.0,
    duration: float | None = None,
    hardware: bool = True,
    resume: bool = True,
    pool: ModelPool | None = None,
    progress: Progress | None = None,
) -> ClipResult:
    """Swap the faces of a clip into the file `output` (.mp4, .mov, .mkv or .webm), in memory that doesn't grow with it.

    `source_faces` are the faces of `sources`, detected and ordered; None detects them. The other settings are those of
    `detect_faces`, `order_faces`, `map_indexes` and `swap_faces`, and read as follows in a clip:

    With `track`, people are followed. Whoever the first frame of a scene shows is numbered by `detection_face_order`;
    who appears later in it gets the next numbers; after a cut the numbers start over. The lists are read over everybody
    seen in the scene so far when a person appears, and what a person becomes stays so. `missing="error"` is raised at
    the end of a scene that shows people and lacks one asked for. Without `track` each frame is by itself.
    `smooth` steadies landmarks and meshes, without lag; `bridge` fills in faces missing for up to that many frames.

    `start` and `duration` in seconds keep a part. `hardware` lets the GPU encode where it can. `resume`: see
    `clips.swap_file`. `progress` is called once a frame. Raises ImageError, SettingsError and the models' errors.
    """
    pool = pool or ModelPool()
    rules = AssignmentRules(
        input_faces_index, source_faces_index, pairing, missing, detection_face_order, detect_gender_input
    )
    detection = {"turns": turns, "tiles": tiles, "min_size": min_size}
    detection |= {} if confidence is None else {"confidence": confidence}
    options = known_options(swap_model, {"mirror": mirror, "pixel_boost": pixel_boost})
    swapper = pool.open("swapper", swap_model, **options)
    models = Models(
        pool.open("detector", facedetection, **detection),
        pool.open("mesher", "facemesh") if swapper.needs_mesh else None,
        pool.open("attributes", "dlib_gender") if detect_gender_input != "no" else None,
        pool.open("embedder", "dlib128") if track else None,
    )
    donors = detect_faces(sources, facedetection, pool=pool) if source_faces is None else source_faces
    donors = _usable(donors, sources, models.mesher)
    engine = Engine(
        donors_of(sources, swapper),
        swapper,
        SwapSettings(interpolation, strength, mask_feather, colour_match),
        pool.open("parser", "bisenet") if parse_mask else None,
        _boost(pool, face_restore, RestoreSettings(face_restore_weight, interpolation=interpolation)),
    )
    clip = ClipSettings(track, smooth, bridge)
    chosen = [rules, clip, engine.settings, swap_model, options, facedetection, detection, face_restore]
    result = swap_file(
        Clip(target, start, duration),
        output,
        Watcher(models, Assignment(rules, donors), track),
        engine,
        clip,
        identity=_digest([*chosen, face_restore_weight, parse_mask], sources, donors),
        hardware=hardware,
        resume=resume,
        progress=progress,
    )
    used = [swapper, models.detector, *([engine.boost.restorer] if engine.boost else [])]
    notes = (
        [f"{swap_model} has no pixel boost: it was not used"] if pixel_boost and "pixel_boost" not in options else []
    )
    return result._replace(report=(*result.report, *notes, *runtime.report(used)))


def _boost(pool: ModelPool, face_restore: str, settings: RestoreSettings) -> SwapRestore | None:
    return None if face_restore == DISABLE else SwapRestore(pool.open("restorer", face_restore), settings)


def _usable(donors: FaceSet, sources: Sequence[Picture], mesher: Mesher | None) -> FaceSet:
    """The donors, with meshes where there is a mesher; one that no mesh fits is none."""
    donors.require(sources, "source")
    if mesher is None:
        return donors
    frames = (add_meshes(sources[number], faces, mesher) for number, faces in enumerate(donors))
    return FaceSet(tuple(tuple(face for face in faces if face.mesh is not None) for faces in frames), donors.size)


def _digest(settings: Sequence[Any], sources: Sequence[Picture], donors: FaceSet) -> str:
    """Of everything but the clip that the result depends on."""
    digest = hashlib.sha256(repr(settings).encode())
    for picture in sources:
        digest.update(f"{picture.shape} {picture.dtype}".encode())
        digest.update(np.ascontiguousarray(picture).data)
    for face in donors.flat():
        digest.update(face.box.tobytes() + face.landmarks.tobytes())
    return digest.hexdigest()
