from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from multifaceswap import __version__, cli

WOMAN = Path(__file__).resolve().parents[1] / "examples" / "astronaut.png"


def _main(*words: object) -> int:
    return cli.main([str(word) for word in words])


def _errors(capsys) -> str:
    """What went to stderr, which is never a traceback."""
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: COMMAND (see multifaceswap --help)"),
        (["dance"], "choose from "),
        (["swap"], "required: --target, --output (see multifaceswap swap --help)"),
        (["detect", WOMAN, "--preview"], "expected one argument"),
        (["detect", WOMAN, "--gend"], "unrecognized arguments: --gend (see multifaceswap detect --help)"),
    ],
)
def test_a_line_that_cannot_be_understood_is_2_and_one_line(capsys, words, message):
    assert _main(*words) == 2
    errors = _errors(capsys)
    assert errors.startswith("multifaceswap: error: ") and message in errors and errors.count("\n") == 1


def test_help_names_every_command_and_every_command_has_help(capsys):
    assert _main("--help") == 0
    text = capsys.readouterr().out
    assert all(f" {name} " in text for name in ("swap", "detect", "doctor"))
    codes = "Exit codes: 0 all done, 1 some pictures failed, 2 nothing was done, 130 cancelled."
    assert codes in " ".join(text.split())
    for name in ("swap", "detect", "doctor"):
        assert _main(name, "--help") == 0
        assert f"usage: multifaceswap {name}" in capsys.readouterr().out


def test_version(capsys):
    assert _main("--version") == 0
    assert capsys.readouterr().out == f"multifaceswap {__version__}\n"


def test_a_module_that_cannot_be_imported_is_told(monkeypatch, capsys):
    def broken(*_):
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(cli, "import_module", broken)
    assert _main("doctor") == 2
    assert "error: libGL.so.1: cannot open" in _errors(capsys)


def test_a_defect_is_not_hidden(monkeypatch):
    def defect(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "import_module", defect)
    with pytest.raises(ZeroDivisionError):
        _main("doctor")


def test_a_reader_that_leaves_early_gets_no_traceback():
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import conftest; "
        "from multifaceswap.cli import run; run()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "detect", str(WOMAN)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1 and errors == b""


def test_what_finding_faces_loads_is_nothing_of_clips_nor_of_restorers():
    """Each module is read before the first face is found."""
    root = Path(__file__).resolve().parent.parent
    code = f"""
import sys
sys.path.insert(0, {str(root / "scripts")!r})
from checkout import load_checkout
load_checkout()
from multifaceswap.cli import main
main(["detect", "examples/group.jpg"])
print(*(name.removeprefix("multifaceswap.") for name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = {*done.stdout.splitlines()[-1].split()}
    assert {"models.detectors.blazeface", "media.pictures.reading", "media.clips.formats"} <= loaded
    assert not loaded & {"media.clips.transcode", "media.clips.mux", "pipeline.clip.flow", "app.clips"}
    assert not loaded & {"pipeline.clip.watching", "models.restorers.contents", "models.restorers.architectures"}
