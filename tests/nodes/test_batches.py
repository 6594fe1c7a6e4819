"""Batches of pictures and masks are made once, and what is only read is not copied."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

torch = pytest.importorskip("torch")

FRAMES, HEIGHT, WIDTH = 24, 160, 240


def peak_of(make):
    """What `make()` gives, and the most bytes of arrays that were held with it; what it imports doesn't count."""
    make()
    tracemalloc.start()
    result = make()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result, peak


def bytes_of(tensor):
    return tensor.numel() * tensor.element_size()


def faces_on(frames, pipeline):
    face = pipeline.Face((60, 40, 120, 120), np.full((5, 2), 80), 1.0)
    return pipeline.FaceSet(((face,),) * frames, pipeline.Size(WIDTH, HEIGHT))


@pytest.fixture
def bridge(comfy):
    return comfy.module("nodes.bridge")


@pytest.fixture
def types(comfy):
    return comfy.module("pipeline.types")


def test_a_mask_in_range_is_not_copied_for_the_frames_that_it_bounds(bridge):
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.float32)
    for count in (1, FRAMES):
        mask = torch.rand(count, HEIGHT, WIDTH)
        limits, peak = peak_of(lambda mask=mask: bridge.limits_of(mask, frames))
        assert len(limits) == FRAMES and peak < mask[0].numel()
        for number, limit in enumerate(limits):
            assert np.shares_memory(limit, mask.numpy()) and not limit.flags.writeable
            np.testing.assert_array_equal(limit, mask[number % count])


def test_one_mask_of_another_size_is_scaled_once(bridge):
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.float32)
    limits = bridge.limits_of(torch.rand(1, HEIGHT // 2, WIDTH // 2), frames)
    assert len(limits) == FRAMES and all(limit is limits[0] for limit in limits)
    assert limits[0].shape == (HEIGHT, WIDTH)


def test_no_masks_of_no_pictures_are_none(bridge):
    assert bridge.limits_of(torch.zeros(0, HEIGHT, WIDTH), np.zeros((0, HEIGHT, WIDTH, 3), np.float32)) is None


def test_masks_and_pictures_of_one_array_go_out_as_they_are(bridge):
    masks, images = np.zeros((FRAMES, HEIGHT, WIDTH), np.float32), np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.float32)
    assert np.shares_memory(bridge.mask_of(masks, torch.zeros(1)).numpy(), masks)
    assert np.shares_memory(bridge.image_like(images, torch.zeros(1)).numpy(), images)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_new_pictures_are_put_into_their_batch_as_they_come(bridge, types, dtype):
    def made():
        for number in range(FRAMES):
            held = 1 if dtype == np.uint8 else FRAMES
            yield np.full((HEIGHT, WIDTH, 3), number / held, dtype)

    sizes = [types.Size(WIDTH, HEIGHT)] * FRAMES
    batch, peak = peak_of(lambda: bridge.image_from(made(), sizes))
    picture = HEIGHT * WIDTH * 3 * np.dtype(dtype).itemsize
    assert peak - bytes_of(batch) < 2.2 * picture  # one that is read, one that is made
    wanted = np.stack(list(made()))
    np.testing.assert_array_equal(batch, (wanted / np.float32(255 if dtype == np.uint8 else 1)).astype(np.float32))
    assert torch.equal(batch, bridge.image_of(list(made())))


def test_smaller_pictures_are_centred_on_dark_grey(bridge):
    batch = bridge.image_of([np.full((2, 2, 3), 255, np.uint8), np.zeros((4, 6, 4), np.float32)])
    assert batch.shape == (2, 4, 6, 3)
    assert (batch[0, 1:3, 2:4] == 1).all() and batch[0].sum() == pytest.approx(12 + 60 * 40 / 255)
    assert not batch[1].any()
    assert bridge.image_of([]).shape == (0, 0, 0, 3)


def test_detected_areas_are_drawn_into_one_batch(comfy, graph, types):
    node = comfy.module("nodes.face_detect").FaceDetect
    image = torch.zeros(FRAMES, HEIGHT, WIDTH, 3)
    found = faces_on(FRAMES, types)

    class Found:
        def detect(self, *_args, **_settings):
            return found

        def plan(self, *_args):
            return comfy.module("app.plan").Plan.of("detect", {})

        def told(self, _plan):
            return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comfy.module("nodes.face_detect"), "session", Found)
        patch.setattr(comfy.module("nodes.face_detect"), "preview_of_faces", lambda *_: torch.zeros(1, 8, 8, 3))
        output, peak = peak_of(lambda: node.execute(image, facedetection="builtin", confidence=0.5))
    mask = output.args[2]
    assert mask.shape == (FRAMES, HEIGHT, WIDTH) and (mask.flatten(1).sum(1) > 3000).all()
    assert peak - bytes_of(mask) < bytes_of(mask[0])


@pytest.mark.parametrize("kind", ["faces", "pairs"])
def test_previews_are_drawn_into_one_batch(comfy, types, kind):
    previews, pairing = comfy.module("nodes.previews"), comfy.module("pipeline.faces.pairing")
    pictures = np.random.default_rng(0).random((8, 600, 800, 3), np.float32)
    face = types.Face((60, 40, 320, 320), np.full((5, 2), 200), 1.0)
    found = types.FaceSet(((face,),) * 8, types.Size(800, 600))

    def draw():
        if kind == "faces":
            return previews.preview_of_faces(found, pictures)
        index_map = pairing.map_indexes(found, found, "0", "0")
        return previews.preview_of_pairs(index_map, pictures, pictures)

    batch, peak = peak_of(draw)
    frame = bytes_of(batch[0])
    assert peak - bytes_of(batch) < 2 * frame  # the picture that is drawn as floats, it and the last one as uint8
    drawn = comfy.module("pipeline.draw.preview")
    if kind == "faces":
        wanted = drawn.draw_faces(pictures[7], found.frames[7])
        np.testing.assert_array_equal(batch[7], wanted / np.float32(255))


def test_the_mask_of_nothing_is_made_once(comfy):
    image = torch.zeros(FRAMES, HEIGHT, WIDTH, 3)
    restore = comfy.module("nodes.face_restore")
    mask, peak = peak_of(lambda: restore._nowhere(image))
    assert mask.shape == (FRAMES, HEIGHT, WIDTH) and not mask.any()
    assert peak - bytes_of(mask) < bytes_of(mask[0])
