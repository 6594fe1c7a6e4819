"""The CRC32 that a source publishes in a small file beside a model: asked for when the model is fetched, and kept."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from typing import Final, cast

from ..media.atomic import write_atomic
from .caches import cache_folder
from .spec import ModelFile

log = logging.getLogger(__name__)

_CRC32: Final = re.compile(rb"\s*([0-9a-fA-F]{8})\s*")
_LONGEST: Final = 64
_TIMEOUT: Final = (15, 30)
"""Seconds to connect and for the answer."""


def known(file: ModelFile) -> ModelFile:
    """The file with the CRC32 that its source gave when it was fetched, where no hash of it is known otherwise."""
    if file.is_proven or not file.crc32_urls:
        return file
    kept = _read()
    return replace(file, crc32=tuple(kept[url] for url in file.crc32_urls if url in kept))


def asked(file: ModelFile) -> ModelFile:
    """As `known`, asking the source; without its answer the file is as it was, and a warning says so."""
    if file.is_proven or not file.crc32_urls:
        return file
    found = {url: value for url in file.crc32_urls for value in [_ask(url)] if value}
    if not found:
        log.warning("%s: its source doesn't say its CRC32, so that its contents alone are checked", file.name)
        return known(file)
    _keep(found)
    return replace(file, crc32=tuple(dict.fromkeys(found.values())))


def _ask(url: str) -> str:
    import requests

    try:
        with requests.get(url, timeout=_TIMEOUT, stream=True) as response:
            # Servers may compress so small a text, asked for or not.
            parts = response.iter_content(_LONGEST + 1)
            content = next(parts, b"") if response.status_code == 200 else b""
    except (requests.RequestException, OSError, ValueError) as error:
        log.debug("%s: no answer (%s)", url, type(error).__name__)
        return ""
    match = _CRC32.fullmatch(content)
    return match[1].decode().lower() if match else ""


def _read() -> dict[str, str]:
    """What was kept; nothing where that can't be read, for it can be asked for again."""
    try:
        content: object = json.loads((cache_folder() / "crc32.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        log.debug("no published CRC32 is kept: %s", error)
        return {}
    if not isinstance(content, dict):
        return {}
    rows = cast("dict[str, object]", content).items()
    return {url: value for url, value in rows if isinstance(value, str) and _CRC32.fullmatch(value.encode())}


def _keep(found: dict[str, str]) -> None:
    try:
        write_atomic(cache_folder() / "crc32.json", json.dumps(_read() | found).encode())
    except OSError as error:
        log.debug("published CRC32s aren't kept: %s", error)
