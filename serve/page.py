"""The page to try the server with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

_FOLDER: Final = Path(__file__).parent / "files"
_FILES: Final = {"": "index.html", "page.js": "page.js", "page.css": "page.css"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'"
)


def router() -> APIRouter:
    """`/` and what it loads; nothing comes from elsewhere."""
    made = APIRouter(include_in_schema=False)
    for path, name in _FILES.items():
        made.get(f"/{path}")(_answer(name))
    return made


def _answer(name: str):  # noqa: ANN202
    def answer() -> Response:
        headers = {"Content-Security-Policy": _POLICY, "X-Frame-Options": "DENY"}
        return FileResponse(_FOLDER / name, headers=headers)

    return answer
