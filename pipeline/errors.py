"""Every error that the pack raises on purpose.

MultiFaceSwapError
├── SettingsError            a setting has a value that can't be used
│   └── IndexListError       an index list can't be read: says where
├── MismatchError            faces or pairs were handed over with pictures they don't belong to
├── FaceNotFoundError        an asked-for face isn't there, and missing faces are to be errors
├── ImageError               a picture or clip can't be read or written
├── BusyError                another command is writing the same output
├── ModelError
│   ├── MissingModelError    a model file isn't where it is looked for
│   └── DamagedModelError    a model file isn't what its name promises
├── EngineError              a runtime can't run a model: provider, graph
│   ├── MissingPackageError  a Python package that a model needs isn't installed
│   ├── OutOfMemoryError     a device's memory is full: smaller batches may fit
│   └── NotFiniteError       a network gave NaN or infinity: other faces of the batch may be right
├── RemoteError              the hosted engine refused or failed (a class for each status: hosted/segmind/errors.py)
└── CancelledError           the user stopped the work
"""

from __future__ import annotations

from collections.abc import Sequence

from .quotes import quoted

_QUOTED = 80
"""Most characters of a list that a message shows."""
INDEX_LISTS = "Write face numbers separated by commas: 0 or 0,1,2 or 0-3, -1 for the last face, * for all."


class MultiFaceSwapError(Exception):
    """Base of all errors of the pack: catch this one to catch them all."""


class SettingsError(MultiFaceSwapError, ValueError):
    """A setting has a value that can't be used; the message names the setting, the value and what is accepted."""


class IndexListError(SettingsError):
    """An index list such as `0,2-4` can't be read.

    Attributes: `text`, the list as given; `position`, the character (from 0) at which reading stopped; `reason`, why.
    `advice` says how lists are written.
    """

    def __init__(self, text: str, position: int, reason: str, advice: str = INDEX_LISTS) -> None:
        self.text = text
        self.position = position
        self.reason = reason
        start = max(position - _QUOTED // 2, 0)
        shown = text[start : start + _QUOTED]
        quoted = f"{shown!r}{'' if shown == text else ' …'}"
        super().__init__(f"index list {quoted}, character {position + 1}: {reason}. {advice}")


class MismatchError(MultiFaceSwapError, ValueError):
    """Faces or pairs came with pictures of another size or number than those they were found in."""


class FaceNotFoundError(MultiFaceSwapError):
    """An index names a face that isn't there, and `missing` is set to `error`."""


class ImageError(MultiFaceSwapError):
    """A picture or clip can't be read, isn't a picture, or can't be written."""


class BusyError(MultiFaceSwapError):
    """Another command is writing the same output; the message says which."""


class ModelError(MultiFaceSwapError):
    """Something is wrong with a model file."""


class MissingModelError(ModelError):
    """A model file isn't in any of the folders searched; the message says how to get it."""


class DamagedModelError(ModelError):
    """A model file is cut short, altered, or something else than its name says."""


class EngineError(MultiFaceSwapError):
    """A runtime can't run a model on the chosen device."""


class MissingPackageError(EngineError):
    """A Python package that a model needs isn't installed; the message says how to get it."""


class OutOfMemoryError(EngineError):
    """A device's memory is full; the same work in smaller batches may fit."""


class NotFiniteError(EngineError):
    """A network gave NaN or infinity for what it was given; the same work face by face may be right for the others."""


class RemoteError(MultiFaceSwapError):
    """The hosted engine refused or failed."""


class CancelledError(MultiFaceSwapError):
    """The user stopped the work; nothing half-done is left behind."""


def require_choice(setting: str, value: str, choices: Sequence[str]) -> None:
    """Raise SettingsError unless `value` is one of `choices`."""
    if value not in choices:
        raise SettingsError(f"{setting}: expected one of {', '.join(choices)}, got {quoted(value)}")


def require_range(setting: str, value: float, low: float, high: float) -> None:
    """Raise SettingsError unless the value lies within low to high."""
    if not low <= value <= high:
        raise SettingsError(f"{setting}: expected {low} to {high}, got {quoted(value)}")
