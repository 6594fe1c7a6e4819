from __future__ import annotations

from pathlib import Path

import pytest
from multifaceswap.app.names import free_name, result_name
from multifaceswap.app.outputs import require_held, require_outputs
from multifaceswap.media import atomic
from multifaceswap.pipeline.errors import ImageError, SettingsError
from PIL import Image


@pytest.mark.parametrize(
    ("size", "output", "asked", "message"),
    [
        ((16384, 1), "a.webp", None, "wide.bmp: 16384×1: webp holds 16383 pixels a side: choose png"),
        ((1, 16384), "a", "webp", "wide.bmp: 1×16384: webp holds 16383 pixels a side"),
        ((65501, 1), "a.jpg", None, "wide.bmp: 65501×1: jpeg holds 65500 pixels a side"),
        ((32769, 1), "a.avif", None, "wide.bmp: 32769×1: avif holds 32768 pixels a side"),
    ],
)
def test_a_picture_too_large_for_its_results_format_is_known_by_its_header(tmp_path, size, output, asked, message):
    Image.new("L", size).save(tmp_path / "wide.bmp")
    data = (tmp_path / "wide.bmp").read_bytes()
    (tmp_path / "wide.bmp").write_bytes(data[:-1])  # its pixels couldn't be decoded
    with pytest.raises(ImageError, match=message):
        require_held(tmp_path / "wide.bmp", tmp_path / output, asked)
    require_held(tmp_path / "wide.bmp", tmp_path / "a.png", None)


def test_what_cannot_be_read_or_is_a_clip_is_left_for_later(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    require_held(tmp_path / "a.png", tmp_path / "b.webp", None)
    require_held(tmp_path / "missing.png", tmp_path / "b.webp", None)
    require_held(tmp_path / "a.mp4", tmp_path / "b.mp4", None)
    with pytest.raises(SettingsError, match="can't tell the format"):
        require_held(tmp_path / "a.png", tmp_path / "b.gif", None)


def test_a_folder_is_tried_once_and_nothing_is_left_there(tmp_path, monkeypatch):
    tried: list[str] = []
    monkeypatch.setattr(atomic, "temporary_name", lambda: tried.append("") or f"probe{len(tried)}")
    require_outputs(tmp_path / "new" / "deep" / f"{number}.png" for number in range(100))
    assert len(tried) == 1 and list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_nothing_is_told(tmp_path, monkeypatch):
    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ImageError, match=r"a\.png: can't be written: Permission denied"):
        require_outputs([tmp_path / "a.png"])


def test_a_name_with_a_null_is_told():
    with pytest.raises(ImageError, match=r"can't be written: .*null"):
        require_outputs([Path("a\0.png")])


def test_a_result_keeps_its_targets_extension_where_that_is_written():
    kept = ["a.jpg", "b/c.JPEG", "d.jfif", "e.jpe", "f.avif", "g.webm", "h.PNG", "i.webp"]
    assert [result_name(name, None) for name in kept] == kept
    changed = ["d.tif", "b/f.avi", "g.gif", "h.mpo", "i.heic", "j.jp2", "k"]
    assert [result_name(name, None) for name in changed] == [
        "d.png", "b/f.mp4", "g.png", "h.jpg", "i.png", "j.png", "k.png",
    ]  # fmt: skip
    assert [result_name(name, "webp") for name in ("a.jpg", "b/c.d.tif", "e.avi")] == ["a.webp", "b/c.d.webp", "e.mp4"]


def test_a_name_that_is_taken_gets_a_number():
    assert free_name("a/x.png", set()) == "a/x.png"
    assert free_name("a/X.png", {"a/x.png", "a/x-2.png"}) == "a/X-3.png"
    assert free_name("x.png", {"a/x.png"}) == "x.png"
