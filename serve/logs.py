"""What a server writes down: a line of JSON an event, without pictures, paths and keys."""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import datetime, timezone
from typing import Final

from ..pipeline.quotes import excerpt
from .errors import without_folders

_FIELDS: Final = "fields"
_PROGRAM: Final = __name__.partition(".")[0]


def event(log: logging.Logger, name: str, level: int = logging.INFO, **fields: str | float | None) -> None:
    """Write an event with its numbers and names. Nothing else is written: no header, no body, no address."""
    log.log(level, name, extra={_FIELDS: {key: value for key, value in fields.items() if value is not None}})


class JsonLines(logging.Formatter):
    """Records as objects: time, level, event, and an event's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        said = {"time": time, "level": record.levelname.lower(), "event": _plain(record.getMessage())}
        said |= getattr(record, _FIELDS, {})
        if record.exc_info and record.exc_info[1] is not None:
            said |= _where(record.exc_info[1])
        return json.dumps(said)


def set_up(level: int = logging.INFO) -> None:
    """Have all that this process logs written to stderr that way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Others write what they were given, such as addresses with what clients put into them.
    handler.addFilter(_is_own)
    threading.excepthook = _unhandled


def _is_own(record: logging.LogRecord) -> bool:
    """Events of this program, and what uvicorn says of its start, end and mistakes."""
    return record.name.partition(".")[0] == _PROGRAM or record.name == "uvicorn.error"


def _unhandled(arguments: threading.ExceptHookArgs) -> None:
    """In place of a traceback, which shows paths."""
    if arguments.exc_value is not None:
        name = "" if arguments.thread is None else arguments.thread.name
        fields = {"thread": name, **_where(arguments.exc_value)}
        event(logging.getLogger(__name__), "thread ended", logging.CRITICAL, **fields)


def _where(error: BaseException) -> dict[str, str]:
    """An exception's kind and the function that it came from: its words may hold what a client sent."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}"
    return {"error": type(error).__name__, "where": where}


def _plain(text: str) -> str:
    return without_folders(excerpt(text))
