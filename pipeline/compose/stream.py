"""The swap over pictures as they come, in a pipeline of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple, TypeVar

import numpy as np

from ..errors import NotFiniteError
from ..faces.depth import from_behind
from ..geometry import Region
from ..protocols import Mesher, Parser, Swapper
from ..streams import closing_source
from ..types import NOT_SWAPPED, Crop, Donor, Face, Mask, Pair, Patch, Picture, Points, View
from .crops import SwapSettings, cut_face, finish
from .occlusion import behind, bounded, with_parts
from .padding import padded
from .paste import paste
from .swap_restore import SwapStage

T = TypeVar("T")
DonorOf = Callable[[Face], Donor]
"""What the engine needs of a source face."""
_Finisher = Callable[[Patch, Crop], Patch]
_FACES: Final = 8
"""Faces from which on a batch is handed to the engine."""
_FRAMES: Final = 4
"""Most pictures of one batch; twice as many are in work."""
_THREADS: Final = 4


class SwapTask(NamedTuple):
    """The swaps of one picture."""

    target: Picture
    pairs: Sequence[Pair]
    out: Picture
    """Where the result goes: an array like `target`, or `target` itself where that is the caller's own."""
    changed: Mask | None = None
    """(H, W) zeros, to become the mask of what changed."""
    limit: Mask | None = None
    """(H, W) in [0, 1] bounds where pixels may change."""
    in_front: Sequence[Sequence[Points]] = ()
    """For each pair the outlines (N, 2) of other faces whose pixels stay: see `faces.depth`. Empty for none."""


class SwapTaskResult(NamedTuple):
    """Work that is finished: its `out` and `changed` are filled in."""

    work: SwapTask
    swapped: tuple[Pair, ...]
    """The pairs that were swapped, in their own order; the engine failed at the others, whose faces stay."""
    notes: tuple[tuple[Pair, str], ...]
    """Lines for the report with the pair they are about."""
    regions: tuple[Region, ...]
    """What holds all pixels that changed."""


def swap_stream(
    work: Iterable[SwapTask],
    donor_of: DonorOf,
    swapper: Swapper,
    settings: SwapSettings,
    parsers: Sequence[Parser] = (),
    stages: Sequence[SwapStage] = (),
    mesher: Mesher | None = None,
    *,
    first_alone: bool = False,
) -> Generator[SwapTaskResult]:
    """Do the work in order, as it comes: faces of several pictures go through the engine together.

    Crops are cut and patches are finished and pasted in threads, while the engine works on the next batch. Of all the
    work, no more than two batches are held. At its end, however it comes, the threads have ended and `work` is closed.
    The mesher is for faces without a mesh of which parts are to stay. `first_alone` gives the first picture as soon as
    it is done. `stages` change swapped faces before they are pasted.
    """
    finisher = partial(finish, swapper=swapper, settings=settings)
    with closing_source(work) as source, ThreadPoolExecutor(_THREADS, "multifaceswap-paste") as threads:
        begun: list[Future[SwapTaskResult]] = []
        for number, batch in enumerate(_batches(source, 1 if first_alone else _FRAMES)):
            ready = _swapped(batch, donor_of, swapper, settings, parsers, mesher, threads)
            last = _as_it_is if stages else finisher
            if stages:
                ready = _through(stages, ready, finisher)
            begun, finishing = [threads.submit(_finish, one, last, settings) for one in ready], begun
            del batch, ready
            yield from _results(finishing)
            if first_alone and number == 0:
                yield from _results(begun)
        yield from _results(begun)


def donors_of(sources: Sequence[Picture], swapper: Swapper) -> DonorOf:
    """Gives what the engine needs of a source face, computed when it is first asked for and then kept."""
    donors: dict[tuple[int, int], Donor] = {}

    def donor_of(face: Face) -> Donor:
        key = face.frame, face.index
        if key not in donors:
            (picture, own), *others = View.all_of(face, sources)
            donors[key] = swapper.prepare(picture, own, others)
        return donors[key]

    return donor_of


class _Swap(NamedTuple):
    """One face on its way."""

    pair: Pair
    crop: Crop
    patch: Patch


class _Begun(NamedTuple):
    """A picture whose faces came out of the engine."""

    work: SwapTask
    swaps: list[_Swap]
    failed: tuple[tuple[Pair, str], ...]
    """The pairs that the engine failed at, and why."""


def _batches(work: Iterable[SwapTask], most_at_first: int) -> Iterator[list[SwapTask]]:
    batch: list[SwapTask] = []
    most = most_at_first
    for one in work:
        batch.append(one)
        if len(batch) >= most or sum(len(held.pairs) for held in batch) >= _FACES:
            yield batch
            batch, most = [], _FRAMES
    if batch:
        yield batch


