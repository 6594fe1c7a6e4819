"""What pixels are made of: grey, palettes, transparency, fields, more than standard light."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from clipworld import add_box, av, box, frames, pictures, times, write
from multifaceswap.media.clips import Clip, encoding
from multifaceswap.media.clips.planes import planes_of
from multifaceswap.media.clips.upright import side_data

GREY = [np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2) for picture in frames(4)]
SWAPPED = (slice(12, 48), slice(12, 48))


class Red:
    """Paints what it is given red."""

    def __new__(cls):
        from clipmodels import Blank

        class Painter(Blank):
            def _painted(self, image):
                return (
                    super()._painted(image)._replace(image=np.broadcast_to(np.float32([1, 0, 0]), image.shape).copy())
                )

        return Painter()


def _brightness(path):
    """The first planes (h, w) of a clip's frames, from 0 to 255 whatever their bits: as they are, without a scaler."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield planes_of(frame)[0] * (255 / (2 ** frame.format.components[0].bits - 1))


def first_frame(path):
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize(
    ("codec", "pixel_format", "name"),
    [
        ("libx265", "gray", "in.mp4"),
        ("libx265", "gray10le", "in.mp4"),
        ("ffv1", "gray", "in.mkv"),
        ("ffv1", "gray10le", "in.mkv"),
        ("ffv1", "gray12le", "in.mkv"),
        ("ffv1", "gray16le", "in.mkv"),
        ("rawvideo", "gray", "in.avi"),
        ("rawvideo", "monob", "in.nut"),
        ("rawvideo", "monow", "in.nut"),
    ],
)
def test_what_is_grey_stays_grey(swap_blank, tmp_path, codec, pixel_format, name):
    def tag(_out, stream):
        stream.codec_context.color_range = 2

    options = {"x265-params": "log-level=none", "crf": "8"} if codec == "libx265" else {}
    target = write(tmp_path / name, GREY, codec, pixel_format, options=options, prepare=tag)
    result = swap_blank(target, swapper=Red())
    assert (result.frames, result.swapped) == (4, 4)
    for made in pictures(result.output):
        made = made.astype(int)
        assert np.ptp(made, axis=2).max() <= 1  # the painter's red is grey
        assert np.ptp(made[SWAPPED]) <= 12
    if "mono" not in pixel_format:
        for given, made in zip(_brightness(target), _brightness(result.output), strict=True):
            assert np.abs(made - given)[54:].mean() < 2
            assert made[24:36, 24:36].mean() == pytest.approx(0.299 * 255, abs=2)  # red, as BT.601 weighs it
    assert (first_frame(result.output).format.components[0].bits > 8) == (
        first_frame(target).format.components[0].bits > 8
    )


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "gray16le"])
def test_grey_keeps_its_levels_in_formats_that_hold_no_grey(swap_blank, tmp_path, pixel_format):
    def tag(_out, stream):
        stream.codec_context.color_range = 2

    target = write(tmp_path / "in.mkv", GREY, "ffv1", pixel_format, prepare=tag)
    made = swap_blank(target, "out.webm", swapper=Red()).output
    for given, own in zip(_brightness(target), _brightness(made), strict=True):
        assert np.abs(own - given)[54:].mean() < 2
    colours = planes_of(first_frame(made))[1:]
    assert all(np.ptp(plane) == 0 and plane[0, 0] in (128, 512) for plane in colours)


def test_a_palette_becomes_plain_colours(swap_blank, tmp_path):
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 0], palette[:, 1], palette[:, 2] = 255, np.arange(256), 255 - np.arange(256)
    with av.open(str(tmp_path / "in.avi"), "w") as out:
        stream = out.add_stream("zmbv", rate=25)
        stream.codec_context.width = stream.codec_context.height = 64
        stream.codec_context.pix_fmt = "pal8"
        for number in range(3):
            frame = av.VideoFrame.from_ndarray((np.full((64, 64), 60 + number, np.uint8), palette), format="pal8")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    given = pictures(tmp_path / "in.avi")
    result = swap_blank(tmp_path / "in.avi")
    assert (result.frames, result.swapped) == (3, 3)
    assert np.abs(pictures(result.output)[1].astype(int) - given[1])[54:].max() <= 10


def clear(out_path, codec, pixel_format, name):
    """A clip whose right half is transparent, over a hidden background."""
    colours = frames(4)
    with av.open(str(out_path / name), "w") as out:
        stream = out.add_stream(codec, rate=25)
        context = stream.codec_context
        context.width = context.height = 64
        context.pix_fmt = pixel_format
        if codec == "libvpx-vp9":
            context.options = {"auto-alt-ref": "0", "crf": "10", "b": "0"}
            stream.metadata["alpha_mode"] = "1"
        for number, picture in enumerate(colours):
            alpha = np.where(np.arange(64) < 32, 255, 0).astype(np.uint8)
            pixels = np.dstack([picture, np.broadcast_to(alpha, (64, 64))])
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=pixel_format)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return out_path / name


