"""Crop Faces and Paste Faces in the host, wired as artists wire them."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
from wiring import chain, crop, detect, order, paste

torch = pytest.importorskip("torch")


@pytest.fixture
def image(pair):
    return torch.from_numpy(pair.copy())


def cropped(comfy, graph, image, **settings):
    """The nodes' outputs by name, and the link of the pictures."""
    given = graph.give(image)
    node = crop(graph, given, [order(graph, [detect(graph, given), 0]), 0], **settings)
    run = comfy.run(graph, crops=[node, 0], mask=[node, 1], data=[node, 2], report=[node, 3])
    assert run.error is None, run.error
    return run, given, node


def pasted(comfy, graph, given, node, edited, **settings):
    done = paste(graph, given, graph.give(edited), [node, 2], **settings)
    run = comfy.run(graph, image=[done, 0], mask=[done, 1], report=[done, 2])
    assert run.error is None, run.error
    return run


def lines(report):
    """Without the last one, which says how long the work took."""
    *told, time = report.splitlines()
    assert time.endswith(" s") and time.startswith(("cropping took ", "pasting took "))
    return told


def test_two_people_there_and_back(comfy, graph, image):
    run, given, node = cropped(comfy, graph, image)
    assert run["crops"].shape == (2, 256, 256, 3) and run["mask"].shape == (2, 256, 256)
    assert run["report"].splitlines()[0] == "2 crops of 256×256 from 1 picture"
    assert run["mask"][:, 128, 128].min() == 1 and not run["mask"][:, 0].any()
    same = pasted(comfy, graph, given, node, run["crops"])
    assert torch.equal(same["image"], image) and not same["mask"].any()
    assert same["report"].splitlines()[0] == "0 of 2 crops pasted"
    other = pasted(comfy, graph, given, node, 1 - run["crops"])
    outside = other["mask"] == 0
    assert other["image"].shape == image.shape and lines(other["report"]) == ["2 of 2 crops pasted"]
    assert torch.equal(other["image"][outside], image[outside])
    inside = other["mask"] == 1
    assert 0.02 < inside.float().mean() < 0.3
    assert (other["image"][inside] - (1 - image[inside])).abs().mean() < 0.03


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.3])
def test_a_chain_through_an_upscaler(comfy, graph, image, scale):
    given = graph.give(image)
    cut = crop(graph, given, [detect(graph, given), 0], crop_size=512)
    scaled = graph.add("ImageScaleBy", image=[cut, 0], upscale_method="bicubic", scale_by=scale)
    done = paste(graph, given, [scaled, 0], [cut, 2])
    run = comfy.run(graph, image=[done, 0], mask=[done, 1], report=[done, 2])
    assert run.error is None and lines(run["report"]) == ["2 of 2 crops pasted"]
    outside = run["mask"] == 0
    assert torch.equal(run["image"][outside], image[outside])
    assert (run["image"][~outside] - image[~outside]).abs().mean() < 0.02


def test_the_faces_of_a_swap_are_edited_in_its_picture(comfy, graph, image):
    given = graph.give(image)
    _, _, swapped = chain(graph, given, given, "0", "1")
    cut = crop(graph, [swapped, 0], [swapped, 1])
    first = comfy.run(graph, crops=[cut, 0], before=[swapped, 0])
    done = paste(graph, [swapped, 0], graph.give(1 - first["crops"]), [cut, 2])
    run = comfy.run(graph, image=[done, 0], mask=[done, 1])
    assert first["crops"].shape[0] == 1
    changed = (run["image"] != first["before"]).any(-1)
    assert changed[0, :, :300].any() and not changed[0, :, 330:].any()
    assert not changed[run["mask"] == 0].any()


SEG = namedtuple("SEG", "cropped_image cropped_mask confidence crop_region bbox label control_net_wrapper")
"""As the Impact Pack has it."""


