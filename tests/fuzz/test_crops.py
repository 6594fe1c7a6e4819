"""Whatever the picture, the faces and the settings: unedited crops change no bit, and edited ones none but where the
mask says."""

from __future__ import annotations

import numpy as np
from facemaking import face, faces_of
from hypothesis import given
from hypothesis import strategies as st
from mutations import tries

INTERPOLATIONS = ["Nearest", "Bilinear", "Bicubic", "Lanczos"]


def picture_of(random):
    height, width = (int(side) for side in np.exp(random.uniform(0, 6, 2)) + 1)
    dtype, channels = random.choice(["uint8", "uint16", "float16", "float32"]), random.choice([1, 3, 4])
    whole = np.iinfo(dtype).max if dtype.startswith("u") else 1
    picture = (random.rand(height, width, channels) * whole).astype(dtype)
    if channels == 4 and random.rand() < 0.5:
        picture[:, : width // 2, 3] = 0
    return picture


def faces_near(random, picture):
    size = picture.shape[1::-1]
    places = [
        (random.uniform(-0.3, 1.3, 2) * size, float(np.exp(random.uniform(0, 7)))) for _ in range(random.randint(4))
    ]
    turned = [face(*place, random.uniform(-180, 180), n, mesh=random.rand() < 0.5) for n, place in enumerate(places)]
    return faces_of(picture, turned)


def settings_of(random):
    framing = {"alignment": "upright", "crop_margin": random.uniform(0, 2)}
    return {
        "crop_size": 256,
        "interpolation": str(random.choice(INTERPOLATIONS)),
        **(framing if random.rand() < 0.5 else {"alignment": str(random.choice(["ffhq", "arcface"]))}),
    }


@tries(30)
@given(st.integers(0, 2**32 - 1))
def test_nothing_changes_that_was_not_edited(session, seed):
    random = np.random.RandomState(seed)
    picture = picture_of(random)
    limit = random.rand(*picture.shape[:2]).astype(np.float32).round()
    made = session.crop([picture], faces_near(random, picture), mask=[limit], **settings_of(random))
    assert made.images.min(initial=0) >= 0 and made.images.max(initial=0) <= 1
    assert made.masks.min(initial=0) >= 0 and made.masks.max(initial=0) <= 1
    np.testing.assert_array_equal(session.paste([picture], made.images, made.crops).images[0], picture)
    edited = random.rand(made.crops.count, *random.choice([64, 256, 300], 2), random.choice([1, 3, 4]))
    masks = [np.ones(edited.shape[1:3], np.float32)] * made.crops.count if random.rand() < 0.5 else None
    blending = {"strength": random.rand(), "mask_feather": random.rand() / 2}
    blending["colour_match"] = str(random.choice(["none", "mean", "lighting"]))
    result = session.paste([picture], list(edited.astype(np.float32)), made.crops, mask=masks, **blending)
    (image,), (mask,) = result.images, result.masks
    assert image.shape == picture.shape and image.dtype == picture.dtype and not mask[limit == 0].any()
    np.testing.assert_array_equal(image[mask == 0], picture[mask == 0])
    if picture.shape[2] == 4:
        np.testing.assert_array_equal(image[..., 3], picture[..., 3])
    assert np.isfinite(image.astype(np.float64)).all()
