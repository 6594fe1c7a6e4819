"""Regular files alone are opened; whatever else has a file's name is refused without waiting for it."""

from __future__ import annotations

import os
import socket
import tracemalloc

import pytest
from multifaceswap.app.outputs import require_outputs
from multifaceswap.batch import Place
from multifaceswap.media.clips import Clip
from multifaceswap.media.files import bounded, open_file, read_file, require_regular
from multifaceswap.media.pictures import picture_size, read_metadata, read_picture
from multifaceswap.models.runtime.onnx_file import read_ports
from multifaceswap.pipeline.errors import ImageError

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")


@pytest.fixture(params=["pipe", "socket", "device", "folder", "link"])
def special(tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    if request.param == "pipe":
        os.mkfifo("special")
    elif request.param == "folder":
        os.mkdir("special")
    elif request.param in ("device", "link"):
        os.symlink({"device": "/dev/zero", "link": "."}[request.param], "special")
    else:
        with socket.socket(socket.AF_UNIX) as open_socket:
            open_socket.bind("special")
    return tmp_path / "special"


@pytest.mark.parametrize(
    "use",
    [require_regular, open_file, lambda path: read_file(path, 10), read_ports, lambda path: Place(str(path)).read()],
)
def test_files_that_are_none_are_refused_at_once(special, use):
    with pytest.raises(OSError, match=r"it is not a regular file|it is a folder"):
        use(special)


def clip_facts(path):
    pytest.importorskip("av")
    return Clip(path).info()


@pytest.mark.parametrize("use", [read_picture, read_metadata, picture_size, clip_facts])
def test_pictures_and_clips_that_are_none_are_one_line(special, use):
    with pytest.raises(ImageError, match=r"not a regular file|folder") as refused:
        use(special)
    assert str(refused.value).startswith(str(special)) and "\n" not in str(refused.value)


def test_nothing_is_written_to_what_is_no_file(special):
    with pytest.raises(ImageError, match="it exists and is not a regular file"):
        require_outputs([special])


def test_a_file_has_a_largest_size(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_file(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="it is larger than 4 bytes"):
        read_file(tmp_path / "a", 4)
    with pytest.raises(OSError, match="it is larger than 4,096 bytes"):
        bounded(bytes(4097), 4096)


def test_a_file_that_is_too_large_takes_no_memory(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="it is larger than 33,554,432 bytes"):
            read_file(tmp_path / "a", 32 << 20)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_name_that_no_file_can_have_is_an_error_of_the_system(tmp_path):
    for name in ("a\0b", "\ud800"):
        with pytest.raises(OSError, match=r"null byte|surrogates"):
            read_file(tmp_path / name, 5)
