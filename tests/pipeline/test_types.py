from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from multifaceswap.pipeline import errors
from multifaceswap.pipeline.types import Embedding, Face, FaceSet, IndexMap, Pair, Size

LANDMARKS = np.arange(10.0).reshape(5, 2)


def face(**more):
    return Face((10, 20, 40, 60), LANDMARKS, 0.9, **more)


def pictures(*sizes):
    return [np.zeros((height, width, 3), np.uint8) for width, height in sizes]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([], (0, 0)), ([(640, 480)], (640, 480)), ([(640, 200), (30, 480)], (640, 480))],
)
def test_size_that_holds_a_batch(sizes, expected):
    assert Size.holding(pictures(*sizes)) == expected


def test_size_reads_width_first():
    size = Size.of(np.zeros((480, 640, 1)))
    assert (size.width, size.height, str(size)) == (640, 480, "640×480")


def test_a_face_copies_its_arrays_and_cannot_be_changed():
    box, embedding = np.array([10, 20, 40, 60]), np.ones(512)
    one = Face(box, LANDMARKS.tolist(), 0.5, mesh=np.zeros((468, 3)), embedding=Embedding(embedding, "dlib128"))
    box[:], embedding[:] = 0, 0
    assert one.box.tolist() == [10, 20, 40, 60] and one.embedding.vector.sum() == 512
    for array in (one.box, one.landmarks, one.mesh, one.embedding.vector):
        assert array.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
    with pytest.raises(FrozenInstanceError):
        one.index = 3


def test_a_face_knows_its_area_and_is_enriched_by_copy():
    one = face()
    assert one.area == 30 * 40
    other = replace(one, gender="female", index=2)
    assert (one.gender, one.index, other.gender, other.index) == (None, 0, "female", 2)
    assert np.array_equal(other.box, one.box)


def test_faces_are_told_apart_by_identity():
    assert face() != face()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"box": (1, 2, 3)}, r"box: expected finite numbers of shape \(4,\), got \(3,\)"),
        ({"box": (1, 2, 3, np.nan)}, "box: expected finite"),
        ({"box": (1, 2, 3, np.inf)}, "box: expected finite"),
        ({"landmarks": LANDMARKS.T}, r"landmarks: expected finite numbers of shape \(5, 2\), got \(2, 5\)"),
        ({"landmarks": LANDMARKS * np.nan}, "landmarks: expected finite"),
        ({"mesh": np.zeros((478, 3))}, r"mesh: expected finite numbers of shape \(468, 3\), got \(478, 3\)"),
    ],
)
def test_a_face_refuses_what_it_cannot_be(change, message):
    with pytest.raises(ValueError, match=message):
        replace(face(), **change)


@pytest.mark.parametrize("vector", [np.full(128, np.nan), np.zeros((2, 64))])
def test_an_embedding_is_a_list_of_numbers(vector):
    with pytest.raises(ValueError, match=r"embedding: expected finite numbers of shape \(128,\)"):
        Embedding(vector, "dlib128")


def test_an_empty_face_set():
    nothing = FaceSet((), Size(0, 0))
    assert (len(nothing), nothing.count, nothing.flat(), list(nothing)) == (0, 0, (), [])
    nothing.require([], "target")


def test_a_face_set_counts_and_flattens_picture_after_picture():
    a, b, c = face(), face(), face()
    faces = FaceSet(((a, b), (), (c,)), Size(64, 48))
    assert len(faces) == 3 and faces.count == 3
    assert faces.flat() == (a, b, c)
    assert list(faces) == [(a, b), (), (c,)]


@pytest.mark.parametrize(
    ("sizes", "came"),
    [
        ([(64, 48)], "1 picture"),
        ([(64, 48), (64, 48), (64, 48)], "3 picture"),
        ([(48, 64), (48, 64)], "2 picture.* of 48×64"),
        ([], "0 picture"),
    ],
)
def test_a_face_set_refuses_other_pictures(sizes, came):
    faces = FaceSet(((), ()), Size(64, 48))
    faces.require(pictures((64, 48), (64, 48)), "target")
    with pytest.raises(errors.MismatchError, match=rf"target faces were found in 2 picture\(s\) of 64×48, but {came}"):
        faces.require(pictures(*sizes), "target")


def test_an_index_map_refuses_other_pictures_on_either_side():
    pair = Pair(face(), face())
    index_map = IndexMap(((pair, pair), ()), (), Size(64, 48), Size(32, 32), 1)
    targets, sources = pictures((64, 48), (64, 48)), pictures((32, 32))
    assert index_map.count == 2
    index_map.require(targets, sources)
    with pytest.raises(errors.MismatchError, match="connect the same target pictures"):
        index_map.require(sources, sources)
    with pytest.raises(errors.MismatchError, match="connect the same source pictures"):
        index_map.require(targets, targets)


def every_error():
    return [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]


def test_one_class_catches_all_errors():
    assert len(every_error()) > 10
    assert all(issubclass(one, errors.MultiFaceSwapError) for one in every_error())


def test_the_drawn_tree_is_the_tree():
    drawn = {}
    stack = []
    for line in errors.__doc__.splitlines():
        words = line.lstrip("│├└─ ").split()
        if words and words[0].endswith("Error"):
            depth = (len(line) - len(line.lstrip("│├└─ "))) // 4
            stack[depth:] = [words[0]]
            drawn[words[0]] = stack[depth - 1] if depth else None
    assert drawn.pop("MultiFaceSwapError") is None
    assert drawn == {one.__name__: one.__base__.__name__ for one in every_error() if one.__name__ in drawn}
    assert {one.__name__ for one in every_error()} == {*drawn, "MultiFaceSwapError"}


def test_wrong_settings_are_value_errors_too():
    assert issubclass(errors.SettingsError, ValueError) and issubclass(errors.MismatchError, ValueError)


def test_an_unknown_choice_names_the_known_ones():
    errors.require_choice("pairing", "a", ("a", "b"))
    with pytest.raises(errors.SettingsError, match=r"^pairing: expected one of a, b, got 'c'$"):
        errors.require_choice("pairing", "c", ("a", "b"))
