"""Whole swaps with an inswapper-shaped network, what surrounds the network, and the built-in engine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from multifaceswap.models.embedders.arcface import ArcFace
from multifaceswap.models.pool import ModelPool
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.models.swappers.network import SwapNetwork
from multifaceswap.models.swappers.neural import NeuralSwapper
from multifaceswap.models.swappers.sources import IdentitySource
from multifaceswap.pipeline import templates
from multifaceswap.pipeline.compose.swap import SwapSettings, swap_batch
from multifaceswap.pipeline.faces.detect import detect_batch
from multifaceswap.pipeline.types import Embedding, Face, FaceSet, IndexMap, Pair, Size

from . import peers
from .pasting import FRAMES, landmarks, picture, placed
from .scenes import crowd
from .timing import Row, best, compare

_SHARE = 1 / 0.05
"""How many times the network's run what surrounds it may not reach: 5 %."""
_OUTSIDE = (("512", 200), ("1080p", 246), ("4K", 493), ("4K", 1110))
_BUILTIN_FACE, _FACES = 256, 6


class Idle:
    """A swapper's session whose network takes no time: it gives back the face that it is given."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run_batched(self, feeds: dict[str, Any], *_shapes: Any, **_names: Any) -> list[Any]:
        return [next(values for values in feeds.values() if values.ndim == 4)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def rows(session: Session, inswapper: Any) -> Iterator[Row]:
    """`session` is the network's, which `inswapper`, insightface's, runs too."""
    network = _network_time(session)
    for count in (1, 6):
        yield _whole_row(session, inswapper, count)
    for name, side in _OUTSIDE:
        yield from _outside_rows(session, inswapper, name, side, network)
    yield _builtin_row(network)


def _network_time(session: Session) -> float:
    random = np.random.default_rng(0)
    feeds = {"target": random.random((1, 3, 128, 128), np.float32), "source": random.random((1, 512), np.float32)}
    wanted = [(1, 3, 128, 128)]
    session.run(feeds, wanted)
    return best(lambda: session.run(feeds, wanted), runs=1)


def _whole_row(session: Session, inswapper: Any, count: int) -> Row:
    """One run each, for the network's time is nearly all of it."""
    size = FRAMES["1080p"]
    frame, faces = picture(size), _faces(size, 246, count)
    swapper, index_map = _swapper(session), _pairs(faces, size)
    blue_first = np.ascontiguousarray(frame[..., ::-1])
    swaps = [peers.InSwapper.of(inswapper, blue_first, face.landmarks) for face in faces]

    def theirs() -> None:
        result = blue_first
        for swap in swaps:
            result = swap._replace(picture=result).get()

    mine = best(lambda: swap_batch([frame], [frame], index_map, swapper, SwapSettings()), runs=1)
    return Row(f"whole swap of {count} face(s), 1080p", mine, "insightface", best(theirs, runs=1))


def _outside_rows(session: Session, inswapper: Any, name: str, side: int, network: float) -> Iterator[Row]:
    size = FRAMES[name]
    frame = picture(size)
    faces = _faces(size, side, 1)
    swapper, index_map = _swapper(Idle(session)), _pairs(faces, size)
    returned = np.random.default_rng(1).random((1, 3, 128, 128), np.float32)
    theirs = peers.InSwapper.of(inswapper, frame, faces[0].landmarks, returned=returned)

    def ours() -> None:
        swap_batch([frame], [frame], index_map, swapper, SwapSettings())

    mine, whole = compare(ours, theirs.get, seconds=1)
    what = f"outside the network, a {side}-pixel face, {name}"
    yield Row(what, mine, "insightface", whole)
    yield Row(what, mine, "a run of the network", network, least=_SHARE)
    floats = frame.astype(np.float32) / 255
    mine = best(lambda: swap_batch([floats], [frame], index_map, swapper, SwapSettings()))
    yield Row(f"{what}, IMAGE", mine, "a run of the network", network, least=_SHARE)


def _builtin_row(network: float) -> Row:
    """A share of six: what is done once for the donor is shared too."""
    frame = crowd(Size(1920, 1080), _FACES, face=_BUILTIN_FACE)
    pool = ModelPool(device="cpu")
    faces = detect_batch([frame], pool.open("detector", "builtin"))
    assert faces.count == _FACES, "the six faces must be seen"
    donor = faces.frames[0][0]
    pairs = tuple(Pair(face, donor) for face in faces.frames[0])
    index_map = IndexMap((pairs,), (), faces.size, faces.size, 1)
    swapper, parsers = pool.open("swapper", "mesh"), [pool.open("parser", "builtin")]
    work = partial(swap_batch, [frame], [frame], index_map, swapper, SwapSettings(), parsers=parsers)
    mine = best(work, seconds=2) / _FACES
    name = f"built-in engine, a {_BUILTIN_FACE}-pixel face of six"
    return Row(name, mine, "a run of inswapper's network", network, most=15)


def _swapper(session: Any) -> NeuralSwapper:
    """Without a recogniser: the faces come with their identity."""
    network = SwapNetwork(session, 128)
    return NeuralSwapper(
        network, IdentitySource(network, ArcFace(session, "w600k_r50"), "mapped"), templates.arcface(128)
    )


def _faces(size: Size, side: int, count: int) -> list[Face]:
    centres = [((n % 3 + 0.5) / 3, (n // 3 + 0.5) / 2) for n in range(count)] if count > 1 else [(0.5, 0.5)]
    return [_face(landmarks(placed(size, side, 128, centre), 128), number) for number, centre in enumerate(centres)]


def _face(points: Any, number: int) -> Face:
    box = np.concatenate([points.min(0) - 20, points.max(0) + 20])
    return Face(box, points, 1.0, index=number, embedding=Embedding(np.ones(512), "w600k_r50"))


def _pairs(faces: Any, size: Size) -> IndexMap:
    """Every face onto itself."""
    found = FaceSet((tuple(faces),), size)
    return IndexMap((tuple(Pair(face, face) for face in found.flat()),), (), size, size, 1)
