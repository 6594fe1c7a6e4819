"""Requests and pictures on disk: what was accepted is never lost, and ends once."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import cast

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..app.report import Json
from .config import Limits
from .errors import Refusal, busy
from .space import require_space
from .tables import CALLS, PICTURES, REQUESTS, UPLOADS, for_writing
from .values import FAILED, OVER, PROCESSING, QUEUED, Image, Record, Swap

MINUTE = 60.0
_NEVER = 1e18
_AHEAD = 20.0
"""Seconds by which calls that wait for their result come ahead: their programs give up after 30."""
_SHOWN = 100
"""Requests that a list holds."""
_RECORD = [
    REQUESTS.c[name] for name in ("id", "status", "base64", "output", "error", "detail", "seconds", "created", "notes")
]
CANCELLED = "cancelled"


def new_id() -> str:
    """An id that can't be guessed."""
    return secrets.token_urlsafe(24)


class Store:
    """The state of a server, or of all replicas of one. Threads may share it."""

    def __init__(self, engine: Engine, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.writing = for_writing(engine)
        self.limits = limits
        self.clock = clock

    def accept(self, request_id: str, owner: str, swap: Swap) -> Record:
        """Keep a request with its pictures; the earlier one where its idempotency key was used before.

        Raises Refusal: 409 for a key that came with another request, 429 where too many wait, 507 without room.
        """
        try:
            with self.writing.begin() as connection:
                return self._repeated(connection, owner, swap) or self._new(connection, request_id, owner, swap)
        except IntegrityError:  # another replica has just taken the same key
            with self.engine.begin() as connection:
                earlier = self._repeated(connection, owner, swap)
            if earlier is None:
                raise
            return earlier

    def repeated(self, owner: str, digest: str, idempotency: str | None) -> Record | None:
        """The request that came before with this idempotency key. Raises Refusal, 409, where it was another one."""
        with self.engine.begin() as connection:
            return self._earlier(connection, owner, digest, idempotency)

    def require_queue(self) -> None:
        """Raise Refusal, 429, where too many requests wait."""
        with self.engine.begin() as connection:
            self._require_queue(connection)

    def picture(self, picture_id: str) -> Image | None:
        """A picture that is still there."""
        found = self.kept(picture_id)
        return None if found is None else found[0]

    def kept(self, picture_id: str) -> tuple[Image, float] | None:
        """A picture that is still there, and for how many seconds it surely is."""
        query = select(PICTURES.c.data, PICTURES.c.media_type, PICTURES.c.expires)
        query = query.where(PICTURES.c.id == picture_id, not_(self._is_stale()))
        with self.engine.begin() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Image(bytes(row.data), row.media_type), 0 if row.expires is None else max(0, row.expires - self.clock())

    def record(self, request_id: str, owner: str) -> Record | None:
        """A request of this owner that hasn't expired."""
        query = select(*_RECORD).where(REQUESTS.c.id == request_id, REQUESTS.c.owner == owner, self._fresh())
        with self.engine.begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else _record(row)

    def records(self, owner: str) -> list[Record]:
        """The latest requests of an owner, newest first."""
        query = select(*_RECORD).where(REQUESTS.c.owner == owner, self._fresh())
        with self.engine.begin() as connection:
            rows = connection.execute(query.order_by(REQUESTS.c.created.desc()).limit(_SHOWN)).all()
        return [_record(row) for row in rows]

    def cancel(self, request_id: str, owner: str) -> bool | None:
        """Have a request end FAILED that isn't over; False: it is, and stays as it is. None where there is none."""
        mine = and_(REQUESTS.c.id == request_id, REQUESTS.c.owner == owner, self._fresh())
        with self.writing.begin() as connection:
            if connection.execute(select(REQUESTS.c.id).where(mine)).first() is None:
                return None
            return end(connection, request_id, self.clock(), {"status": FAILED, "error": CANCELLED})

    def remove(self, request_id: str, owner: str) -> bool | None:
        """Delete a request with its pictures, and say whether that cancelled it. None where there is none."""
        mine = and_(REQUESTS.c.id == request_id, REQUESTS.c.owner == owner, self._fresh())
        pictures = (REQUESTS.c.source, REQUESTS.c.target, REQUESTS.c.output)
        with self.writing.begin() as connection:
            row = connection.execute(delete(REQUESTS).where(mine).returning(*pictures, REQUESTS.c.status)).first()
            if row is None:
                return None
            connection.execute(delete(PICTURES).where(PICTURES.c.id.in_([one for one in row[:3] if one])))
            return row.status not in OVER

    def waiting(self) -> int:
        """Requests that nobody has taken on."""
        with self.engine.begin() as connection:
            return _count(connection, REQUESTS.c.status == QUEUED)

    def under_way(self) -> int:
        with self.engine.begin() as connection:
            return _count(connection, REQUESTS.c.status == PROCESSING)

    def tidy(self) -> None:
        """Delete results and requests that are kept no longer."""
        now = self.clock()
        with self.writing.begin() as connection:
            connection.execute(delete(PICTURES).where(self._is_stale()))
            connection.execute(delete(UPLOADS).where(UPLOADS.c.picture.not_in(select(PICTURES.c.id))))
            connection.execute(delete(CALLS).where(CALLS.c.created <= now - MINUTE))
            connection.execute(delete(REQUESTS).where(REQUESTS.c.finished <= now - self.limits.keep))

    def _is_stale(self) -> ColumnElement[bool]:
        """Of pictures. Uploads of earlier versions have no end of their own."""
        now = self.clock()
        uploaded = and_(PICTURES.c.lasting, PICTURES.c.created <= now - self.limits.keep_uploads)
        return or_(func.coalesce(PICTURES.c.expires, _NEVER) <= now, and_(PICTURES.c.expires.is_(None), uploaded))

    def _fresh(self) -> ColumnElement[bool]:
        return or_(REQUESTS.c.finished.is_(None), REQUESTS.c.finished > self.clock() - self.limits.keep)

    def _repeated(self, connection: Connection, owner: str, swap: Swap) -> Record | None:
        return self._earlier(connection, owner, swap.digest, swap.idempotency)

    def _earlier(self, connection: Connection, owner: str, digest: str, idempotency: str | None) -> Record | None:
        if idempotency is None:
            return None
        mine = and_(REQUESTS.c.owner == owner, REQUESTS.c.idempotency == idempotency, self._fresh())
        row = connection.execute(select(*_RECORD, REQUESTS.c.digest).where(mine)).first()
        if row is not None and row.digest != digest:
            raise Refusal(409, "Idempotency-Key: it came before with another request; use a new one")
        return None if row is None else _record(row)

    def _new(self, connection: Connection, request_id: str, owner: str, swap: Swap) -> Record:
        # One that is kept no longer may still be there, and its key is free.
        stale = and_(REQUESTS.c.owner == owner, REQUESTS.c.idempotency == swap.idempotency, not_(self._fresh()))
        connection.execute(delete(REQUESTS).where(stale))
        self._require_queue(connection)
        source, target = (self._put(connection, owner, image) for image in (swap.source, swap.target))
        values = {
            "id": request_id,
            "owner": owner,
            "status": QUEUED,
            "created": self.clock(),
            "rank": self.clock() - (_AHEAD if swap.waited_for else 0),
            "settings": json.dumps(dict(swap.settings)),
            "base64": swap.base64,
            "source": source,
            "target": target,
            "digest": swap.digest,
            "idempotency": swap.idempotency,
            "notes": json.dumps(swap.notes),
        }
        connection.execute(insert(REQUESTS).values(values))
        return Record(request_id, QUEUED, swap.base64, None, None, {}, None, cast(float, values["created"]))

    def _put(self, connection: Connection, owner: str, image: Image) -> str:
        require_space(connection, self.limits, owner, len(image.data))
        return put(connection, owner, image, self.clock())

    def _require_queue(self, connection: Connection) -> None:
        if _count(connection, REQUESTS.c.status == QUEUED) >= self.limits.queue:
            raise busy(f"{self.limits.queue} requests are waiting, no more are accepted for now", 5)


def put(
    connection: Connection,
    owner: str,
    image: Image,
    now: float,
    expires: float | None = None,
    *,
    lasting: bool = False,
) -> str:
    """Keep a picture until a time, or until somebody deletes it, and give its id. `lasting`: it is an upload."""
    picture_id = new_id()
    values = {
        "id": picture_id,
        "owner": owner,
        "media_type": image.media_type,
        "size": len(image.data),
        "created": now,
        "expires": expires,
        "lasting": lasting,
        "data": image.data,
    }
    connection.execute(insert(PICTURES).values(values))
    return picture_id


def end(connection: Connection, request_id: str, now: float, values: Mapping[str, object], claim: str = "") -> bool:
    """Have a request end, once: by whoever holds its `claim`, or by anybody where none is given.

    The pictures that it came with go. False where it is over already, or somebody else's.
    """
    mine = and_(REQUESTS.c.id == request_id, REQUESTS.c.status.not_in(OVER))
    mine = and_(mine, REQUESTS.c.claim == claim) if claim else mine
    ended = update(REQUESTS).where(mine).values(**values, finished=now, claim=None, lease=None)
    row = connection.execute(ended.returning(REQUESTS.c.source, REQUESTS.c.target)).first()
    if row is not None:
        connection.execute(delete(PICTURES).where(PICTURES.c.id.in_([row.source, row.target])))
    return row is not None


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(REQUESTS).where(condition)).scalar_one()


def _record(row: Row[tuple[object, ...]]) -> Record:
    values = row._mapping  # pyright: ignore[reportPrivateUsage]
    detail = cast("Mapping[str, Json]", json.loads(str(values["detail"] or "{}")))
    return Record(
        str(values["id"]),
        str(values["status"]),
        bool(values["base64"]),
        cast("str | None", values["output"]),
        cast("str | None", values["error"]),
        detail,
        cast("float | None", values["seconds"]),
        cast(float, values["created"]),
        tuple(json.loads(str(values["notes"]))),
    )
