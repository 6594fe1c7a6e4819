"""Small JSON files that count only as they were written: cut, altered and foreign ones don't."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final, cast

_SEAL: Final = "sha256"


def seal(content: Mapping[str, object], key: str = "") -> bytes:
    """JSON of what can be written as such, with a digest of it and of `key`, which stands for what it belongs to."""
    plain = cast("dict[str, object]", json.loads(json.dumps(content)))
    return json.dumps({**plain, _SEAL: _digest(plain, key)}).encode()


def unseal(data: bytes, key: str = "") -> dict[str, object] | None:
    """What was sealed with that key; None for everything else."""
    try:
        content: object = json.loads(data)
        if not isinstance(content, dict):
            return None
        plain = cast("dict[str, object]", content)
        found = plain.pop(_SEAL, None)
        return plain if found == _digest(plain, key) else None
    except (ValueError, RecursionError):
        return None


def _digest(plain: Mapping[str, object], key: str) -> str:
    return hashlib.sha256(f"{key}\n{json.dumps(plain, sort_keys=True)}".encode()).hexdigest()
