"""Makes the README's picture and its tables of settings and models: `python scripts/make_docs.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from checkout import ROOT, load_checkout
from PIL import Image

README = ROOT / "README.md"
_KINDS = {
    "swapper": "swap",
    "detector": "detection",
    "restorer": "restoration",
    "parser": "masks",
    "embedder": "identity",
}


_VALUES = {"switch": "on, off", "model": "a name below", "indexes": "a list", "parts": "a list", "device": "a device"}
"""What stands for the values of settings that don't list theirs."""


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


def settings() -> str:
    """The table of settings: where each applies, its default, its values and what it does."""
    from multifaceswap.app.settings import ROWS

    lines = ["| setting | default | values | does |", "| --- | --- | --- | --- |"]
    for row in ROWS:
        listed = ", ".join(f"`{value}`" for value in row.known) if row.kind == "choice" else _VALUES.get(row.kind, "")
        values = f"{row.low:,.10g} to {row.high:,.10g}" if row.kind in ("number", "integer") else listed
        start = "In a restoration by itself: " if row.scopes == ("restore",) and row.name == "face_restore" else ""
        lines.append(f"| `{row.name}` | {_shown(row.default)} | {values} | {start}{row.text} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def readme(text: str) -> str:
    """The README's text with the tables as settings and catalog are now."""
    for name, table in (("settings", settings()), ("models", models())):
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
        before, _, rest = text.partition(begin)
        text = before + begin + table + end + rest.partition(end)[2]
    return text


def main() -> None:
    """Write them."""
    load_checkout()
    pair()
    Path(README).write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
