"""The archive that ComfyUI's registry gets: nothing that its scan flags but what is known, and it works."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
make_archive = pytest.importorskip("make_archive", reason="needs pathspec", exc_type=ImportError)
pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="the archive is made of a git checkout"
)
_NODES = """
import asyncio, importlib.util, sys
spec = importlib.util.spec_from_file_location("pack", "__init__.py", submodule_search_locations=["."])
module = sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
extension = asyncio.run(module.comfy_entrypoint())
print(len(asyncio.run(extension.get_node_list())))
"""
_SWAP = """
import sys, importlib.util
spec = importlib.util.spec_from_file_location("pack", "__init__.py", submodule_search_locations=["."])
module = sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from pack.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    make_archive.write(folder / "archive.zip")
    with ZipFile(folder / "archive.zip") as archive:
        archive.extractall(folder / "pack")
    return folder / "pack"


def test_the_scan_finds_what_is_known_and_no_more():
    assert set(make_archive.findings(make_archive.files())) == make_archive.KNOWN


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("import os\nos.environ['X']", "environment"),
        ("requests.get(url)", "network"),
        ("element.addEventListener.bind(this)", "network"),
        ("import subprocess", "other programs"),
        ("model.eval()", "code from text"),
    ],
)
def test_the_rules_find_what_they_name(tmp_path, monkeypatch, text, rule):
    (tmp_path / "x.py").write_text(text)
    monkeypatch.setattr(make_archive, "ROOT", tmp_path)
    assert (rule, "x.py") in set(make_archive.findings(["x.py"]))


def test_the_nodes_load_without_what_is_left_out(unpacked):
    pytest.importorskip("torch")
    assert not (unpacked / "batch").exists() and not (unpacked / "tests").exists()
    standin = str(ROOT / "tests" / "nodes" / "standin")
    code = f"import sys; sys.path.insert(0, {standin!r})\n{_NODES}"
    run = subprocess.run([sys.executable, "-c", code], cwd=unpacked, capture_output=True, text=True, check=True)
    assert int(run.stdout.split()[-1]) >= 8


@pytest.mark.slow
def test_the_command_line_swaps_and_says_what_is_left_out(unpacked, tmp_path):
    pictures = [str(unpacked / "examples" / name) for name in ("astronaut.png", "grace_hopper.jpg")]
    swap = ["swap", "--source", pictures[0], "--target", pictures[1], "--output", str(tmp_path / "out.png")]
    done = subprocess.run([sys.executable, "-c", _SWAP, *swap], cwd=unpacked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 face(s) swapped" in done.stdout + done.stderr
    for command, code, said in (("batch", 2, "batch isn't in this copy"), ("doctor", None, "Python")):
        run = subprocess.run([sys.executable, "-c", _SWAP, command], cwd=unpacked, capture_output=True, text=True)
        assert run.returncode == code or code is None
        assert said in run.stdout + run.stderr and "Traceback" not in run.stderr
