"""Digits and gender signs as strokes: OpenCV's own letters change their shape and size from version to version."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Path = NDArray[np.float64]
"""(N, 2) x, y; a glyph is 1 high and ADVANCE wide with the space to the next one."""
ADVANCE: Final = 0.76


def _line(*points: tuple[float, float]) -> Path:
    return np.array(points, np.float64)


def _arc(x: float, y: float, radius_x: float, radius_y: float, start: float = 0, end: float = 360) -> Path:
    """Degrees clockwise from the right, as y points down."""
    angles = np.radians(np.linspace(start, end, 25))
    return np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], 1)


def _joined(*paths: Path) -> Path:
    return np.vstack(paths)


GLYPHS: Final[dict[str, tuple[Path, ...]]] = {
    "0": (_arc(0.32, 0.5, 0.27, 0.5),),
    "1": (_line((0.12, 0.24), (0.38, 0), (0.38, 1)),),
    "2": (_joined(_arc(0.32, 0.28, 0.26, 0.28, 190, 390), _line((0.06, 1), (0.6, 1))),),
    "3": (_joined(_arc(0.3, 0.25, 0.24, 0.25, 200, 450), _arc(0.3, 0.74, 0.28, 0.26, 270, 515)),),
    "4": (_line((0.44, 1), (0.44, 0), (0.03, 0.7), (0.62, 0.7)),),
    "5": (_joined(_line((0.55, 0), (0.13, 0), (0.09, 0.46)), _arc(0.3, 0.67, 0.28, 0.33, 228, 500)),),
    "6": (_joined(_line((0.48, 0), (0.2, 0.32)), _arc(0.32, 0.7, 0.27, 0.3, 200, 560)),),
    "7": (_line((0.05, 0), (0.58, 0), (0.22, 1)),),
    "8": (_arc(0.32, 0.24, 0.22, 0.24), _arc(0.32, 0.74, 0.27, 0.26)),
    "9": (_joined(_line((0.16, 1), (0.44, 0.68)), _arc(0.32, 0.3, 0.27, 0.3, 20, 380)),),
    "-": (_line((0.1, 0.5), (0.54, 0.5)),),
    "female": (_arc(0.36, 0.27, 0.27, 0.27), _line((0.36, 0.54), (0.36, 1)), _line((0.16, 0.79), (0.56, 0.79))),
    "male": (
        _arc(0.3, 0.7, 0.27, 0.27),
        _line((0.49, 0.5), (0.74, 0.2)),
        _line((0.48, 0.17), (0.76, 0.17), (0.76, 0.46)),
    ),
}