def _swapped(
    batch: Sequence[SwapTask],
    donor_of: DonorOf,
    swapper: Swapper,
    settings: SwapSettings,
    parsers: Sequence[Parser],
    mesher: Mesher | None,
    threads: ThreadPoolExecutor,
) -> list[_Begun]:
    """The batch through the engine."""
    faces = [(work, *one) for work in batch for one in _from_behind(work)]
    cuts = [
        threads.submit(cut_face, work.target, pair.target, swapper, settings.interpolation) for work, pair, _ in faces
    ]
    crops = [one.result() for one in cuts]
    donors = [donor_of(pair.source)._replace(shares=pair.shares) for _, pair, _ in faces]
    made = list(zip(faces, crops, _patches(swapper, crops, donors, settings.strength), strict=True))
    failed = [(work, (pair, f"{NOT_SWAPPED}{done}")) for (work, pair, _), _, done in made if isinstance(done, str)]
    good = [(face, crop, done) for face, crop, done in made if not isinstance(done, str)]
    patches = [behind(patch, crop, stay) for (_, _, stay), crop, patch in good]
    pictures = [work.target for (work, _, _), _, _ in good]
    cut = [crop for _, crop, _ in good]
    if settings.keep or any(parser.needs_mesh for parser in parsers):
        cut = [_with_mesh(*one, mesher) for one in zip(cut, pictures, strict=True)]
    patches = [padded(patch, crop, settings.padding) for crop, patch in zip(cut, patches, strict=True)]
    patches = [with_parts(patch, crop, settings.keep) for crop, patch in zip(cut, patches, strict=True)]
    for parser in parsers:
        patches = bounded(parser, pictures, cut, patches, "swapped")
    swaps = [(work, _Swap(pair, crop, patch)) for ((work, pair, _), crop, _), patch in zip(good, patches, strict=True)]
    return [_Begun(work, _of(work, swaps), tuple(_of(work, failed))) for work in batch]


def _of(work: SwapTask, items: Sequence[tuple[SwapTask, T]]) -> list[T]:
    return [item for other, item in items if other is work]


def _patches(swapper: Swapper, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> list[Patch | str]:
    """A patch a crop, or why there is none: where numbers aren't finite, each face is tried by itself."""
    if not crops:
        return []
    try:
        return list(swapper.swap(crops, donors, strength))
    except NotFiniteError as error:
        if len(crops) == 1:
            return [str(error)]
    alone = zip(crops, donors, strict=True)
    return [one for crop, donor in alone for one in _patches(swapper, [crop], [donor], strength)]


def _with_mesh(crop: Crop, target: Picture, mesher: Mesher | None) -> Crop:
    """The crop of a face with a mesh, where one can be fitted."""
    fitted = mesher.fit(target, [crop.face])[0] if crop.face.mesh is None and mesher is not None else None
    return crop if fitted is None else crop._replace(face=replace(crop.face, mesh=fitted.mesh))


def _from_behind(work: SwapTask) -> list[tuple[Pair, Sequence[Points]]]:
    """The pairs with what is in front of them, in the order to be pasted in."""
    stay = work.in_front or ((),) * len(work.pairs)
    return [(work.pairs[n], stay[n]) for n in from_behind([pair.target for pair in work.pairs], stay)]


def _through(stages: Sequence[SwapStage], batch: Sequence[_Begun], finisher: _Finisher) -> list[_Begun]:
    """The swaps finished and then changed by each stage in turn, in the crops of its model's alignment."""
    faces = [(begun.work, swap) for begun in batch for swap in begun.swaps]
    done = [(swap.crop, finisher(swap.patch, swap.crop)) for _, swap in faces]
    for stage in stages:
        done = stage.apply([work.target for work, _ in faces], [crop for crop, _ in done], [patch for _, patch in done])
    left = iter(done)
    return [one._replace(swaps=[_Swap(swap.pair, *next(left)) for swap in one.swaps]) for one in batch]


def _as_it_is(patch: Patch, _crop: Crop) -> Patch:
    return patch


def _finish(begun: _Begun, finisher: _Finisher, settings: SwapSettings) -> SwapTaskResult:
    work, swaps, failed = begun
    if work.out is not work.target:
        np.copyto(work.out, work.target)
    changed = np.zeros(work.out.shape[:2], np.float32) if work.changed is None and settings.marker else work.changed
    regions: list[Region | None] = []
    for _, crop, patch in swaps:
        done = finisher(patch, crop)
        region = paste(
            work.out,
            done.image,
            done.mask,
            crop.matrix,
            settings.interpolation,
            changed=changed,
            limit=work.limit,
        )
        regions.append(region)
    notes = [(swap.pair, note) for swap in swaps for note in swap.patch.notes]
    if settings.marker and changed is not None:
        marked = [(swap.pair, settings.marker(work.out, swap.pair.target, changed)) for swap in swaps]
        notes += [(pair, note) for pair, note in marked if note]
    lost = {id(pair) for pair, _ in failed}
    swapped = tuple(pair for pair in work.pairs if id(pair) not in lost)
    return SwapTaskResult(work, swapped, (*failed, *notes), tuple(region for region in regions if region is not None))


def _results(finishing: list[Future[SwapTaskResult]]) -> Iterator[SwapTaskResult]:
    """In order, each let go of as soon as it is handed on."""
    while finishing:
        yield finishing.pop(0).result()
