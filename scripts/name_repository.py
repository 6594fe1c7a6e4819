"""Writes into pyproject.toml where the project is published, which only the place that publishes it knows.

    python scripts/name_repository.py https://example.org/owner/name COMMIT

ComfyUI's registry wants the repository, and shows an icon and a banner by their addresses.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import tomlkit

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
_PICTURES = {"Icon": "docs/registry/icon.svg", "Banner": "docs/registry/banner.jpg"}


def named(text: str, repository: str, commit: str) -> str:
    """The text of pyproject.toml with the addresses of a repository at a commit. Raises ValueError for no address."""
    if urlsplit(repository).scheme != "https" or not urlsplit(repository).netloc:
        raise ValueError(f"expected an address such as https://example.org/owner/name, got {repository}")
    repository = repository.rstrip("/")
    project = tomlkit.parse(text)
    project["project"]["urls"] = {
        "Repository": repository,
        "Documentation": f"{repository}/blob/{commit}/README.md",
        "Changelog": f"{repository}/blob/{commit}/CHANGELOG.md",
        "Bug Tracker": f"{repository}/issues",
    }
    for key, file in _PICTURES.items():
        project["tool"]["comfy"][key] = f"{repository}/raw/{commit}/{file}"
    return tomlkit.dumps(project)


def main() -> None:
    """Write the file anew."""
    repository, commit = sys.argv[1:3]
    PYPROJECT.write_text(named(PYPROJECT.read_text(encoding="utf-8"), repository, commit), encoding="utf-8")


if __name__ == "__main__":
    main()
