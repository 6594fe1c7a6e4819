"""What measures landmarks anew, a row each."""

from __future__ import annotations

from typing import Final

from ..facefusion import facefusion_file
from ..spec import Model, ModelFile, Speed

_HRFFA = "https://github.com/PINTO0309/High-Angle_Robust_Fast_FaceAlignment/releases/download/weights"


def _hrffa(name: str, sha256: tuple[str, ...], sizes: tuple[int, ...], *aliases: str) -> ModelFile:
    file = f"hrffa_{name}_ibug68_1x3x256x256.onnx"
    return ModelFile(file, ("facedetection",), sha256, sizes, (f"{_HRFFA}/{file}",), "MIT", aliases)


HRFFA_VITT: Final = _hrffa(
    "vitt",
    (
        "f849af432427ae6d2e9fc1ce2d9bd27134af6e2e3a00060d0d7d312ccfc1d602",
        "579effd57896d9a8477a1604648c58459005eb76403bd3d72530dfa38352ee84",
    ),
    (35_786_181, 35_805_656),
    "hrffa_vitt_ibug68_Nx3x256x256.onnx",  # takes several faces at once
)
HRFFA_HG0: Final = _hrffa("hg0", ("2b770365053dd9f8cc4f57819da0bfa57a2417360e518eeba3bbad8a2201b468",), (6_869_275,))
FAN4: Final = facefusion_file(
    "2dfan4",
    "3.0.0",
    "BSD-3-Clause",
    sha256="678c6fa539d52335a31c980feefdf4a6e02d781d83dce00af8a894f114557285",
    size=97_904_803,
)


def _landmarker(family: str, name: str, adapter: str, file: ModelFile, speed: Speed) -> Model:
    return Model(name, "landmarker", f"landmarkers.adapters:{adapter}", (file,), family=family, speed=speed)


LANDMARKERS: Final = (
    _landmarker("HRFFA", "hrffa_vitt", "hrffa", HRFFA_VITT, "medium"),
    _landmarker("HRFFA", "hrffa_hg0", "hrffa", HRFFA_HG0, "fast"),
    _landmarker("FAN", "2dfan4", "fan4", FAN4, "slow"),
)
