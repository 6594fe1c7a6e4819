"""What surrounds the detectors' networks, the similarity fit, and the analysis of a frame of six faces."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from multifaceswap.models.detectors import retinaface, scrfd
from multifaceswap.models.detectors.scan import ScanningDetector
from multifaceswap.models.embedders.arcface import ArcFace
from multifaceswap.models.pool import ModelPool
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.pipeline.boxes import nms
from multifaceswap.pipeline.faces.detect import detect_batch
from multifaceswap.pipeline.geometry import similarity
from multifaceswap.pipeline.types import Size

from . import peers
from .networks import CELL, FACE_COLOUR
from .pasting import FRAMES
from .scenes import crowd
from .timing import Row, compare

_CONFIDENCE = 0.8
_FACES, _CANDIDATES = 6, 30
"""A network sees a face from many neighbouring cells."""
_FITS = 100


def rows(folder: Path) -> Iterator[Row]:
    yield from (_post_row(name, least) for name, least in (("512", None), ("1080p", None), ("4K", 50)))
    yield _fit_row()
    yield from _analysis_rows(folder)


def _post_row(name: str, least: float | None) -> Row:
    import torch

    size = FRAMES[name]
    raw = _raw_outputs(sum(2 * ceil(size.width / step) * ceil(size.height / step) for step in (8, 16, 32)))
    tensors = tuple(torch.from_numpy(values) for values in raw)

    def ours() -> Any:
        found = retinaface.decode(*raw, size, _CONFIDENCE)
        return found.where(nms(found.boxes, found.scores, 0.4))

    def theirs() -> Any:
        return peers.facexlib_retinaface_post(size, tensors, _CONFIDENCE)

    found, expected = ours(), theirs()
    np.testing.assert_allclose(found.boxes, expected[:, :4], rtol=0, atol=0.01)
    mine, whole = compare(ours, theirs, seconds=1.5)
    return Row(f"RetinaFace priors and decoding, {name}", mine, "facexlib", whole, least=least)


def _raw_outputs(count: int) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(0)
    boxes, points = (random.standard_normal((count, width), np.float32) for width in (4, 10))
    scores = random.random((count, 2), np.float32) * np.float32(0.5)
    near = np.linspace(0, count * 3 // 4, _FACES, dtype=int)[:, None] + np.arange(_CANDIDATES)
    scores[near.ravel(), 1] = random.permutation(np.linspace(0.81, 0.99, near.size))
    return boxes, scores, points


def _fit_row() -> Row:
    from insightface.utils.face_align import arcface_dst
    from skimage.transform import SimilarityTransform

    points = arcface_dst * 3 + np.random.default_rng(0).normal(0, 5, (5, 2)).astype(np.float32)
    fit = getattr(SimilarityTransform, "from_estimate", None)

    def theirs() -> None:
        for _ in range(_FITS):
            fit(points, arcface_dst) if fit else SimilarityTransform().estimate(points, arcface_dst)

    def ours() -> None:
        for _ in range(_FITS):
            similarity(points, arcface_dst)

    mine, whole = compare(ours, theirs, seconds=0.5)
    return Row("similarity fit", mine / _FITS, "scikit-image, as insightface", whole / _FITS)


def _analysis_rows(folder: Path) -> Iterator[Row]:
    """The same two networks on both sides; its landmark and age networks, which it runs too, are left away."""
    frame = _marked_frame()
    session = Session(folder / "det_10g.onnx", threads=1)
    detector = ScanningDetector(scrfd.ScrfdNetwork(session), confidence=0.5)
    arcface = ArcFace(Session(folder / "w600k_r50.onnx", threads=1), "w600k_r50")
    analysis = peers.face_analysis(folder)
    blue_first = np.ascontiguousarray(frame[..., ::-1])
    found = detector.detect(frame), analysis.get(blue_first)
    assert [len(faces) for faces in found] == [6, 6], "both must see the six faces"
    needed, whole = compare(lambda: detector.detect(frame), lambda: analysis.get(blue_first), seconds=4)
    peer = "insightface FaceAnalysis"
    yield Row("analyse six faces for a swap, 1080p", needed, peer, whole, least=3)
    everything, whole = compare(
        lambda: detect_batch([frame], detector, embedder=arcface), lambda: analysis.get(blue_first), seconds=4
    )
    yield Row("the same with an identity a face", everything, peer, whole)
    yield _shipped_row(analysis)


def _marked_frame() -> Any:
    """(1080, 1920, 3) uint8 in which the benchmark's detector sees six faces."""
    frame = np.full((1080, 1920, 3), 90, np.uint8)
    cell, colour = CELL * 1920 // 640, np.array(FACE_COLOUR) * 127.5 + 127.5
    for column, row in ((2, 2), (8, 2), (14, 2), (2, 7), (8, 7), (14, 7)):
        frame[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = colour
    return frame


def _shipped_row(analysis: Any) -> Row:
    frame = crowd(Size(1920, 1080), 6)
    pool = ModelPool(device="cpu")
    detector = pool.open("detector", "builtin")
    models = {"attributes": pool.open("attributes", "dlib_gender"), "embedder": pool.open("embedder", "dlib128")}
    assert len(detector.detect(frame)) == 6, "the six faces must be seen"
    marked = cv2.cvtColor(_marked_frame(), cv2.COLOR_RGB2BGR)
    mine, whole = compare(lambda: detect_batch([frame], detector, **models), lambda: analysis.get(marked), seconds=4)
    name = "shipped models: six faces with mesh, gender and identity"
    return Row(name, mine, "insightface FaceAnalysis", whole)
