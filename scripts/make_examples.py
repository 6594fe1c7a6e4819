"""Makes the group pictures and the clip in `examples/` out of the two portraits there.

`python scripts/make_examples.py`
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_HEIGHT = 640
_FRAMES = 12
_CLIP_SIZE = (576, 360)


def portrait(name: str, box: tuple[int, int, int, int], height: int) -> Image.Image:
    """A part of a portrait, scaled to a height."""
    with Image.open(EXAMPLES / name) as picture:
        part = picture.convert("RGB").crop(box)
    return part.resize((round(part.width * height / part.height), height), Image.Resampling.LANCZOS)


def side_by_side(parts: list[Image.Image]) -> Image.Image:
    """The pictures in a row, each in the middle of the row's height."""
    row = Image.new("RGB", (sum(part.width for part in parts), max(part.height for part in parts)), (112, 108, 104))
    left = 0
    for part in parts:
        row.paste(part, (left, (row.height - part.height) // 2))
        left += part.width
    return row


def pan(picture: Image.Image) -> list[Image.Image]:
    """The frames of a camera that moves over the pair and comes nearer; both faces stay in view."""
    frames: list[Image.Image] = []
    for share in (number / (_FRAMES - 1) for number in range(_FRAMES)):
        height = 600 - 40 * share
        width = height * _CLIP_SIZE[0] / _CLIP_SIZE[1]
        left, top = 60 + 120 * share, 20 * share
        window = (left, top, left + width, top + height)
        frames.append(picture.resize(_CLIP_SIZE, Image.Resampling.LANCZOS, box=window))
    return frames


def main() -> None:
    """Write `pair.jpg` (two people), `group.jpg` (four: mirrored, tilted, recoloured, of several sizes), `clip.webp`.

    The clip moves over the pair.
    """
    hopper = portrait("grace_hopper.jpg", (30, 20, 482, 500), _HEIGHT)
    collins = portrait("astronaut.png", (70, 0, 400, 350), _HEIGHT)
    pair = side_by_side([hopper, collins])
    pair.save(EXAMPLES / "pair.jpg", quality=92)
    first, *others = pan(pair)
    first.save(EXAMPLES / "clip.webp", save_all=True, append_images=others, duration=125, quality=80, method=6)
    warm = ImageEnhance.Color(ImageEnhance.Brightness(ImageOps.mirror(collins)).enhance(0.8)).enhance(1.3)
    tilted = hopper.rotate(14, Image.Resampling.BICUBIC, fillcolor=(60, 90, 150)).crop((60, 60, 540, 580))
    small = portrait("astronaut.png", (70, 0, 400, 350), 400)
    group = side_by_side([hopper, warm, tilted, small])
    group.save(EXAMPLES / "group.jpg", quality=92)


if __name__ == "__main__":
    main()
