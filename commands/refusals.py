"""Targets whose results are certain not to be written: said before the work, and the others are done without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..app.outputs import require_folders, require_held, require_place, require_readable
from ..app.plan import Plan
from ..app.settings import SETTINGS, Value
from ..media.clips import is_clip
from ..pipeline.errors import BusyError, ImageError, SettingsError
from . import console


def refusals(
    targets: Sequence[Path], outputs: Sequence[Path], others: Sequence[Iterable[Path]], image_format: str | None
) -> dict[Path, str]:
    """By result, why it can't be written, which is said now: `others` are the files that come with each.

    That is a target that isn't a picture or is too large for its result's format, and a name that is too long or
    taken by a folder. Raises ImageError where nothing is left to do, and where a folder can't be written to.
    """
    every = [[output, *more] for output, more in zip(outputs, others, strict=True)]
    require_folders(path for paths in every for path in paths)
    reasons = [
        reason_of(target, paths, image_format, readable=True) for target, paths in zip(targets, every, strict=True)
    ]
    tell(reasons)
    return {output: reason for output, reason in zip(outputs, reasons, strict=True) if reason}


def reason_of(target: Path | None, paths: Sequence[Path], image_format: str | None, *, readable: bool) -> str | None:
    """Why the first of the paths, the result, or one of those that come with it, can't be written."""
    try:
        if target and readable:
            require_readable(target)
        if target and paths:
            require_held(target, paths[0], image_format)
        for path in paths:
            require_place(path)
    except (ImageError, BusyError) as error:
        return str(error)
    return None


def refused_parts(targets: Sequence[Path], outputs: Sequence[Path], settings: Mapping[str, Value]) -> dict[Path, str]:
    """By result, why a clip has no frame in the part that the settings keep, which is said now.

    Raises SettingsError where that is so of every target. A clip that can't be read is left for when its turn comes.
    """
    if not any(map(is_clip, targets)):
        return {}
    from ..app.clips import kept_part

    plan = Plan.of("clip", {name: value for name, value in settings.items() if name in SETTINGS["clip"]})
    refused: dict[Path, str] = {}
    for target, output in zip(targets, outputs, strict=True):
        try:
            if is_clip(target):
                with suppress(ImageError):
                    kept_part(target, plan)
        except SettingsError as error:
            refused[output] = str(error)
            if len(refused) == len(targets):
                raise
            console.fail(str(error))
    return refused


def tell(reasons: Sequence[str | None]) -> None:
    """Say the reasons; the last is raised where there is one for each."""
    said = list(filter(None, reasons))
    last = said.pop() if said and len(said) == len(reasons) else None
    for reason in said:
        console.fail(reason)
    if last:
        raise ImageError(last)