def alpha_of(path):
    """Of the first frame, (H, W) in [0, 1]."""
    frame = next(Clip(path).frames(Clip(path).info())).decoded.frame
    return frame.reformat(format="rgba").to_ndarray()[..., 3] / 255


@pytest.mark.parametrize(
    ("codec", "pixel_format", "given", "made"),
    [
        ("libvpx-vp9", "yuva420p", "in.webm", "out.webm"),
        ("libvpx-vp9", "yuva420p", "in.mkv", "out.mkv"),
        ("libvpx-vp9", "yuva420p", "in.webm", "out.mov"),
        ("prores_ks", "yuva444p10le", "in.mov", "out.mov"),
        ("prores_ks", "yuva444p10le", "in.mov", "out.webm"),
        ("qtrle", "argb", "in.mov", "out.mov"),
        ("ffv1", "bgra", "in.mkv", "out.mkv"),
    ],
)
def test_transparency_is_kept(swap_blank, tmp_path, codec, pixel_format, given, made):
    result = swap_blank(clear(tmp_path, codec, pixel_format, given), made)
    fewer = ("the pictures get 8 bits a colour: libvpx-vp9 can't write more here",)
    is_deep = "10" in pixel_format and made.endswith("webm")
    assert (result.frames, result.report) == (4, fewer if is_deep else ())
    alpha = alpha_of(result.output)
    assert alpha[:, :30].min() > 0.97 and alpha[:, 34:].max() < 0.03
    assert times(result.output) == pytest.approx([0, 0.04, 0.08, 0.12], abs=1.1e-3)


@pytest.mark.parametrize(
    ("codec", "pixel_format", "name"), [("libvpx-vp9", "yuva420p", "in.webm"), ("qtrle", "argb", "in.mov")]
)
def test_transparency_that_cannot_be_kept_is_named(swap_blank, tmp_path, codec, pixel_format, name):
    result = swap_blank(clear(tmp_path, codec, pixel_format, name))
    assert result.report == (f"transparency left out: .mp4 with {'vp9' if '9' in codec else 'h264'} can't hold that",)
    with av.open(str(result.output)) as container:
        assert "alpha_mode" not in {key.lower() for key in container.streams.video[0].metadata}


