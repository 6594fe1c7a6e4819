"""The Python API in functions: each is the method of that name of a `Session`.

Settings are given by name; `app.settings` has all of them. Functions that open models take a `session` to share them
between calls; without one they open what they need and let go of it at the end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BufferedIOBase
from typing import TYPE_CHECKING, Literal, overload

from ..models.pool import open_row
from ..models.spec import Kind
from ..models.store import Folders, ModelFolders
from ..pipeline.protocols import (
    Attributes,
    Detector,
    Embedder,
    Expresser,
    Landmarker,
    Mesher,
    Parser,
    Restorer,
    Swapper,
)
from ..pipeline.types import FaceSet, FloatArray, IndexMap, Notice, Picture, Progress, SwapResult
from .session import Session
from .settings import licence_of

if TYPE_CHECKING:
    from ..media.clips import Clip, ClipResult, OnFrame
    from ..pipeline.compose.face_crops import CropResult, FaceCrops
    from .faces.keeping import SavedFace
    from .faces.person import About


@overload
def open_model(
    kind: Literal["detector"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Detector: ...


@overload
def open_model(
    kind: Literal["embedder"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Embedder: ...


@overload
def open_model(
    kind: Literal["swapper"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Swapper: ...


@overload
def open_model(
    kind: Literal["parser"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Parser: ...


@overload
def open_model(
    kind: Literal["restorer"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Restorer: ...


@overload
def open_model(
    kind: Literal["mesher"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Mesher: ...


@overload
def open_model(
    kind: Literal["landmarker"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Landmarker: ...


@overload
def open_model(
    kind: Literal["expression"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Expresser: ...


@overload
def open_model(
    kind: Literal["attributes"], name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> Attributes: ...


def open_model(
    kind: Kind, name: str, *, folders: ModelFolders = None, device: str = "cpu", **options: object
) -> object:
    """Open one model by its catalog name.

    `folders` replaces the search path. `device`: `cpu`, `cuda`, `cuda:1`, `tensorrt`, `rocm`, `migraphx`, `coreml`,
    `directml` or `auto`. Options are the adapter's, e.g. `confidence=0.6` for detectors. Raises SettingsError, also for
    what the environment variable MULTIFACESWAP_LICENCE leaves out, MissingModelError, DamagedModelError.
    """
    return open_row(kind, name, Folders.of(folders), device, licence_of(None), **options)


def detect_faces(
    pictures: Sequence[Picture],
    facedetection: str | None = None,
    *,
    session: Session | None = None,
    progress: Progress | None = None,
    **settings: object,
) -> FaceSet:
    """Find all faces of a batch of pictures: see `Session.detect`."""
    with _opened(session) as opened:
        return opened.detect(pictures, facedetection=facedetection, progress=progress, **settings)


def order_faces(
    faces: FaceSet,
    detection_face_order: str | None = None,
    detect_gender: str | None = None,
    limit: int | None = None,
    *,
    session: Session | None = None,
    **settings: object,
) -> FaceSet:
    """Filter by gender and age, sort and number the faces of each picture: see `Session.order`."""
    named = {"detection_face_order": detection_face_order, "detect_gender": detect_gender, "limit": limit}
    with _opened(session) as opened:
        return opened.order(faces, **named, **settings)


def merge_faces(
    faces: FaceSet, pictures: Sequence[Picture] | None = None, *, session: Session | None = None, **settings: object
) -> FaceSet:
    """One donor of several faces: see `Session.merge`."""
    with _opened(session) as opened:
        return opened.merge(faces, pictures, **settings)


def save_face(
    name: str,
    faces: FaceSet,
    pictures: Sequence[Picture],
    *,
    embeddings_only: bool = False,
    consent: str = "",
    overwrite: bool = False,
    session: Session | None = None,
) -> About:
    """Save a donor under a name: see `Session.save_face`."""
    with _opened(session) as opened:
        return opened.save_face(
            name, faces, pictures, embeddings_only=embeddings_only, consent=consent, overwrite=overwrite
        )


def load_face(name: str | os.PathLike[str], *, session: Session | None = None) -> SavedFace:
    """A saved face as pictures and faces: see `Session.load_face`."""
    with _opened(session) as opened:
        return opened.load_face(name)


def map_indexes(
    target_faces: FaceSet,
    source_faces: FaceSet,
    input_faces_index: str | None = None,
    source_faces_index: str | None = None,
    pairing: str | None = None,
    missing: str | None = None,
    *,
    session: Session | None = None,
    **settings: object,
) -> IndexMap:
    """Decide who becomes whom by number: see `Session.map`."""
    lists = input_faces_index, source_faces_index
    with _opened(session) as opened:
        return opened.map(target_faces, source_faces, *lists, pairing=pairing, missing=missing, **settings)


def match_faces(
    target_faces: FaceSet,
    source_faces: FaceSet,
    reference_faces: FaceSet,
    input_faces_index: str | None = None,
    source_faces_index: str | None = None,
    pairing: str | None = None,
    missing: str | None = None,
    *,
    targets: Sequence[Picture] | None = None,
    references: Sequence[Picture] | None = None,
    session: Session | None = None,
    **settings: object,
) -> IndexMap:
    """Decide who becomes whom by looks: see `Session.match`."""
    faces, lists = (target_faces, source_faces, reference_faces), (input_faces_index, source_faces_index)
    with _opened(session) as opened:
        return opened.match(
            *faces, *lists, targets=targets, references=references, pairing=pairing, missing=missing, **settings
        )


def swap_faces(
    targets: Sequence[Picture],
    sources: Sequence[Picture],
    index_map: IndexMap,
    swap_model: str | None = None,
    interpolation: str | None = None,
    *,
    mask: Sequence[FloatArray] | None = None,
    session: Session | None = None,
    progress: Progress | None = None,
    **settings: object,
) -> SwapResult:
    """Swap exactly the pairs of `index_map`: see `Session.swap`."""
    named: Mapping[str, object] = {"swap_model": swap_model, "interpolation": interpolation, **settings}
    with _opened(session) as opened:
        return opened.swap(targets, sources, index_map, mask=mask, progress=progress, **named)


def restore_faces(
    images: Sequence[Picture],
    faces: FaceSet | None = None,
    face_restore: str | None = None,
    face_restore_weight: float | None = None,
    *,
    session: Session | None = None,
    progress: Progress | None = None,
    **settings: object,
) -> SwapResult:
    """Restore the faces of a batch of pictures: see `Session.restore`."""
    named: Mapping[str, object] = {
        "face_restore": face_restore,
        "face_restore_weight": face_restore_weight,
        **settings,
    }
    with _opened(session) as opened:
        return opened.restore(images, faces, progress=progress, **named)


def crop_faces(
    pictures: Sequence[Picture],
    faces: FaceSet,
    crop_size: int | None = None,
    alignment: str | None = None,
    *,
    mask: Sequence[FloatArray] | None = None,
    session: Session | None = None,
    progress: Progress | None = None,
    **settings: object,
) -> CropResult:
    """Cut out faces as aligned squares: see `Session.crop`."""
    named: Mapping[str, object] = {"crop_size": crop_size, "alignment": alignment, **settings}
    with _opened(session) as opened:
        return opened.crop(pictures, faces, mask=mask, progress=progress, **named)


def paste_faces(
    pictures: Sequence[Picture],
    edited: Sequence[Picture],
    crops: FaceCrops,
    *,
    mask: Sequence[FloatArray] | None = None,
    session: Session | None = None,
    progress: Progress | None = None,
    **settings: object,
) -> SwapResult:
    """Put edited crops back: see `Session.paste`."""
    with _opened(session) as opened:
        return opened.paste(pictures, edited, crops, mask=mask, progress=progress, **settings)


def swap_clip(
    target: str | os.PathLike[str] | BufferedIOBase | Clip,
    output: str | os.PathLike[str],
    sources: Sequence[Picture],
    source_faces: FaceSet | None = None,
    input_faces_index: str | None = None,
    source_faces_index: str | None = None,
    swap_model: str | None = None,
    interpolation: str | None = None,
    *,
    references: Sequence[Picture] | None = None,
    reference_faces: FaceSet | None = None,
    session: Session | None = None,
    progress: Progress | None = None,
    notice: Notice | None = None,
    on_frame: OnFrame | None = None,
    **settings: object,
) -> ClipResult:
    """Swap the faces of a clip into a file: see `Session.swap_clip`."""
    named: Mapping[str, object] = {
        "input_faces_index": input_faces_index,
        "source_faces_index": source_faces_index,
        "swap_model": swap_model,
        "interpolation": interpolation,
        **settings,
    }
    with _opened(session) as opened:
        return opened.swap_clip(
            target,
            output,
            sources,
            source_faces,
            references=references,
            reference_faces=reference_faces,
            progress=progress,
            notice=notice,
            on_frame=on_frame,
            **named,
        )


def _opened(session: Session | None) -> AbstractContextManager[Session]:
    return Session() if session is None else nullcontext(session)
