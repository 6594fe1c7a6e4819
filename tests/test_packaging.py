"""The two lists of requirements agree, and the wheel holds all that is needed."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UNPACKAGED = {"tests", "benchmarks", "scripts", "docs", "typings", "docker"}
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
ROOMS = {package.split(".")[1] for package in PACKAGES if "." in package}
DATA = {"examples", "example_workflows", "locales", "subgraphs", "web"}
MODULES = {"__init__.py", "__main__.py", "cli.py"}


def test_requirements_are_the_core_and_the_models_without_torch_and_torchvision():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    project = PROJECT["project"]
    models = [name for name in project["optional-dependencies"]["models"] if not name.startswith("torch")]
    assert listed == {*project["dependencies"], *models}


def test_no_requirement_is_pinned_or_capped():
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        requirement = line.partition(";")[0]
        assert "<" not in requirement, line
        assert "=" not in requirement.replace(">=", ""), line


def test_what_caps_numpy_is_for_tests_alone():
    """numba, which facexlib and insightface need, caps numpy: pip lowers one that is newer."""
    allowed = {"facexlib", "insightface"}
    extras = PROJECT["project"]["optional-dependencies"]
    listed = [
        *PROJECT["project"]["dependencies"],
        *(name for extra in ("models", "video", "heic") for name in extras[extra]),
    ]
    assert not {name.partition(">")[0] for name in listed} & allowed


FIRST_RUNTIMES = {3: "1.0", 4: "1.0", 5: "1.0", 6: "1.0", 7: "1.5", 8: "1.10", 9: "1.15", 10: "1.18", 11: "1.21"}
"""The first onnxruntime that reads a version of ONNX's format."""


def test_the_lowest_onnxruntime_reads_every_shipped_graph():
    floors = [name for name in PROJECT["project"]["dependencies"] if name.startswith("onnxruntime")]
    (floor,) = {name.partition(">=")[2].partition(";")[0] for name in floors}
    graphs = sorted((ROOT / "models" / "builtin").glob("*.onnx"))
    assert len(graphs) == 4
    for graph in graphs:
        field, version = graph.read_bytes()[:2]
        assert field == 0x08, graph  # ModelProto.ir_version, a small number
        needed = FIRST_RUNTIMES[version]
        assert [*map(int, needed.split("."))] <= [*map(int, floor.split("."))], (graph.name, version, needed)


def test_every_package_is_listed():
    folders = {file.parent.relative_to(ROOT) for file in ROOT.rglob("__init__.py")}
    inside = [folder for folder in folders if not (UNPACKAGED | {"build"}) & set(folder.parts[:1])]
    packages = {".".join(("multifaceswap", *folder.parts)) for folder in inside}
    assert set(PACKAGES) == packages


def test_versions_agree():
    import multifaceswap

    assert PROJECT["project"]["version"] == multifaceswap.__version__


def test_every_shipped_weight_is_package_data_with_its_notice():
    data = PROJECT["tool"]["setuptools"]["package-data"]["multifaceswap.models.builtin"]
    weights = [file for file in (ROOT / "models" / "builtin").iterdir() if file.suffix in {".onnx", ".npz"}]
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert len(weights) == 5
    for file in weights:
        assert any(file.match(pattern) for pattern in data), file
        assert file.name in notice, file


def test_the_tables_are_those_of_catalog_and_settings():
    make_docs = runpy.run_path(str(ROOT / "scripts" / "make_docs.py"))
    readme, page = (path.read_text(encoding="utf-8") for path in make_docs["PAGES"])
    assert (make_docs["filled"](readme), make_docs["filled"](page)) == (readme, page)
    assert "HyperSwap (3)" in readme and "`mask_padding`" in readme and len(readme.splitlines()) < 200
    assert "`hyperswap_1a_256` (fast)" in page


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in the wheel, made of a copy: building leaves folders behind."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("source")
    for name in ROOMS | DATA:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in MODULES | {"LICENSE", "NOTICE", "README.md", "py.typed", "pyproject.toml"}:
        shutil.copy(ROOT / name, folder)
    build = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, capture_output=True)
    (file,) = (folder / "dist").glob("*.whl")
    with ZipFile(file) as archive:
        return {name for name in archive.namelist() if not name.startswith("multifaceswap-")}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel):
    files = [file for name in ROOMS | DATA for file in (ROOT / name).rglob("*") if file.is_file()]
    kept = {file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in file.parts}
    assert wheel == {f"multifaceswap/{name}" for name in kept | MODULES | {"NOTICE", "py.typed"}}


def test_comfyuis_registry_gets_every_file_that_runs_and_no_other():
    """`.comfyignore` is read as git reads its own: a pattern without a slash ahead counts at every depth."""
    spec = pytest.importorskip("pathspec").GitIgnoreSpec.from_lines((ROOT / ".comfyignore").read_text().splitlines())
    left_out = UNPACKAGED | {".ci", ".github", "batch", "serve"}
    files = [file for name in ROOMS | DATA | left_out for file in (ROOT / name).rglob("*") if file.is_file()]
    names = {file.relative_to(ROOT).as_posix() for file in files} | MODULES | {"pyproject.toml", "requirements.txt"}
    ignored = {name for name in names if spec.match_file(name)}
    assert ignored == {name for name in names if name.partition("/")[0] in left_out} | {"app/programs.py"}


def test_types_of_the_whole_package_are_checked():
    assert set(PROJECT["tool"]["basedpyright"]["include"]) == ROOMS | MODULES
