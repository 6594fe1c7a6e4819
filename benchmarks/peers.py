"""The peers: insightface and facexlib as they are, fed with what their networks would give."""

from __future__ import annotations

from contextlib import redirect_stdout
from copy import copy
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from multifaceswap.pipeline.templates import FFHQ_512


class Returned:
    """Stands for a session of onnxruntime whose network takes no time: it returns what it is told to."""

    def __init__(self, session: Any, *outputs: Any) -> None:
        self._session = session
        self._outputs = list(outputs)

    def run(self, _names: Any, _feeds: Any) -> list[Any]:
        return self._outputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class InSwapper(NamedTuple):
    """insightface's INSwapper with what it needs: a BGR picture, a target's points, a donor's embedding."""

    swapper: Any
    picture: Any
    target: Any
    donor: Any

    @classmethod
    def of(cls, swapper: Any, picture: Any, points: Any, *, returned: Any = None) -> InSwapper:
        """`points` (5, 2) count from pixel middles; `returned` (1, 3, 128, 128) stands for what the network gives."""
        from insightface.app.common import Face

        if returned is not None:
            swapper = copy(swapper)
            swapper.session = Returned(swapper.session, returned)
        return cls(swapper, picture, Face(kps=np.float32(points)), Face(embedding=np.ones(512, np.float32)))

    def get(self, *, paste_back: bool = True) -> Any:
        return self.swapper.get(self.picture, self.target, self.donor, paste_back=paste_back)


def inswapper(path: Path, session: Any) -> Any:
    """INSwapper on an open session of the file at `path`."""
    from insightface.model_zoo.inswapper import INSwapper

    with redirect_stdout(StringIO()):
        return INSwapper(str(path), session)


def face_analysis(folder: Path) -> Any:
    """FaceAnalysis with the detector and the recogniser of a folder, one thread each, at 640 pixels."""
    import onnxruntime
    from insightface.app import FaceAnalysis

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    provider = ["CPUExecutionProvider"]
    modules = ["detection", "recognition"]
    analysis = FaceAnalysis(str(folder), allowed_modules=modules, providers=provider, sess_options=options)
    analysis.prepare(ctx_id=0, det_thresh=0.5, det_size=(640, 640))
    return analysis


def facexlib_helper(picture: Any, points: list[Any], restored: list[Any]) -> Any:
    """FaceRestoreHelper with faces by their landmarks (5, 2) and restored crops (512, 512, 3), without its networks."""
    from facexlib.utils.face_restoration_helper import FaceRestoreHelper

    helper = FaceRestoreHelper.__new__(FaceRestoreHelper)
    helper.upscale_factor, helper.face_size, helper.use_parse, helper.pad_blur = 1, (512, 512), False, False
    helper.input_img, helper.all_landmarks_5, helper.restored_faces = picture, points, restored
    helper.face_template = np.float64(FFHQ_512) * 512
    helper.cropped_faces, helper.affine_matrices, helper.inverse_affine_matrices = [], [], []
    return helper


def facexlib_retinaface_post(size: tuple[int, int], raw: tuple[Any, Any, Any], confidence: float) -> Any:
    """What facexlib's `RetinaFace.detect_faces` does once its network has run: for BGR input of `size` (w, h)."""
    import torch
    from facexlib.detection.retinaface import generate_config
    from facexlib.detection.retinaface_utils import PriorBox, decode, decode_landm, py_cpu_nms

    width, height = size
    settings = generate_config("resnet50")
    priors = PriorBox(settings, image_size=(height, width)).forward()
    location, scores, points = raw
    boxes = decode(location, priors, settings["variance"]) * torch.tensor([width, height] * 2)
    landmarks = decode_landm(points, priors, settings["variance"]) * torch.tensor([width, height] * 5)
    boxes, landmarks, scores = boxes.numpy(), landmarks.numpy(), scores.numpy()[:, 1]
    kept = np.where(scores > confidence)[0]
    boxes, landmarks, scores = boxes[kept], landmarks[kept], scores[kept]
    order = scores.argsort()[::-1]
    found = np.hstack([boxes[order], scores[order, None]]).astype(np.float32)
    keep = py_cpu_nms(found, 0.4)
    return np.concatenate([found[keep], landmarks[order][keep]], 1)


def warp_and_blend(out: Any, image: Any, mask: Any, matrix: Any, region: tuple[int, int, int, int]) -> None:
    """The least that a paste can do: image and mask resampled into the region, blended, by OpenCV alone."""
    left, top, right, bottom = region
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (left, top)
    size = (right - left, bottom - top)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    face, weight = (cv2.warpAffine(part, moved, size, flags=flags) for part in (image, mask))
    target = out[top:bottom, left:right]
    target[:] = cv2.blendLinear(face, target, weight, 1 - weight)
