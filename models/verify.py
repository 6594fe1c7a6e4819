"""Whether a model file is what its name says: by its hash where that is known, by its first and last bytes anyway."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..media.files import open_file
from ..pipeline.errors import DamagedModelError
from ..pipeline.quotes import named
from .digests import digests_of, sha256_of
from .published import known
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
    file = known(file)
    if file.is_proven and has_hash(path, file):
        return ""
    if file.built_in:
        raise DamagedModelError(
            f"{named(path)} was changed or damaged ({difference(path, file)}). Install the package again."
        )
    require_intact(path, Path(file.name).suffix)
    return f"{path.name} is not the published file, but used ({difference(path, file)})" if file.is_proven else ""


def has_hash(path: Path, file: ModelFile) -> bool:
    """Whether a file has one of the accepted hashes: a sha256 where one is published, else a CRC32."""
    digests = digests_of(path)
    return digests.sha256 in file.sha256 or (not file.sha256 and digests.crc32 in file.crc32)


def proof(path: Path, file: ModelFile) -> str:
    """By what a file that `verify` says nothing of is told to be the published one, for people."""
    file = known(file)
    if file.sha256:
        return "intact"
    if file.crc32:
        return f"intact by its published CRC32 {digests_of(path).crc32}; its sha256 is {sha256_of(path)}"
    return f"sound; no hash is known to compare it with; its sha256 is {sha256_of(path)}"


def wrong_size(path: Path, file: ModelFile) -> str:
    """Says that a file is smaller or larger than the published one; nothing where it isn't, or none is known."""
    size = path.stat().st_size
    if not file.sizes or size in file.sizes:
        return ""
    return f"{path.name} has {size:,} bytes, the published file {' or '.join(f'{known:,}' for known in file.sizes)}."


def difference(path: Path, file: ModelFile) -> str:
    """In what a file differs from the published ones."""
    digests = digests_of(path)
    parts = [f"CRC32 {digests.crc32}, sha256 {digests.sha256}" if file.crc32 else f"sha256 {digests.sha256}"]
    if file.is_proven:
        parts[0] += f", published {file.hashes.partition(' ')[2] if file.sha256 else file.hashes}"
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
