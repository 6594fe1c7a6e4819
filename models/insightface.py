"""The files of InsightFace's model pack buffalo_l that the catalog's rows name."""

from __future__ import annotations

from typing import Final

from .spec import ModelFile

LICENCE: Final = "InsightFace, non-commercial research only"
_FOLDERS = ("insightface/models/buffalo_l", "insightface")
_BUFFALO_L = "https://huggingface.co/public-data/insightface/resolve/main/models/buffalo_l"


def _file(name: str, sha256: str, size: int) -> ModelFile:
    return ModelFile(name, _FOLDERS, (sha256,), (size,), (f"{_BUFFALO_L}/{name}",), LICENCE)


DET_10G: Final = _file("det_10g.onnx", "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91", 16_923_827)
W600K_R50: Final = _file(
    "w600k_r50.onnx", "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43", 174_383_860
)
GENDERAGE: Final = _file(
    "genderage.onnx", "4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb", 1_322_532
)
