"""Who may import whom, and that importing the package is light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOST = {"comfy", "comfy_api", "comfy_execution", "folder_paths", "server"}
ALLOWED = {
    "pipeline": {"pipeline"},
    "media": {"media", "pipeline"},
    "models": {"media", "models", "pipeline"},
    "hosted": {"hosted", "media", "pipeline"},
    "marking": {"marking", "media", "pipeline"},
    "app": {"app", "hosted", "marking", "media", "models", "pipeline"},
    "batch": {"app", "batch", "media", "pipeline"},
    "serve": {"app", "hosted", "marking", "media", "models", "pipeline", "serve"},
    "commands": {"app", "batch", "commands", "hosted", "marking", "media", "models", "pipeline", "serve"},
    "cli.py": {"commands", "pipeline"},
}


def _files(part: str) -> list[Path]:
    path = ROOT / part
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def _package(file: Path) -> list[str]:
    return list(file.relative_to(ROOT).parent.parts)


def _imports(file: Path) -> set[str]:
    """First names of what a file imports: `.name` for the package's own parts, plain names for others."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            package = _package(file)
            base = package[: len(package) - node.level + 1]
            module = base + (node.module.split(".") if node.module else [])
            tops = [module[0]] if module else [alias.name for alias in node.names]
            found |= {f".{top}" for top in tops if top != "__version__"}
    return found


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_the_parts_below_it(part):
    own = {name[1:] for file in _files(part) for name in _imports(file) if name.startswith(".")}
    assert own <= ALLOWED[part], own - ALLOWED[part]


@pytest.mark.parametrize("part", ALLOWED)
def test_only_nodes_know_the_host(part):
    for file in _files(part):
        assert not _imports(file) & HOST, file


def test_only_the_runtime_imports_onnxruntime():
    everywhere = [file for part in [*ALLOWED, "nodes"] for file in _files(part)]
    assert [file.name for file in everywhere if "onnxruntime" in _imports(file)] == ["onnx.py"]


def test_pipeline_reads_no_files_and_opens_no_connections():
    for file in _files("pipeline"):
        assert not _imports(file) & {"os", "pathlib", "io", "socket", "requests", "torch", "onnxruntime"}, file


def test_imports_inside_the_package_are_relative():
    for part in [*ALLOWED, "nodes"]:
        for file in _files(part):
            assert "multifaceswap" not in _imports(file), file


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('multifaceswap', {str(ROOT / '__init__.py')!r},"
        f" submodule_search_locations=[{str(ROOT)!r}])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['multifaceswap'] = module\n"
        "spec.loader.exec_module(module)\n"
        "print(sorted({'numpy', 'cv2', 'torch', 'onnxruntime', 'PIL', 'requests'} & set(sys.modules)))\n"
        "assert set(module.__all__) <= set(dir(module))\n"
        "print([callable(getattr(module, name)) for name in module.__all__])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    light, names = run.stdout.splitlines()
    assert light == "[]"
    assert names == str([True] * 32)


def test_the_map_names_every_module():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = text.partition("## Map\n")[2].partition("\n## ")[0].splitlines()
    named = {}
    for line in rooms:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            named[cells[0].strip("`").rstrip("/")] = re.findall(r"`([\w.]+)`", cells[1])
    folders = {}
    for part in [*ALLOWED, "nodes", "__init__.py", "__main__.py"]:
        for file in _files(part):
            if file.name != "__init__.py" or part == "__init__.py":
                folders.setdefault(str(file.relative_to(ROOT).parent), set()).add(file.name)
    found = {("root" if folder == "." else folder): names for folder, names in folders.items()}
    assert {room: sorted(names) for room, names in named.items()} == {room: sorted(n) for room, n in found.items()}


def test_any_stays_rare():
    """Strict types hold the rest; what can't be said in them is counted, imports and all."""
    files = [file for part in [*ALLOWED, "nodes", "__init__.py", "__main__.py"] for file in _files(part)]
    uses = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        for _ in re.findall(r"\bAny\b", line)
    ]
    assert len(files) > 150 and len(uses) < 40, "\n".join(uses)
