"""How the light on one face differs from that on another, as a smooth function of the face's surface."""

from __future__ import annotations

import numpy as np

from ..types import FloatArray, Mask

_RIDGE = 0.02
"""Per unit of each term: how reluctantly light becomes uneven."""
_LEVEL_RIDGE = 1e-4
_OUTLIER = 0.4
"""Stops beyond which a difference counts less: hair, beards, glasses and hard shadows are no light."""
_ROUNDS = 5
_STEP = 2
"""Of the pixels, every second one in both directions is fitted to."""


def light_change(stops: FloatArray, weight: Mask, normals: FloatArray | None) -> FloatArray:
    """(h, w) the part of a difference in brightness that a change of light explains, also where nothing is known.

    `stops` (h, w), logarithms of linear light, counts by `weight` (h, w). Explained is what follows from the surface's
    `normals` (h, w, 3), unit vectors, as second-order spherical harmonics, and from the place in the picture, as a
    polynomial of second degree: distant light after Ramamoorthi and Hanrahan, "An Efficient Representation for
    Irradiance Environment Maps", 2001, and near light. Fitted with Cauchy's
    weights.
    """
    terms = np.stack([*_of_place(weight.shape), *(() if normals is None else _of_surface(normals))], 2)
    every = np.s_[::_STEP, ::_STEP]
    rows, wanted, known = terms[every].reshape(-1, terms.shape[2]), stops[every].ravel(), weight[every].ravel()
    known = known / max(float(known.sum()), 1e-6)
    ridge = np.diag([_LEVEL_RIDGE] + [_RIDGE] * (rows.shape[1] - 1))
    trust = np.ones_like(known)
    factors: FloatArray = np.zeros(rows.shape[1], np.float32)
    for _ in range(_ROUNDS):
        weighted = rows * (known * trust)[:, None]
        factors = np.asarray(
            np.linalg.solve(summed(weighted, rows) + ridge, summed(weighted, wanted[:, None])[:, 0]), np.float32
        )
        trust = 1 / (1 + ((wanted - rows @ factors) / _OUTLIER) ** 2)
    return terms @ factors


def summed(one: FloatArray, other: FloatArray) -> FloatArray:
    """(K, L) sums of products over the rows of (N, K) and (N, L): the same on any number of threads."""
    return np.einsum("nk,nl->kl", one, other)


def _of_place(shape: tuple[int, ...]) -> list[FloatArray]:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) / max(shape) - 0.5
    return [np.ones_like(x), x, y, x * y, x * x, y * y]


def _of_surface(normals: FloatArray) -> list[FloatArray]:
    x, y, z = np.moveaxis(normals, 2, 0)
    return [x, y, z, x * y, y * z, x * z, 3 * z * z - 1, x * x - y * y]
