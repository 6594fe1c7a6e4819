from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multifaceswap.pipeline.draw.preview import COLOURS, draw_faces, draw_pairs
from multifaceswap.pipeline.types import Face, Pair

LANDMARKS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.78), (0.65, 0.78)])


def face(left, top, right, bottom, **more):
    corner, size = np.array([left, top]), np.array([right - left, bottom - top])
    return Face((left, top, right, bottom), corner + LANDMARKS * size, 0.9, **more)


def grey(height, width, value=128):
    return np.full((height, width, 3), value, np.uint8)


def pixels_of(canvas, colour):
    """(N, 2) x, y of the pixels of exactly that colour."""
    return np.argwhere((canvas == colour).all(2))[:, ::-1]


def test_without_faces_the_picture_comes_back_as_a_copy():
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    canvas = draw_faces(picture, [])
    assert np.array_equal(canvas, picture) and not np.shares_memory(canvas, picture)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.array([[[0.0, 0.5, 1.0]]], np.float32), (0, 128, 255)),
        (np.array([[[0.0, 0.5, 1.0]]], np.float64), (0, 128, 255)),
        (np.array([[[0.0, 0.5, 1.0]]], np.float16), (0, 128, 255)),
        (np.array([[[-1.0, 2.0, np.nan]]], np.float32), (0, 255, 0)),
        (np.array([[[0, 32896, 65535]]], np.uint16), (0, 128, 255)),
        (np.array([[[1, 2, 3]]], np.uint8), (1, 2, 3)),
        (np.array([[[7]]], np.uint8), (7, 7, 7)),
        (np.array([[[0.5]]], np.float32), (128, 128, 128)),
        (np.array([[[1, 2, 3, 0]]], np.uint8), (1, 2, 3)),
    ],
)
def test_every_kind_of_picture(picture, expected):
    picture = np.tile(picture, (30, 20, 1))
    canvas = draw_faces(picture, [])
    assert canvas.dtype == np.uint8 and canvas.shape == (30, 20, 3)
    assert (canvas == expected).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_large_pictures_are_shown_smaller(channels, dtype):
    picture = np.zeros((300, 4096, channels), dtype)
    assert draw_faces(picture, []).shape == (150, 2048, 3)
    assert draw_pairs(picture, [picture], []).shape[1] == 2048


def test_the_picture_is_never_written_to():
    picture = grey(200, 200)
    picture.flags.writeable = False
    one = face(20, 20, 120, 120)
    assert not np.array_equal(draw_faces(picture, [one]), picture)
    draw_pairs(picture, [picture], [Pair(one, one)])
    assert (picture == 128).all()


def test_the_box_is_drawn_where_the_face_is():
    canvas = draw_faces(grey(400, 600), [face(200, 100, 300, 240)])
    assert tuple(canvas[170, 200]) == tuple(canvas[170, 300]) == tuple(canvas[240, 270]) == COLOURS[0]
    assert tuple(canvas[140, 220]) == (128, 128, 128)


def test_the_box_scales_with_the_picture():
    canvas = draw_faces(grey(4096, 4096), [face(1000, 2000, 3000, 3000)])
    assert tuple(canvas[1300, 500]) == tuple(canvas[1300, 1500]) == COLOURS[0]


def test_every_landmark_has_a_dot():
    one = face(100, 100, 300, 300)
    canvas = draw_faces(grey(400, 400), [one])
    assert all(tuple(canvas[int(y), int(x)]) == COLOURS[0] for x, y in one.landmarks)


def test_faces_next_to_each_other_have_their_own_colours():
    canvas = draw_faces(grey(400, 900), [face(100 * n + 20, 200, 100 * n + 90, 300) for n in range(8)])
    for number in range(8):
        assert tuple(canvas[250, 100 * number + 20]) == COLOURS[number % 7]
    assert len(set(COLOURS)) == 7


def test_numbers_and_genders_are_shown_and_can_be_replaced():
    def shown(**more):
        return draw_faces(grey(300, 300), [face(100, 100, 200, 200, **more)])

    looks = [shown(), shown(index=1), shown(index=12), shown(gender="female"), shown(gender="male")]
    assert len({look.tobytes() for look in looks}) == 5
    assert np.array_equal(draw_faces(grey(300, 300), [face(100, 100, 200, 200)], [12]), shown(index=12))
    with pytest.raises(ValueError, match="zip"):
        draw_faces(grey(300, 300), [face(100, 100, 200, 200)], [1, 2])


