"""What is set up beside packages and models: saved faces, a key for the hosted engine, and what signs results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..hosted.segmind.key import KEY_VARIABLE as KEY
from ..hosted.segmind.key import find_key
from ..marking.places import Signing
from ..models.store import Folders
from ..pipeline.errors import ImageError, MissingPackageError, SettingsError
from ..pipeline.quotes import excerpt, named
from .faces.folders import VARIABLE, FaceFolders
from .report import counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    text: str
    cure: str = ""
    """What to do; empty where nothing is wrong."""


def key(environment: Mapping[str, str], folders: Sequence[Path] | None = None) -> Finding:
    """Where there is a key for the hosted engine; never what it is. `folders` may hold its file."""
    try:
        found = find_key(folders, environment)
    except SettingsError as error:
        return Finding(KEY, str(error), "make a key at https://cloud.segmind.com/console/api-keys and put it there")
    return Finding(KEY, f"found in {found.origin}" if found else "not found: only the hosted engine needs it")


def saved_faces(folders: Folders) -> Finding:
    """Where faces are saved, and how many there are."""
    found = FaceFolders.of(folders)
    try:
        count = len(found.names())
    except ImageError as error:
        return Finding("Faces", str(error), f"let {VARIABLE} name a folder that can be read")
    return Finding("Faces", f"{counted(count, 'saved face')}, new ones go into {named(found.own)}")


def signing(given: Signing | None = None) -> Finding:
    """Whether results can be signed, which is tried; nothing of the private key."""
    try:
        found = (given or Signing()).credentials()
    except MissingPackageError as error:
        return Finding("Signing", "is set up and can't be done: its packages are missing", str(error))
    except SettingsError as error:
        return Finding("Signing", str(error), "mend it, or make another certificate: multifaceswap mark init --force")
    if found is None:
        return Finding("Signing", "not set up: results are marked by XMP alone (multifaceswap mark init sets it up)")
    return Finding("Signing", f"results are signed by {excerpt(found.name)} ({found.algorithm})")
