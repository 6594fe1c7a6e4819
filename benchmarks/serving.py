"""`python -m benchmarks.serving [--clients 50] [--seconds 60] [--engine local]`: many clients of one server.

Half of the clients wait for their pictures, half submit and poll. Every accepted request must end COMPLETED, and the
server's memory must not grow. On Linux, whose /proc says how much memory a process has.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import requests

ROOT = Path(__file__).resolve().parent.parent
_MODEL = "faceswap-v3-multifaceswap"
_SAMPLES = 12
_MEBIBYTE = 1024
_CODE = """
import sys
sys.path.insert(0, {scripts!r})
from checkout import load_checkout
load_checkout()
from multifaceswap.cli import main
sys.exit(main({arguments!r}))
"""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Server:
    """The command as a process of its own."""

    def __init__(self, folder: str, more: list[str]) -> None:
        arguments = ["serve", "--data", folder, "--port", "0", *more]
        code = _CODE.format(scripts=str(ROOT / "scripts"), arguments=arguments)
        environment = {name: value for name, value in os.environ.items() if name not in _THREADS}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=environment
        )
        self.url = next(self._urls())
        threading.Thread(target=lambda: [None for _ in self._lines()], daemon=True).start()
        while not requests.get(f"{self.url}/readyz", timeout=30).ok:
            time.sleep(0.1)

    def _lines(self) -> Iterator[str]:
        assert self.process.stderr is not None
        return iter(self.process.stderr)

    def _urls(self) -> Iterator[str]:
        for line in self._lines():
            if found := re.search(r"running on (http://[^ \"]+)", line):
                yield found[1]
        raise SystemExit("the server didn't start")

    def memory(self) -> float:
        """MiB in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / _MEBIBYTE

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


class Done(NamedTuple):
    seconds: float
    status: str


def client(url: str, body: dict, waits: bool, end: float, done: list[Done]) -> None:
    with requests.Session() as session:
        while time.monotonic() < end:
            start = time.monotonic()
            try:
                status = _run(session, url, body) if waits else _submitted(session, url, body)
            except requests.RequestException as error:
                status = type(error).__name__
            done.append(Done(time.monotonic() - start, status))


def _run(session: requests.Session, url: str, body: dict) -> str:
    answer = session.post(f"{url}/v1/{_MODEL}", json=body, timeout=600)
    return "COMPLETED" if answer.ok and answer.content[:2] == b"\xff\xd8" else f"HTTP {answer.status_code}"


def _submitted(session: requests.Session, url: str, body: dict) -> str:
    answer = session.post(f"{url}/v2/{_MODEL}", json=body, timeout=600)
    if not answer.ok:
        return f"HTTP {answer.status_code}"
    while True:
        state = session.get(answer.json()["status_url"], timeout=600).json()["status"]
        if state in ("COMPLETED", "FAILED"):
            return state
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    arguments, more = parser.parse_known_args()
    names = {"source_img": "astronaut.png", "target_img": "grace_hopper.jpg"}
    files = {name: base64.b64encode((ROOT / "examples" / file).read_bytes()).decode() for name, file in names.items()}
    body = {name: f"data:image/{'png' if 'source' in name else 'jpeg'};base64,{data}" for name, data in files.items()}
    with TemporaryDirectory() as folder:
        server = Server(folder, more)
        end, done = time.monotonic() + arguments.seconds, list[Done]()
        threads = [
            threading.Thread(target=client, args=(server.url, body, number % 2 == 0, end, done))
            for number in range(arguments.clients)
        ]
        for thread in threads:
            thread.start()
        memory = [server.memory()]
        for _ in range(_SAMPLES):
            time.sleep(arguments.seconds / _SAMPLES)
            memory.append(server.memory())
        for thread in threads:
            thread.join()
        told = requests.get(f"{server.url}/metrics", timeout=30).text
        code = server.end()
    seconds = np.array([one.seconds for one in done])
    print(f"{arguments.clients} clients, {arguments.seconds:g} s: {dict(Counter(one.status for one in done))}")
    print(f"{len(done) / (time.monotonic() - end + arguments.seconds):.1f} requests a second")
    print("seconds a request: " + ", ".join(f"{np.percentile(seconds, p):.1f} ({p} %)" for p in (50, 95, 100)))
    print("MiB in memory: " + ", ".join(f"{one:.0f}" for one in memory))
    print(*re.findall(r"^multifaceswap_requests_total.*", told, re.M), f"exit code {code}", sep="; ")


if __name__ == "__main__":
    main()
