"""Files in folders and in object storage, by path or URL (`s3://bucket/folder`), through fsspec.

Whatever is written appears complete or not at all: under a name of its own first, then under the right one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from ..media.pictures import write_file
from ..pipeline.errors import ImageError, SettingsError


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: a path of this machine, or a URL."""

    address: str

    @property
    def is_remote(self) -> bool:
        return "://" in self.address

    @property
    def name(self) -> str:
        return PurePosixPath(self.address.replace(os.sep, "/")).name

    @property
    def parent(self) -> Place:
        if self.is_remote:
            return Place(self.address.rstrip("/").rpartition("/")[0])
        return Place(str(Path(self.address).parent))

    def at(self, name: str) -> Place:
        """What lies in this folder under a name with forward slashes; a path or URL that is whole stays as it is."""
        if "://" in name or os.path.isabs(name):
            return Place(name)
        return Place(f"{self.address.rstrip('/')}/{name}" if self.is_remote else str(Path(self.address) / name))

    def is_folder(self) -> bool:
        return self._files().isdir(self.address) if self.is_remote else os.path.isdir(self.address)

    def exists(self) -> bool:
        return bool(self._files().exists(self.address)) if self.is_remote else os.path.exists(self.address)

    def inside(self) -> list[str]:
        """The names of all files in this folder and the folders in it, sorted, with forward slashes; no hidden ones."""
        if self.is_remote:
            files = self._files()
            start = len(files._strip_protocol(self.address).rstrip("/")) + 1
            found = [path[start:] for path in files.find(self.address)]
        else:
            root = Path(self.address)
            found = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
        return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))

    def version(self) -> str:
        """Another text for every change of the file. Raises OSError where there is none."""
        if self.is_remote:
            return str(self._files().ukey(self.address))
        status = os.stat(self.address)
        return f"{status.st_size}-{status.st_mtime_ns}"

    def read(self) -> bytes:
        """Raises OSError."""
        return bytes(self._files().cat_file(self.address)) if self.is_remote else Path(self.address).read_bytes()

    def write(self, data: bytes) -> None:
        """Raises OSError or ImageError."""
        if not self.is_remote:
            write_file(self.address, data)
            return
        with self.filled() as path:
            path.write_bytes(data)

    @contextmanager
    def fetched(self) -> Iterator[Path]:
        """The file on this machine, for as long as the block lasts."""
        if not self.is_remote:
            yield Path(self.address)
            return
        with TemporaryDirectory(prefix="multifaceswap-") as folder:
            path = Path(folder) / self.name
            self._files().get_file(self.address, str(path))
            yield path

    @contextmanager
    def filled(self) -> Iterator[Path]:
        """Where on this machine to write the file, by a writer that leaves whole files only."""
        if not self.is_remote:
            Path(self.address).parent.mkdir(parents=True, exist_ok=True)
            yield Path(self.address)
            return
        with TemporaryDirectory(prefix="multifaceswap-") as folder:
            path = Path(folder) / self.name
            yield path
            files, temporary = self._files(), self.parent.at(f".{secrets.token_hex(8)}.tmp").address
            files.makedirs(self.parent.address, exist_ok=True)
            files.put_file(str(path), temporary)
            files.mv(temporary, self.address)

    def _files(self) -> Any:
        """fsspec's file system of the URL's scheme. SettingsError for an unknown one, ImageError without fsspec."""
        scheme = self.address.partition("://")[0]
        try:
            return import_module("fsspec").filesystem(scheme)
        except ImportError as error:
            raise ImageError(
                f"{self.address}: can't be reached: {error}. Object storage needs fsspec, which comes with "
                "multifaceswap[ray], and what its kind needs: s3fs for s3, gcsfs for gs, adlfs for abfs."
            ) from error
        except ValueError as error:
            raise SettingsError(f"{self.address}: {error}") from error
