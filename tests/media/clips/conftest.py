from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

_FIRST = {
    "test_frames_keep_their_uneven_times": "16.0",
    "test_data_that_cannot_be_copied_is_named": "16.0",
    "test_the_light_of_hdr10_is_kept": "17.0",
    "test_a_cover_alone_is_no_film": "17.1",
    "test_a_cover_is_not_the_film_and_is_kept": "17.1",
    "test_a_cover_that_the_format_cannot_hold_is_named": "17.1",
    "test_a_matroska_file_that_starts_late_is_not_called_cut_short": "17.1",
    "test_a_stream_of_unknown_codec_is_left_out": "17.1",
    "test_a_turned_clip_comes_out_upright": "17.1",
    "test_all_eight_ways_to_lie_come_out_as_they_are_shown": "17.1",
    "test_every_track_keeps_what_is_said_of_it": "17.1",
    "test_fonts_go_along_or_are_named": "17.1",
    "test_of_two_films_the_default_one_is_swapped": "17.1",
    "test_titles_of_one_time_and_forced_ones_are_kept": "17.1",
    "test_what_is_known_before_counts_from_the_film": "17.1",
    "test_the_timecode_is_kept": "18.1",
}
"""The first PyAV that makes the clip of a test, or keeps what the test is about; the lowest allowed runs the others."""


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    try:
        installed = version("av")
    except PackageNotFoundError:
        return
    for item in items:
        first = _FIRST.get(getattr(item, "originalname", ""), "0.0")
        if _number(installed) < _number(first):
            item.add_marker(pytest.mark.skip(reason=f"needs PyAV {first}, {installed} is installed"))


@pytest.fixture
def swap_blank(tmp_path):
    """Swaps a clip by an engine that paints faces white; keeps a list of the frames that were done."""
    pytest.importorskip("av")
    from clipmodels import Blank, engine, watcher
    from multifaceswap.media.clips import Clip, swap_file
    from multifaceswap.pipeline.clip.flow import ClipSettings

    def run(target, name="out.mp4", *, start=0.0, duration=None, progress=None, swapper=None, **options):
        clip = Clip(target, start, duration)
        return swap_file(
            clip,
            tmp_path / name,
            watcher(),
            engine(swapper or Blank()),
            ClipSettings(),
            hardware=False,
            progress=progress,
            **options,
        )

    return run
