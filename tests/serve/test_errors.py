"""What a server answers never says where its files lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from multifaceswap.serve.errors import public_text, without_folders


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/John Smith/models/a.onnx: damaged", "a.onnx: damaged"),
        ("'/home/John Smith/my models/a.onnx' is empty", "'a.onnx' is empty"),
        ("/srv/swap/models/a.onnx and C:\\models\\b.onnx", "a.onnx and b.onnx"),
        ("see https://example.org/a/b/c.html", "see https://example.org/a/b/c.html"),
        ("/data/saved people/Anna.safetensors: damaged", "Anna.safetensors: damaged"),
        ("1/2 of 3 faces, 0.5/s", "1/2 of 3 faces, 0.5/s"),
    ],
)
def test_folders_are_left_out(monkeypatch, text, shown):
    monkeypatch.setenv("HOME", "/home/John Smith")
    monkeypatch.setenv("USERPROFILE", "/home/John Smith")
    assert without_folders(text, Path("/data/saved people")) == shown


def test_the_systems_errors_name_the_file_alone(tmp_path):
    folder = tmp_path / "with a space"
    with pytest.raises(OSError) as error:
        (folder / "no.png").read_bytes()
    assert public_text(error.value, folder) == "no.png: No such file or directory"
