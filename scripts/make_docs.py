"""Makes the README's picture, its tables and the page of models: `python scripts/make_docs.py`."""

from __future__ import annotations

from collections import Counter

import numpy as np
from checkout import ROOT, load_checkout
from PIL import Image

PAGES = (ROOT / "README.md", ROOT / "docs" / "models.md")
_KINDS = {
    "swapper": "swap",
    "detector": "detection",
    "restorer": "restoration",
    "expression": "expression",
    "parser": "masks",
    "embedder": "identity",
    "attributes": "gender and age",
    "landmarker": "landmarks",
}


_PORTRAITS = ("grace_hopper.jpg", "astronaut.png")
_VALUES = {
    "switch": "on, off",
    "model": "a [model](docs/models.md)",
    "indexes": "a list",
    "parts": "a list",
    "padding": "percents",
    "ages": "years",
    "device": "a device",
    "moment": "a time or frame",
}
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


def light() -> None:
    """`docs/light.jpg`: the portraits in several lights, each beside what the built-in engine makes of it."""
    from multifaceswap import detect_faces, map_indexes, swap_faces

    portraits = [np.array(Image.open(ROOT / "examples" / name).convert("RGB")) for name in _PORTRAITS]
    faces = [detect_faces([picture]) for picture in portraits]
    rows = []
    for number, picture in enumerate(portraits):
        index_map = map_indexes(faces[number], faces[1 - number])
        left, top, right, bottom = (int(edge) for edge in faces[number].flat()[0].box)
        margin = (right - left) // 3
        cut = np.s_[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin]
        tiles = []
        for target in _lights(picture):
            swapped = swap_faces([target], [portraits[1 - number]], index_map).images[0]
            tiles += [
                Image.fromarray(one[cut]).resize((150, 180), Image.Resampling.LANCZOS) for one in (target, swapped)
            ]
        rows.append(np.concatenate([np.array(tile) for tile in tiles], 1))
    Image.fromarray(np.concatenate(rows)).save(ROOT / "docs" / "light.jpg", quality=85)


def _lights(picture: np.ndarray) -> list[np.ndarray]:
    grey = picture @ np.array([0.299, 0.587, 0.114])
    across = np.linspace(1, 0.1, picture.shape[1])[None, :, None]
    lit = [picture, picture * 0.2, picture * np.array([1, 0.3, 0.25]), np.stack([grey] * 3, 2), picture * across]
    return [np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in lit]


def summary() -> str:
    """The catalog as a short table: for each purpose what ships, and the families of what can be fetched."""
    from multifaceswap.models.catalog import MODELS

    lines = ["| for | shipped | to be fetched |", "| --- | --- | --- |"]
    for kind, word in _KINDS.items():
        rows = [model for model in MODELS if model.kind == kind]
        shipped = ", ".join(f"`{model.name}`" for model in rows if model.built_in)
        families = Counter(model.family for model in rows if not model.built_in)
        fetched = ", ".join(family if count == 1 else f"{family} ({count})" for family, count in families.items())
        lines.append(f"| {word} | {shipped} | {fetched} |")
    return "\n".join(lines) + "\n"


def models() -> str:
    """A row for each family under one licence: its models, ComfyUI's folder, how fast they are."""
    from multifaceswap.models.catalog import MODELS

    groups: dict[tuple[str, ...], list[str]] = {}
    for kind, word in _KINDS.items():
        for model in (model for model in MODELS if model.kind == kind):
            folder = "shipped" if model.built_in else f"`{model.files[0].folders[0]}`"
            licence = " + ".join(dict.fromkeys(file.licence for file in model.files if file.licence))
            groups.setdefault((word, model.family, folder, licence), []).append(f"`{model.name}` ({model.speed})")
    lines = ["| for | family | models | ComfyUI folder | licence |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {word} | {family} | {', '.join(names)} | {folder} | {licence} |"
        for (word, family, folder, licence), names in groups.items()
    ]
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


def filled(text: str) -> str:
    """A page with its tables as settings and catalog are now, each between the lines that name it."""
    for name, table in (("settings", settings), ("models", summary), ("all models", models)):
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
        if begin in text:
            before, _, rest = text.partition(begin)
            text = before + begin + table() + end + rest.partition(end)[2]
    return text


def main() -> None:
    """Write them."""
    load_checkout()
    pair()
    light()
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
