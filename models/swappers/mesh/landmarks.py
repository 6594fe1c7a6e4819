"""Which of the 468 mesh points are what. Left and right are the viewer's, on an upright unmirrored face.

Source: the connection lists of MediaPipe's face mesh (Apache-2.0).
"""

from __future__ import annotations

from typing import Final

LIPS_OUTER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LIPS_INNER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
EYE_LEFT: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
EYE_RIGHT: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
BROW_LEFT: Final = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
BROW_RIGHT: Final = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
FEATURES: Final = (LIPS_OUTER, EYE_LEFT, EYE_RIGHT, BROW_LEFT, BROW_RIGHT)
"""Outlines of what is no plain skin."""

LIP_TOP, LIP_BOTTOM = 13, 14
MOUTH_LEFT, MOUTH_RIGHT = 61, 291
OVAL: Final = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of the face, clockwise from the top of the forehead."""
