"""Clips as targets of `multifaceswap swap`: file to file, a frame at a time."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..app.video import swap_clip
from ..media.clips import CLIP_EXTENSIONS, checkpoint_folder, is_clip
from ..models.pool import ModelPool
from ..pipeline.errors import SettingsError
from ..pipeline.types import FaceSet, Picture
from . import console
from .options import add_number

_PICTURES_ONLY = ("mask", "limit_mask", "preview", "reference")


def add_clip_options(parser: ArgumentParser) -> None:
    """How clips are kept steady and written."""
    parser.add_argument("--no-track", dest="track", action="store_false", help="clips: every frame by itself")
    parser.add_argument("--no-smooth", dest="smooth", action="store_false", help="clips: leave landmarks unsteady")
    add_number(parser, "--bridge", 0, 50, 5, "clips: fill in faces that are missing for up to that many frames")
    parser.add_argument("--no-hardware", dest="hardware", action="store_false", help="clips: encode on the CPU")


def require_usable(targets: Sequence[Path], arguments: Namespace) -> None:
    """Raise SettingsError where a clip is a target and an option is set that is about pictures alone."""
    for target in filter(is_clip, targets):
        for name in _PICTURES_ONLY:
            if getattr(arguments, name):
                known = ", ".join(sorted(CLIP_EXTENSIONS))
                raise SettingsError(f"--{name.replace('_', '-')} works for pictures; {target} is a clip ({known})")


def swap_clip_target(
    target: Path, output: Path, sources: Sequence[Picture], faces: FaceSet, arguments: Namespace, pool: ModelPool
) -> dict[str, Any]:
    """Swap one clip, tell about it, and give what the report says of it."""
    try:
        with tqdm(unit="frame", desc=target.name, file=sys.stderr, leave=False) as bar:
            result = swap_clip(target, output, sources, faces, **_settings(arguments), pool=pool, progress=_shown(bar))
    except BaseException:  # whatever ended it, told is only what is left
        if checkpoint_folder(output).is_dir():
            console.note(f"{checkpoint_folder(output)} keeps what is finished: the same command goes on from there")
        raise
    for line in result.report:
        console.note(f"{target}: {line}")
    console.say(f"{target} -> {output}: {result.swapped} face(s) swapped in {result.frames} frames, {result.encoder}")
    facts = {"frames": result.frames, "swapped": result.swapped, "encoder": result.encoder}
    return {"output": str(output), **facts, "report": list(result.report)}


def _shown(bar: tqdm[Any]) -> Any:
    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return progress


def _settings(arguments: Namespace) -> dict[str, Any]:
    names = (
        "input_faces_index source_faces_index swap_model interpolation pairing missing detection_face_order "
        "detect_gender_input facedetection confidence turns tiles min_size strength mask_feather colour_match mirror "
        "pixel_boost parse_mask face_restore face_restore_weight track smooth bridge hardware"
    )
    return {name: getattr(arguments, name) for name in names.split()}
