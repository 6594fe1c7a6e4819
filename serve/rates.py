"""How many calls a key makes a minute, whatever comes of them."""

from __future__ import annotations

from sqlalchemy import and_, func, insert, select

from .errors import busy
from .store import MINUTE, Store
from .tables import CALLS


class Rates:
    """Counts calls in a server's state, for all its processes. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self, owner: str, calls: int = 1) -> None:
        """Note calls of an owner. Raises Refusal, 429, where that makes too many of the last minute: none is noted."""
        most, now = self._store.limits.rate, self._store.clock()
        if not most or not calls:
            return
        recent = and_(CALLS.c.owner == owner, CALLS.c.created > now - MINUTE)
        with self._store.writing.begin() as connection:
            made = connection.execute(select(func.count()).select_from(CALLS).where(recent)).scalar_one()
            if made + calls <= most:
                connection.execute(insert(CALLS), [{"owner": owner, "created": now}] * calls)
                return
            oldest = select(CALLS.c.created).where(recent).order_by(CALLS.c.created).offset(made + calls - most - 1)
            freeing = connection.execute(oldest.limit(1)).scalar()
        wait = MINUTE if freeing is None else freeing + MINUTE - now
        raise busy(f"more than {most} requests a minute", wait)
