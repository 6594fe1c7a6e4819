"""Rebuilds networks' weights from manifests: random numbers that follow from each tensor's name alone."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

VECTORS = Path(__file__).parent / "vectors"
Weights = dict[str, NDArray[Any]]


def vectors(name: str) -> Mapping[str, NDArray[Any]]:
    """The arrays of `vectors/NAME.npz`."""
    with np.load(VECTORS / f"{name}.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def weights(name: str) -> Weights:
    """The weights of `vectors/NAME.manifest.json`, held against the manifest's hash."""
    manifest = json.loads((VECTORS / f"{name}.manifest.json").read_text())
    built = {entry["key"]: _tensor(entry, manifest["seed"]) for entry in manifest["tensors"]}
    digest = hashlib.sha256()
    for values in built.values():
        digest.update(values.tobytes())
    assert digest.hexdigest() == manifest["weights_sha256_f32_le"]
    return built


def save_pth(path: Path, built: Weights, *, container: str = "", prefix: str = "", half: bool = False) -> Path:
    """Write weights as projects publish them: bare or in a container, with names prefixed, as fp32 or fp16."""
    torch = pytest.importorskip("torch")
    state = {prefix + key: torch.from_numpy(values.copy()) for key, values in built.items()}
    if half:
        state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({container: state} if container else state, path)
    return path


def _tensor(entry: Mapping[str, Any], seed: int) -> NDArray[Any]:
    shape, fill = entry["shape"], entry["fill"]
    if fill["kind"] == "int0":
        return np.zeros(shape, np.int64)
    if fill["kind"] == "const":
        return np.array(fill["value"], np.float64).astype(np.float32).reshape(shape)
    state = np.random.RandomState((zlib.crc32(entry["key"].encode()) + seed) & 0xFFFFFFFF)
    noise = state.standard_normal(int(np.prod(shape)))
    numbers = {
        "normal": lambda: fill["mean"] + fill["std"] * noise,
        "var": lambda: fill["lo"] + fill["amp"] * noise * noise,
    }[fill["kind"]]()
    return numbers.astype(np.float32).reshape(shape)
