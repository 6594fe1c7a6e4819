"""What puts a target's expression back onto a swapped face."""

from __future__ import annotations

from typing import Final

from ..facefusion import facefusion_file
from ..spec import Model

_TAG = "3.0.0"
LIVE_PORTRAIT: Final = Model(
    "live_portrait",
    "expression",
    "expression.adapters:live_portrait",
    (
        facefusion_file(
            "live_portrait_feature_extractor",
            _TAG,
            "MIT",
            sha256="980d26afc9af6d1b6c946329df08b89a4a8582c9bb668d9475f5254e69434d15",
        ),
        facefusion_file("live_portrait_motion_extractor", _TAG, "MIT", crc32="1278bb27"),
        facefusion_file("live_portrait_generator", _TAG, "MIT", crc32="ea09ef95"),
    ),
    family="LivePortrait",
    speed="slow",
)
EXPRESSIONS: Final = (LIVE_PORTRAIT,)
