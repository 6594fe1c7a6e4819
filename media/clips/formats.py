"""Which files are clips, and PyAV itself."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...pipeline.errors import ImageError, MultiFaceSwapError, SettingsError
from ...pipeline.quotes import excerpt, named
from ..files import require_regular
from ..limits import MAX_PIXELS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.error import FFmpegError, InvalidDataError

OUTPUT_EXTENSIONS: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""What is written, with FFmpeg's name of it."""
HOLD_XMP: Final = ("mp4", "mov")
"""Of these, those that hold XMP."""
CLIP_EXTENSIONS: Final = frozenset(
    {
        *OUTPUT_EXTENSIONS,
        *(".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v", ".mpe", ".mpeg"),
        *(".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".qt", ".ts", ".vob", ".wmv"),
    }
)


_READ: Final = (
    "mov,matroska,avi,flv,live_flv,mpegts,mpeg,mpegvideo,ogg,asf,asf_o,mxf,gxf,dv,nut,ivf,obu,h264,hevc,vvc,m4v,h263,"
    "mjpeg,gif,apng,yuv4mpegpipe,wtv,swf,rm,vc1,nsv,roq,smk,bink,film_cpk,lvf,lxf,mlv,cine,ea,4xm,flic,mv,mvi,thp,xmv"
)
"""FFmpeg's names of the formats that are read: those that hold their pictures themselves. Playlists, scripts and
patterns of names, which lead to other files or addresses, aren't among them."""
DECODER_OPTIONS: Final = {"max_pixels": str(MAX_PIXELS)}
"""What no decoder goes beyond, whatever the file says later on."""
FOREIGN: Final = (
    ValueError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    AttributeError,
    TypeError,
    AssertionError,
    EOFError,
    struct.error,
)
"""What PyAV raises over damaged files beside errors of its own."""
_NO_CLIP: Final = (errno.EINVAL, errno.EAGAIN, errno.EBUSY)
"""What FFmpeg also says where a file's numbers make no sense."""
_DAMAGED: Final = "it is damaged, cut short, or something else"


def open_clip(source: str | os.PathLike[str] | BufferedIOBase) -> InputContainer:
    """PyAV's container of a regular file, or of a seekable stream of bytes, to be closed; errors are PyAV's own.

    Names are names of files, whatever they look like: FFmpeg would take `04.23:50.mp4` for an address. Tags that aren't
    UTF-8 come back as they went in. Raises OSError for a folder, a pipe or a device.
    """
    if isinstance(source, BufferedIOBase):
        source.seek(0)
        given: str | BufferedIOBase = source
    else:
        given = os.path.abspath(source)
        require_regular(given)
    allowed = {"format_whitelist": _READ, "protocol_whitelist": "file"}
    return pyav().open(
        given, "r", options=DECODER_OPTIONS, container_options=allowed, metadata_errors="surrogateescape"
    )


@contextmanager
def read_errors(name: str) -> Generator[None]:
    """What PyAV raises over the clip `name` becomes an ImageError."""
    refused = ffmpeg_error()
    try:
        yield
    except MultiFaceSwapError:
        raise
    except refused as error:
        raise ImageError(f"{named(name)}: can't be read as a clip: {unreadable_for(error)}") from error
    except OSError as error:
        raise ImageError(f"{named(name)}: can't be read as a clip: {excerpt(error.strerror or error)}") from error
    except MemoryError as error:
        raise ImageError(f"{named(name)}: can't be read as a clip: there is not enough memory") from error
    except FOREIGN as error:
        raise ImageError(f"{named(name)}: can't be read as a clip: {_DAMAGED} ({excerpt(error)})") from error


@contextmanager
def write_errors(output: str | os.PathLike[str], by: str = "") -> Generator[None]:
    """What PyAV and the system raise over the clip that is written, `by` an encoder, becomes an ImageError."""
    refused = ffmpeg_error()
    try:
        yield
    except MultiFaceSwapError:
        raise
    except (OSError, refused, *FOREIGN) as error:
        reason = excerpt(getattr(error, "strerror", None) or error)
        raise ImageError(f"{named(output)}: can't be written{by and f' by {by}'}: {reason}") from error


def is_clip(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of a clip."""
    return Path(path).suffix.lower() in CLIP_EXTENSIONS


def output_format(path: str | os.PathLike[str]) -> str:
    """FFmpeg's name of the format to write. Raises SettingsError for another extension."""
    extension = Path(path).suffix.lower()
    if extension not in OUTPUT_EXTENSIONS:
        raise SettingsError(
            f"{named(path)}: can't tell the format: end a clip's name in {', '.join(OUTPUT_EXTENSIONS)}"
        )
    return OUTPUT_EXTENSIONS[extension]


def pyav():  # noqa: ANN201 - a module can't be named as a type; type checkers infer this one
    """The module `av`. Raises ImageError where it isn't installed."""
    try:
        import av
    except ImportError as error:
        raise ImageError(
            f"clips need PyAV, which can't be imported ({error}): pip install 'multifaceswap[video]', or pip install av"
        ) from error
    return av


def damage_error() -> type[InvalidDataError]:
    """What PyAV raises where data can't be understood. Raises ImageError where PyAV isn't installed."""
    pyav()
    from av.error import InvalidDataError

    return InvalidDataError


def ffmpeg_error() -> type[FFmpegError]:
    """What PyAV raises where FFmpeg can't read or write. Raises ImageError where PyAV isn't installed."""
    pyav()
    from av.error import FFmpegError

    return FFmpegError


def unreadable_for(error: FFmpegError) -> str:
    """Why a file can't be read as a clip, in words; raises ImageError where PyAV isn't installed."""
    pyav()
    from av.error import EOFError as EndOfFileError

    if isinstance(error, (damage_error(), EndOfFileError)) or error.errno in _NO_CLIP:
        return _DAMAGED
    return excerpt(error.strerror or error)
