"""Makes the pictures of the help pages and of the example workflows, out of the example pictures.

`python scripts/make_pictures.py`
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
from node_specs import PACK, ROOT, load_pack
from PIL import Image, ImageFilter, ImageSequence

DOCS = ROOT / "web" / "docs"
WORKFLOWS = ROOT / "example_workflows"
_WIDTH = 640
_BANNER = (1260, 540)
"""21:9, as ComfyUI's registry shows it."""


def picture(name: str) -> Any:
    """(H, W, 3) uint8 of an example picture."""
    with Image.open(ROOT / "examples" / name) as file:
        return np.array(file.convert("RGB"))


def frames(name: str) -> list[Any]:
    """The frames of the example clip, as pictures."""
    with Image.open(ROOT / "examples" / name) as file:
        return [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(file)]


def stacked(pictures: Sequence[Any], *, down: bool = True) -> Any:
    """Pictures one below the other, or in a row, as wide or as high as the first."""
    first = Image.fromarray(pictures[0])
    sizes = [(first.width, -1) if down else (-1, first.height)] * len(pictures)
    scaled = [_scaled(Image.fromarray(one), *size) for one, size in zip(pictures, sizes, strict=True)]
    return np.concatenate([np.asarray(one) for one in scaled], 0 if down else 1)


