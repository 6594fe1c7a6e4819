"""The checks that a machine with a GPU runs: tried on the CPU, and what they say where there is no GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
ROOT = Path(__file__).resolve().parent.parent


def _checked(folder: Path, *words: str) -> tuple[int, dict, str]:
    command = [sys.executable, "-m", "benchmarks.gpu", "--small", "--json", str(folder / "gpu.json"), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, json.loads((folder / "gpu.json").read_text(encoding="utf-8")), done.stdout


@pytest.mark.slow
def test_every_check_that_the_cpu_can_run_passes_there(tmp_path):
    code, told, table = _checked(tmp_path, "--device", "cpu")
    states = {one["name"]: one["state"] for one in told["checks"]}
    assert code == 0 and len(states) == 6
    assert [name for name, state in states.items() if state != "passed"] == ["memory is returned"]
    speeds = told["checks"][-1]["numbers"]
    assert {*speeds} == {"one by one", "one by one, bound", *(f"batches of {rows}" for rows in (1, 4, 16))}
    assert all(speed > 0 for speed in speeds.values())
    assert all(f"| {name} | {state} |" in table for name, state in states.items())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_what_cannot_be_run_is_said_with_its_reason(tmp_path):
    code, told, _ = _checked(tmp_path)
    assert code == 3 and {one["state"] for one in told["checks"]} == {"not run"}
    assert all("GPU" in one["detail"] or "CUDA" in one["detail"] for one in told["checks"])
