"""The keys that clients call with: shown once when they are made, and kept as salted hashes alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ..pipeline.errors import SettingsError
from ..pipeline.quotes import quoted
from .tables import CALLS, KEYS, PICTURES, REQUESTS, UPLOADS, for_writing

_PREFIX = "mfs_"
_NAME = re.compile(r"[\w.@-]{1,64}")


class KeyRow(NamedTuple):
    name: str
    created: float
    """Seconds since 1970."""


class Keys:
    """The keys of a server's state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = for_writing(engine)

    def add(self, name: str) -> str:
        """A new key, which nothing shows again. Raises SettingsError for a name that is taken, or none."""
        if not _NAME.fullmatch(name):
            raise SettingsError(f"a key's name: expected up to 64 letters, digits and ._@-, got {quoted(name)}")
        key, salt = _PREFIX + secrets.token_urlsafe(32), secrets.token_hex(16)
        row = {"name": name, "salt": salt, "digest": _digest(salt, key), "created": time.time()}
        try:
            with self._writing.begin() as connection:
                connection.execute(insert(KEYS).values(row))
        except IntegrityError as error:
            raise SettingsError(f"there is a key {quoted(name)} already: choose another name, or remove it") from error
        return key

    def remove(self, name: str) -> None:
        """Have a key count no longer, from the next call on. Raises SettingsError where there is none of that name."""
        with self._writing.begin() as connection:
            removed = connection.execute(delete(KEYS).where(KEYS.c.name == name).returning(KEYS.c.salt)).first()
            if removed is None:
                raise SettingsError(f"there is no key {quoted(name)}")
            _disown(connection, name, removed.salt)

    def listed(self) -> list[KeyRow]:
        with self._engine.begin() as connection:
            rows = connection.execute(select(KEYS.c.name, KEYS.c.created).order_by(KEYS.c.name)).all()
        return [KeyRow(row.name, row.created) for row in rows]

    def __len__(self) -> int:
        with self._engine.begin() as connection:
            return connection.execute(select(func.count()).select_from(KEYS)).scalar_one()

    def owner(self, key: str) -> str | None:
        """The name of a key, or None where it is nobody's. Takes as long for one as for the other."""
        with self._engine.begin() as connection:
            rows = connection.execute(select(KEYS.c.name, KEYS.c.salt, KEYS.c.digest)).all()
        owners = [row.name for row in rows if hmac.compare_digest(_digest(row.salt, key), row.digest)]
        return owners[0] if owners else None


def _disown(connection: Connection, name: str, salt: str) -> None:
    """What a key has made is nobody's once it is removed: another key of its name has none of it."""
    for table in (REQUESTS, PICTURES, UPLOADS, CALLS):
        connection.execute(update(table).where(table.c.owner == name).values(owner=f"removed:{salt}"))


def _digest(salt: str, key: str) -> str:
    """SHA-256 is enough: keys are 256 random bits, which no list of likely ones holds."""
    return hashlib.sha256(f"{salt}:{key}".encode(errors="surrogatepass")).hexdigest()
