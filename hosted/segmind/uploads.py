"""Pictures become lasting URLs, each uploaded once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .answers import ApiResponse
from .media import Media
from .responses import read_upload


class Uploads:
    """The URLs of the pictures that were uploaded in this object's life."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._urls: dict[str, str] = {}

    def url(self, media: Media, post: Callable[[list[str]], ApiResponse]) -> str:
        """The picture's URL; `post` uploads it if that wasn't done yet. One thread does, others wait for it.

        Raises what `post` does, the error of a refusal, and ResultError for an answer without a URL.
        """
        with self._guard:
            lock = self._locks.setdefault(media.digest, threading.Lock())
        with lock:
            if media.digest not in self._urls:
                self._urls[media.digest] = read_upload(post([media.data_uri()]))
            return self._urls[media.digest]
