"""Whether a model file is what its name says: by its hash where that is known, by its first and last bytes anyway."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..media.files import open_file
from ..pipeline.errors import DamagedModelError
from ..pipeline.quotes import named
from .digests import sha256_of
from .runtime.onnx_file import read_ports
from .spec import ModelFile

_HEAD = 512
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_ONNX_FIELDS = b"\x08\x12\x1a\x22\x28\x32\x3a\x42"
"""First bytes of the fields of an ONNX file (`ModelProto` in `onnx.proto3`)."""


def verify(path: Path, file: ModelFile) -> str:
    """Nothing for a published file, or where no hash is known; a note for one that is sound but has another hash.

    Raises DamagedModelError for what can't be such a model: an empty file, a web page, a file cut short. Files of this
    package must have their hash. Whether the contents fit the network shows when it is opened.
    """
    if file.sha256 and sha256_of(path) in file.sha256:
        return ""
    if file.built_in:
        raise DamagedModelError(
            f"{named(path)} was changed or damaged ({difference(path, file)}). Install the package again."
        )
    require_intact(path, Path(file.name).suffix)
    return f"{path.name} is not the published file, but used ({difference(path, file)})" if file.sha256 else ""


def wrong_size(path: Path, file: ModelFile) -> str:
    """Says that a file is smaller or larger than the published one; nothing where it isn't, or none is known."""
    size = path.stat().st_size
    if not file.sizes or size in file.sizes:
        return ""
    return f"{path.name} has {size:,} bytes, the published file {' or '.join(f'{known:,}' for known in file.sizes)}."


def difference(path: Path, file: ModelFile) -> str:
    """In what a file differs from the published ones."""
    parts = [f"sha256 {sha256_of(path)}"]
    if file.sha256:
        parts[0] += f", published {' or '.join(file.sha256)}"
    size = path.stat().st_size
    if file.sizes and size not in file.sizes:
        parts.append(f"{size:,} bytes, published {' or '.join(f'{known:,}' for known in file.sizes)}")
    return "; ".join(parts)


def require_intact(path: Path, suffix: str) -> None:
    """Raise DamagedModelError for a file that can't be what `suffix` says: `.onnx` or `.pth`."""
    if not path.stat().st_size:
        raise DamagedModelError(f"{named(path)} is empty. Fetch it again.")
    with open_file(path) as stream:
        head = stream.read(_HEAD)
    reason = _unsound(path, head, suffix)
    if reason:
        raise DamagedModelError(f"{named(path)} {reason}. Fetch it again.")


def _unsound(path: Path, head: bytes, suffix: str) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return "is a web page, not a model: the address answered with a page, e.g. for signing in or for an error"
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the model that it stands for"
    if text.startswith(b"{"):
        return "is a text, not a model: the address answered with a message"
    if suffix == ".onnx":
        if head[0] not in _ONNX_FIELDS:
            return "is no ONNX model: it starts with other bytes"
        read_ports(path)
    if suffix == ".pth":
        return _unsound_weights(path, head)
    return ""


def _unsound_weights(path: Path, head: bytes) -> str:
    if head.startswith(_ZIP):
        # The list of contents is at the end of such a file.
        return "" if zipfile.is_zipfile(path) else "is cut short: its end is missing"
    return "" if head.startswith(_PICKLE) else "is no torch file: it starts with other bytes"
