"""Previews inside nodes."""

from __future__ import annotations

import os

import folder_paths
from PIL import Image


class PreviewImage:
    def __init__(self, image, animated=False, cls=None):
        self.values = [_saved(picture) for picture in image]
        self.animated = animated

    def as_dict(self):
        return {"images": self.values, "animated": (self.animated,)}


def _saved(picture):
    folder = folder_paths.get_temp_directory()
    name = f"{len(os.listdir(folder)):05}.png"
    Image.fromarray((picture.cpu().numpy() * 255).clip(0, 255).astype("uint8")).save(os.path.join(folder, name))
    return {"filename": name, "subfolder": "", "type": "temp"}
