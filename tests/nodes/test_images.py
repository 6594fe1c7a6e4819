"""What goes in and what comes out: channels, kinds of numbers, batches, masks. Inputs are never written to."""

from __future__ import annotations

import numpy as np
import pytest
from wiring import chain, detect, pairs, swap

torch = pytest.importorskip("torch")


@pytest.fixture
def image(pair):
    return torch.from_numpy(pair.copy())


def swapped(comfy, graph, image, **settings):
    given = graph.give(image)
    _, _, node = chain(graph, given, given, "0,1", "1,0", **settings)
    run = comfy.run(graph, image=[node, 0], mask=[node, 2])
    assert run.error is None, run.error
    return run["image"], run["mask"]


def grey(image):
    return image.mean(-1, keepdim=True)


def with_alpha(image):
    return torch.cat([image, torch.linspace(0, 1, image.shape[2]).expand(image.shape[:3])[..., None]], -1)


@pytest.mark.parametrize("made", [grey, with_alpha])
def test_channels_stay_as_they_are(comfy, graph, image, made):
    given = made(image)
    result, mask = swapped(comfy, graph, given)
    assert result.shape == given.shape
    assert torch.equal(result[mask == 0], given[mask == 0])
    assert (result[mask > 0] - given[mask > 0])[..., 0].abs().mean() > 0.02


def test_alpha_is_carried_through(comfy, graph, image):
    given = with_alpha(image)
    result, _ = swapped(comfy, graph, given)
    assert torch.equal(result[..., 3], given[..., 3])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_comes_back_as_such_and_unchanged_outside(comfy, graph, image, dtype):
    given = image.to(dtype)
    result, mask = swapped(comfy, graph, given)
    assert result.dtype == dtype
    assert torch.equal(result[mask == 0], given[mask == 0])


def test_pictures_that_are_views_of_others_work(comfy, graph, image):
    given = image.flip(2)[:, :, ::1].permute(0, 2, 1, 3).permute(0, 2, 1, 3)
    result, _ = swapped(comfy, graph, given)
    assert result.shape == image.shape


def test_inputs_are_never_written_to(comfy, graph, image):
    with torch.inference_mode():
        given = image.clone()
    before = given.clone()
    mask = torch.ones(image.shape[:3])
    found, _, node = chain(graph, graph.give(given), graph.give(given), "0,1", "1,0", mask=graph.give(mask))
    restored = graph.add("MFS_FaceRestore", image=[node, 0], face_restore="disable", face_restore_weight=1.0)
    run = comfy.run(graph, image=[restored, 0], preview=[found, 1])
    assert run.error is None
    assert torch.equal(given, before)
    assert torch.equal(mask, torch.ones(image.shape[:3]))
    assert not torch.equal(run["image"], before)


def test_one_donor_serves_a_clip_of_the_same_length_with_frames_without_faces(comfy, graph, image):
    clip = torch.cat([image, torch.full_like(image, 0.5), image.roll(20, 2)])
    donor = graph.give(image[:, :, 300:].contiguous())
    _, mapped, node = chain(graph, graph.give(clip), donor, "0", "0")
    run = comfy.run(graph, image=[node, 0], mask=[node, 2], count=[mapped, 3], report=[mapped, 2])
    assert run["image"].shape == clip.shape
    assert run["count"] == 2
    assert run["report"].splitlines()[1:-1] == [
        "frame 0: target 0 ← source 0",
        "frame 1: nobody",
        "frame 2: target 0 ← source 0",
        "frame 1: target 0 not found (no faces)",
    ]
    assert run["mask"].flatten(1).any(1).tolist() == [True, False, True]
    assert torch.equal(run["image"][1], clip[1])


def test_donors_are_counted_through_a_batch_of_sources(comfy, graph, image):
    left, right = image[:, :, :300], image[:, :, 303:]
    donors = graph.give(torch.cat([left, right]).contiguous())
    given = graph.give(image)
    run = comfy.run(graph, map=[chain(graph, given, donors, "0,1", "1,0")[1], 0])
    frames = [(pair.source.frame, pair.source.index) for pair in run["map"].frames[0]]
    assert frames == [(1, 1), (0, 0)]


def test_the_mask_bounds_what_changes(comfy, graph, image):
    mask = torch.zeros(image.shape[:3])
    mask[:, :, :300] = 1
    result, changed = swapped(comfy, graph, image, mask=graph.give(mask))
    assert torch.equal(result[:, :, 300:], image[:, :, 300:])
    assert not changed[:, :, 300:].any()
    assert changed[:, :, :300].any()


