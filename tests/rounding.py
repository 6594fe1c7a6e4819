"""How the installed OpenCV resamples: since 5.0 exactly where it is asked to, before that at whole 32nds of a pixel."""

from __future__ import annotations

import cv2

EXACT = int(cv2.__version__.partition(".")[0]) >= 5
LEVEL = 0 if EXACT else 1
"""By how many of 255 levels a pixel may differ from one that another OpenCV resampled."""
