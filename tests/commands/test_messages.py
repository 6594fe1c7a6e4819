"""However much comes in at a door, a message is one short line."""

from __future__ import annotations

import json

import pytest
from multifaceswap.app import settings
from multifaceswap.cli import main
from multifaceswap.pipeline.errors import MultiFaceSwapError

LONG = "x" * 100_000
LONGEST = 640
"""Characters: 200 of what came, and names that could have come instead."""


@pytest.fixture
def said(capsys, tmp_path, blank, monkeypatch):
    """Runs the command, which can't do what it is asked, and gives its lines."""
    monkeypatch.chdir(tmp_path)
    blank.rename(tmp_path / "a.png")

    def run(*words):
        assert main(words) == 2
        lines = capsys.readouterr().err.splitlines()
        assert lines and max(map(len, lines)) <= LONGEST
        return lines

    return run


FILES = {"--source": "a.png", "--target": "a.png", "--output": "o.png"}


@pytest.mark.parametrize("command", ["swap", "batch"])
@pytest.mark.parametrize("option", ["--source", "--target", "--reference", "--output", "--report"])
@pytest.mark.parametrize(
    "name", [f"{LONG}.png", f"{LONG}.mp4", "d/" * 50_000 + "a.png", f"*{LONG}", "\x1b[2J\n" * 9999], ids=range(5)
)
def test_names_of_files(said, command, option, name):
    given = {**FILES, option: name}
    said(command, *(f"{key}={value}" for key, value in given.items()), *(["--retries=0"] if command == "batch" else []))


@pytest.mark.parametrize(
    "words", [[LONG], ["swap", f"--{LONG}"], ["models", LONG], ["models", "get", LONG], ["detect", LONG]], ids=range(5)
)
def test_words(said, words):
    said(*words)


@pytest.mark.parametrize(
    "row",
    [
        {"target": LONG},
        {"source": LONG},
        {"output": f"/{LONG}"},
        {"image-format": LONG},
        {LONG: "1"},
        {"target": [LONG] * 100},
        {"confidence": "9" * 100_000},
        {"target": "a\0.png"},
        {"target": "\ud800.png"},
    ],
    ids=range(9),
)
def test_rows_of_manifests(said, tmp_path, row):
    (tmp_path / "m.jsonl").write_text(json.dumps({"target": "a.png", **row}))
    said("batch", "--source=a.png", "--target=m.jsonl", "--output=o", "--retries=0")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"target":' * 50_000, "9" * 100_000, f'"{LONG}', LONG, "target," + LONG], ids=range(6)
)
@pytest.mark.parametrize("name", ["m.jsonl", "m.csv"])
def test_manifests(said, tmp_path, text, name):
    (tmp_path / name).write_text(text)
    said("batch", "--source=a.png", f"--target={name}", "--output=o", "--retries=0")


VALUES = [
    LONG,
    LONG.encode(),
    [LONG] * 100_000,
    {LONG: LONG},
    10**400,
    10**5000,
    -(10**5000),
    1e999,
    "0," * 50_000,
    "9" * 9999,
]


@pytest.mark.parametrize(
    "setting", settings.of("picture", "clip", "file", "session").values(), ids=lambda row: row.name
)
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_settings(setting, value):
    for read in (setting.check, setting.parse) if isinstance(value, str) else (setting.check,):
        try:
            read(value)
        except MultiFaceSwapError as error:
            assert len(str(error)) <= LONGEST and "\n" not in str(error)
        else:
            assert setting.model == "restorer"  # any file's name may be one: it is looked for when work is planned
