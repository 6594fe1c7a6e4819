"""How much room pictures take, who takes it, and whether there is any."""

from __future__ import annotations

from pathlib import Path
from shutil import disk_usage
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, true

from .config import Limits
from .errors import Refusal
from .tables import CALLS, PICTURES, for_writing
from .values import NOBODY

_PROBE: Final = "(is it writable?)"
"""No key has this name."""
_LEAST_BYTES: Final = 64 << 20


def require_space(connection: Connection, limits: Limits, owner: str, size: int) -> None:
    """Raise Refusal, 507, where another picture of `size` bytes finds no room: in all of the server's, or in the half
    of it that one key may take."""
    if _held(connection, true()) + size > limits.storage_bytes:
        raise Refusal(507, f"this server has no room for more pictures: {_when(limits)}")
    share = limits.storage_bytes / 2
    if owner != NOBODY and _held(connection, PICTURES.c.owner == owner) + size > share:
        raise Refusal(507, f"this key's pictures take half of the server's room, the most of one key: {_when(limits)}")


def require_disk(engine: Engine) -> None:
    """Raise `sqlalchemy.exc.SQLAlchemyError` where nothing can be written, and Refusal, 507, where the disk of the
    server's own file is about to be full."""
    with for_writing(engine).begin() as connection:
        connection.execute(delete(CALLS).where(CALLS.c.owner == _PROBE))
        connection.execute(insert(CALLS).values(owner=_PROBE, created=0))
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if file and disk_usage(Path(file).absolute().parent).free < _LEAST_BYTES:
        raise Refusal(507, f"the disk with the server's state has less than {_LEAST_BYTES >> 20} MiB left")


def _held(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.coalesce(func.sum(PICTURES.c.size), 0)).where(condition)).scalar_one()


def _when(limits: Limits) -> str:
    return (
        f"results go after {limits.keep:g} seconds and uploads after {limits.keep_uploads:g}, "
        "or when their owners delete them"
    )
