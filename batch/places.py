"""Files in folders and in object storage, by path or URL (`s3://bucket/folder`), through universal_pathlib.

Whatever is written appears complete or not at all: first under a temporary name, then under the right one.
"""

from __future__ import annotations

import ftplib
import hashlib
import os
import re
import tarfile
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, cast

from ..media.atomic import temporary_name
from ..media.files import bounded, read_file, require_regular
from ..media.pictures import write_file
from ..pipeline.errors import ImageError, SettingsError
from ..pipeline.quotes import excerpt, named

if TYPE_CHECKING:
    from upath import UPath


_MOST_READ = 64 << 20
_OWN_FILES = re.compile(
    r"(?:file|local):(?://(?:localhost(?=/))?|(?=/))(?:/(?P<drive>[A-Za-z]:.*)|(?P<path>.*))", re.DOTALL | re.IGNORECASE
)
_WEB = ("http://", "https://")
"""Whose addresses go on behind a name."""
_FOREIGN = (
    *ftplib.all_errors,
    zipfile.BadZipFile,
    tarfile.TarError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    EOFError,
)
"""What file systems raise on damaged archives, refused logins and addresses that they can't read."""


class _Files(Protocol):
    """What is used of fsspec's file systems, which have no types."""

    def find(self, path: str) -> list[str]: ...

    def ukey(self, path: str) -> str: ...

    def get_file(self, rpath: str, lpath: str) -> None: ...

    def put_file(self, lpath: str, rpath: str) -> object: ...

    def mv(self, path1: str, path2: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: a path of this machine, or a URL. URLs of this machine's files (`file:///…`) become paths.

    What opens a URL raises SettingsError for an unknown scheme, and ImageError without the packages that it needs.
    """

    address: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", _plain(self.address))

    @property
    def is_remote(self) -> bool:
        return "://" in self.address

    @property
    def name(self) -> str:
        if not self.is_remote:
            return PurePosixPath(self.address.replace(os.sep, "/")).name
        own = self._links()[1].partition("://")[2]
        return PurePosixPath(own.partition("?")[0] if self.address.startswith(_WEB) else own).name

    @property
    def parent(self) -> Place:
        if self.is_remote:
            before, own, after = self._links()
            scheme, _, path = own.partition("://")
            return Place(f"{before}{scheme}://{path.rstrip('/').rpartition('/')[0]}{after}")
        return Place(str(Path(self.address).parent))

    def at(self, name: str) -> Place:
        """What is in this folder under a name with forward slashes; an absolute path or a URL stays as it is."""
        if "://" in name or os.path.isabs(_plain(name)):
            return Place(name)
        if self.is_remote:
            before, own, after = self._links()
            return Place(f"{before}{own if own.endswith('://') else own.rstrip('/') + '/'}{name}{after}")
        return Place(str(Path(self.address) / name))

    def _links(self) -> tuple[str, str, str]:
        """Of a chain such as `zip://inner.png::s3://bucket/a.zip`: what leads to the file, its own URL, where that is
        in."""
        links = self.address.split("::")
        own = next(number for number, link in enumerate(links) if "://" in link)
        return (
            "".join(f"{link}::" for link in links[:own]),
            links[own],
            "".join(f"::{link}" for link in links[own + 1 :]),
        )

    def is_folder(self) -> bool:
        with _reached(self.address):
            return self._path().is_dir()

    def exists(self) -> bool:
        with _reached(self.address):
            return self._path().exists()

    def size(self) -> int | None:
        """Bytes of a file; None where there is none."""
        try:
            with _reached(self.address):
                return int(self._path().stat().st_size)
        except FileNotFoundError:
            return None

    def inside(self) -> list[str]:
        """The names of all files in this folder and the folders in it, sorted, with forward slashes; no hidden ones."""
        root = self._path()
        if isinstance(root, Path):
            found = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
        else:
            # One listing, where a walk would ask for every file.
            top = root.path.rstrip("/")
            with _reached(self.address):
                found = [path.removeprefix(top).lstrip("/") for path in _files(root).find(root.path)]
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def version(self) -> str:
        """Another text for every change of the file, or of a folder's files. Raises OSError where there is none."""
        path = self._path()
        if not isinstance(path, Path):
            with _reached(self.address):
                return _files(path).ukey(path.path)
        status = path.stat()
        if path.is_dir():
            inside = [f"{name} {self.at(name).version()}" for name in self.inside()]
            return hashlib.sha256("\n".join(inside).encode("utf-8", "surrogateescape")).hexdigest()
        return f"{status.st_size}-{status.st_mtime_ns}"

    def read(self) -> bytes:
        """A text file's bytes: a manifest or a record. Raises OSError, for one of more than 64 MiB too."""
        path = self._path()
        if isinstance(path, Path):
            return read_file(path, _MOST_READ)
        with _reached(self.address), path.open("rb") as file:
            return bounded(file.read(_MOST_READ + 1), _MOST_READ)

    def write(self, data: bytes) -> None:
        """Raises OSError or ImageError."""
        with self.filled() as path:
            write_file(path, data)

    @contextmanager
    def fetched(self) -> Generator[Path]:
        """The file on this machine, for as long as the block lasts. Raises OSError, ImageError for a pipe or device."""
        source = self._path()
        if isinstance(source, Path):
            _require_file(source)
            yield source
            return
        with TemporaryDirectory(prefix="multifaceswap-") as folder:
            path = Path(folder) / self.name
            with _reached(self.address):
                _files(source).get_file(source.path, str(path))
            yield path

    @contextmanager
    def filled(self) -> Generator[Path]:
        """Where on this machine to write the file, by a writer that leaves whole files only. Raises OSError."""
        target = self._path()
        if isinstance(target, Path):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield target
            return
        with TemporaryDirectory(prefix="multifaceswap-") as folder:
            path = Path(folder) / self.name
            yield path
            with _reached(self.address):
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary = target.parent / temporary_name()
                files = _files(target)
                files.put_file(str(path), temporary.path)
                files.mv(temporary.path, target.path)

    def _path(self) -> Path | UPath:
        return _opened(self.address) if self.is_remote else Path(self.address)


def _plain(address: str) -> str:
    """A URL of this machine's own files as the path that it stands for, as fsspec reads it; others as they are."""
    found = _OWN_FILES.fullmatch(address)
    return (found["drive"] or found["path"]) if found else address


def _require_file(path: Path) -> None:
    """Raise FileNotFoundError where there is nothing, ImageError for a folder, a pipe or a device."""
    try:
        require_regular(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ImageError(f"{named(path)}: can't be read: {excerpt(error.strerror or error)}") from error


@contextmanager
def _reached(address: str) -> Generator[None]:
    """What fsspec's file systems raise beside OSError, as one."""
    try:
        yield
    except (SettingsError, ImageError, OSError):
        raise
    except _FOREIGN as error:
        raise ImageError(f"{named(address)}: can't be reached: {excerpt(error) or type(error).__name__}") from error


def _files(path: UPath) -> _Files:
    return cast("_Files", path.fs)


def _opened(url: str) -> UPath:
    try:
        path: UPath = import_module("upath").UPath(url)
        # Made on first use: here its package is missed with one clear line.
        _ = path.fs
    except ImportError as error:
        raise ImageError(
            f"{named(url)}: can't be reached: {excerpt(error)}. Object storage needs universal_pathlib, which comes "
            "with multifaceswap[ray], and the package of its kind: s3fs for s3, gcsfs for gs, adlfs for abfs."
        ) from error
    except ValueError as error:
        raise SettingsError(f"{named(url)}: {excerpt(error)}") from error
    except _FOREIGN as error:
        raise ImageError(f"{named(url)}: can't be reached: {excerpt(error) or type(error).__name__}") from error
    return path
