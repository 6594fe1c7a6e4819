"""Donors whose colours mean something else than the target's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from multifaceswap import Session
from multifaceswap.app.donor_colours import DonorColours
from multifaceswap.app.donor_files import read_donors
from multifaceswap.app.jobs import Job, swap_job
from multifaceswap.app.pictures import Donors
from multifaceswap.media.pictures import Metadata, read_picture, write_picture
from multifaceswap.pipeline.types import FaceSet, Size
from PIL import Image, ImageCms

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _wider() -> bytes:
    """sRGB with red and green changed round: nothing else is needed to tell colours that were brought over."""
    return SRGB.replace(b"rXYZ", b"tmpX", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"tmpX", b"gXYZ", 1)


def _donors(pixels: np.ndarray) -> Donors:
    return Donors([pixels], FaceSet(((),), Size.of(pixels)))


def test_donors_come_into_the_targets_profile_once_for_all_alike():
    pixels = np.array([[[200, 30, 60]]], np.uint8)
    donors, colours = _donors(pixels), DonorColours((_wider(),))
    assert colours.seen_in(_wider(), donors) is donors
    seen = colours.seen_in(None, donors)
    assert np.abs(seen.pictures[0].astype(int) - (30, 200, 60)).max() <= 2
    assert colours.seen_in(None, donors).pictures is seen.pictures
    assert DonorColours((None,)).seen_in(None, donors) is donors
    assert DonorColours((None,)).seen_in(SRGB, donors).pictures[0] is pixels
    there = DonorColours((None,)).seen_in(_wider(), donors).pictures[0]
    assert np.abs(there.astype(int) - (30, 200, 60)).max() <= 2


def test_a_grey_target_takes_donors_in_srgb():
    grey = b"\0" * 16 + b"GRAY" + b"\0" * 200
    donors = _donors(np.array([[[200, 30, 60]]], np.uint8))
    assert DonorColours((None,)).seen_in(grey, donors) is donors


@pytest.mark.parametrize("target", [None, SRGB, _wider()])
def test_a_donors_profile_does_not_change_what_it_looks_like(tmp_path, target):
    """The same donor in sRGB and with red and green changed round: by its profile it looks the same."""
    pixels = read_picture(EXAMPLES / "astronaut.png")[..., :3]
    swapped = np.ascontiguousarray(pixels[..., [1, 0, 2]])
    write_picture(tmp_path / "plain.png", pixels)
    write_picture(tmp_path / "tagged.png", swapped, metadata=Metadata(_wider()))
    hopper = np.asarray(Image.open(EXAMPLES / "grace_hopper.jpg"))
    if target == _wider():
        hopper = np.ascontiguousarray(hopper[..., [1, 0, 2]])
    write_picture(tmp_path / "target.png", hopper, metadata=Metadata(target))
    shown = []
    with Session(device="cpu") as session:
        faces = session.donors([pixels]).faces
        for name in ("plain.png", "tagged.png"):
            donors = read_donors(session, [tmp_path / name], [], {})
            # Found in one picture for both: what is compared are colours, not how a face is found in odd ones.
            donors = donors._replace(donors=donors.donors._replace(faces=faces))
            swap_job(session, Job(tmp_path / "target.png", tmp_path / f"{name}.out.png"), donors, {})
            shown.append(read_picture(tmp_path / f"{name}.out.png").astype(int))
    assert np.abs(shown[0] - hopper).max() > 50
    assert np.abs(shown[0] - shown[1]).max() <= 6
