from __future__ import annotations

import pytest
from multifaceswap import cli
from multifaceswap.app import doctor
from multifaceswap.commands import doctor as doctor_command


def _main(*words: object) -> int:
    return cli.main([str(word) for word in words])


def _errors(capsys) -> str:
    """What went to stderr, which is never a traceback."""
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(("cure", "code"), [("", 0), ("do this\nthen that", 1)])
def test_what_is_wrong_decides_the_exit_code(monkeypatch, capsys, cure, code):
    findings = [doctor.Finding("Python", "3"), doctor.Finding("In use", "nothing", cure)]
    monkeypatch.setattr(doctor_command, "examine", lambda device: iter(findings))
    assert _main("doctor") == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  Python: 3" and lines[1].endswith(" In use: nothing")
    assert lines[2:] == (["    do this", "    then that", "1 to fix"] if cure else ["no problems found"])


def test_this_machine_without_showing_the_key(monkeypatch, capsys):
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_secret")
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert _main("doctor", "--device", "cpu") in (0, 1)
    out = capsys.readouterr().out
    assert "SEGMIND_API_KEY: found in the environment" in out and "SG_secret" not in out
    assert "In use: CPUExecutionProvider" in out


def test_an_unknown_device_is_2(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert _main("doctor", "--device", "toaster") == 2
    assert "device: expected one of auto" in _errors(capsys)
