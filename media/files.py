"""Regular files, opened and read: whatever else has a file's name is refused at once instead of being waited for."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO, Final

_READ: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""Without the last, opening a pipe that nobody writes to would wait for somebody who does."""
_PLAYLISTS: Final = (
    *(".asx", ".concat", ".cue", ".edl", ".ffconcat", ".m3u", ".m3u8", ".mpd", ".mpls", ".pls", ".ram", ".smil"),
    *(".wpl", ".xspf"),
)
PLAYLIST: Final = "is a playlist, and what it leads to isn't read: give the picture or clip itself"
_FOLDER: Final = "it is a folder, not a file"
_SPECIAL: Final = "it is not a regular file"


def is_playlist(name: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of a list of other files or addresses, which aren't followed."""
    return str(name).lower().endswith(_PLAYLISTS)


def require_regular(path: str | os.PathLike[str]) -> None:
    """Raise OSError for a folder, a pipe, a device, a socket, and where there is nothing."""
    _require(os.stat(path), path)


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, to be read. Raises OSError, as `require_regular` too."""
    try:
        require_regular(path)
        descriptor = os.open(path, _READ)
    except ValueError as error:  # a name that no file can have
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from error
    try:
        _require(os.fstat(descriptor), path)  # what has the name may be another file by now
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_file(path: str | os.PathLike[str], most: int) -> bytes:
    """The bytes of a regular file. Raises OSError, for one of more than `most` bytes too."""
    with open_bounded(path, most) as file:
        # Python asks for room for all that may come.
        return bounded(file.read(os.fstat(file.fileno()).st_size + 1), most)


def open_bounded(path: str | os.PathLike[str], most: int) -> BinaryIO:
    """A regular file, to be read. Raises OSError, for one of more than `most` bytes too, of which nothing is read."""
    file = open_file(path)
    if os.fstat(file.fileno()).st_size > most:
        file.close()
        raise _too_large(most)
    return file


def bounded(data: bytes, most: int) -> bytes:
    """What was read of a file, at most one byte more than `most`; OSError where that byte is there."""
    if len(data) > most:
        raise _too_large(most)
    return data


def _too_large(most: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than {most:,} bytes")


def _require(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, _FOLDER, os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, _SPECIAL, os.fspath(path))
