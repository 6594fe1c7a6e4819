"""The page to try the server with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import FileResponse, Response

_FOLDER: Final = Path(__file__).parent / "files"
_FILES: Final = {"": "index.html", "page.js": "page.js", "page.css": "page.css"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'"
)


def add_routes(router: FastAPI) -> None:
    """`/` and what it loads; nothing comes from elsewhere."""
    for path, name in _FILES.items():
        router.get(f"/{path}", include_in_schema=False)(_answer(name))


def _answer(name: str) -> Callable[[], Response]:
    def answer() -> Response:
        headers = {"Content-Security-Policy": _POLICY, "X-Frame-Options": "DENY"}
        return FileResponse(_FOLDER / name, headers=headers)

    return answer
