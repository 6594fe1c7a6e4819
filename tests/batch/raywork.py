"""Work for the processes that Ray starts: they import this file by its name."""

from __future__ import annotations

import os
import time
from pathlib import Path


class SlowCopies:
    """Copies targets, takes its time, and leaves a line a beginning in `log`."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def __call__(self):
        return self.copy

    def copy(self, item, target, output):
        with self.log.open("a") as log:
            log.write(f"{item.name} {os.getpid()}\n")
        time.sleep(0.25)
        output.write_bytes(target.read_bytes())
        return {"faces": 0}
