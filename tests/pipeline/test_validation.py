"""What isn't a list of pictures is told in one clear line, whatever it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from multifaceswap import Session, detect_faces, restore_faces, swap_faces
from multifaceswap.pipeline.errors import MismatchError, SettingsError
from multifaceswap.pipeline.faces.pairing import map_indexes
from multifaceswap.pipeline.types import FaceSet, IndexMap, Size
from multifaceswap.pipeline.validation import require_masks, require_pictures
from PIL import Image

GOOD = np.full((70, 90, 3), 200, np.uint8)
FLOAT = np.full((70, 90, 3), 0.5, np.float32)


class _Watched(np.ndarray):
    """Counts how many numbers are converted."""

    read = 0

    def astype(self, *words, **options):
        _Watched.read += self.size
        return super().astype(*words, **options)


@pytest.mark.parametrize(
    "pictures",
    [
        [],
        [GOOD],
        (GOOD[..., :1], np.zeros((5, 5, 4), np.uint16)),
        np.zeros((2, 5, 5, 3), np.float32),
        [FLOAT.astype(np.float16), FLOAT.astype(np.float64)],
    ],
)
def test_pictures_pass(pictures):
    require_pictures(pictures, "targets")


def test_highlights_beyond_one_pass():
    bright = FLOAT.copy()
    bright[:8, :8] = 60
    require_pictures([bright], "targets")


def test_of_a_large_float_picture_little_is_read():
    _Watched.read = 0
    require_pictures([np.zeros((2160, 3840, 3), np.float32).view(_Watched)], "targets")
    assert 0 < _Watched.read < 50_000


@pytest.mark.parametrize(
    ("pictures", "told"),
    [
        (GOOD, r"got one array of shape \(70, 90, 3\): put it into a list"),
        (GOOD[..., 0], r"got one array of shape \(70, 90\): put it into a list"),
        ([GOOD, GOOD[..., 0]], r", picture 1: .* got shape \(70, 90\): .*picture\[\.\.\., None\]"),
        ([GOOD[..., :2]], r"got shape \(70, 90, 2\)"),
        ([GOOD[:0]], r"got shape \(0, 90, 3\)"),
        ("a.jpg", r"got str 'a\.jpg': open it with np\.array\(PIL\.Image\.open\(path\)\)"),
        ([Path("a.jpg")], r"picture 0: .*Path\('a\.jpg'\): open it"),
        (Image.fromarray(GOOD), r"got PIL\.Image\.Image: make an array"),
        ([Image.fromarray(GOOD)], r"picture 0: .*got PIL\.Image\.Image: make an array"),
        (None, "got NoneType"),
        ([GOOD.tolist()], "got list"),
        ([GOOD.astype(np.float32)], "got float32 with numbers such as 200: divide it by 255"),
        ([GOOD.astype(np.int32)], r"got int32: .*astype\(np\.uint8\)"),
        ([GOOD.astype(np.uint32)], "got uint32"),
    ],
)
def test_what_is_no_list_of_pictures_is_told(pictures, told):
    with pytest.raises(SettingsError, match=f"^targets.*{told}"):
        require_pictures(pictures, "targets")


def test_masks_pass():
    require_masks([np.ones((70, 90), np.float32), np.zeros((70, 90), bool)], [GOOD, GOOD], "mask")


@pytest.mark.parametrize(
    ("masks", "error", "told"),
    [
        (np.ones((70, 90)), MismatchError, r"list of 1 mask\(s\), one a picture, got an array of shape \(70, 90\)"),
        ([], MismatchError, "got 0"),
        (0.5, MismatchError, "got float"),
        ([np.ones((90, 70))], MismatchError, r"mask 0: .*\(70, 90\), .*\(90×70\), got shape \(90, 70\)"),
        ([np.ones((70, 90, 1))], MismatchError, r"got shape \(70, 90, 1\)"),
        ([None], MismatchError, "got NoneType"),
        ([np.ones((70, 90), np.uint8)], SettingsError, r"expected float in \[0, 1\], got uint8"),
        ([np.full((70, 90), 255.0)], SettingsError, "got float64 with numbers such as 255"),
        ([np.full((70, 90), np.nan)], SettingsError, "got float64 with NaN or infinity"),
        ([np.pad([[-np.inf]], (69, 89))[:70, :90]], SettingsError, "got float64 with NaN or infinity"),
    ],
)
def test_masks_that_fit_no_picture_are_told(masks, error, told):
    with pytest.raises(error, match=told):
        require_masks(masks, [GOOD], "mask")


NOBODY = FaceSet(((),), Size(90, 70))
EMPTY = IndexMap(((),), (), Size(90, 70), Size(90, 70), 1)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("pictures", lambda bad: detect_faces(bad)),
        ("pictures", lambda bad: Session().locate(bad, [[]])),
        ("targets", lambda bad: swap_faces(bad, [GOOD], EMPTY)),
        ("sources", lambda bad: swap_faces([GOOD], bad, EMPTY)),
        ("images", lambda bad: restore_faces(bad, NOBODY, "disable")),
    ],
)
def test_the_api_looks_at_what_it_is_given(name, call):
    for bad in (GOOD, [GOOD[..., 0]], [GOOD.astype(np.float32)], "a.jpg"):
        with pytest.raises(SettingsError, match=f"^{name}"):
            call(bad)


def test_the_api_looks_at_masks():
    with pytest.raises(MismatchError, match=r"^mask, mask 0: expected"):
        swap_faces([GOOD], [GOOD], EMPTY, mask=[np.ones((9, 9))])


@pytest.mark.parametrize("lists", [(0, "0"), ("0", [0, 1]), (None, "0")])
def test_index_lists_are_texts(lists):
    with pytest.raises(SettingsError, match=r"index list: expected a text such as '0,2-4', got (0|\[0, 1\]|None)$"):
        map_indexes(NOBODY, NOBODY, *lists)
