"""What neural swappers take of a donor: an identity, or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from ...pipeline.errors import EngineError, SettingsError
from ...pipeline.faces.identity import average_of, place_of
from ...pipeline.faces.views import pictured, shown
from ...pipeline.geometry import extract_crop, transform_points
from ...pipeline.types import Average, Crop, CropSpec, Donor, Face, FloatArray, Picture, Vector, View
from ..alignment import published_placement
from ..embedders.arcface import ArcFace
from ..runtime.onnx import Session, contiguous
from ..runtime.onnx_file import read_initializer
from .network import IDENTITY, SwapNetwork

_MAP_NAMES = ("buff2fs", "emap")
_OTHER_ENGINE = "was prepared by another engine"


class Source(Protocol):
    """Gives the network what it takes of donors."""

    leads: bool
    """Whether a strength leads from the target's identity to the donor's, and beyond both; else it is the new face's
    share in a blend."""

    @property
    def sessions(self) -> tuple[Session, ...]: ...

    def prepare(self, frame: Picture, face: Face, others: Sequence[View] = ()) -> Donor:
        """`others` are further views of the same person. Raises EngineError, OutOfMemoryError, SettingsError."""
        ...

    def feed(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> FloatArray:
        """(N, ...) for as many crops. Raises as `prepare` does."""
        ...


class IdentitySource:
    """ArcFace's identity, in the network's own space."""

    leads = True

    def __init__(
        self,
        network: SwapNetwork,
        embedder: ArcFace,
        identity: Literal["unit", "mapped", "as it is"] = "unit",
        converter: Session | None = None,
        average: Average = "mean",
    ) -> None:
        """`identity`: see SwapperParams. `converter`: a graph (N, 512) to (N, 512) that leads to the network's space.
        `average`: how the identities of several views of a person become one.

        FaceFusion, `processors/modules/face_swapper/core.py`, says which network takes which.
        """
        self._network = network
        self._embedder = embedder
        self._identity = identity
        self._converter = converter
        self._average: Average = average

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (*self._embedder.sessions, *(() if self._converter is None else (self._converter,)))

    def prepare(self, frame: Picture, face: Face, others: Sequence[View] = ()) -> Donor:
        """From the faces' own embeddings where the embedder made them; views of which neither such an embedding nor a
        picture is there don't count. Raises SettingsError where none is left."""
        views = self._usable((View(frame, face), *others))
        if not views:
            raise SettingsError(
                f"a saved face holds no identity of {self._embedder.name}, which this engine takes, and no picture to "
                "measure it in: save it anew with pictures"
            )
        return Donor(face, embedding=self._own(average_of([self._embedding(*view) for view in views], self._average)))

    def feed(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> FloatArray:
        """Identities (N, 512). The targets are embedded only where the strength isn't 1.

        Directions are led along the straight line through both identities, lengths no further than from one to the
        other. Raises EngineError where that leads to no direction.
        """
        wanted = np.stack([_required(donor) for donor in donors])
        if strength == 1:
            return wanted
        own = np.stack([self._own(self._embedding(crop.image, _in_crop(crop))) for crop in crops])
        led = strength * _unit(wanted) + (1 - strength) * _unit(own)
        if not (np.linalg.norm(led, axis=1) > 1e-6).all():
            raise EngineError(f"strength {strength:g} leads to no identity: target and donor are opposites")
        lengths = [np.linalg.norm(rows, axis=1, keepdims=True) for rows in (own, wanted)]
        share = min(max(strength, 0.0), 1.0)
        return np.asarray(_unit(led) * (share * lengths[1] + (1 - share) * lengths[0]), np.float32)

    def _usable(self, views: Sequence[View]) -> list[View]:
        """Those whose identity is known or can be measured; what was saved of a face isn't measured again."""
        saved = {place_of(view.face) for view in views if self._knows(view.face) and not view.face.pictured}
        shown = [view.face.pictured and place_of(view.face) not in saved for view in views]
        return [view for view, counts in zip(views, shown, strict=True) if counts or self._knows(view.face)]

    def _embedding(self, picture: Picture, face: Face) -> Vector:
        known = face.embedding
        if known is not None and self._knows(face):
            if known.vector.shape != (IDENTITY,):
                found = known.vector.size
                raise SettingsError(f"a face's identity of {known.model}: expected {IDENTITY} numbers, got {found}")
            return known.vector
        return self._embedder.embed(picture, [face])[0].vector

    def _knows(self, face: Face) -> bool:
        return face.embedding is not None and face.embedding.model == self._embedder.name

    def _own(self, embedding: Vector) -> Vector:
        """An embedding in the network's space."""
        vector = np.asarray(embedding, np.float32)
        if self._converter is not None:
            name = next(iter(self._converter.input_shapes()))
            vector = self._converter.run({name: contiguous(vector[None])}, [(1, IDENTITY)])[0][0]
        if self._identity == "mapped":
            vector = _unit(vector) @ self._map
        if not vector.any() or not np.isfinite(vector).all():
            file = self._network.session.path.name
            raise EngineError(f"{file}: a face's identity has no direction, so that there is nothing to swap by")
        return vector if self._identity == "as it is" else _unit(vector)

    @cached_property
    def _map(self) -> FloatArray:
        return read_initializer(self._network.session.path, (IDENTITY, IDENTITY), _MAP_NAMES)


class PictureSource:
    """An aligned picture of the donor, RGB in [0, 1]."""

    leads = False
    sessions: tuple[Session, ...] = ()

    def __init__(self, spec: CropSpec) -> None:
        self._spec = spec

    def prepare(self, frame: Picture, face: Face, others: Sequence[View] = ()) -> Donor:
        """Raises SettingsError where no view has a picture."""
        main, *further = [self._one(*view) for view in pictured((View(frame, face), *others))]
        return main._replace(others=tuple(further))

    def feed(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> FloatArray:
        """Pictures (N, 3, s, s), of each donor that of the view nearest to the target's."""
        chosen = [shown(crop.face, donor) for crop, donor in zip(crops, donors, strict=True)]
        return np.stack([self._picture(donor) for donor in chosen])

    def _one(self, frame: Picture, face: Face) -> Donor:
        placement = published_placement(face, self._spec)
        return Donor(face, crops=(Crop(extract_crop(frame, placement), placement.matrix, face),))

    def _picture(self, donor: Donor) -> FloatArray:
        side = self._spec.size
        if len(donor.crops) != 1 or donor.crops[0].image.shape != (side, side, 3):
            raise SettingsError(f"this donor has no picture of {side}×{side}: it {_OTHER_ENGINE}")
        return contiguous(donor.crops[0].image.transpose(2, 0, 1))


def _in_crop(crop: Crop) -> Face:
    return replace(crop.face, landmarks=transform_points(crop.matrix, crop.face.landmarks))


def _required(donor: Donor) -> Vector:
    if donor.embedding is None:
        raise SettingsError(f"this donor has no identity: it {_OTHER_ENGINE}")
    return donor.embedding


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(length, 1e-12)).astype(np.float32)
