"""Donors prepared once for all that a session does with them."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Final, NamedTuple

import numpy as np

from ..pipeline.compose.stream import DonorOf
from ..pipeline.faces.detect import add_meshes, with_meshes
from ..pipeline.protocols import Mesher, Swapper
from ..pipeline.types import Donor, Face, IndexMap, Picture, View

_MOST: Final = 64
"""Prepared donors that are kept; one holds about twice the pixels of its face."""
_REACH: Final = 1.0
"""Of a face's longer side: how far around its box an engine may look."""

_Key = tuple[object, ...]


class Prepared(NamedTuple):
    """What is kept of a source face."""

    swapper: Swapper | Mesher
    """Held so that its place in memory, which is part of the key, isn't given to another."""
    value: Donor | Face


class DonorCache:
    """What engines need of source faces, by the engine, the face and the pixels around it: the same face in the same
    pixels is prepared once, whichever array they come in. Bounded; safe to share between threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._known: OrderedDict[_Key, Prepared] = OrderedDict()

    def clear(self) -> None:
        with self._lock:
            self._known.clear()

    def of(self, sources: Sequence[Picture], swapper: Swapper) -> DonorOf:
        """Gives the donor of a face in one of these pictures, prepared when it is first asked for."""
        keys: dict[int, _Key] = {}

        def donor_of(face: Face) -> Donor:
            if id(face) not in keys:
                views = View.all_of(face, sources)
                keys[id(face)] = (id(swapper), *(_fingerprint(*view) for view in views))
            found = self._get(keys[id(face)])
            if not isinstance(found, Donor):
                (picture, own), *others = View.all_of(face, sources)
                found = swapper.prepare(picture, own, others)
                self._put(keys[id(face)], Prepared(swapper, found))
            # The pixels are the same; where the face stands in its batch may not be.
            return found._replace(face=face)

        return donor_of

    def with_mesh(self, face: Face, sources: Sequence[Picture], mesher: Mesher) -> Face:
        """A source face with its mesh, fitted once; a face that no mesh fits stays without.

        Of a person's views those stay that their pictures show and a mesh fits.
        """
        if not face.views:
            return self._with_own_mesh(face, sources[face.frame], mesher)
        people = (replace(face, views=()), *face.views)
        fitted = [self._with_own_mesh(one, sources[one.frame], mesher) for one in people]
        usable = [one for one in fitted if one.pictured and one.mesh is not None]
        return replace(usable[0], index=face.index, views=tuple(usable[1:])) if usable else face

    def _with_own_mesh(self, face: Face, picture: Picture, mesher: Mesher) -> Face:
        if face.mesh is not None or not face.pictured:
            return face
        key = (id(mesher), *_fingerprint(picture, face), face.frame, face.index, face.consent)
        found = self._get(key)
        if not isinstance(found, Face):
            found = add_meshes(picture, [face], mesher)[0]
            self._put(key, Prepared(mesher, found))
        return found

    def with_meshes(
        self, index_map: IndexMap, targets: Sequence[Picture], sources: Sequence[Picture], mesher: Mesher
    ) -> IndexMap:
        """The map with a mesh on every face of its pairs; see `pipeline.faces.detect.with_meshes`."""
        pairs = [pair for frame in index_map.frames for pair in frame]
        faces = [face for pair in pairs for face in (pair.target, *pair.source.person)]
        if all(face.mesh is not None and face.pictured for face in faces):
            return index_map

        def source_mesh(face: Face) -> Face:
            return self.with_mesh(face, sources, mesher)

        return with_meshes(index_map, targets, sources, mesher, source_mesh)

    def _get(self, key: _Key) -> Donor | Face | None:
        with self._lock:
            if key not in self._known:
                return None
            self._known.move_to_end(key)
            return self._known[key].value

    def _put(self, key: _Key, prepared: Prepared) -> None:
        with self._lock:
            self._known[key] = prepared
            while len(self._known) > self._most:
                self._known.popitem(last=False)


def _fingerprint(picture: Picture, face: Face) -> _Key:
    """Tells a face in its pixels from every other: two checksums of what an engine may look at, and the geometry."""
    reach = _REACH * float((face.box[2:] - face.box[:2]).max())
    height, width = picture.shape[:2]
    left, top, right, bottom = (int(edge) for edge in np.concatenate([face.box[:2] - reach, face.box[2:] + reach]))
    part = picture[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    pixels = np.ascontiguousarray(part).tobytes()
    geometry = face.box.tobytes() + face.landmarks.tobytes()
    geometry += b"" if face.mesh is None else face.mesh.tobytes()
    identity = None if face.embedding is None else face.embedding.model.encode() + face.embedding.vector.tobytes()
    return (picture.shape, picture.dtype.str, zlib.crc32(pixels), zlib.adler32(pixels), geometry, identity)
