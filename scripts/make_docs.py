"""Makes the pictures of the README and its table of models: `python scripts/make_docs.py`, with the package installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from multifaceswap import detect_faces, map_indexes, order_faces, swap_faces
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent


def pair() -> None:
    """`docs/pair.jpg`: before and after, side by side."""
    picture = np.array(Image.open(ROOT / "examples" / "pair.jpg"))
    faces = order_faces(detect_faces([picture]), "left-right")
    swapped = swap_faces([picture], [picture], map_indexes(faces, faces, "0,1", "1,0")).images[0]
    both = Image.fromarray(np.concatenate([picture, swapped], 1))
    both.resize((both.width // 2, both.height // 2), Image.Resampling.LANCZOS).save(ROOT / "docs" / "pair.jpg", quality=88)


if __name__ == "__main__":
    pair()