def fields(path):
    """Whether the frames are interlaced, and whether their upper field is shown first."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        interlaced = {frame.interlaced_frame for frame in container.decode(stream)}
        return interlaced, getattr(stream.codec_context, "field_order", None)


@pytest.mark.parametrize(
    ("codec", "order", "name"),
    [
        ("libx264", "tt", "out.mp4"),
        ("libx264", "tt", "out.mkv"),
        ("libx264", "bb", "out.mkv"),
        ("libx264", "bb", "out.mp4"),
        ("mpeg2video", "bb", "out.mov"),
        ("mpeg2video", "tt", "out.mp4"),
        ("mpeg2video", "bb", "out.mkv"),
    ],
)
def test_fields_are_kept(swap_blank, tmp_path, codec, order, name):
    target = interlaced(tmp_path / "in.mkv", codec, order)
    result = swap_blank(target, name)
    assert result.report == () and result.frames == 6
    assert fields(result.output) == fields(target) and fields(target)[0] == {True}


def test_fields_that_cannot_be_kept_are_named(swap_blank, tmp_path):
    result = swap_blank(interlaced(tmp_path / "in.mkv", "libx264", "tt"), "out.webm")
    assert result.report == ("the clip is interlaced, and will be marked progressive: libvpx-vp9 can't keep fields",)
    assert fields(result.output)[0] == {False}


def interlaced(path, codec, order):
    graph = av.filter.Graph()
    source = graph.add_buffer(width=64, height=64, format=av.VideoFormat("yuv420p"), time_base="1/25")
    field, sink = graph.add("setfield", {"tt": "tff", "bb": "bff"}[order]), graph.add("buffersink")
    source.link_to(field)
    field.link_to(sink)
    graph.configure()
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
        context.options = {"flags": "+ildct+ilme", "field_order": order}
        for number, picture in enumerate(frames(6)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts = number
            graph.push(frame)
            laid = graph.pull()
            laid.pts, laid.pict_type = number, 0
            out.mux(stream.encode(laid))
        out.mux(stream.encode(None))
    return path


MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
FINE = "G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000,0.005)"
HDR = {
    "libx265": {"x265-params": f"log-level=none:master-display={MASTERING}:max-cll=1000,400"},
    "libx264": {"x264-params": f"mastering-display={MASTERING}:cll=1000,400"},
    "libsvtav1": {"svtav1-params": f"mastering-display={FINE}:content-light=1000,400", "preset": "12"},
}


@pytest.mark.parametrize("codec", HDR)
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_the_light_of_hdr10_is_kept(swap_blank, tmp_path, codec, name):
    def tag(_out, stream):
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = 9, 1, 9, 16

    target = write(tmp_path / "in.mp4", frames(4), codec, "yuv420p10le", options=HDR[codec], prepare=tag)
    result = swap_blank(target, name)
    given, made = first_frame(target), first_frame(result.output)
    assert result.report == () and made.format.name == "yuv420p10le"
    kinds = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
    assert [numbers(made, kind) for kind in kinds] == [pytest.approx(numbers(given, kind), rel=1e-3) for kind in kinds]
    assert numbers(made, "CONTENT_LIGHT_LEVEL")[:2] == [1000, 400]
    assert (made.colorspace, made.color_range, made.color_primaries, made.color_trc) == (9, 1, 9, 16)


def numbers(frame, kind):
    """Side data as numbers: fractions of mastering metadata as such, light levels as they are."""
    data = side_data(frame)[kind]
    integers = struct.unpack(f"={len(data) // 4}i", data)
    if kind == "CONTENT_LIGHT_LEVEL":
        return list(integers)
    return [top / bottom for top, bottom in zip(integers[:20:2], integers[1:20:2], strict=True)]


ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")


def spherical(path):
    """An equirectangular clip, stereo side by side, as Google's Spherical Video V2 has it."""
    write(path, frames(4))
    head = box(b"prhd", bytes(16))
    projection = box(b"proj", head + box(b"equi", bytes(20)))
    add_box(path, ENTRY, box(b"st3d", b"\0\0\0\0\x02"))
    add_box(path, ENTRY, box(b"sv3d", box(b"svhd", bytes(5)) + projection))
    return path


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_spherical_and_3d_marks_are_kept(swap_blank, tmp_path, name):
    target = spherical(tmp_path / "in.mp4")
    given = side_data(first_frame(target))
    assert {"SPHERICAL", "STEREO3D"} <= given.keys()
    result = swap_blank(target, name)
    made = side_data(first_frame(result.output))
    assert result.report == ()
    assert [made[kind] for kind in ("SPHERICAL", "STEREO3D")] == [given[kind] for kind in ("SPHERICAL", "STEREO3D")]


def test_marks_that_cannot_be_kept_are_named(swap_blank, tmp_path):
    report = swap_blank(spherical(tmp_path / "in.mp4"), "out.webm").report
    for text in ("spherical marks (360°, VR180)", "3D marks"):
        assert f"{text} left out: .webm with vp9 can't hold that" in report


def test_decoding_times_of_one_frame_are_its_own(swap_blank, tmp_path, monkeypatch):
    encoded = encoding._encoded

    def made_up(encoder, frame):
        packets = encoded(encoder, frame)
        for packet in packets:
            packet.dts -= 79010218395612
        return packets

    target = write(tmp_path / "in.mp4", frames(2), "libx265", options={"x265-params": "log-level=none"})
    monkeypatch.setattr(encoding, "_encoded", made_up)
    assert times(swap_blank(target).output) == pytest.approx([0, 0.04])


def test_a_clip_of_bytes_has_covers_and_marks_too(swap_blank, tmp_path):
    data = BytesIO(spherical(tmp_path / "in.mp4").read_bytes())
    assert "SPHERICAL" in side_data(first_frame(swap_blank(data).output))


def test_full_levels_become_those_that_prores_knows(swap_blank, tmp_path):
    target = write(tmp_path / "in.mkv", GREY, "ffv1", "ya8")
    result = swap_blank(target, "out.mov")
    for given, made in zip(pictures(target), pictures(result.output), strict=True):
        assert np.abs(made.astype(int) - given)[54:].mean() < 1


@pytest.mark.parametrize("pixel_format", ["rgb555le", "rgb565le"])
def test_rgb_of_few_bits_keeps_its_brightness(swap_blank, tmp_path, pixel_format):
    white = [np.full((64, 64, 3), 255, np.uint8)] * 2
    target = write(tmp_path / "in.nut", white, "rawvideo", pixel_format)
    assert pictures(target)[0].min() >= 254
    assert pictures(swap_blank(target).output)[0].min() >= 253
