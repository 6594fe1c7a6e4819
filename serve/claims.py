"""Who works on which request: each is taken on by one worker at a time, and by another where that one is gone."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final, cast

from sqlalchemy import Connection, and_, select, update

from ..app.settings import Value
from .store import Store, end, new_id, put
from .tables import PICTURES, REQUESTS
from .values import COMPLETED, FAILED, PROCESSING, QUEUED, SAVED, Claimed, Image, Outcome

LEASE: Final = 30.0
"""Seconds after which a worker that says nothing is gone."""
ATTEMPTS: Final = 3
"""How often a request is taken on: one that ends its worker each time is the reason."""
_GONE: Final = f"the server ended {ATTEMPTS} times while it worked on this"


class Claims:
    """The work of a server's state, to be taken on and done. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self) -> Claimed | None:
        """The request whose turn it is, if one waits: for this worker alone, for `LEASE` seconds."""
        first = select(REQUESTS.c.id).where(REQUESTS.c.status == QUEUED).order_by(REQUESTS.c.rank).limit(1)
        # PostgreSQL passes over those that another worker is just taking on; SQLite has one writer at a time.
        mine = REQUESTS.c.id == first.with_for_update(skip_locked=True).scalar_subquery()
        taken = {"status": PROCESSING, "claim": new_id(), "lease": self._store.clock() + LEASE}
        query = update(REQUESTS).where(mine, REQUESTS.c.status == QUEUED)
        columns = [REQUESTS.c[name] for name in ("id", "claim", "attempts", "source", "target", "settings")]
        with self._store.writing.begin() as connection:
            row = connection.execute(
                query.values(**taken, attempts=REQUESTS.c.attempts + 1).returning(*columns)
            ).first()
            if row is None:
                return None
            source, target = _image(connection, row.source), _image(connection, row.target)
        settings = cast("dict[str, Value]", json.loads(row.settings))
        saved = source.media_type == SAVED
        return Claimed(row.id, row.claim, row.attempts, source.data, target.data, settings, saved)

    def renew(self, claims: Collection[str]) -> None:
        """Say that these are still worked on."""
        if claims:
            renewed = update(REQUESTS).where(REQUESTS.c.claim.in_(list(claims)))
            with self._store.writing.begin() as connection:
                connection.execute(renewed.values(lease=self._store.clock() + LEASE))

    def holds(self, claimed: Claimed) -> bool:
        """Whether what comes of a request still counts: it wasn't cancelled, and isn't another's."""
        mine = and_(REQUESTS.c.id == claimed.id, REQUESTS.c.claim == claimed.claim)
        with self._store.engine.begin() as connection:
            return connection.execute(select(REQUESTS.c.id).where(mine)).first() is not None

    def done(self, claimed: Claimed, outcome: Outcome) -> bool:
        """Keep what came of a request. False, and nothing is kept, where it is over or another's by now."""
        now, store = self._store.clock(), self._store
        with store.writing.begin() as connection:
            values: dict[str, object] = {"seconds": outcome.seconds, "detail": json.dumps(dict(outcome.detail))}
            values |= {"status": FAILED, "error": outcome.error} if outcome.picture is None else {"status": COMPLETED}
            ended = end(connection, claimed.id, now, values, claimed.claim)
            if ended and outcome.picture is not None:
                mine = REQUESTS.c.id == claimed.id
                owner = connection.execute(select(REQUESTS.c.owner).where(mine)).scalar_one()
                output = put(connection, owner, outcome.picture, now, now + store.limits.keep)
                connection.execute(update(REQUESTS).where(mine).values(output=output))
        return ended

    def give_back(self, claimed: Claimed) -> None:
        """Have a request wait again, for whoever takes it on next."""
        with self._store.writing.begin() as connection:
            self._requeue(connection, claimed.id, claimed.claim, claimed.attempts)

    def recover(self, *, everything: bool = False) -> int:
        """Have requests wait again whose workers are gone; `everything`: all that were under way. How many they are."""
        late = REQUESTS.c.lease < self._store.clock()
        gone = REQUESTS.c.status == PROCESSING
        query = select(REQUESTS.c.id, REQUESTS.c.claim, REQUESTS.c.attempts).where(
            gone if everything else and_(gone, late)
        )
        with self._store.writing.begin() as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            for row in rows:
                self._requeue(connection, row.id, row.claim, row.attempts)
        return len(rows)

    def _requeue(self, connection: Connection, request_id: str, claim: str, attempts: int) -> None:
        if attempts >= ATTEMPTS:
            end(connection, request_id, self._store.clock(), {"status": FAILED, "error": _GONE}, claim)
            return
        mine = and_(REQUESTS.c.id == request_id, REQUESTS.c.claim == claim)
        connection.execute(update(REQUESTS).where(mine).values(status=QUEUED, claim=None, lease=None))


def _image(connection: Connection, picture_id: str) -> Image:
    query = select(PICTURES.c.data, PICTURES.c.media_type).where(PICTURES.c.id == picture_id)
    row = connection.execute(query).one()
    return Image(bytes(row.data), row.media_type)
