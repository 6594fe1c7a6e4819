"""Makes the README's picture and its table of models: `python scripts/make_docs.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from checkout import ROOT, load_checkout
from PIL import Image

README = ROOT / "README.md"
_BEGIN, _END = "<!-- models:begin -->\n", "<!-- models:end -->\n"
_KINDS = {
    "swapper": "swap",
    "detector": "detection",
    "restorer": "restoration",
    "parser": "masks",
    "embedder": "identity",
}


def pair() -> None:
    """`docs/pair.jpg`: before and after, side by side."""
    from multifaceswap import detect_faces, map_indexes, order_faces, swap_faces

    picture = np.array(Image.open(ROOT / "examples" / "pair.jpg"))
    faces = order_faces(detect_faces([picture]), "left-right")
    swapped = swap_faces([picture], [picture], map_indexes(faces, faces, "0,1", "1,0")).images[0]
    both = Image.fromarray(np.concatenate([picture, swapped], 1))
    small = both.resize((both.width // 2, both.height // 2), Image.Resampling.LANCZOS)
    small.save(ROOT / "docs" / "pair.jpg", quality=88)


def models() -> str:
    """The catalog as a table: what each model is for, its files, where ComfyUI keeps them, their licence."""
    from multifaceswap.models.catalog import MODELS

    lines = ["| name | for | files | ComfyUI folder | licence |", "| --- | --- | --- | --- | --- |"]
    for kind, word in _KINDS.items():
        for model in (model for model in MODELS if model.kind == kind):
            files = "shipped" if model.built_in else ", ".join(f"`{file.name}`" for file in model.files)
            folders = "" if model.built_in else ", ".join(dict.fromkeys(f"`{f.folders[0]}`" for f in model.files))
            licence = ", ".join(dict.fromkeys(file.licence for file in model.files if file.licence))
            lines.append(f"| `{model.name}` | {word} | {files} | {folders} | {licence} |")
    return "\n".join(lines) + "\n"


def readme(text: str) -> str:
    """The README's text with the table as the catalog has it now."""
    before, _, rest = text.partition(_BEGIN)
    return before + _BEGIN + models() + _END + rest.partition(_END)[2]


def main() -> None:
    """Write both."""
    load_checkout()
    pair()
    Path(README).write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