def _scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = width / image.width if width > 0 else height / image.height
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def save(path: Any, pixels: Any) -> None:
    """A small JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _scaled(Image.fromarray(pixels), _WIDTH, -1).save(path, quality=85, optimize=True)


def save_banner(pictures: Sequence[Any], middles: Sequence[float]) -> None:
    """Of each picture the parts around these places from its left, in a row."""
    banner = Image.new("RGB", _BANNER)
    width = _BANNER[0] // (len(pictures) * len(middles))
    for number, (pixels, middle) in enumerate(product(pictures, middles)):
        half = pixels.shape[0] * width / _BANNER[1] / 2
        left = min(max(middle - half, 0), pixels.shape[1] - 2 * half)
        box = (left, 0, left + 2 * half, pixels.shape[0])
        part = Image.fromarray(pixels).resize((width, _BANNER[1]), Image.Resampling.LANCZOS, box)
        banner.paste(part, (number * width, 0))
    banner.save(ROOT / "docs" / "registry" / "banner.jpg", quality=88, optimize=True)


def _sharpened(crop: Any) -> Any:
    """A crop as the example workflow edits it: twice as large, and sharpened."""
    image = Image.fromarray(np.rint(crop * 255).astype(np.uint8))
    larger = image.resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
    return np.array(larger.filter(ImageFilter.UnsharpMask(4, 150, 0)))


def _people(pack: ModuleType, collins: Any, hopper: Any) -> None:
    """One donor of several pictures, and what is saved of it."""
    preview = import_module(f"{PACK}.pipeline.draw.preview")
    cut = import_module(f"{PACK}.app.faces.cutting").cut
    pictures = [collins, np.ascontiguousarray(collins[:, ::-1]), hopper]
    found = pack.detect_faces(pictures)
    merged = pack.merge_faces(found, pictures)
    person = {face.frame: face for face in merged.flat()[0].person}
    drawn = [
        preview.draw_faces(shown, (person[number],) if number in person else ())
        for number, shown in enumerate(pictures)
    ]
    save(DOCS / "MFS_MergeFaces" / "preview.jpg", stacked(drawn, down=False))
    cuts = [cut(pictures[frame], face).picture for frame, face in sorted(person.items())]
    height = min(len(one) for one in cuts)
    for node in ("MFS_SaveFaces", "MFS_LoadFaces"):
        save(DOCS / node / "preview.jpg", np.concatenate([one[:height] for one in cuts], 1))


def main() -> None:
    """Write all pictures."""
    pack = load_pack()
    preview = import_module(f"{PACK}.pipeline.draw.preview")
    pair, group = picture("pair.jpg"), picture("group.jpg")
    collins, hopper = picture("astronaut.png"), picture("grace_hopper.jpg")[:512]
    found = pack.detect_faces([pair], gender=False)
    two = pack.order_faces(found, "left-right")
    exchange = pack.map_indexes(two, two, "0,1", "1,0")
    swapped = pack.swap_faces([pair], [pair], exchange)
    save(DOCS / "MFS_FaceDetect" / "preview.jpg", preview.draw_faces(pair, found.frames[0]))
    save(DOCS / "MFS_RemoteSegmindSwap" / "preview.jpg", preview.draw_faces(pair, two.frames[0]))
    save(DOCS / "MFS_IndexMap" / "preview.jpg", preview.draw_pairs(pair, [pair], exchange.frames[0]))
    save(DOCS / "MFS_SwapFaces" / "preview.jpg", stacked([pair, swapped.images[0]]))
    faces = preview.draw_faces(swapped.images[0], swapped.faces.frames[0])
    save(DOCS / "MFS_FaceRestore" / "preview.jpg", faces)
    save(DOCS / "MFS_SaveMarked" / "preview.jpg", swapped.images[0])
    save(DOCS / "MFS_ExampleImage" / "preview.jpg", stacked([collins, hopper, pair], down=False))
    save(WORKFLOWS / "Swap two people.jpg", stacked([pair, swapped.images[0]]))
    save_banner([pair, swapped.images[0]], [float(face.box[[0, 2]].mean()) for face in two.frames[0]])

    _people(pack, collins, hopper)

    four = pack.order_faces(pack.detect_faces([group]), "left-right")
    save(DOCS / "MFS_FaceOrder" / "preview.jpg", preview.draw_faces(group, four.frames[0]))
    donors = pack.order_faces(pack.detect_faces([collins, hopper]), "left-right")
    turns = pack.map_indexes(four, donors, "*", "0,1", "round-robin")
    crowd = pack.swap_faces([group], [collins, hopper], turns)
    save(WORKFLOWS / "Several donors group.jpg", stacked([group, crowd.images[0]]))

    one = pack.map_indexes(two, pack.order_faces(pack.detect_faces([collins])), "0", "0")
    save(WORKFLOWS / "Swap and restore.jpg", stacked([pair, pack.swap_faces([pair], [collins], one).images[0]]))

    first, second = pack.order_faces(pack.detect_faces([collins])), pack.order_faces(pack.detect_faces([hopper]))
    to_hopper, to_collins = pack.map_indexes(second, first, "0", "0"), pack.map_indexes(first, second, "0", "0")
    for name, target, donor, index_map, settings in (
        ("Whose glasses", hopper, collins, to_hopper, {"glasses": "target"}),
        ("Own mouth", collins, hopper, to_collins, {"keep": "mouth"}),
        ("Halfway", pair, pair, exchange, {"strength": 0.5}),
    ):
        after = pack.swap_faces([target], [donor], index_map, **settings).images[0]
        save(WORKFLOWS / f"{name}.jpg", stacked([target, after], down=target is pair))
    known = pack.match_faces(four, first, second, targets=[group], references=[hopper])
    save(
        WORKFLOWS / "One person everywhere.jpg", stacked([group, pack.swap_faces([group], [collins], known).images[0]])
    )

    largest = pack.map_indexes(pack.order_faces(pack.detect_faces([group]), "large-small"), first, "0", "0")
    save(WORKFLOWS / "Largest face.jpg", stacked([group, pack.swap_faces([group], [collins], largest).images[0]]))

    cut = pack.crop_faces([group], four, 256)
    masks = np.repeat(cut.masks[..., None], 3, 3)
    rows = [np.concatenate([np.rint(one * 255).astype(np.uint8) for one in row], 1) for row in (cut.images, masks)]
    save(DOCS / "MFS_CropFaces" / "preview.jpg", stacked(rows))
    edited = pack.paste_faces([group], [_sharpened(crop) for crop in cut.images], cut.crops).images[0]
    negatives = pack.paste_faces([group], 1 - cut.images, cut.crops).images[0]
    save(DOCS / "MFS_PasteFaces" / "preview.jpg", stacked([group, negatives]))
    save(WORKFLOWS / "Crop and upscale.jpg", stacked([group, edited]))

    clip = frames("clip.webp")
    seen = pack.order_faces(pack.detect_faces(clip), "left-right")
    film = pack.swap_faces(clip, [pair], pack.map_indexes(seen, two, "0,1", "1,0")).images
    before_and_after = stacked([stacked(clip[::4], down=False), stacked(film[::4], down=False)])
    save(WORKFLOWS / "Swap clip.jpg", before_and_after)
    save(DOCS / "MFS_SwapFacesVideo" / "preview.jpg", before_and_after)


if __name__ == "__main__":
    main()
