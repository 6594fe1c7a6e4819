"""Whatever comes over a socket, a node ends in a result or in the pack's own error of one short line."""

from __future__ import annotations

import numpy as np
import pytest
from wiring import chain, crop, detect, order, pairs, paste, swap

torch = pytest.importorskip("torch")


def _spot(value):
    """A picture that is odd in one corner."""

    def made(picture):
        picture = picture.clone()
        picture[0, 0, 0, 0] = value
        return picture

    return made


REFUSED = {
    "NaN in a corner": (_spot(float("nan")), "float32 with NaN or infinity in 1 of 192960 pixels"),
    "infinity": (_spot(float("inf")), "float32 with NaN or infinity in 1 of"),
    "minus infinity": (_spot(float("-inf")), "float32 with NaN or infinity in 1 of"),
    "NaN all over": (lambda p: p * float("nan"), "float32 with NaN or infinity in 192960 of 192960 pixels"),
    "0 to 255": (lambda p: p * 255, "divide it by 255"),
    "uint8": (lambda p: (p * 255).to(torch.uint8), "divide it by 255"),
    "-1 to 1": (lambda p: p * 2 - 1, "of -1 to 1, give picture / 2 + 0.5"),
    "two channels": (lambda p: p[..., :2], r"got shape (320, 603, 2)"),
    "five channels": (lambda p: torch.cat([p, p], 3)[..., :5], r"got shape (320, 603, 5)"),
    "no pixels": (lambda p: p[:, :0, :0], r"got shape (0, 0, 3)"),
    "no width": (lambda p: p[:, :, :0], r"got shape (320, 0, 3)"),
    "one picture": (
        lambda p: p[0],
        "expected an IMAGE, a tensor (pictures, height, width, channels), got one of shape",
    ),
    "a video": (lambda p: p[None], "got one of shape (1, 1, 320, 603, 3)"),
    "nothing": (lambda p: None, "got NoneType"),
    "a latent": (lambda p: {"samples": p}, "got dict"),
    "whole numbers": (lambda p: p.long(), "expected an IMAGE of floats, got torch.int64"),
    "truth values": (lambda p: p > 0.5, "expected an IMAGE of floats, got torch.bool"),
    "complex": (lambda p: p + 0j, "got one of torch.complex64"),
    "sparse": (lambda p: p.to_sparse(), "got one of layout torch.sparse_coo: give tensor.to_dense()"),
    "of several sizes": (lambda p: torch.nested.nested_tensor([p[0], p[0, 1:]]), "got a nested one"),
    "quantised": (
        lambda p: torch.quantize_per_tensor(p, 0.01, 0, torch.quint8),
        "got one of torch.quint8: give tensor.dequantize()",
    ),
    "without numbers": (lambda p: p.to("meta"), "got one on the device meta, which holds no numbers"),
    "an array": (lambda p: p.numpy(), "got ndarray"),
}
TAKEN = {
    "a pixel": lambda p: p[:, :1, :1],
    "a line": lambda p: p[:, :1].repeat(1, 1, 17, 1)[:, :, :10000],
    "a column": lambda p: p[:, :, :1].repeat(1, 32, 1, 1)[:, :10000],
    "half": lambda p: p.half(),
    "double": lambda p: p.double(),
    "grey": lambda p: p[..., :1],
    "bfloat16": lambda p: p.bfloat16(),
    "with gradients": lambda p: p.clone().requires_grad_(),
    "of strides": lambda p: p.permute(0, 2, 1, 3),
    "one number for all": lambda p: p[:1, :1, :1].expand(1, 40, 50, 3),
    "the negative of its numbers": lambda p: torch._neg_view(-p),
    "a little beyond": lambda p: p * 1.02 - 0.01,
    "an empty batch": lambda p: p[:0],
}


@pytest.fixture
def picture(pair):
    return torch.as_tensor(pair)


def _is_said(comfy, error, told=""):
    """Whether an error is the pack's own, in one short line."""
    # ComfyUI names an error's module too, and ends its message with a line.
    own = getattr(comfy.module("pipeline.errors"), error["exception_type"].rpartition(".")[2], None)
    message = error["exception_message"].removesuffix("\n")
    assert own is not None, error["traceback"]
    assert "\n" not in message and len(message) < 300 and told in message, message
    return True


def _alone(graph, image):
    """Each node that takes the picture first of all, by itself."""
    found = detect(graph, graph.give(torch.zeros(1, 320, 603, 3)))
    given = graph.give(image)
    yield detect(graph, given)
    yield order(graph, [found, 0], image=given)
    yield pairs(graph, [found, 0], [found, 0], target_image=given)
    cut = crop(graph, graph.give(torch.zeros(1, 320, 603, 3)), [found, 0])
    yield crop(graph, given, [found, 0])
    yield paste(graph, given, [cut, 0], [cut, 2])
    yield graph.add("MFS_FaceRestore", image=given, face_restore="disable", face_restore_weight=0.5)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_alike_by_every_node(comfy, graph, picture, name):
    make, told = REFUSED[name]
    image = make(picture)
    found, ordered, mapped, cut, pasted, restored = _alone(graph, image)
    # Two of them need no picture.
    needing = (found, cut, pasted)
    for node in (*needing, ordered, mapped) if image is not None else needing:
        assert _is_said(comfy, comfy.run(graph, out=[node, 0]).error, told)
    # Where nothing is to be done, what came in goes on: its pixels aren't looked at.
    error = comfy.run(graph, out=[restored, 0]).error
    assert error is None or _is_said(comfy, error, told)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("side", ["target", "source"])