def label_of(canvas, box, colour=None):
    """(N, 2) x, y of what is drawn on grey (in that colour) beyond the face's own box."""
    points = np.argwhere((canvas != 128).any(2) if colour is None else (canvas == colour).all(2))[:, ::-1]
    left, top, right, bottom = box
    return points[((points < (left - 3, top - 3)) | (points > (right + 3, bottom + 3))).any(1)]


@pytest.mark.parametrize(("side", "least"), [(64, 11), (512, 11), (2048, 30), (6000, 30)])
def test_numbers_are_large_enough_to_read(side, least):
    box, shown = np.array([200, 200, 212, 212]) / 512, min(side, 2048)
    label = label_of(draw_faces(grey(side, side), [face(*box * side)]), box * shown)
    # It stands above the box.
    assert box[1] * shown - label[:, 1].min() >= least


@pytest.mark.parametrize("side", [128, 700])
@pytest.mark.parametrize("x", [-0.1, 0.0, 0.4, 0.8, 0.9])
@pytest.mark.parametrize("y", [-0.1, 0.0, 0.4, 0.8, 0.9])
def test_numbers_are_never_cut_off_at_the_border(side, x, y):
    def label_at(x, y):
        box = np.array([x, y, x + 0.2, y + 0.2]) * side
        return label_of(draw_faces(grey(side, side), [face(*box, index=28, gender="female")]), box)

    in_the_open = label_at(0.4, 0.4)
    smaller = (0.6 if -0.1 in (x, y) or 0.9 in (x, y) else 1.0) ** 2
    assert len(label_at(x, y)) >= 0.75 * smaller * len(in_the_open)


def test_labels_keep_off_each_other_and_off_other_faces():
    # The usual place above the lower face lies in the upper one.
    canvas = draw_faces(grey(400, 400), [face(100, 100, 200, 200), face(100, 202, 200, 302)])
    (left, top), (right, bottom) = (
        edge(label_of(canvas, (100, 202, 200, 302), COLOURS[1]), 0) for edge in (np.min, np.max)
    )
    assert bottom < 100 or top > 200 or right < 100 or left > 200


finite = st.floats(-9.9e5, 9.9e5, width=32)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.builds(face, finite, finite, finite, finite), max_size=3), st.integers(1, 40), st.integers(1, 40))
def test_any_box_is_drawn_without_an_error(faces, height, width):
    assert draw_faces(grey(height, width), faces).shape == (height, width, 3)
    pairs = [Pair(one, one) for one in faces]
    assert max(draw_pairs(grey(height, width), [grey(width, height)], pairs).shape) <= 2048


def test_no_pairs_and_no_sources():
    target, source = grey(1000, 1000, 200), grey(1000, 1000, 90)
    assert (draw_pairs(target, [], []) == 200).all()
    canvas = draw_pairs(target, [source, source], [])
    assert canvas.shape == (1000, 2000, 3)
    assert tuple(canvas[500, 500]) == (90, 90, 90) and tuple(canvas[500, 1500]) == (200, 200, 200)


def test_an_arrow_runs_from_the_donor_to_the_target_in_the_colour_of_the_pair():
    one = face(400, 400, 600, 600)
    canvas = draw_pairs(grey(1000, 1000), [grey(1000, 1000)], [Pair(one, one)])
    row = (canvas[498:502] == COLOURS[0]).all(2).all(0)
    assert row[610:1390].mean() > 0.98
    # The head widens toward the target, at the right.
    wide = [(canvas[:, x] == COLOURS[0]).all(1).sum() for x in (1000, 1365)]
    assert wide[1] > 2 * wide[0]


def test_every_pair_has_a_colour_and_a_donor_of_several_targets_is_white():
    donor = face(400, 400, 600, 600)
    targets = [face(100 + 300 * n, 700, 250 + 300 * n, 900, index=n) for n in range(3)]
    canvas = draw_pairs(grey(1000, 1000), [grey(1000, 1000)], [Pair(target, donor) for target in targets])
    for colour in COLOURS[:3]:
        assert len(pixels_of(canvas[:, 1000:], colour)) > 500
    assert tuple(canvas[410, 402]) == (255, 255, 255)
    assert not len(pixels_of(canvas, COLOURS[3]))


def test_only_source_pictures_in_use_are_shown():
    sources = [grey(1000, 1000, value) for value in (10, 20, 30)]
    one = face(400, 400, 600, 600)
    canvas = draw_pairs(grey(1000, 1000, 200), sources, [Pair(one, face(400, 400, 600, 600, frame=2, index=5))])
    assert len(pixels_of(canvas, (30, 30, 30))) > 800_000
    # Soft edges of dark rims hold a few such pixels, too.
    assert len(pixels_of(canvas, (10, 10, 10))) + len(pixels_of(canvas, (20, 20, 20))) < 5000
