"""The two lists of requirements agree, and the wheel holds all that is needed."""

from __future__ import annotations

import runpy
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
UNPACKAGED = {"tests", "benchmarks", "scripts", "docs"}


def test_requirements_are_the_core_and_the_models_without_torch():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    project = PROJECT["project"]
    models = [name for name in project["optional-dependencies"]["models"] if not name.startswith("torch>")]
    assert listed == {*project["dependencies"], *models}


def test_no_requirement_is_pinned_or_capped():
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        requirement = line.partition(";")[0]
        assert "<" not in requirement, line
        assert "=" not in requirement.replace(">=", ""), line


def test_every_package_is_listed():
    folders = {file.parent.relative_to(ROOT) for file in ROOT.rglob("__init__.py")}
    inside = [folder for folder in folders if not (UNPACKAGED | {"build"}) & set(folder.parts[:1])]
    packages = {".".join(("multifaceswap", *folder.parts)) for folder in inside}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages


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


def test_the_readmes_table_is_the_catalogs():
    make_docs = runpy.run_path(str(ROOT / "scripts" / "make_docs.py"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert make_docs["readme"](text) == text
    assert "`hyperswap_1a_256`" in text
