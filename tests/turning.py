"""Portraits turned to a side: the mesh is rotated and shows the same skin, so that what it hides is truly hidden."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from multifaceswap.models.swappers.mesh.warp import rasterise
from multifaceswap.pipeline.types import FaceSet, Size

LANDMARKS = ((33, 133), (263, 362), (1,), (61,), (291,))
"""Mesh points whose mean is each landmark."""


def turned(picture, face, degrees, topology, scale=1.0):
    """The picture, on grey, and its face turned about the upright axis; > 0 to the picture's right."""
    angle, size = np.radians(degrees), Size.of(picture)
    centre = face.mesh.mean(0)
    rotation = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]])
    mesh = scale * (face.mesh - centre) @ rotation.T + centre
    raster = rasterise(mesh, topology.triangles, size)
    places = raster.spread(face.mesh[:, :2]) - np.float32(0.5)
    shown = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    image = np.where(raster.inside[..., None], shown, np.uint8(128))
    landmarks = np.stack([mesh[list(points), :2].mean(0) for points in LANDMARKS])
    box = np.concatenate([mesh[:, :2].min(0), mesh[:, :2].max(0)])
    return image, replace(face, mesh=mesh, landmarks=landmarks, box=box, embedding=None)


def person(views):
    """One donor of several views (picture, face): the pictures, and a FaceSet with the first leading."""
    pictures = [picture for picture, _ in views]
    first, *others = [replace(face, frame=number, index=0) for number, (_, face) in enumerate(views)]
    frames = ((replace(first, views=tuple(others)),), *(() for _ in others))
    return pictures, FaceSet(frames, Size.holding(pictures))


def marked(picture, mesh, point, share=0.06):
    """With a darker disc, still skin, around a mesh point."""
    disc = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(disc, tuple(round(float(x)) for x in mesh[point, :2]), round(share * float(np.ptp(mesh[:, 1]))), 1, -1)
    return np.where(disc[..., None] == 1, picture // 4 * 3, picture)
