"""Pictures that are sent once, and named by requests for a while."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from .space import require_space
from .store import Store, put
from .tables import PICTURES, UPLOADS
from .values import Image


class Uploads:
    """The uploads in a server's state. Threads may share it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, owner: str, images: Sequence[Image]) -> list[str]:
        """The ids of pictures that are kept for `Limits.keep_uploads` seconds from now on: one that the owner sent
        before keeps its own. Raises Refusal, 507, without room; then none is kept."""
        try:
            return self._all_kept(owner, images)
        except IntegrityError:  # another process has just kept the same picture
            return self._all_kept(owner, images)

    def remove(self, owner: str, picture_id: str) -> bool:
        """Delete an upload of this owner's own. False where there is none."""
        mine = and_(PICTURES.c.id == picture_id, PICTURES.c.owner == owner, PICTURES.c.lasting)
        with self._store.writing.begin() as connection:
            connection.execute(delete(UPLOADS).where(UPLOADS.c.picture == picture_id, UPLOADS.c.owner == owner))
            return connection.execute(delete(PICTURES).where(mine).returning(PICTURES.c.id)).first() is not None

    def _all_kept(self, owner: str, images: Sequence[Image]) -> list[str]:
        with self._store.writing.begin() as connection:
            return [self._kept(connection, owner, image) for image in images]

    def _kept(self, connection: Connection, owner: str, image: Image) -> str:
        store, now = self._store, self._store.clock()
        expires = now + store.limits.keep_uploads
        same = and_(UPLOADS.c.owner == owner, UPLOADS.c.digest == _digest(image))
        known = PICTURES.c.id.in_(select(UPLOADS.c.picture).where(same))
        again = update(PICTURES).where(known).values(created=now, expires=expires)
        row = connection.execute(again.returning(PICTURES.c.id)).first()
        if row is not None:
            return str(row.id)
        require_space(connection, store.limits, owner, len(image.data))
        connection.execute(delete(UPLOADS).where(same))
        picture_id = put(connection, owner, image, now, expires, lasting=True)
        connection.execute(insert(UPLOADS).values(picture=picture_id, owner=owner, digest=_digest(image)))
        return picture_id


def _digest(image: Image) -> str:
    return hashlib.sha256(f"{image.media_type}\0".encode() + image.data).hexdigest()