def test_swaps_refuse_what_is_no_picture(comfy, graph, picture, name, side):
    make, told = REFUSED[name]
    good, odd = graph.give(picture), graph.give(make(picture))
    _, mapped, _ = chain(graph, good, good)
    images = {"target": good, "source": good, side: odd}
    error = comfy.run(graph, out=[swap(graph, images["target"], images["source"], [mapped, 0]), 0]).error
    assert _is_said(comfy, error, told)


@pytest.mark.parametrize("name", TAKEN)
def test_odd_pictures_that_are_pictures_go_through_every_node(comfy, graph, picture, name):
    image = TAKEN[name](picture)
    given, donor = graph.give(image), graph.give(picture)
    found, mapped, swapped = chain(graph, given, donor)
    ordered = order(graph, [found, 0], image=given)
    restored = graph.add("MFS_FaceRestore", image=given, face_restore="disable", face_restore_weight=0.5)
    cut = crop(graph, given, [found, 0])
    back = paste(graph, given, [cut, 0], [cut, 2])
    outputs = {"found": [found, 2], "order": [ordered, 2], "map": [mapped, 1], "mask": [swapped, 2]}
    run = comfy.run(graph, image=[swapped, 0], restored=[restored, 0], back=[back, 0], crops=[cut, 0], **outputs)
    assert run.error is None, run.error["traceback"]
    assert torch.equal(run["back"], image) and run["crops"].shape[1:] == (256, 256, 3) and len(run["crops"]) >= 1
    assert run["image"].shape == run["restored"].shape == image.shape and run["image"].dtype == image.dtype
    assert run["mask"].shape == image.shape[:3] and run["found"].shape[0] == len(image)


