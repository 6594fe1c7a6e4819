"""Whether swaps succeed here, and by what: tried out before the first request, which then doesn't wait for models."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, cast

from ..app.report import Json
from ..app.settings import Value, checked
from .context import Readiness
from .values import Claimed, Outcome
from .worker import Work

_EXAMPLE: Final = Path(__file__).parent.parent / "examples" / "astronaut.png"


class WarmUp:
    """A swap in a picture of the package, by whoever does the work: nothing short of that shows what models run on."""

    def __init__(self, work: Work, defaults: Mapping[str, Value]) -> None:
        self._work = work
        self._defaults = defaults
        self._tried: Future[Outcome] | None = None

    def start(self) -> None:
        pool = ThreadPoolExecutor(1, thread_name_prefix="warm-up")
        self._tried = pool.submit(self._try)
        pool.shutdown(wait=False)

    def readiness(self) -> Readiness:
        """Which models under which licences it took, and what each really ran on."""
        if self._tried is None or not self._tried.done():
            return Readiness(False, error="models are being loaded")
        if error := self._tried.exception():
            return Readiness(False, error=f"internal error ({type(error).__name__})")
        outcome = self._tried.result()
        return Readiness(outcome.picture is not None, tuple(_lines(outcome.detail)), outcome.error)

    def _try(self) -> Outcome:
        picture = _EXAMPLE.read_bytes()
        settings = checked({"image_format": "png", **self._defaults}, "picture", "file")
        return self._work(Claimed("warm-up", "", 1, picture, picture, settings))


def _lines(detail: Mapping[str, Json]) -> list[str]:
    models = cast("list[Mapping[str, Json]]", detail.get("models", []))
    named = [f"{one['use']} {one['name']}" for one in models]
    return [*named, *cast("list[str]", detail.get("runs_on", []))]
