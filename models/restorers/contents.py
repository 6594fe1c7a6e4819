"""Tells restorers from other files by what is in them, reading a few kilobytes of files of any size.

Nothing is unpickled: the names of the weights stand as plain texts among a pickle's instructions, which are listed.
"""

from __future__ import annotations

import pickletools
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, Final, NamedTuple

from ...media.files import open_file
from ...pipeline.errors import DamagedModelError
from ..runtime.onnx_file import Port, read_ports
from .architectures import Architecture, recognise

_SMALLEST_SIDE = 128
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""How torch's files began before they were zip archives: the magic number of `torch.serialization`, pickled."""
_LEGACY_PICKLES = 4
"""Magic number, version, system and the names with their tensors."""


_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
)
"""What comes of damaged files: of lengths that they claim, too."""


class OnnxContents(NamedTuple):
    """The inputs of an ONNX restorer."""

    image: Port
    weight: Port | None


Contents = Architecture | OnnxContents


def look(path: Path) -> Contents | None:
    """What a file holds, if it is a restorer; None for anything else, damaged files and detectors included."""
    try:
        status = path.stat()
        return _look(path, status.st_mtime_ns, status.st_size)
    except _BROKEN:
        return None


@lru_cache(maxsize=256)
def _look(path: Path, _time: int, _size: int) -> Contents | None:
    with open_file(path) as stream:
        start = stream.read(len(_LEGACY))
        stream.seek(0)
        if start == _LEGACY:
            return recognise(_texts(stream, _LEGACY_PICKLES))
        if start.startswith(b"PK"):
            return _in_archive(stream)
    return _in_graph(path)


def _in_archive(stream: IO[bytes]) -> Architecture | None:
    with zipfile.ZipFile(stream) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(pickles) != 1:
            return None
        with archive.open(pickles[0]) as part:
            return recognise(_texts(part, 1))


def _texts(stream: IO[bytes], count: int) -> set[str]:
    """The texts in the next pickles of a stream, without `module.` in front of them."""
    pickles = chain.from_iterable(_arguments(stream) for _ in range(count))
    return {text.removeprefix("module.") for text in pickles if isinstance(text, str)}


def _arguments(stream: IO[bytes]) -> Iterator[object]:
    for _opcode, argument, _position in pickletools.genops(stream):
        yield argument


def _in_graph(path: Path) -> OnnxContents | None:
    try:
        inputs, outputs = read_ports(path)
    except DamagedModelError:
        return None
    images = [port for port in inputs if _is_picture(port)]
    rest = [port for port in inputs if port not in images]
    if len(images) != 1 or not _could_be(outputs[0].shape, images[0].shape):
        return None
    if any(not port.dtype or port.shape not in ((), (1,)) for port in rest) or len(rest) > 1:
        return None
    return OnnxContents(images[0], rest[0] if rest else None)


def _could_be(found: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether a shape with free axes may be another; the batch axis doesn't matter."""
    pairs = zip(found[1:], wanted[1:], strict=False)
    return len(found) == len(wanted) and all(side in (None, other) for side, other in pairs)


def _is_picture(port: Port) -> bool:
    if not port.dtype or len(port.shape) != 4 or port.shape[1] != 3:
        return False
    height, width = port.shape[2:]
    return height == width and height is not None and height >= _SMALLEST_SIDE
