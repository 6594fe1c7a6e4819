"""What stands for a picture in a request, and the picture that it stands for."""

from __future__ import annotations

import re
from collections.abc import Collection
from threading import Event
from typing import Final
from urllib.parse import urlsplit

from ..app.engine_needs import require_usable
from ..app.faces.folders import PREFIX, FaceFolders
from ..app.faces.keeping import read_saved
from ..hosted.segmind.endpoint import is_web_url
from ..hosted.segmind.media import decode_base64
from ..media.pictures import looked_at
from ..pipeline.errors import ImageError, MultiFaceSwapError, SettingsError
from ..pipeline.types import Size
from .config import ServeConfig
from .errors import Refusal, public_text
from .fetching import fetch
from .store import Store
from .values import SAVED, Image

FILES: Final = "/files/"
"""Where uploads and results are served."""
_DATA: Final = re.compile(r"data:(?:[^,]*;base64,)?", re.IGNORECASE)


class Pictures:
    """Finds the pictures that requests name."""

    def __init__(self, config: ServeConfig, store: Store, faces: FaceFolders, stopping: Event) -> None:
        """`stopping` ends what is fetched."""
        self._stopping = stopping
        self._config = config
        self._store = store
        self._faces = faces

    def source(self, reference: str, name: str, own: Collection[str], swap_model: str) -> Image:
        """As `image`, or for `face:NAME` a face that is saved on this machine: its file as it is now. Raises Refusal,
        also where it lacks what the engine takes."""
        if not reference.startswith(PREFIX):
            return self.image(reference, name, own)
        try:
            path = self._faces.find(reference.removeprefix(PREFIX))
        except SettingsError as error:  # its own words name the folder, and whose faces else are there
            raise Refusal(400, f"{name}: no face is saved under this name on this server") from error
        try:
            data = path.read_bytes()
            require_usable(read_saved(path).faces.flat(), swap_model, lambda _: f"{name}: {reference}")
        except (MultiFaceSwapError, OSError) as error:
            raise Refusal(400, public_text(error, path.parent)) from error
        return Image(data, SAVED)

    def image(self, reference: str, name: str, own: Collection[str]) -> Image:
        """The picture that a source or target names: a data URI, an http(s) URL, or a URL of this server itself.

        `name` is what refusals call it; `own` are the addresses that this server answers at, whose pictures are read
        without a network. Raises Refusal where there is no picture, or none that may be used.
        """
        if _DATA.match(reference):
            return self.from_data_uri(reference, name)
        if not is_web_url(reference):
            raise Refusal(400, f"{name}: expected a picture's http(s) URL or its data URI")
        if (kept := own_file(reference, own)) is not None:
            return self._kept(kept, name)
        config = self._config
        data = fetch(reference, name, config.limits.body_bytes, private=config.allow_private, stopping=self._stopping)
        return self._looked_at(data, name)

    def from_data_uri(self, uri: str, name: str) -> Image:
        """The picture of a data URI in base64. Raises Refusal."""
        start = _DATA.match(uri)
        data = start and _decoded(uri[start.end() :])
        if not data:
            raise Refusal(400, f"{name}: expected a data URI such as data:image/png;base64,…")
        return self._looked_at(data, name)

    def _kept(self, picture_id: str, name: str) -> Image:
        image = self._store.picture(picture_id)
        if image is None:
            raise Refusal(400, f"{name}: this server has no such picture, or no longer")
        return image

    def _looked_at(self, data: bytes, name: str) -> Image:
        """Its header is read; what else is wrong with it is found when it is worked on."""
        try:
            found = looked_at(data, name)
        except ImageError as error:
            raise Refusal(400, public_text(error)) from error
        self._require_pixels(found.size, name)
        return Image(data, found.media_type)

    def _require_pixels(self, size: Size, name: str) -> None:
        most = self._config.limits.pixels
        if size.width * size.height > most:
            raise Refusal(413, f"{name}: {size} is larger than {most:,} pixels, the most that this server takes")


def _decoded(payload: str) -> bytes | None:
    """The bytes of base64 text, with or without the marks that fill it up."""
    text = "".join(payload.split()).rstrip("=")
    return decode_base64(text + "=" * (-len(text) % 4))


def is_elsewhere(reference: str, own: Collection[str]) -> bool:
    """Whether a picture is fetched from another server."""
    return is_web_url(reference) and own_file(reference, own) is None


def own_file(url: str, own: Collection[str]) -> str | None:
    """The id of the picture that a URL of this server names; None for any other URL."""
    for address in own:
        start = f"{address}{FILES}"
        if url.startswith(start):
            return urlsplit(url).path.rpartition("/")[2].partition(".")[0]
    return None


def file_name(picture_id: str, media_type: str) -> str:
    """What a picture's URL ends in: programs tell the format by it."""
    return f"{picture_id}.{_EXTENSIONS.get(media_type, media_type.rpartition('/')[2])}"


_EXTENSIONS: Final = {"image/jpeg": "jpg", "image/tiff": "tif"}
