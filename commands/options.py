"""Options that several commands share, under the API's names."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..app.functions import detect_faces, order_faces
from ..media.pictures import FORMATS
from ..models import catalog
from ..models.pool import ModelPool
from ..models.runtime.onnx import DEVICES
from ..pipeline.faces.ordering import ORDERS
from ..pipeline.types import FaceSet, Picture


def add_choice(parser: ArgumentParser, name: str, choices: Sequence[str], default: str, text: str) -> None:
    """An option that lists its choices in the help and in errors."""
    listed = f"{text}: {', '.join(choices)} (default: %(default)s)"
    parser.add_argument(name, choices=choices, default=default, metavar="NAME", help=listed)


def add_number(parser: ArgumentParser, name: str, low: float, high: float, default: float | None, text: str) -> None:
    """An option for a number within low to high; a whole one where its default is."""
    kind = int if isinstance(default, int) else float
    shown = "the detector's" if default is None else "%(default)s"
    text = f"{text}, {low:g} to {high:g} (default: {shown})"
    parser.add_argument(name, type=_number(kind, low, high), default=default, metavar="NUMBER", help=text)


def add_detection(parser: ArgumentParser) -> None:
    """How faces are found and numbered."""
    add_choice(parser, "--facedetection", catalog.names("detector"), "builtin", "detector")
    add_choice(parser, "--detection-face-order", ORDERS, "large-small", "how faces are numbered, from 0")
    add_number(parser, "--confidence", 0, 1, None, "leave out faces with a lower score")
    add_number(parser, "--min-size", 0, 100_000, 16, "leave out faces of fewer pixels")
    text = "longer side of what a published detector sees at once, in pixels; 0: its own"
    add_number(parser, "--detection-size", 0, 8192, 0, text)
    parser.add_argument("--turns", action="store_true", help="also find faces turned by quarter turns")
    parser.add_argument("--no-tiles", dest="tiles", action="store_false", help="don't search large pictures in tiles")
    devices = f"{', '.join(DEVICES)}, or one of several: cuda:1 (default: %(default)s)"
    parser.add_argument("--device", default="auto", metavar="NAME", help=f"what models run on: {devices}")


def add_restorer(parser: ArgumentParser, default: str) -> None:
    """Which network sharpens faces, and how far."""
    listed = f"{', '.join(catalog.names('restorer'))}, or any restorer's file in facerestore_models"
    listed = f"{listed} (default: %(default)s)"
    parser.add_argument("--face-restore", default=default, metavar="NAME", help=f"what sharpens the faces: {listed}")
    text = "CodeFormer: 0 restores most, 1 stays closest; others: share of the restored face"
    add_number(parser, "--face-restore-weight", 0, 1, 0.75, text)


def add_format(parser: ArgumentParser) -> None:
    """How pictures are written."""
    listed = f"{', '.join(FORMATS)} (default: by the extension of --output; in folders by that of each target)"
    parser.add_argument("--image-format", choices=tuple(FORMATS), metavar="NAME", help=listed)
    add_number(parser, "--image-quality", 10, 100, 95, "of jpeg and webp")


class Found(NamedTuple):
    """The faces that count."""

    faces: FaceSet
    note: str | None
    """What the gender filter left out, where it did."""


def find_faces(
    pictures: Sequence[Picture], arguments: Namespace, pool: ModelPool, detect_gender: str, *, gender: bool = False
) -> Found:
    """The pictures' faces, detected, filtered and numbered as the options say."""
    faces = detect_faces(
        pictures,
        arguments.facedetection,
        confidence=arguments.confidence,
        gender=gender or detect_gender != "no",
        turns=arguments.turns,
        tiles=arguments.tiles,
        min_size=arguments.min_size,
        size=arguments.detection_size,
        pool=pool,
    )
    kept = order_faces(faces, arguments.detection_face_order, detect_gender)
    if kept.count == faces.count:
        return Found(kept, None)
    plural = "" if faces.count == 1 else "s"
    return Found(kept, f"{faces.count} face{plural} found, {kept.count or 'none'} guessed {detect_gender}")


def _number(kind: Callable[[str], float], low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise ArgumentTypeError(f"expected {low:g} to {high:g}, got {text!r}")
        return value

    return convert
