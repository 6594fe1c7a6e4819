from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from multifaceswap import cli
from multifaceswap.app.limits import fitted_limit, limits_in_range, read_limit
from multifaceswap.media.pictures import read_picture, write_picture
from multifaceswap.pipeline.errors import MismatchError
from multifaceswap.pipeline.types import Size

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WOMAN, MAN = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"


def _swap(output: Path, *words: object) -> int:
    line = ["swap", "--source", WOMAN, "--target", MAN, "--output", output, *words]
    return cli.main([str(word) for word in line])


def _half(path: Path, scale: int = 1) -> Path:
    """White on the left of what is as large as the target, or a part of that."""
    height, width = (side // scale for side in read_picture(MAN).shape[:2])
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = 255
    write_picture(path, mask)
    return path


def _changed(output: Path) -> np.ndarray:
    return (read_picture(output) != read_picture(MAN)).any(-1)


@pytest.mark.parametrize("scale", [1, 2])
def test_only_what_is_white_may_change(tmp_path, scale):
    limit = _half(tmp_path / "limit.png", scale)
    assert _swap(tmp_path / "all.png") == 0
    assert _swap(tmp_path / "a.png", "--limit-mask", limit, "--mask", tmp_path / "m.png") == 0
    middle = read_picture(MAN).shape[1] // 2
    everywhere, limited = _changed(tmp_path / "all.png"), _changed(tmp_path / "a.png")
    assert everywhere[:, middle + 2 :].sum() > 1000 and not limited[:, middle + 2 :].any()
    assert (limited[:, : middle - 2] == everywhere[:, : middle - 2]).all()
    assert not read_picture(tmp_path / "m.png")[:, middle + 2 :].any()


def test_shares_come_from_grey_colour_depth_and_transparency(tmp_path):
    path = tmp_path / "limit.png"
    write_picture(path, np.array([[0, 51, 255]], np.uint8))
    np.testing.assert_allclose(read_limit(path), [[0, 0.2, 1]], atol=1e-6)
    write_picture(path, np.full((1, 1, 3), 13107, np.uint16))
    np.testing.assert_allclose(read_limit(path), [[0.2]], atol=1e-5)
    write_picture(path, np.array([[[255, 255, 255, 0], [255, 255, 255, 51]]], np.uint8))
    np.testing.assert_allclose(read_limit(path), [[0, 0.2]], atol=1e-5)


GREY = np.zeros((2, 3, 1), np.uint8)


def test_no_mask_bounds_nothing_and_masks_in_range_stay_themselves():
    assert limits_in_range(None, [GREY], "mask") == (None, ())
    masks = [np.float32([[0, 0.5, 1], [1, 1, 1]]), np.zeros((2, 3), bool)]
    assert limits_in_range(masks, [GREY, GREY], "mask") == (masks, ())


def test_what_lies_beyond_its_range_is_cut_off_once_and_said():
    mask = np.float32([[-0.5, 0, 0.5], [1, 2, 2.25]])
    mask.flags.writeable = False
    masks, notes = limits_in_range([mask] * 3, [GREY] * 3, "mask")
    assert notes == ("mask: weights from -0.5 to 2.25 were cut off at 0 and 1",)
    assert masks[0].tolist() == [[0, 0, 0.5], [1, 1, 1]] and all(one is masks[0] for one in masks)


def test_errors_of_rounding_are_cut_off_without_a_word():
    masks, notes = limits_in_range(np.full((1, 2, 3), np.nextafter(np.float32(1), np.float32(2))), [GREY], "mask")
    assert notes == () and (masks[0] == 1).all()


def test_other_proportions_are_refused(tmp_path, capsys):
    with pytest.raises(MismatchError, match="mask: expected the target's size 60×40 or its proportions, got 40×60"):
        fitted_limit(np.ones((60, 40), np.float32), Size(60, 40), "mask")
    write_picture(tmp_path / "limit.png", np.zeros((20, 90), np.uint8))
    assert _swap(tmp_path / "a.png", "--limit-mask", tmp_path / "limit.png") == 2
    assert "--limit-mask: expected the target's size" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_a_mask_that_is_there_is_not_replaced_unasked(tmp_path, capsys):
    mask = _half(tmp_path / "mine.png")
    before = mask.read_bytes()
    assert _swap(tmp_path / "a.png", "--mask", mask) == 2
    told = capsys.readouterr().err
    assert f"--mask {mask} is there already" in told and "--limit-mask" in told
    assert mask.read_bytes() == before and not (tmp_path / "a.png").exists()
    assert _swap(tmp_path / "a.png", "--mask", mask, "--overwrite") == 0
    assert mask.read_bytes() != before


def test_the_limit_is_never_written_over(tmp_path, capsys):
    limit = _half(tmp_path / "mine.png")
    assert _swap(tmp_path / "a.png", "--limit-mask", limit, "--mask", limit, "--overwrite") == 2
    assert "is an input and would be overwritten" in capsys.readouterr().err


def test_clips_take_no_limit(tmp_path, capsys):
    limit = _half(tmp_path / "mine.png")
    words = ["swap", "--source", WOMAN, "--target", tmp_path / "a.mp4", "--output", tmp_path / "b.mp4"]
    assert cli.main([*map(str, words), "--limit-mask", str(limit)]) == 2
    assert "--limit-mask works for pictures" in capsys.readouterr().err
