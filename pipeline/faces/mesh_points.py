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

RIGID: Final = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 8, 9, 151, 10, 109, 338, 127, 356, 234, 454, 98, 327)
"""Of the head's bones and the nose: they move with the head and with no expression."""
FOREHEAD_TOP, CHIN = 10, 152
LIP_TOP, LIP_BOTTOM = 13, 14
MOUTH_LEFT, MOUTH_RIGHT = 61, 291
OVAL: Final = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of the face, clockwise from the top of the forehead."""
EYE_LEFT_RING: Final = (226, 247, 30, 29, 27, 28, 56, 190, 243, 112, 26, 22, 23, 24, 110, 25)
EYE_RIGHT_RING: Final = (446, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255)
"""Around the lids and lashes."""
NOSE: Final = (168, 417, 351, 412, 399, 437, 420, 279, 358, 327, 326, 2, 97, 98, 129, 49, 198, 217, 174, 188, 122, 193)
FOREHEAD: Final = (
    *(71, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 301),
    *(300, 293, 334, 296, 336, 9, 107, 66, 105, 63, 70),
)
"""From the brows' upper rims to the mesh's, which lies below the hair."""
BEARD: Final = (
    *(361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132),
    *(213, 192, 207, 206, 165, 97, 2, 326, 391, 426, 427, 416, 433),
)
"""Chin, jaw and upper lip; the lips lie within."""
GLASSES: Final = (
    *(127, 162, 71, 63, 105, 66, 107, 9, 336, 296, 334, 293, 301, 389, 356, 454),
    *(352, 280, 330, 329, 277, 399, 197, 174, 47, 100, 101, 50, 123, 234),
)
"""From temple to temple, and from the brows to below the rims of large glasses."""
