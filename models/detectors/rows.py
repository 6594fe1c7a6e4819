"""Published ONNX detectors beside those of the restorers' and InsightFace's projects, a row each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..facefusion import facefusion_file
from ..insightface import LICENCE
from ..spec import DetectorParams, Model, ModelFile

_ZOO = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/47534e27c9851bb1128ccc0102f1145e27f23f98/models/"
    "face_detection_yunet"
)

YUNET_2023: Final = ModelFile(
    "face_detection_yunet_2023mar.onnx",
    ("facedetection",),
    ("8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",),
    (232_589,),
    (f"{_ZOO}/face_detection_yunet_2023mar.onnx",),
    "MIT",
    ("yunet_2023_mar.onnx",),
)
YUNET_2026: Final = ModelFile(
    "face_detection_yunet_2026may.onnx",
    ("facedetection",),
    ("ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",),
    (229_738,),
    (f"{_ZOO}/face_detection_yunet_2026may.onnx",),
    "MIT",
)
YOLOFACE_8N: Final = facefusion_file(
    "yoloface_8n",
    "3.0.0",
    "GPL-3.0, made with AGPL-3.0 code (ultralytics)",
    sha256="821cdbb1e65fbbabdde7dd0933f754797a343e56fd962729c61ffcefcd135929",
    size=12_659_761,
    folder="facedetection",
)
SCRFD_2_5G: Final = replace(
    facefusion_file("scrfd_2.5g", "3.0.0", LICENCE, size=3_295_067),
    folders=("facedetection", "insightface"),
    aliases=("det_2.5g.onnx",),
)


def _detector(family: str, name: str, adapter: str, file: ModelFile) -> Model:
    known = DetectorParams(0.5, 640)
    return Model(name, "detector", f"detectors.adapters:{adapter}", (file,), known, family=family)


DETECTORS: Final = (
    _detector("SCRFD", "scrfd_2.5g", "scrfd", SCRFD_2_5G),
    _detector("YuNet", "yunet_2023", "yunet", YUNET_2023),
    _detector("YuNet", "yunet_2026", "yunet", YUNET_2026),
    _detector("YOLOv8-face", "yoloface_8n", "yolov8_face", YOLOFACE_8N),
)
