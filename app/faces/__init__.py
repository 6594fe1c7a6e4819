"""Saved faces: a person's views and identities in one file, without the pictures that they were taken from."""

from .folders import FaceFolders, is_saved
from .keeping import SavedFace, read_saved, saved_of
from .person import About, SavedPerson, SavedView
from .writing import write_person

__all__ = [
    "About",
    "FaceFolders",
    "SavedFace",
    "SavedPerson",
    "SavedView",
    "is_saved",
    "read_saved",
    "saved_of",
    "write_person",
]
