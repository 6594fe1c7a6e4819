"""Previews inside nodes; no file is written here."""

from __future__ import annotations


class PreviewImage:
    def __init__(self, image, animated=False, cls=None):
        self.values = [{"filename": f"{number}.png", "subfolder": "", "type": "temp"} for number in range(len(image))]
        self.animated = animated

    def as_dict(self):
        return {"images": self.values, "animated": (self.animated,)}
