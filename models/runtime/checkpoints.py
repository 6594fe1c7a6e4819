"""Opens `.pth` and `.safetensors` files as plain numbers. Nothing that a file asks to run is ever run."""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ...pipeline.errors import DamagedModelError
from ...pipeline.quotes import excerpt, listed, named, quoted

if TYPE_CHECKING:
    from torch import Tensor, nn

_SHOWN = 3
_ASKED = re.compile(r"GLOBAL ([\w.]+)")
"""In torch's error: the function or class that a file asks for."""
_BROKEN = (
    RuntimeError,
    AssertionError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)
"""What torch raises over files with bytes missing or changed."""


def load_state(path: Path) -> dict[str, Tensor]:
    """The weights of a `.pth` or `.safetensors` file by name, on the CPU; floats as float32 whatever the file holds.

    Opens bare state dicts and those in a container such as `{"params_ema": …}`, with and without `module.` in front of
    the names, as spandrel's `canonicalize_state_dict` knows them. Unpickles weights only
    (`torch.load(weights_only=True)`). Raises DamagedModelError, and ModuleNotFoundError where torch or spandrel lacks.
    """
    content = _content(path)
    state = _unwrapped(content)
    if state is None:
        raise DamagedModelError(
            f"{named(path)} is no network's weights: it holds {_described(content)}. Fetch it again."
        )
    return {key: _single(value) for key, value in state.items()}


def _content(path: Path) -> object:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        if path.suffix.lower() == ".safetensors":
            return load(path.read_bytes())
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused(path, error) from error
    except (*_BROKEN, SafetensorError) as error:
        first = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise _unreadable(path, first) from error


def load_into(module: nn.Module, path: Path, what: str) -> None:
    """Fill a network with the weights of a file, every name and shape equal; `what` names the network in errors.

    Raises as `load_state` does, and DamagedModelError for another network's weights.
    """
    state = load_state(path)
    wanted = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    if found != wanted:
        raise DamagedModelError(f"{named(path)} holds another network than {what}: {_difference(found, wanted)}.")
    module.load_state_dict(state, strict=True)


def _unwrapped(content: object) -> dict[str, Tensor] | None:
    """The weights by their plain names; None for anything else than weights."""
    from spandrel import canonicalize_state_dict
    from torch import Tensor

    if not isinstance(content, dict):
        return None
    try:
        state = canonicalize_state_dict(cast("dict[str, object]", content))
    except AttributeError:  # a name that is no text
        return None
    named = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    return named if named and len(named) == len(state) else None


def _single(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _described(content: object) -> str:
    if isinstance(content, dict):
        keys = list(cast("dict[object, object]", content))
        return f"{excerpt(', '.join(map(quoted, keys[:_SHOWN])))}{', …' if len(keys) > _SHOWN else ''}" or "nothing"
    return f"a {type(content).__name__}"


def _difference(found: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> str:
    missing, unknown = [key for key in wanted if key not in found], [key for key in found if key not in wanted]
    other = [key for key in wanted if key in found and found[key] != wanted[key]]
    parts = [
        f"{len(keys)} of {len(wanted)} weights {text}, e.g. {listed(keys[:_SHOWN])}"
        for keys, text in ((missing, "are missing"), (other, "have another shape"))
        if keys
    ]
    parts += [f"{len(unknown)} are unknown, e.g. {listed(unknown[:_SHOWN])}"] if unknown else []
    return "; ".join(parts)


def _refused(path: Path, error: Exception) -> DamagedModelError:
    asked = _ASKED.search(str(error))
    if asked is None:
        return _unreadable(path, "its list of weights can't be read")
    return DamagedModelError(
        f"{named(path)} is refused: opening it would run code of its own ({excerpt(asked[1])}), and weights need none. "
        "Don't trust where it came from; fetch it from the published address."
    )


def _unreadable(path: Path, reason: str) -> DamagedModelError:
    return DamagedModelError(f"{named(path)} is damaged or cut short: {excerpt(reason)}. Fetch it again.")
