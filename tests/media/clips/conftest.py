from __future__ import annotations

import pytest


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
