"""Saved faces: a person's views and identities in one file, without the pictures that they were taken from."""

from .folders import FaceFolders, is_saved
from .keeping import SavedFace, load_face, read_saved, save_face
from .person import About

__all__ = ["About", "FaceFolders", "SavedFace", "is_saved", "load_face", "read_saved", "save_face"]
