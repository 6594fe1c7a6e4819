from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest
from multifaceswap import cli
from multifaceswap.batch import Cluster, Item, Worker, run_on_ray
from multifaceswap.pipeline.errors import SettingsError

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
COUNT = 24


@pytest.fixture(scope="module", autouse=True)
def ray_of_two(tmp_path_factory):
    """Ray on this machine with two cores to give, whose processes find the package and this folder."""
    path = tmp_path_factory.mktemp("path")
    (path / "multifaceswap").symlink_to(ROOT, target_is_directory=True)
    (path / "raywork.py").symlink_to(Path(__file__).with_name("raywork.py"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path))
        patch.setenv("PYTHONPATH", str(path))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(num_cpus=2, num_gpus=0, include_dashboard=False, log_to_driver=False, logging_level="error")
        yield
        ray.shutdown()


def test_a_worker_that_is_killed_loses_nothing_and_nothing_is_done_twice(tmp_path):
    from raywork import SlowCopies

    items = []
    for number in range(COUNT):
        target = tmp_path / f"{number:02}.png"
        target.write_text(f"picture {number}")
        items.append(Item(f"{number:02}.png", str(target)))
    worker = Worker(SlowCopies(tmp_path / "log"), str(tmp_path / "out"), {}, retries=2)

    entries, killed = [], None
    for entry in run_on_ray(items, worker, Cluster(cpus=1)):
        entries.append(entry)
        if killed is None:
            killed = int(entry["worker"].split(":")[1])
            os.kill(killed, signal.SIGKILL)

    assert sorted(entry["name"] for entry in entries) == [item.name for item in items]
    assert {entry["error"] for entry in entries} == {None}
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert written == {f"{number:02}.png": f"picture {number}" for number in range(COUNT)}
    begun = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    twice = [name for name, times in Counter(name for name, _ in begun).items() if times > 1]
    # At most what the killed worker had in hand was begun again, never what it had finished.
    assert len(twice) <= 1
    finished = {entry["name"] for entry in entries if entry["worker"].endswith(f":{killed}")}
    assert finished and not finished & {*twice}
    assert str(killed) in {pid for _, pid in begun} and len({pid for _, pid in begun}) >= 2


def test_the_command_gives_what_it_gives_without_ray(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("astronaut.png", "grace_hopper.jpg"):
        shutil.copy(EXAMPLES / name, tmp_path / "in")
    line = ["batch", "--source", EXAMPLES / "astronaut.png", "--target", tmp_path / "in", "--device", "cpu", "--output"]
    assert cli.main([*map(str, line), str(tmp_path / "ray"), "--ray", "--cpus", "1"]) == 0
    assert cli.main([*map(str, line), str(tmp_path / "here")]) == 0
    reports = [json.loads((tmp_path / place / "report.json").read_text())["targets"] for place in ("ray", "here")]
    for one, other in zip(*reports, strict=True):
        assert (one["name"], one["pairs"], one["error"]) == (other["name"], other["pairs"], other["error"])
        assert Path(one["output"]).read_bytes() == Path(other["output"]).read_bytes()
        assert one["worker"] != other["worker"]


def test_workers_that_fit_nowhere_are_an_error(tmp_path):
    with pytest.raises(SettingsError, match="no worker of 1 cores and 1 GPUs fits: Ray has 2 cores and 0 GPUs"):
        list(run_on_ray([Item("x", "x")], Worker(dict, str(tmp_path), {}), Cluster(cpus=1, gpus=1)))
