"""Two replicas of each kind on Ray Serve, one of each killed: nothing is lost, nothing ends twice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import requests
from multifaceswap.app.donor_files import read_donors
from multifaceswap.app.jobs import Job, swap_job
from multifaceswap.media.pictures import read_picture
from multifaceswap.serve.tables import opened, state_of
from serverworld import EXAMPLES, MODEL, PICTURES
from serverworld import opened as picture_of

pytest.importorskip("ray.serve")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for its own processes in /proc"),
]
ROOT = Path(__file__).resolve().parents[2]
COUNT = 24
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", f"{1 << 24:032X}"}
"""127.0.0.1, ::ffff:127.0.0.1 and ::1 as /proc/net has them."""


@pytest.fixture
def cluster(tmp_path):
    """The command in a process of its own, with Ray on this machine: its address, process and state."""
    (tmp_path / "multifaceswap").symlink_to(ROOT, target_is_directory=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--data", str(tmp_path / "data"), "--port", str(port), "--engine", "ray", "--replicas", "2"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-m", "multifaceswap", "serve", *options, "--device", "cpu", "--image-format", "png"]
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: is_ready(url), 120)
        yield url, process, tmp_path / "data"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0


def wait(done, seconds):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.2)


def is_ready(url):
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def titles_of(process):
    """What a process and those that come of it are called, by their ids."""
    parents, titles = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                titles[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    own = {process.pid}
    while more := {pid for pid, parent in parents.items() if parent in own} - own:
        own |= more
    return {pid: titles.get(pid, "") for pid in own}


def replicas(process, kind):
    """The ids of the replicas of a kind that come of a process."""
    return [pid for pid, title in titles_of(process).items() if f"ServeReplica:multifaceswap:{kind}" in title]


def listening(process):
    """Where a process and those that come of it listen: the addresses in the kernel's hexadecimal form, and ports."""
    sockets = set()
    for pid in titles_of(process):
        for file in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(os.readlink(file))
            except OSError:
                continue
    lines = [
        line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
    ]
    return {line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def asked(call, *arguments, **more):
    """An answer, once a replica is there to give it."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            answer = call(*arguments, timeout=30, **more)
            if answer.status_code < 500:
                return answer
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise AssertionError("no answer")


def test_replicas_that_are_killed_lose_nothing(cluster, session, tmp_path):
    url, process, data = cluster
    donors = read_donors(session, [EXAMPLES / "astronaut.png"], [], {})
    swap_job(session, Job(EXAMPLES / "grace_hopper.jpg", tmp_path / "expected.png"), donors, {})
    expected = read_picture(tmp_path / "expected.png")
    answer = requests.post(f"{url}/v1/{MODEL}", json=PICTURES, timeout=60)
    np.testing.assert_array_equal(picture_of(answer.content), expected)
    assert answer.headers["X-Model-Licence"] == "mesh: Apache-2.0"

    assert len(replicas(process, "Engine")) == len(replicas(process, "Calls")) == 2
    addresses = {place.partition(":")[0] for place in listening(process)}
    assert len(listening(process)) > 8 and addresses <= LOOPBACK
    ids = []
    for number in range(COUNT):
        key = {"Idempotency-Key": f"order-{number}"}
        ids.append(asked(requests.post, f"{url}/v2/{MODEL}", json=PICTURES, headers=key).json()["request_id"])
        if number in (8, 16):
            os.kill(replicas(process, "Engine" if number == 8 else "Calls")[0], signal.SIGKILL)
    assert len({*ids}) == COUNT

    results = {}
    end = time.monotonic() + 180
    while len(results) < COUNT and time.monotonic() < end:
        for one in ids:
            if one not in results:
                body = asked(requests.get, f"{url}/v2/requests/{one}").json()
                if body["status"] in ("COMPLETED", "FAILED"):
                    results[one] = body
        time.sleep(0.5)
    assert [results[one]["status"] for one in ids] == ["COMPLETED"] * COUNT
    assert len({body["output"] for body in results.values()}) == COUNT
    picture = asked(requests.get, results[ids[-1]]["output"]).content
    np.testing.assert_array_equal(picture_of(picture), expected)
    with opened(state_of(data)).begin() as connection:
        assert connection.exec_driver_sql("select count(*) from pictures").scalar_one() == COUNT + 1
        assert connection.exec_driver_sql("select count(*) from requests").scalar_one() == COUNT + 1
    wait(lambda: len(replicas(process, "Engine")) == len(replicas(process, "Calls")) == 2, 60)
