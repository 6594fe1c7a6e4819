"""A clip through the node: streamed, steadied, on the host's own VIDEO."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clipmaking import EXAMPLES, MAN, WOMAN, Read, moving, portrait, shot, sides_changed, write_clip
from multifaceswap.media.pictures import read_picture

torch = pytest.importorskip("torch")

SETTINGS = {
    "input_faces_index": "0",
    "source_faces_index": "0",
    "detection_face_order": "large-small",
    "swap_model": "mesh",
    "interpolation": "Bilinear",
    "hardware": False,
}


@pytest.fixture
def donor():
    return torch.from_numpy(portrait("astronaut.png", (300, 300)).astype(np.float32)[None] / 255)


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 8), sound=True)


def from_file(comfy, path, **window):
    from comfy_api.latest import InputImpl

    return InputImpl.VideoFromFile(str(path), **window)


def swapped(graph, video, donor, **settings):
    return graph.add(
        "MFS_SwapFacesVideo", video=graph.give(video), source_image=graph.give(donor), **{**SETTINGS, **settings}
    )


def test_a_clip_comes_out_with_its_sound_and_times(comfy, graph, clip, donor):
    node = swapped(graph, from_file(comfy, clip), donor)
    run = comfy.run(graph, video=[node, 0], report=[node, 1])
    assert run.error is None, run.error
    given, made = Read(clip), Read(run["video"].get_stream_source())
    assert made.times == given.times and made.sound == given.sound
    assert min(np.abs(a - b).max() for a, b in zip(given.luma, made.luma, strict=True)) > 60
    assert isinstance(run["report"], str)


def test_a_source_is_numbered_by_order_faces(comfy, graph, clip, pair):
    both = graph.give(torch.from_numpy(pair))
    found = graph.add("MFS_FaceDetect", image=both, facedetection="builtin", confidence=0.5)
    ordered = graph.add("MFS_FaceOrder", faces=[found, 0], detection_face_order="right-left", detect_gender="no")
    video = graph.give(from_file(comfy, clip))
    chosen = {**SETTINGS, "source_faces_index": "1", "source_faces": [ordered, 0]}
    node = graph.add("MFS_SwapFacesVideo", video=video, source_image=both, **chosen)
    other = graph.add("MFS_SwapFacesVideo", video=video, source_image=both, **{**chosen, "source_faces_index": "0"})
    run = comfy.run(graph, one=[node, 0], other=[other, 0])
    assert run.error is None, run.error
    one, two = (Read(run[name].get_stream_source()).luma[4] for name in ("one", "other"))
    assert np.abs(one - two).max() > 30


def test_a_face_nobody_has_is_reported(comfy, graph, clip, donor):
    node = swapped(graph, from_file(comfy, clip), donor, input_faces_index="0,3", source_faces_index="0")
    assert "frames 0-7: target 3 not found (1 face)" in comfy.value(graph, [node, 1])


def test_a_trimmed_video_is_swapped_where_it_is_shown(comfy, graph, clip, donor):
    try:
        video = from_file(comfy, clip, start_time=0.12, duration=0.12)
    except TypeError:  # ComfyUI before 0.14 trims nothing
        video = from_file(comfy, clip)
    expected = 3 if hasattr(video, "get_active_trim_window") else 8
    node = swapped(graph, video, donor)
    assert len(Read(comfy.value(graph, [node, 0]).get_stream_source()).times) == expected


def test_cancel_stops_the_clip_and_leaves_no_file(comfy, graph, clip, donor):
    import folder_paths
    from comfy import model_management as management
    from comfy import utils

    folder = Path(folder_paths.get_temp_directory())
    before = {path.name for path in folder.glob("*multifaceswap*")} | {path.name for path in folder.glob(".*")}
    utils.set_progress_bar_global_hook(lambda *_at, **_more: management.interrupt_current_processing())
    try:
        node = swapped(graph, from_file(comfy, clip), donor)
        run = comfy.run(graph, video=[node, 0])
    finally:
        utils.set_progress_bar_global_hook(None)
        management.interrupt_current_processing(False)
    assert run.interrupted and run.values["video"] == []
    assert {path.name for path in folder.glob("*multifaceswap*")} | {path.name for path in folder.glob(".*")} == before


def man():
    """The portrait as an IMAGE."""
    return torch.from_numpy(read_picture(EXAMPLES / "grace_hopper.jpg")[None, ..., :3].astype(np.float32) / 255)


@pytest.mark.parametrize("by", ["image", "faces and image", "faces with identity"])
def test_a_reference_is_followed_through_a_cut(comfy, graph, tmp_path, donor, by):
    frames = [*shot(3, (MAN, 5), (WOMAN, 170)), *shot(3, (WOMAN, 10), grey=200), *shot(3, (MAN, 170), grey=40)]
    clip, image = write_clip(tmp_path / "in.mp4", frames), graph.give(man())
    identity = by == "faces with identity"
    found = graph.add("MFS_FaceDetect", image=image, facedetection="builtin", confidence=0.5, identity=identity)
    given = {} if identity else {"reference_image": image}
    given |= {} if by == "image" else {"reference_faces": [found, 0]}
    node = swapped(graph, from_file(comfy, clip), donor, **given)
    run = comfy.run(graph, video=[node, 0], report=[node, 1])
    assert run.error is None, run.error
    assert sides_changed(Read(clip).pictures, Read(run["video"].get_stream_source()).pictures) == (
        ["L"] * 3 + [""] * 3 + ["R"] * 3
    )
    assert "reference 0 → source 0: frames 0-2, 6-8, distance 0." in run["report"]
    assert "embedder dlib128: licence CC0-1.0" in run["report"]


def test_without_a_source_face_the_clip_is_not_begun(comfy, graph, clip):
    node = swapped(graph, from_file(comfy, clip), torch.full((1, 64, 80, 3), 0.4))
    run = comfy.run(graph, video=[node, 0])
    assert run.values["video"] == []
    assert run.error["exception_message"].startswith("no source face found: nothing can be swapped")


def test_a_part_is_kept_by_time_or_frame(comfy, graph, clip, donor):
    node = swapped(graph, from_file(comfy, clip), donor, start="2f", end="0.2")
    run = comfy.run(graph, video=[node, 0])
    assert run.error is None, run.error
    given, made = Read(clip), Read(run["video"].get_stream_source())
    assert made.times == [0.0, 0.04, 0.08]
    assert min(np.abs(a - b).max() for a, b in zip(given.luma[2:5], made.luma, strict=True)) > 60


def test_a_part_of_a_trimmed_video_counts_from_where_it_was_trimmed(comfy, graph, clip, donor):
    try:
        video = from_file(comfy, clip, start_time=0.08, duration=0.2)
    except TypeError:  # ComfyUI before 0.14 trims nothing
        pytest.skip("this ComfyUI trims no VIDEO")
    if not hasattr(video, "get_active_trim_window"):
        pytest.skip("this ComfyUI trims no VIDEO")
    node = swapped(graph, video, donor, start="1f", end="9")
    made = Read(comfy.value(graph, [node, 0]).get_stream_source())
    given = Read(clip)
    assert len(made.luma) == 4
    # Above and beside the face a frame is as it was.
    for one, other in zip(given.luma[3:7], made.luma, strict=True):
        assert np.abs(one[:12, :40] - other[:12, :40]).mean() < 2


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"start": "9"}, "has no frame from there on, the last one is at 0.28 s"),
        ({"start": "8f"}, "has 8 frames"),
        ({"start": "5f", "end": "5f"}, "end 5f: expected a place behind the start, 5f"),
    ],
)
def test_a_part_that_cannot_be_is_refused(comfy, graph, clip, donor, part, told):
    node = swapped(graph, from_file(comfy, clip), donor, **part)
    run = comfy.run(graph, video=[node, 0])
    assert run.values["video"] == [] and told in run.error["exception_message"]


@pytest.fixture
def previews():
    """What the host is told of progress: (done, total, preview)."""
    from comfy import utils

    seen = []
    utils.set_progress_bar_global_hook(lambda done, total, preview, **_more: seen.append((done, total, preview)))
    yield seen
    utils.set_progress_bar_global_hook(None)


@pytest.mark.parametrize(("pause", "shown"), [(0.0, [1, 2, 3, 4, 5, 6, 7, 8]), (3600.0, [1])])
def test_the_frame_it_is_at_is_shown(comfy, graph, clip, donor, monkeypatch, previews, pause, shown):
    monkeypatch.setattr(comfy.module("nodes.host"), "_PREVIEWS", pause)
    node = swapped(graph, from_file(comfy, clip), donor)
    made = Read(comfy.value(graph, [node, 0]).get_stream_source())
    sent = {done: preview for done, _, preview in previews if preview is not None}
    assert list(sent) == shown and {total for _, total, _ in previews} == {8}
    for done, (kind, image, longest) in sent.items():
        assert kind == "JPEG" and image.mode == "RGB" and longest == 512
        assert np.abs(np.asarray(image).astype(int) - made.pictures[done - 1]).mean() < 4


def test_a_preview_is_as_small_as_it_is_sent(comfy, graph, clip, donor, monkeypatch, previews):
    from comfy.cli_args import args

    monkeypatch.setattr(args, "preview_size", 96)
    comfy.value(graph, [swapped(graph, from_file(comfy, clip), donor), 0])
    image, longest = next((image, longest) for _, _, (_, image, longest) in (one for one in previews if one[2]))
    assert (image.size, longest) == ((96, 80), 96)


def test_progress_reaches_the_last_frame(comfy, graph, clip, donor, previews):
    comfy.value(graph, [swapped(graph, from_file(comfy, clip), donor, start="3f"), 0])
    assert previews[-1][:2] == (5, 5)


@pytest.mark.parametrize(("name", "text"), [("end", "soon"), ("start", "1:75"), ("start", "-1")])
def test_what_is_no_time_is_refused_before_anything_runs(comfy, graph, clip, donor, name, text):
    swapped(graph, from_file(comfy, clip), donor, **{name: text})
    errors = comfy.errors(graph)
    assert {kind for kind, _ in errors} == {"custom_validation_failed"}
    told = f"{name}: expected a time such as 12.5, 1:02.5 or 0:01:02, or a frame such as 120f"
    assert all(told in said for _, said in errors)


def test_copies_of_a_swapped_clip_are_marked_as_it_is(comfy, graph, clip, donor, tmp_path):
    node = swapped(graph, from_file(comfy, clip), donor)
    plain = swapped(graph, from_file(comfy, clip), donor, mark=False)
    run = comfy.run(graph, video=[node, 0], report=[node, 1], plain=[plain, 0], unmarked=[plain, 1])
    assert run.error is None, run.error
    assert ", marked: XMP" in run["report"] and ", not marked" in run["unmarked"]
    look = comfy.module("app.marked").look
    run["video"].save_to(str(tmp_path / "a.mp4"))
    run["plain"].save_to(str(tmp_path / "b.mp4"))
    said = look(tmp_path / "a.mp4").xmp
    assert said.source_type.endswith("/compositeSynthetic") and said.system == "ComfyUI-MultiFaceSwap"
    assert look(tmp_path / "b.mp4").xmp is None
    assert Read(tmp_path / "a.mp4").times == Read(tmp_path / "b.mp4").times