def as_segs(boxes, image):
    """What that pack's detectors give for one picture: its size and, for each box, a SEG with the area about it."""
    height, width = image.shape[1:3]
    segs = []
    for box in boxes:
        corners = np.array([box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]], np.float32)
        left, top, right, bottom = (max(int(edge), 0) for edge in corners + np.array([-40, -40, 40, 40]))
        region, mask = [left, top, right, bottom], np.ones((bottom - top, right - left), np.float32)
        segs.append(SEG(image[:, top:bottom, left:right], mask, np.float32(0.9), region, corners, "face", None))
    return (height, width), segs


@pytest.mark.parametrize("form", ["a list a picture", "one list", "SEGS"])
def test_boxes_of_other_nodes_give_crops(comfy, graph, image, form):
    """Core's MediaPipe nodes give a list a picture, the Impact Pack SEGS of one picture."""
    boxes = comfy.value(graph, [detect(graph, graph.give(image)), 3])
    other = [{**box, "x": box["x"] - 6, "width": box["width"] + 12, "label": "person"} for box in boxes[0]]
    given = graph.give(image)
    forms = {"a list a picture": [other], "one list": other, "SEGS": as_segs(other, image)}
    found = detect(graph, given, bboxes=graph.give(forms[form]))
    cut = crop(graph, given, [found, 0])
    run = comfy.run(graph, crops=[cut, 0], mask=[cut, 1], data=[cut, 2])
    assert run["crops"].shape == (2, 256, 256, 3) and run["mask"][:, 128, 128].min() == 1
    for placed, box in zip(run["data"].crops, boxes[0], strict=True):
        column, row = placed.face.landmarks.mean(0)
        assert box["x"] < column < box["x"] + box["width"] and box["y"] < row < box["y"] + box["height"]


def test_segs_serve_every_picture_and_must_be_of_its_size(comfy, graph, image):
    boxes = comfy.value(graph, [detect(graph, graph.give(image)), 3])
    segs = as_segs(boxes[0], image)
    twice, smaller = graph.give(image.repeat(2, 1, 1, 1)), graph.give(image[:, :-20])
    faces = comfy.value(graph, [detect(graph, twice, bboxes=graph.give(segs)), 0])
    assert [len(frame) for frame in faces.frames] == [2, 2]
    (height, width), told = segs[0], "bboxes: the SEGS were found in a picture of"
    run = comfy.run(graph, out=[detect(graph, smaller, bboxes=graph.give(segs)), 0])
    expected = f"{told} {width}×{height} pixels, the image has {width}×{height - 20}"
    assert run.error["exception_message"].startswith(expected)


@pytest.mark.parametrize("size", [(0, 0), (3, 5)])
def test_empty_segs_are_no_faces_whatever_size_they_name(comfy, graph, image, size):
    found = detect(graph, graph.give(image), bboxes=graph.give((size, [])))
    assert comfy.value(graph, [found, 4]) == 0


@pytest.mark.parametrize("bbox", [None, (1, 2, 3), ("a", 2, 3, 4)])
def test_segs_without_corners_are_refused(comfy, graph, image, bbox):
    segs = (tuple(image.shape[1:3]), [SEG(None, None, 1.0, [0, 0, 9, 9], bbox, "A", None)])
    run = comfy.run(graph, out=[detect(graph, graph.give(image), bboxes=graph.give(segs)), 0])
    assert run.error["exception_message"].startswith("bboxes: expected SEGS with a bbox of four numbers, got SEG(")


def test_faces_at_the_edge_of_a_picture_are_never_pasted_beyond_it(comfy, graph, image):
    near = image[:, 20:, 40:].contiguous()
    run, given, node = cropped(comfy, graph, near, alignment="upright", crop_margin=1.0)
    assert "of the crop lies beyond the picture, whose edge is continued there" in run["report"]
    white = torch.ones(2, 256, 256)
    done = pasted(comfy, graph, given, node, 1 - run["crops"], mask=graph.give(white))
    assert done["image"].shape == near.shape and torch.isfinite(done["image"]).all()
    outside = done["mask"] == 0
    assert outside.any() and torch.equal(done["image"][outside], near[outside])


