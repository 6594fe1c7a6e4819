"""The tables that hold a server's state, in SQLite or PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from ..pipeline.errors import MissingPackageError, SettingsError
from ..pipeline.quotes import excerpt

METADATA: Final = MetaData()
REQUESTS: Final = Table(
    "requests",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created", Float(53), nullable=False),
    Column("rank", Float(53), nullable=False),
    Column("finished", Float(53)),
    Column("settings", Text, nullable=False),
    Column("base64", Boolean, nullable=False),
    Column("source", String(64), nullable=False),
    Column("target", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("idempotency", String(256)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claim", String(64)),
    Column("lease", Float(53)),
    Column("output", String(64)),
    Column("error", Text),
    Column("detail", Text),
    Column("notes", Text, nullable=False),
    Column("seconds", Float(53)),
    UniqueConstraint("owner", "idempotency"),
    Index("requests_by_rank", "status", "rank"),
    Index("requests_by_owner", "owner", "created"),
)
PICTURES: Final = Table(
    "pictures",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("expires", Float(53)),
    Column("lasting", Boolean, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("pictures_by_expiry", "expires"),
    Index("pictures_by_owner", "owner", "created"),
    Index("pictures_by_size", "size"),
)
KEYS: Final = Table(
    "keys",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("salt", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created", Float(53), nullable=False),
)
UPLOADS: Final = Table(
    "uploads",
    METADATA,
    Column("picture", String(64), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("owner", "digest"),
)
CALLS: Final = Table(
    "calls",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("created", Float(53), nullable=False),
    Index("calls_by_owner", "owner", "created"),
)
_WRITING: Final = "writing"
_WAIT_MS: Final = 30_000
_DISK_FULL: Final = "53100"
"""PostgreSQL's word for it."""


def state_of(folder: Path) -> str:
    """The URL of the SQLite file that holds the state of a folder."""
    return f"sqlite:///{folder / 'serve.sqlite3'}"


def opened(url: str) -> Engine:
    """A database with the tables, made where they are missing: `sqlite:///file` or `postgresql://user@host/name`.

    Raises SettingsError for another kind of URL, MissingPackageError without PostgreSQL's driver, and
    `sqlalchemy.exc.SQLAlchemyError` where it can't be reached.
    """
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    METADATA.create_all(engine)
    return engine


def for_writing(engine: Engine) -> Engine:
    """The same database, whose transactions keep other writers out from their start: none of them fails halfway."""
    return engine.execution_options(**{_WRITING: True})


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        name = parsed.get_backend_name()
        if name not in ("sqlite", "postgresql"):
            raise SettingsError(f"--state: expected sqlite:///file or postgresql://user@host/name, got {name}://")
        driver = parsed.set(drivername="postgresql+psycopg") if name == "postgresql" else parsed
        return create_engine(driver, pool_size=16, max_overflow=48, pool_pre_ping=name == "postgresql")
    except ImportError as error:
        raise MissingPackageError("--state postgresql:// needs psycopg: pip install 'psycopg[binary]'") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise SettingsError("--state: expected sqlite:///file or postgresql://user@host/name") from error


def _prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """WAL lets readers go on beside a writer; FULL has what is committed on the disk when the call returns."""
    connection.isolation_level = None
    for pragma in (f"busy_timeout={_WAIT_MS}", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def unreachable(error: Exception) -> str:
    """Why a database can't be used, in one line without the URL, which may hold a password."""
    return excerpt(str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0])


def is_full(error: Exception) -> bool:
    """Whether a database can't be written to for want of room on its disk."""
    reason = getattr(error, "orig", None)
    return "disk is full" in str(reason) or getattr(reason, "sqlstate", "") == _DISK_FULL
