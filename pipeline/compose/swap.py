"""The swap over a batch of pictures: crop → swap → mask → colour → (stages →) paste."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import cast

import numpy as np

from ..faces.depth import in_front
from ..protocols import Mesher, Parser, Swapper
from ..types import Face, FaceSet, IndexMap, Mask, Pair, Picture, Progress, SwapResult
from .crops import COLOUR_MATCHES, SwapSettings, cut_face
from .stream import DonorOf, SwapTask, donors_of, swap_stream
from .swap_restore import SwapStage

__all__ = ["COLOUR_MATCHES", "SwapSettings", "cut_face", "swap_batch"]


def swap_batch(
    targets: Sequence[Picture],
    sources: Sequence[Picture],
    index_map: IndexMap,
    swapper: Swapper,
    settings: SwapSettings,
    *,
    donor_of: DonorOf | None = None,
    limits: Sequence[Mask] | None = None,
    parsers: Sequence[Parser] = (),
    stages: Sequence[SwapStage] = (),
    mesher: Mesher | None = None,
    progress: Progress | None = None,
) -> SwapResult:
    """Swap exactly the pairs of `index_map`. `limits` (H, W) in [0, 1] a target bound where pixels may change.

    `donor_of` gives prepared donors; without it each is prepared here, once. What parsers don't take for the face, such
    as hair and hands before it, stays; stages change swapped faces before they are pasted. Of the picture's
    other faces, those in front stay too: see `faces.depth.in_front`, which uses the mesher, as the parts of a face do
    that are to stay.

    Where `targets` is one array (B, H, W, C), so are the images, and the masks are one (B, H, W): each is allocated
    once, and beside them a few crops are all that is held. Raises MismatchError for pairs of other pictures, and what
    the models raise.
    """
    index_map.require(targets, sources)
    images, masks = _like(targets)
    work = (
        SwapTask(
            target,
            pairs,
            image,
            mask,
            None if limits is None else limits[number],
            in_front(target, [pair.target for pair in pairs], index_map.others_of(number), mesher),
        )
        for number, (target, pairs, image, mask) in enumerate(
            zip(targets, index_map.frames, images, masks, strict=True)
        )
    )
    report: list[str] = list(index_map.report)
    ticks = _counted(progress, index_map.count)
    prepared = donor_of or donors_of(sources, swapper)
    frames: list[tuple[Pair, ...]] = []
    with closing(swap_stream(work, prepared, swapper, settings, parsers, stages, mesher)) as stream:
        for number, done in enumerate(stream):
            frames.append(done.swapped)
            report += [f"frame {number}, face {pair.target.index}: {note}" for pair, note in done.notes]
            for _ in islice(ticks, len(done.work.pairs)):
                pass
    return SwapResult(images, _changed_faces(index_map, frames), masks, tuple(report))


def _changed_faces(index_map: IndexMap, swapped: Sequence[Sequence[Pair]]) -> FaceSet:
    """The faces that were swapped; those that an engine failed at are among the others."""
    changed = tuple(tuple(_changed(pair.target) for pair in pairs) for pairs in swapped)
    others = index_map.others
    if any(len(pairs) < len(wanted) for pairs, wanted in zip(swapped, index_map.frames, strict=True)):
        others = tuple(
            (*index_map.others_of(number), *(pair.target for pair in wanted if pair not in pairs))
            for number, (pairs, wanted) in enumerate(zip(swapped, index_map.frames, strict=True))
        )
    return FaceSet(changed, index_map.target_size, others=others)


def _like(targets: Sequence[Picture]) -> tuple[Sequence[Picture], Sequence[Mask]]:
    """Room for the images and zeros for the masks."""
    if isinstance(targets, np.ndarray):
        batch = cast(Picture, targets)
        masks = np.zeros(batch.shape[:3], np.float32)
        return cast("Sequence[Picture]", np.empty_like(batch)), cast("Sequence[Mask]", masks)
    return [np.empty_like(target) for target in targets], [np.zeros(target.shape[:2], np.float32) for target in targets]


def _changed(face: Face) -> Face:
    # Same place and shape, another person: what was known of the identity no longer holds.
    return face if face.embedding is None else replace(face, embedding=None)


def _counted(progress: Progress | None, total: int) -> Iterator[None]:
    for done in range(1, total + 1):
        if progress is not None:
            progress(done, total)
        yield