def test_no_face_is_one_black_crop_that_is_left_out(comfy, graph, image):
    grey = torch.full_like(image, 0.5).repeat(2, 1, 1, 1)
    given = graph.give(grey)
    cut = crop(graph, given, [detect(graph, given), 0])
    scaled = graph.add("ImageScaleBy", image=[cut, 0], upscale_method="bilinear", scale_by=2.0)
    done = paste(graph, given, [scaled, 0], [cut, 2], mask=[cut, 1])
    outputs = {"crops": [cut, 0], "mask": [cut, 1], "said": [cut, 3]}
    run = comfy.run(graph, image=[done, 0], changed=[done, 1], report=[done, 2], **outputs)
    assert run["crops"].shape == (1, 256, 256, 3) and run["mask"].shape == (1, 256, 256)
    assert not run["crops"].any() and not run["mask"].any()
    said = "no face was found: one black crop with a black mask stands in, which Paste Faces leaves out"
    assert lines(run["said"])[-1] == said
    assert torch.equal(run["image"], grey) and not run["changed"].any()
    assert lines(run["report"]) == ["no face was cropped: the pictures are as they came in"]


def test_a_clip_in_which_some_pictures_show_nobody(comfy, graph, image):
    clip = torch.cat([torch.full_like(image, 0.5), image, image.flip(2)])
    run, given, node = cropped(comfy, graph, clip)
    assert run["crops"].shape[0] == 4 and "frame 0: no face to crop" in run["report"].splitlines()
    edited = run["crops"].clone()
    edited[3] = 1 - edited[3]
    done = pasted(comfy, graph, given, node, edited)
    assert torch.equal(done["image"][:2], clip[:2])
    assert (done["image"][2] != clip[2]).any()
    assert done["report"].splitlines()[0] == "1 of 4 crops pasted"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_kinds_of_numbers_stay_and_unedited_crops_change_nothing(comfy, graph, image, dtype):
    given = image.to(dtype)
    run, link, node = cropped(comfy, graph, given)
    assert run["crops"].dtype == dtype
    same = pasted(comfy, graph, link, node, run["crops"])
    assert same["image"].dtype == dtype and torch.equal(same["image"], given)
    other = pasted(comfy, graph, link, node, 1 - run["crops"])
    outside = other["mask"] == 0
    assert other["image"].dtype == dtype and torch.equal(other["image"][outside], given[outside])


@pytest.mark.parametrize("channels", [1, 4])
def test_channels_stay_and_crops_are_rgb(comfy, graph, image, channels):
    alpha = torch.linspace(0.1, 1, image.shape[2]).expand(image.shape[:3])[..., None]
    given = image.mean(-1, keepdim=True) if channels == 1 else torch.cat([image, alpha], -1)
    run, link, node = cropped(comfy, graph, given)
    assert run["crops"].shape[-1] == 3
    done = pasted(comfy, graph, link, node, 1 - run["crops"])
    assert done["image"].shape == given.shape and (done["image"] != given).any()
    if channels == 4:
        assert torch.equal(done["image"][..., 3], given[..., 3])


def test_edited_crops_may_come_with_alpha_or_grey(comfy, graph, image):
    run, given, node = cropped(comfy, graph, image)
    edited = 1 - run["crops"]
    plain = pasted(comfy, graph, given, node, edited)["image"]
    alpha = torch.cat([edited, torch.zeros_like(edited[..., :1])], -1)
    assert torch.equal(pasted(comfy, graph, given, node, alpha)["image"], plain)
    grey = pasted(comfy, graph, given, node, edited.mean(-1, keepdim=True))
    assert (grey["image"] != image).any()


