"""Makes the archive that ComfyUI's registry gets, and looks at it as the registry's scan does.

    python scripts/make_archive.py archive.zip

The patterns are those that the registry has named in its findings; each finding that can't be helped is listed in
`KNOWN`. Exit code 1 where there is another.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parent.parent
RULES = {
    "environment": r"os\.environ",
    "network": r"\brequests\.|urlopen\(|aiohttp\.ClientSession|\.connect\(|\.bind\(|\.send\(|\.sendall\(",
    "other programs": r"subprocess|os\.system|popen",
    "code from text": r"\.eval\(|\bexec\(|\beval\(|__import__\(",
    "signing": r"\bcryptography\b",
}
KNOWN = {
    ("environment", "media/environment.py"),  # Folders and the key come from variables.
    ("network", "models/download.py"),
    ("network", "models/published.py"),  # Models are fetched on demand.
    ("network", "hosted/segmind/transport.py"),  # The hosted engine.
    ("network", "hosted/segmind/connections.py"),
    ("signing", "marking/certificates.py"),  # Signs results, where the user has a certificate for that.
}
_TEXTS = {".py", ".js", ".mjs"}


def files() -> list[str]:
    """What goes into the archive: what git knows, without what `.comfyignore` names."""
    said = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    spec = GitIgnoreSpec.from_lines((ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines())
    return [name for name in said.stdout.splitlines() if not spec.match_file(name) and (ROOT / name).is_file()]


def findings(names: list[str]) -> Iterator[tuple[str, str]]:
    """(rule, file) of all that the scan would find."""
    for name in names:
        if "__pycache__" in name or name.endswith((".pyc", ".pyo", ".so", ".dll", ".exe")):
            yield "bytecode", name
        if Path(name).suffix in _TEXTS:
            text = (ROOT / name).read_text(encoding="utf-8")
            yield from ((rule, name) for rule, pattern in RULES.items() if re.search(pattern, text))


def write(archive: Path) -> None:
    """The archive with all files in their places."""
    with ZipFile(archive, "w", ZIP_DEFLATED) as made:
        for name in files():
            made.write(ROOT / name, name)


def main() -> int:
    """Write the archive that the first argument names; 1 where the scan would find what isn't known."""
    write(Path(sys.argv[1]))
    new = sorted(set(findings(files())) - KNOWN)
    for rule, name in new:
        print(f"{name}: {rule}", file=sys.stderr)  # noqa: T201
    return int(bool(new))


if __name__ == "__main__":
    sys.exit(main())
