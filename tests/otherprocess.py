"""Another process that is at something."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CODE = """
import runpy, sys
runpy.run_path({checkout!r})["load_checkout"]()
from multifaceswap.media.ownership import owned
with owned({path!r}):
    print("mine", flush=True)
    sys.stdin.read()
"""
_CHECKOUT = Path(__file__).resolve().parents[1] / "scripts" / "checkout.py"


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that owns an output until it is killed, at the latest when the block ends."""
    code = _CODE.format(checkout=str(_CHECKOUT), path=str(path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "mine\n"
        try:
            yield process
        finally:
            process.kill()