MASKS = {
    "NaN": (lambda m: m * float("nan"), "float32 with NaN or infinity"),
    "infinity": (lambda m: m + float("inf"), "float32 with NaN or infinity"),
    "0 to 255": (lambda m: m * 255, "expected float in [0, 1], got float32 with numbers such as 255"),
    "no pixels": (lambda m: m[:, :0, :0], "got an empty one of shape (1, 0, 0)"),
    "no height": (lambda m: m[:, :0], "got an empty one of shape (1, 0, 603)"),
    "an empty batch": (lambda m: m[:0], "got an empty one of shape (0, 320, 603)"),
    "three": (lambda m: m.repeat(3, 1, 1), "expected 1 or 1 mask(s), one per picture, got 3"),
    "other proportions": (lambda m: m[:, :50], "or its proportions, got 603×50"),
    "a line": (lambda m: m[0, 0], "expected a MASK, a tensor (masks, height, width), got one of shape (603,)"),
    "a text": (lambda m: "mask", "got str"),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_that_are_none_are_refused(comfy, graph, picture, name):
    make, told = MASKS[name]
    given = graph.give(picture)
    _, mapped, _ = chain(graph, given, given)
    masked = swap(graph, given, given, [mapped, 0], mask=graph.give(make(torch.ones(1, 320, 603))))
    assert _is_said(comfy, comfy.run(graph, out=[masked, 0]).error, told)


NAN = float("nan")
BOX = {"x": 60, "y": 60, "width": 150, "height": 180}
BOXES = {
    "None": ([None], "expected a list of boxes per picture, got None in place of one"),
    "None in a list": ([[None]], "expected boxes with x, y, width and height in pixels, got None"),
    "a number": (7, "expected a list of boxes per picture, got 7"),
    "numbers": ([1, 2, 3, 4], "expected a list of boxes per picture, got 1 in place of one"),
    "segs of another picture": (((512, 510), [object()]), "the SEGS were found in a picture of 510×512 pixels"),
    "half of segs": (((512, 512), None), "got 512"),
    "a box that lacks a side": ([[{"x": 1, "y": 2, "width": 3}]], "expected boxes with x, y, width and height"),
    "texts": ([[{**BOX, "x": "left"}]], "expected boxes with x, y, width and height"),
    "NaN": ([[{**BOX, "y": NAN}]], "expected left < right and top < bottom"),
    "infinity": ([[{**BOX, "width": float("inf")}]], "expected left < right"),
    "no width": ([[{**BOX, "width": 0}]], "picture 0, box 0: expected left < right"),
    "inverted": ([[BOX, {**BOX, "height": -20}]], "picture 0, box 1: expected left < right and top < bottom"),
    "beyond floats": ([[{**BOX, "x": 10**400}]], "expected boxes with x, y, width and height"),
    "huge": ([[{**BOX, "width": 1e30}]], "in pixels within ±1,000,000"),
    "far away": ([[{**BOX, "x": -1e9}]], "in pixels within ±1,000,000"),
    "two pictures": ([[BOX], [BOX]], "expected a list of boxes for each of 1 picture(s), got 2"),
    "five thousand": ([[BOX] * 5000], "picture 0: expected at most 1000 boxes, got 5000"),
}


@pytest.mark.parametrize("name", BOXES)
def test_boxes_that_are_none_are_refused(comfy, graph, picture, name):
    boxes, told = BOXES[name]
    node = detect(graph, graph.give(picture), bboxes=graph.give(boxes))
    assert _is_said(comfy, comfy.run(graph, out=[node, 0]).error, told)


@pytest.mark.parametrize(
    ("boxes", "count"),
    [
        ([], 0),
        ([[]], 0),
        (BOX, 1),
        ([BOX], 1),
        (([BOX],), 1),
        ([[{**BOX, "x": -900_000}]], 0),
        ([[{**BOX, "width": 0.001, "height": 0.001}]], 0),
        ([[{**BOX, "y": -40, "height": 100}]], 0),
        ([[{"x": -400_000, "y": -400_000, "width": 800_000, "height": 800_000}]], 0),
    ],
)
def test_odd_boxes_that_are_boxes_give_what_faces_they_hold(comfy, graph, picture, boxes, count):
    node = detect(graph, graph.give(picture), bboxes=graph.give(boxes))
    assert comfy.value(graph, [node, 4]) == count


@pytest.mark.parametrize("odd", [None, [], "faces", {"faces": 1}])
def test_what_is_no_faces_is_refused(comfy, graph, picture, odd):
    given, faces = graph.give(picture), graph.give(odd)
    found = detect(graph, given)
    nodes = [order(graph, faces), pairs(graph, faces, [found, 0]), pairs(graph, [found, 0], faces)]
    nodes.append(crop(graph, given, faces))
    for node in nodes:
        assert _is_said(comfy, comfy.run(graph, out=[node, 0]).error, "expected a FaceSet, as detection gives it, got")
    swapped = swap(graph, given, given, faces)
    assert _is_said(comfy, comfy.run(graph, out=[swapped, 0]).error, "index_map: expected an IndexMap")


@pytest.mark.parametrize("odd", [None, [], "crops", {"crops": 1}])
def test_what_is_no_crop_data_is_refused(comfy, graph, picture, odd):
    given = graph.give(picture)
    node = paste(graph, given, given, graph.give(odd))
    assert _is_said(comfy, comfy.run(graph, out=[node, 0]).error, "crop_data: expected FaceCrops, as cropping gives")


@pytest.mark.parametrize("name", REFUSED)
def test_pasting_refuses_crops_that_are_no_pictures(comfy, graph, picture, name):
    make, told = REFUSED[name]
    given = graph.give(picture)
    cut = crop(graph, given, [detect(graph, given), 0])
    node = paste(graph, given, graph.give(make(picture)), [cut, 2])
    # What it is comes first, then that there are two crops.
    assert _is_said(comfy, comfy.run(graph, out=[node, 0]).error, told)


def test_nan_as_a_setting_is_refused(comfy, graph, picture):
    given = graph.give(picture)
    _, mapped, _ = chain(graph, given, given)
    node = swap(graph, given, given, [mapped, 0], strength=graph.give(NAN))
    assert _is_said(comfy, comfy.run(graph, out=[node, 0]).error, "strength: expected -1 to 2, got nan")


@pytest.mark.parametrize("name", ["nothing", "a latent", "one picture", "an array"])
def test_the_video_node_refuses_donors_that_are_none_before_the_clip_is_read(comfy, picture, name):
    make, told = REFUSED[name]
    with pytest.raises(comfy.module("pipeline.errors").SettingsError) as error:
        comfy.nodes["MFS_SwapFacesVideo"].execute(object(), make(picture))
    assert told in str(error.value) and str(error.value).startswith("source_image: ")


def test_the_same_numbers_are_refused_by_python(session, pair):
    from multifaceswap.pipeline.errors import SettingsError

    for name in ("NaN in a corner", "-1 to 1", "two channels"):
        make, told = REFUSED[name]
        with pytest.raises(SettingsError) as error:
            session.detect(make(torch.as_tensor(pair)).numpy())
        assert told in str(error.value)
        with pytest.raises(SettingsError) as error:
            session.swap_clip("nowhere.mp4", "out.mp4", make(torch.as_tensor(pair)).numpy())
        assert told in str(error.value)
    with pytest.raises(SettingsError, match="box 0: expected left < right"):
        session.locate(pair, [[np.array([10, 10, np.nan, 20])]])