@pytest.mark.parametrize("shape", [(320, 603), (1, 320, 603), (1, 1, 320, 603), (1, 160, 302)])
def test_a_mask_may_come_in_any_usual_shape_and_be_scaled(comfy, graph, image, shape):
    _, changed = swapped(comfy, graph, image, mask=graph.give(torch.ones(shape)))
    assert changed.any()


def test_the_empty_mask_of_a_picture_without_alpha_is_no_mask(comfy, graph, image):
    _, changed = swapped(comfy, graph, image, mask=graph.give(torch.zeros(1, 64, 64)))
    assert changed.any()
    _, nothing = swapped(comfy, graph, image, mask=graph.give(torch.zeros(1, 320, 603)))
    assert not nothing.any()


def test_a_mask_beyond_its_range_is_cut_off_and_the_report_says_so(comfy, graph, image):
    mask = torch.full((1, 320, 603), 2.0)
    mask[..., :300] = -1
    before = mask.clone()
    given = graph.give(image)
    node = chain(graph, given, given, "0,1", "1,0", mask=graph.give(mask))[2]
    run = comfy.run(graph, image=[node, 0], mask=[node, 2], report=[node, 3])
    assert "mask: weights from -1 to 2 were cut off at 0 and 1" in run["report"].split("\n")
    assert torch.equal(run["image"][:, :, :300], image[:, :, :300])
    assert run["mask"].min() == 0 and 0.99 < run["mask"].max() <= 1 and torch.equal(mask, before)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_mask_of_what_is_no_number_is_refused(comfy, graph, image, value):
    mask = torch.ones(1, 320, 603)
    mask[0, 5, 7] = value
    given = graph.give(image)
    node = chain(graph, given, given, "0,1", "1,0", mask=graph.give(mask))[2]
    refused = comfy.run(graph, image=[node, 0]).error["exception_message"]
    assert refused.startswith("mask, mask 0: expected float in [0, 1], got float32 with NaN or infinity")


def test_one_mask_serves_all_frames_and_other_numbers_are_an_error(comfy, graph, image):
    clip = graph.give(torch.cat([image, image, image]))
    mask = torch.zeros(1, 320, 603)
    mask[..., :300] = 1
    _, mapped, node = chain(graph, clip, clip, "0,1", "1,0", mask=graph.give(mask))
    changed = comfy.value(graph, [node, 2])
    assert changed[..., :300].flatten(1).any(1).all()
    assert not changed[..., 300:].any()
    other = swap(graph, clip, clip, [mapped, 0], mask=graph.give(torch.ones(2, 320, 603)))
    assert comfy.run(graph, image=[other, 0]).error["exception_message"].startswith("mask: expected 1 or 3 mask(s)")
    square = swap(graph, clip, clip, [mapped, 0], mask=graph.give(torch.ones(1, 320, 320)))
    assert "or its proportions" in comfy.run(graph, image=[square, 0]).error["exception_message"]


@pytest.mark.slow
def test_previews_show_the_first_frames_of_a_clip_in_one_size(comfy, graph, image):
    clip = torch.cat([image] * 10)
    clip[3:] = 0.5
    given = graph.give(clip)
    found = detect(graph, given)
    faces = [found, 0]
    mapped = pairs(graph, faces, faces, "0", "*", pairing="round-robin", target_image=given, source_image=given)
    run = comfy.run(graph, faces=[found, 1], pairs=[mapped, 1])
    assert run["faces"].shape == (8, 320, 603, 3)
    assert len(run["pairs"]) == 8
    for preview in (run["faces"], run["pairs"]):
        assert preview.dtype == torch.float32
        assert preview.min() >= 0 and preview.max() <= 1


def test_example_pictures_are_pictures_of_people(comfy, graph):
    counts = {}
    for picture in ("pair", "group", "collins", "hopper"):
        example = graph.add("MFS_ExampleImage", picture=picture)
        counts[picture] = comfy.value(graph, [detect(graph, [example, 0]), 4])
    assert counts == {"pair": 2, "group": 4, "collins": 1, "hopper": 1}
    clip = comfy.value(graph, [graph.add("MFS_ExampleImage", picture="clip"), 0])
    assert clip.shape == (12, 360, 576, 3)
    assert np.abs(np.diff(clip.numpy(), axis=0)).mean() > 0.01
