"""The Python API: models by name, pictures as arrays.

Pictures are sequences of (H, W, C) arrays, C = 1, 3 (RGB) or 4 (RGBA), of uint8, uint16 or float in [0, 1]; a batch
(B, H, W, C) is such a sequence; anything else raises SettingsError. Every function that opens models takes a `pool` to
share them between calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..models.catalog import MODELS, Kind, Model, find
from ..models.pool import ModelPool, open_row
from ..models.runtime import onnx as runtime
from ..models.store import Folders
from ..pipeline.compose.restore import RestoreSettings, restore_batch, untouched
from ..pipeline.compose.swap import SwapSettings, swap_batch
from ..pipeline.compose.swap_restore import SwapRestore
from ..pipeline.errors import SettingsError
from ..pipeline.faces import ordering
from ..pipeline.faces import pairing as mapping
from ..pipeline.faces.detect import detect_batch, locate_batch, with_meshes
from ..pipeline.faces.identity import match_identities, with_identities
from ..pipeline.types import ColourMatch, FaceSet, FloatArray, IndexMap, Interpolation, Picture, Progress, SwapResult
from ..pipeline.validation import require_masks, require_pictures

DISABLE = "disable"
"""What `face_restore` is where nothing is to be restored."""


def open_model(
    kind: Kind,
    name: str,
    *,
    folders: Sequence[str | Path] | None = None,
    device: str = "cpu",
    **options: Any,
) -> Any:
    """Open one model by its catalog name.

    `folders` replaces the search path. `device`: `cpu`, `cuda`, `cuda:1`, `tensorrt`, `rocm`, `coreml`, `directml` or
    `auto`. Options are the adapter's, e.g. `confidence=0.6` for detectors. Raises SettingsError, MissingModelError,
    DamagedModelError.
    """
    places = Folders.default() if folders is None else Folders({}, [Path(folder) for folder in folders])
    return open_row(kind, name, places, device, **options)


def detect_faces(
    pictures: Sequence[Picture],
    facedetection: str = "builtin",
    *,
    confidence: float | None = None,
    gender: bool = False,
    identity: bool = False,
    turns: bool = False,
    tiles: bool = True,
    min_size: float = 0,
    size: int = 0,
    pool: ModelPool | None = None,
    progress: Progress | None = None,
) -> FaceSet:
    """Find all faces of a batch of pictures.

    `gender` and `identity` add what FaceOrder's filter and identity matching need. `turns` also finds faces turned by
    quarter turns, `tiles` small ones, from `min_size` pixels on (0: 16 pixels, more beyond 4K). `size` bounds the
    longer side of what a published detector sees at once, in pixels (0: 640); the built-in one has its own size.
    `progress` is called once a picture.
    """
    require_pictures(pictures, "pictures")
    pool = pool or ModelPool()
    options: dict[str, Any] = {"turns": turns, "tiles": tiles, "min_size": min_size}
    if size:
        if "size" not in find("detector", facedetection).params:
            raise SettingsError(f"size: {facedetection} looks at pictures of its own size, expected 0, got {size}")
        options["size"] = size
    if confidence is not None:
        options["confidence"] = confidence
    return detect_batch(
        pictures,
        pool.open("detector", facedetection, **options),
        progress=progress,
        **_analysts(pool, gender, identity),
    )


def locate_faces(
    pictures: Sequence[Picture],
    boxes: Sequence[Sequence[FloatArray]],
    *,
    gender: bool = False,
    identity: bool = False,
    turns: bool = False,
    pool: ModelPool | None = None,
    progress: Progress | None = None,
) -> FaceSet:
    """Measure the faces in boxes (4,) left, top, right, bottom that are already known, a list of them a picture.

    The built-in detector does it; a box in which it sees no face is left out. Options as of `detect_faces`.
    """
    require_pictures(pictures, "pictures")
    pool = pool or ModelPool()
    locator = pool.open("detector", "builtin", turns=turns)
    return locate_batch(pictures, boxes, locator, progress=progress, **_analysts(pool, gender, identity))


def _analysts(pool: ModelPool, gender: bool, identity: bool) -> dict[str, Any]:
    return {
        "mesher": pool.open("mesher", "facemesh") if gender or identity else None,
        "attributes": pool.open("attributes", "dlib_gender") if gender else None,
        "embedder": pool.open("embedder", "dlib128") if identity else None,
    }


def order_faces(
    faces: FaceSet, detection_face_order: str = "large-small", detect_gender: str = "no", limit: int = 0
) -> FaceSet:
    """Filter by gender, sort and number the faces of each picture; `limit` keeps that many a picture (0: all)."""
    return ordering.order_faces(faces, detection_face_order, detect_gender, limit).faces


def map_indexes(
    target_faces: FaceSet,
    source_faces: FaceSet,
    input_faces_index: str = "0",
    source_faces_index: str = "0",
    pairing: str = "pairwise",
    missing: str = "skip",
) -> IndexMap:
    """Decide who becomes whom: see `pipeline.mapping.map_indexes`."""
    return mapping.map_indexes(target_faces, source_faces, input_faces_index, source_faces_index, pairing, missing)


def match_faces(
    target_faces: FaceSet,
    source_faces: FaceSet,
    reference_faces: FaceSet,
    input_faces_index: str = "*",
    source_faces_index: str = "*",
    pairing: str = "pairwise",
    missing: str = "skip",
    *,
    threshold: float | None = None,
    embedder: str = "auto",
    targets: Sequence[Picture] | None = None,
    references: Sequence[Picture] | None = None,
    pool: ModelPool | None = None,
) -> IndexMap:
    """Decide who becomes whom by looks: target faces that look like a reference face take that reference's source.

    The lists pair reference faces with source faces: see `pipeline.identity.match_identities`. `threshold` is the
    embedder's own where it is None; `auto` is the embedder whose identities the faces carry, else `dlib128`. Faces
    without an identity of the embedder's get one if their pictures, `targets` and `references`, are given.
    """
    for name, pictures in (("targets", targets), ("references", references)):
        if pictures is not None:
            require_pictures(pictures, name)
    pool = pool or ModelPool()
    row = _embedder_row(embedder, reference_faces, target_faces)
    model, mesher = pool.open("embedder", row.name), pool.open("mesher", "facemesh")
    numbers = row.params["numbers"]
    if targets is not None:
        target_faces = with_identities(target_faces, targets, model, numbers, mesher, "target")
    if references is not None:
        reference_faces = with_identities(reference_faces, references, model, numbers, mesher, "reference")
    return match_identities(
        target_faces,
        reference_faces,
        source_faces,
        input_faces_index,
        source_faces_index,
        pairing,
        missing,
        metric=model.metric,
        threshold=model.same_person if threshold is None else threshold,
    )


def _embedder_row(name: str, *sets: FaceSet) -> Model:
    if name != "auto":
        return find("embedder", name)
    known = {row.params["numbers"]: row for row in MODELS if row.kind == "embedder"}
    carried = [len(face.embedding) for faces in sets for face in faces.flat() if face.embedding is not None]
    return next((known[length] for length in carried if length in known), find("embedder", "dlib128"))


def swap_faces(
    targets: Sequence[Picture],
    sources: Sequence[Picture],
    index_map: IndexMap,
    swap_model: str = "mesh",
    interpolation: Interpolation = "Bilinear",
    *,
    strength: float = 1.0,
    mask_feather: float = 0.0,
    colour_match: ColourMatch = "auto",
    mirror: bool = True,
    pixel_boost: int = 0,
    mask: Sequence[FloatArray] | None = None,
    parse_mask: bool = False,
    face_restore: str = DISABLE,
    face_restore_weight: float = 0.75,
    pool: ModelPool | None = None,
    progress: Progress | None = None,
) -> SwapResult:
    """Swap exactly the pairs of `index_map`; targets and sources are the pictures it was made from.

    `strength` 0 to 1; `mask_feather` 0 to 0.5 softens the rim further; `mask` (H, W) a target limits where pixels may
    change; `parse_mask` keeps hair and hands before a face; `mirror` lets the built-in engine use the donor's other
    side where that fits the pose better; `pixel_boost` 256, 512 or 1024 lets a neural engine make crops of that side
    (0: the model's own); `face_restore` and `face_restore_weight` let a restorer sharpen the swapped faces before they
    are put back (see `restore_faces`). `progress` is called once a face. Images come back in the shapes and dtypes of
    `targets`. The report ends with the devices that were used.
    """
    require_pictures(targets, "targets")
    require_pictures(sources, "sources")
    if mask is not None:
        require_masks(mask, targets, "mask")
    pool = pool or ModelPool()
    settings = SwapSettings(interpolation, strength, mask_feather, colour_match)
    polish = RestoreSettings(face_restore_weight, interpolation=interpolation)
    options = known_options(swap_model, {"mirror": mirror, "pixel_boost": pixel_boost})
    used = [pool.open("swapper", swap_model, **options)]
    if used[0].needs_mesh and any(face.mesh is None for some in index_map.frames for pair in some for face in pair):
        used.append(pool.open("mesher", "facemesh"))
        index_map = with_meshes(index_map, targets, sources, used[1])
    parser = pool.open("parser", "bisenet") if parse_mask else None
    boost = None if face_restore == DISABLE else SwapRestore(pool.open("restorer", face_restore), polish)
    result = swap_batch(
        targets, sources, index_map, used[0], settings, limits=mask, parser=parser, boost=boost, progress=progress
    )
    notes = pool.notes("swapper", swap_model) + (pool.notes("restorer", face_restore) if boost else [])
    notes += runtime.report([*used, *([boost.restorer] if boost else [])])
    if pixel_boost and "pixel_boost" not in options:
        notes.insert(0, f"{swap_model} has no pixel boost: it was not used")
    return replace(result, report=(*result.report, *notes))


def restore_faces(
    images: Sequence[Picture],
    faces: FaceSet | None = None,
    face_restore: str = "codeformer-v0.1.0.pth",
    face_restore_weight: float = 0.75,
    *,
    visibility: float = 1.0,
    colour_correct: bool = True,
    parse_mask: bool = False,
    facedetection: str = "builtin",
    pool: ModelPool | None = None,
    progress: Progress | None = None,
) -> SwapResult:
    """Restore the faces of a batch of pictures: exactly those of `faces`, or all that `facedetection` finds.

    `face_restore` is a restorer of the catalog, another restorer's file in the model folders, or `disable`.
    `face_restore_weight` 0 to 1 is CodeFormer's fidelity (0 restores most, 1 stays closest), for other restorers the
    restored face's share; `visibility` 0 to 1 fades the whole; `colour_correct` takes back the restorer's colour drift;
    `parse_mask` keeps hair and hands before a face. `progress` is called once a face. Images come back in the shapes
    and dtypes of `images`; the report ends with the devices that were used.
    """
    require_pictures(images, "images")
    pool = pool or ModelPool()
    settings = RestoreSettings(face_restore_weight, visibility, colour_correct)
    if face_restore == DISABLE:
        return untouched(images)
    restorer = pool.open("restorer", face_restore)
    parser = pool.open("parser", "bisenet") if parse_mask else None
    found = detect_faces(images, facedetection, pool=pool) if faces is None else faces
    result = restore_batch(images, found, restorer, settings, parser=parser, progress=progress)
    notes = (*pool.notes("restorer", face_restore), *runtime.report([restorer]))
    return replace(result, report=(*result.report, *notes))


def known_options(swap_model: str, options: dict[str, Any]) -> dict[str, Any]:
    """Those of the options that the engine has."""
    names = find("swapper", swap_model).params["options"]
    return {name: value for name, value in options.items() if name in names}
