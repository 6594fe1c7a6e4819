"""What reading a large picture takes beside its pixels."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

SIDE = 4000
PEAK = """
import sys
from checkout import load_checkout
load_checkout()
from multifaceswap.media.pictures import read_picture

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

read_picture(sys.argv[1])
before = peak()
picture = read_picture(sys.argv[2])
print((peak() - before) / (picture.shape[0] * picture.shape[1]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from /proc")
@pytest.mark.parametrize(
    ("mode", "name", "most"),
    [
        ("RGB", "rgb.png", 4 + 3),
        ("RGBA", "rgba.png", 4 + 4),
        ("L", "grey.png", 1 + 1),
        ("P", "palette.png", 1 + 4 + 3),
        ("RGB", "turned.png", 4 + 3),
        ("CMYK", "cmyk.tif", 4 + 4),
    ],
)
def test_beside_the_decoders_own_copy_a_picture_is_held_once(tmp_path, mode, name, most):
    """Bytes a pixel, with an eighth for the file and the rest of the process."""
    small, large = tmp_path / f"small_{name}", tmp_path / name
    orientation = Image.Exif()
    orientation[0x0112] = 6 if name.startswith("turned") else 1
    picture = Image.fromarray(np.full((SIDE, SIDE), 90, np.uint8)).convert(mode)
    options = {"compression": "tiff_deflate"} if name.endswith("tif") else {"compress_level": 1}
    picture.crop((0, 0, 8, 8)).save(small, exif=orientation, **options)
    picture.save(large, exif=orientation, **options)
    command = [sys.executable, "-c", PEAK, str(small), str(large)]
    search = {"PYTHONPATH": ":".join(path for path in sys.path if path.endswith("scripts"))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=search)
    assert float(done.stdout) < most * 1.125