def test_the_masks_of_crop_faces_are_what_is_pasted_by_default(comfy, graph, image):
    run, given, node = cropped(comfy, graph, image)
    edited = 1 - run["crops"]
    own, wired = (
        pasted(comfy, graph, given, node, edited, **more)["image"] for more in ({}, {"mask": graph.give(run["mask"])})
    )
    assert (own - wired).abs().max() < 1e-5


def test_one_mask_serves_all_crops_and_load_images_stand_in_counts_as_none(comfy, graph, image):
    run, given, node = cropped(comfy, graph, image)
    edited, half = 1 - run["crops"], torch.zeros(1, 128, 128)
    half[:, :, 64:] = 1

    def done(mask):
        return pasted(comfy, graph, given, node, edited, mask=graph.give(mask))

    left, right, whole = (done(mask)["mask"] for mask in (half.flip(2), half, torch.ones(2, 256, 256)))
    for person in (slice(0, 300), slice(300, None)):
        parts = [mask[..., person].sum() / whole[..., person].sum() for mask in (left, right)]
        assert min(parts) > 0.4 and max(parts) < 0.6
    assert torch.equal(done(torch.zeros(1, 64, 64))["image"], pasted(comfy, graph, given, node, edited)["image"])


def test_a_mask_of_the_pictures_holds_until_they_are_pasted(comfy, graph, image):
    limit = torch.zeros(1, *image.shape[1:3])
    limit[:, :, 300:] = 1
    given = graph.give(image)
    cut = crop(graph, given, [order(graph, [detect(graph, given), 0]), 0], mask=graph.give(limit))
    run = comfy.run(graph, crops=[cut, 0], mask=[cut, 1])
    assert not run["mask"][0].any() and run["mask"][1].max() == 1
    white = graph.give(torch.ones(2, 256, 256))
    done = pasted(comfy, graph, given, cut, 1 - run["crops"], mask=white)
    assert torch.equal(done["image"][:, :, :300], image[:, :, :300])
    assert (done["image"][:, :, 300:] != image[:, :, 300:]).any()


@pytest.mark.parametrize("count", [1, 3])
def test_another_number_of_crops_is_refused_in_one_line(comfy, graph, image, count):
    _, given, node = cropped(comfy, graph, image)
    done = paste(graph, given, graph.give(torch.zeros(count, 256, 256, 3)), [node, 2])
    error = comfy.run(graph, image=[done, 0]).error
    assert error["exception_message"].strip() == f"crops: expected 2 picture(s), one for each crop, got {count}"


def test_other_pictures_than_were_cropped_are_refused(comfy, graph, image):
    run, _, node = cropped(comfy, graph, image)
    for other in (image[:, :200].clone(), image.repeat(2, 1, 1, 1)):
        done = paste(graph, graph.give(other), graph.give(run["crops"]), [node, 2])
        error = comfy.run(graph, image=[done, 0]).error
        assert "connect the same pictures to cropping and to this step" in error["exception_message"]


def test_pasting_again_crops_nothing_again(comfy, graph, image):
    given = graph.give(image)
    found = detect(graph, given)
    cut = crop(graph, given, [found, 0])
    done = paste(graph, given, [cut, 0], [cut, 2])
    comfy.run(graph, image=[done, 0])
    graph.prompt[done]["inputs"]["strength"] = 0.5
    again = comfy.run(graph, image=[done, 0])
    assert {found, cut} <= again.cached and done not in again.cached


def test_inputs_are_never_written_to(comfy, graph, image):
    with torch.inference_mode():
        given = image.clone()
    kept = given.clone()
    run, link, node = cropped(comfy, graph, given)
    edited = 1 - run["crops"]
    before = edited.clone()
    pasted(comfy, graph, link, node, edited)
    assert torch.equal(given, kept) and torch.equal(edited, before)


def test_crop_data_holds_no_pixels(comfy, graph, image):
    data = cropped(comfy, graph, image)[0]["data"]
    numbers = [array.size for crop in data.crops for array in (crop.matrix, *crop.in_front)]
    assert data.limits is None and max(numbers) < 500
