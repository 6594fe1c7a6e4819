"""One swap: what is asked, and what comes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...pipeline.errors import SettingsError, require_choice
from ...pipeline.types import Picture, Size
from .settings import DEFAULT_POLL_INTERVAL, DEFAULT_TIMEOUT, MODES, TRANSPORTS, SegmindSettings, SettingValue

if TYPE_CHECKING:
    # Menus need the constants here, and no picture codec for that.
    from .endpoint import Endpoint
    from .key import ApiKey
    from .media import Media


def never() -> bool:
    return False


def ignore(stage: str) -> None:
    pass


@dataclass(frozen=True, slots=True, eq=False)
class SegmindJob:
    """What is asked. SettingsError where mode, transport and pictures don't fit together."""

    source: Media
    target: Media
    settings: SegmindSettings
    mode: str = MODES[0]
    transport: str = TRANSPORTS[0]
    timeout: float = DEFAULT_TIMEOUT
    poll_interval: float = DEFAULT_POLL_INTERVAL
    run_again: int = 0
    progress: Callable[[str], None] = ignore

    def __post_init__(self) -> None:
        require_choice("mode", self.mode, MODES)
        require_choice("transport", self.transport, TRANSPORTS)
        for name, value in (("timeout", self.timeout), ("poll_interval", self.poll_interval)):
            if not 0 < value < float("inf"):
                raise SettingsError(f"{name}: expected seconds above 0, got {value}")
        if self.transport == "url" and not (self.source.url and self.target.url):
            raise SettingsError("transport: url needs source and target as http(s) URLs, not as pictures")

    @property
    def is_synchronous(self) -> bool:
        return self.mode == "synchronous"

    def digest(self, endpoint: Endpoint, key: ApiKey) -> str:
        """The job's name in the journal: one for the same account, the same pictures and the same settings.

        Mode and transport change nothing in the picture, so they are left out; `run_again` asks for another name.
        """
        asked = [endpoint.base, key.fingerprint(), self.source.digest, self.target.digest, self.run_again]
        return hashlib.sha256(json.dumps([*asked, self.settings.values()], sort_keys=True).encode()).hexdigest()

    def payload(self, source_uri: str, target_uri: str) -> dict[str, SettingValue]:
        """The request's body."""
        return {"source_img": source_uri, "target_img": target_uri, **self.settings.values()}


@dataclass(frozen=True, slots=True, eq=False)
class SegmindResult:
    """What came of it. Hand it to `SegmindClient.delivered` once it is safe."""

    picture: Picture
    """(H, W, 3) RGB or (H, W, 4) RGBA, uint8."""
    data: bytes
    """The file as it came."""
    image_format: str
    """jpeg, png or webp: what `data` really is."""
    request_id: str | None
    """None of a synchronous call that gave none."""
    inference_seconds: float | None
    credits: str | None
    """What the server said about credits, in its words."""
    report: tuple[str, ...]
    digest: str
    """The job's name in the journal."""

    @property
    def size(self) -> Size:
        return Size.of(self.picture)
