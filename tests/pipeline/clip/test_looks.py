from __future__ import annotations

import numpy as np
from multifaceswap.pipeline.clip.looks import has_changed, look_of
from multifaceswap.pipeline.faces.detect import detect_batch
from multifaceswap.pipeline.types import Face


def detected(pool, picture) -> Face:
    return detect_batch([picture], pool.detector("builtin", turns=False, tiles=False, min_size=0)).flat()[0]


def test_a_face_looks_the_same_in_other_light_place_and_size_and_another_does_not(pool, astronaut, hopper):
    woman, man = detected(pool, astronaut), detected(pool, hopper)
    look = look_of(astronaut, woman)
    dark = (astronaut * 0.3).astype(np.uint8)
    noisy = np.clip(astronaut + np.random.default_rng(0).normal(0, 12, astronaut.shape), 0, 255).astype(np.uint8)
    deep = astronaut.astype(np.uint16) * 257
    small = np.ascontiguousarray(astronaut[::2, ::2])
    for picture in (dark, noisy, deep, small):
        assert not has_changed(look, look_of(picture, detected(pool, picture)))
    assert float(look @ look_of(hopper, man)) < 0.5
    assert has_changed(look, look_of(hopper, man))


def test_what_has_no_look_has_not_changed():
    tiny = Face(np.array([0, 0, 15, 15]), np.array([[5, 5], [10, 5], [7, 8], [5, 12], [10, 12]]), 0.9)
    large = Face(tiny.box * 3 + 40, tiny.landmarks * 3 + 40, 0.9)
    picture = np.random.default_rng(0).integers(0, 255, (120, 120, 3), dtype=np.uint8)
    assert look_of(picture, tiny) is None and look_of(np.full_like(picture, 128), large) is None
    look = look_of(picture, large)
    assert look.shape == (256,) and np.isclose(np.linalg.norm(look), 1)
    assert not has_changed(look, None) and not has_changed(None, look) and has_changed(look, -look)
