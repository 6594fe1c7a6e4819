"""A batch is worked through in the memory of its result and a little more."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from multifaceswap.pipeline.compose.restore import untouched
from multifaceswap.pipeline.compose.stream import SwapTask, donors_of, swap_stream
from multifaceswap.pipeline.compose.swap import SwapSettings, swap_batch
from multifaceswap.pipeline.faces.pairing import map_indexes
from multifaceswap.pipeline.types import Donor, Face, FaceSet, Patch, Placement, Size

SIDE = 64


class Painter:
    """Paints every target face white."""

    needs_mesh = False
    colour = "none"

    def place(self, face):
        left, top = (float(edge) for edge in face.box[:2])
        return Placement(np.array([[1.0, 0, -left], [0, 1.0, -top]]), Size(SIDE, SIDE))

    def prepare(self, frame, face, others=()):
        return Donor(face)

    def swap(self, crops, donors, strength):
        self.batches = [*getattr(self, "batches", []), len(crops)]
        return [Patch(np.ones_like(crop.image), np.ones(crop.image.shape[:2], np.float32)) for crop in crops]


def batch(count: int):
    targets = np.full((count, 180, 320, 3), 0.5, np.float32)
    targets.flags.writeable = False
    box = np.array([40, 50, 40 + SIDE, 50 + SIDE], np.float32)
    faces = tuple((Face(box, np.zeros((5, 2)), 1.0, frame=number),) for number in range(count))
    found = FaceSet(faces, Size(320, 180))
    return targets, map_indexes(found, FaceSet(faces[:1], Size(320, 180)), "0", "0")


def peak_beyond_result(count: int) -> int:
    targets, index_map = batch(count)
    tracemalloc.start()
    result = swap_batch(targets, targets[:1], index_map, Painter(), SwapSettings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - result.images.nbytes - result.masks.nbytes


def test_nothing_but_the_result_grows_with_the_batch():
    short, long = peak_beyond_result(24), peak_beyond_result(96)
    frame = 180 * 320 * 3 * 4
    assert short < 8 * frame and long < 8 * frame
    # How far threads are ahead varies by some frames; 72 more frames that were held would be far more.
    assert long - short < 4 * frame


def test_one_array_in_is_one_array_out():
    targets, index_map = batch(5)
    result = swap_batch(targets, targets[:1], index_map, Painter(), SwapSettings())
    assert isinstance(result.images, np.ndarray) and isinstance(result.masks, np.ndarray)
    assert (result.images.shape, result.images.dtype, result.masks.shape) == (targets.shape, np.float32, (5, 180, 320))
    assert (result.images[:, 50 : 50 + SIDE, 40 : 40 + SIDE] == 1).all() and (result.images[:, :50] == 0.5).all()
    assert (targets == 0.5).all()
    listed = swap_batch(list(targets), targets[:1], index_map, Painter(), SwapSettings())
    assert isinstance(listed.images, list) and (np.stack(listed.images) == result.images).all()


def test_what_is_left_untouched_is_copied_once():
    targets, _ = batch(24)
    listed = [*targets]
    for pictures in (targets, listed):
        tracemalloc.start()
        result = untouched(pictures)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert type(result.images) is type(result.masks) is type(pictures)
        assert peak - sum(image.nbytes for image in (*result.images, *result.masks)) < 180 * 320
        np.testing.assert_array_equal(np.stack(list(result.images)), targets)
        assert not np.any(result.masks) and not any(np.shares_memory(image, targets) for image in result.images)


def test_only_faces_that_lose_an_identity_are_made_anew():
    targets, index_map = batch(2)
    known = replace(index_map.frames[1][0].target, embedding=np.ones(128))
    pairs = (index_map.frames[0], (index_map.frames[1][0]._replace(target=known),))
    index_map = replace(index_map, frames=pairs)
    (plain,), (stripped,) = swap_batch(targets, targets[:1], index_map, Painter(), SwapSettings()).faces
    assert plain is index_map.frames[0][0].target
    assert stripped.embedding is None and (stripped.box == known.box).all()


def test_faces_of_several_pictures_go_to_the_engine_together():
    targets, index_map = batch(10)
    painter = Painter()
    swap_batch(targets, targets[:1], index_map, painter, SwapSettings())
    assert painter.batches == [4, 4, 2]


def test_progress_counts_faces_and_may_stop_the_work():
    targets, index_map = batch(12)
    seen = []
    swap_batch(targets, targets[:1], index_map, Painter(), SwapSettings(), progress=lambda *at: seen.append(at))
    assert seen == [(number, 12) for number in range(1, 13)]

    def stop(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swap_batch(targets, targets[:1], index_map, Painter(), SwapSettings(), progress=stop)


@pytest.mark.parametrize(("first_alone", "read", "batches"), [(True, 1, [1, 4, 4, 1]), (False, 8, [4, 4, 2])])
def test_the_first_picture_of_a_stream_needn_t_wait_for_others(first_alone, read, batches):
    targets, index_map = batch(10)
    asked: list[int] = []

    def tasks():
        for number, target in enumerate(targets):
            asked.append(number)
            yield SwapTask(target, index_map.frames[number], np.empty_like(target))

    painter = Painter()
    donor_of = donors_of(targets[:1], painter)
    stream = swap_stream(tasks(), donor_of, painter, SwapSettings(), first_alone=first_alone)
    first = next(stream)
    assert len(asked) == read
    results = [first, *stream]
    assert painter.batches == batches and asked == [*range(10)]
    assert len(results) == 10 and all((one.work.out[50 : 50 + SIDE, 40 : 40 + SIDE] == 1).all() for one in results)
