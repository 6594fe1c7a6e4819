"""The Python API: identities over a clip, options of engines, the report of devices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import standins
from multifaceswap import Session, detect_faces, map_indexes, match_faces, order_faces, restore_faces, swap_faces
from multifaceswap.pipeline.errors import MismatchError, SettingsError
from multifaceswap.pipeline.types import Embedding

CPU = "run on CPU"


@pytest.fixture(scope="module")
def portraits(astronaut, hopper):
    """Both people, cut to one size."""
    return [astronaut[20:276, 96:352], hopper[40:552:2, ::2]]


@pytest.fixture(scope="module")
def clip(portraits):
    """Both walk past each other: (256, 512) pictures in which the one on the left ends up on the right."""
    frames = []
    for step in (0, 1, 3, 4):
        frame = np.zeros((256, 512, 3), np.uint8)
        left, right = portraits if step < 2 else portraits[::-1]
        frame[:, :256], frame[:, 256:] = left, right
        frames.append(np.roll(frame, 3 * step, axis=1))
    return frames


@pytest.fixture(scope="module")
def clip_faces(clip, session):
    return order_faces(detect_faces(clip, session=session), "left-right")


@pytest.fixture(scope="module")
def people(portraits, session):
    return detect_faces(portraits, session=session, identity=True)


def _pairs(index_map):
    return [[(pair.target.index, pair.source.index) for pair in frame] for frame in index_map.frames]


def test_in_a_clip_everybody_keeps_their_donor_when_they_cross(clip, clip_faces, people, session):
    assert [len(faces) for faces in clip_faces] == [2, 2, 2, 2]
    made = match_faces(clip_faces, people, people, "0,1", "1,0", targets=clip, session=session)
    assert _pairs(made) == [[(0, 1), (1, 0)], [(0, 1), (1, 0)], [(0, 0), (1, 1)], [(0, 0), (1, 1)]]
    assert made.report[0] == "matched by identity: euclidean distance, threshold 0.6"
    assert len(made.report) == 3 and all("in frames 0-3, distance" in line for line in made.report[1:])
    by_place = map_indexes(clip_faces, people, "0,1", "1,0")
    assert _pairs(by_place)[3] != _pairs(made)[3]


def test_identities_that_are_there_are_not_computed_again(clip, clip_faces, people, session):
    marked = [
        replace(face, embedding=Embedding(face.embedding.vector + 2, face.embedding.model)) for face in people.flat()
    ]
    references = replace(people, frames=((marked[0],), (marked[1],)))
    made = match_faces(clip_faces, people, references, "0,1", "1,0", targets=clip, session=session)
    assert made.count == 0


def test_faces_without_identity_need_their_pictures(clip, clip_faces, people, session):
    with pytest.raises(SettingsError, match="target faces carry no identity"):
        match_faces(clip_faces, people, people, session=session)
    with pytest.raises(MismatchError, match="target faces were found in 4"):
        match_faces(clip_faces, people, people, targets=clip[:2], session=session)


@pytest.fixture(scope="module")
def neural(tmp_path_factory):
    """Stand-ins under the published names: their hashes aren't known, so they are opened with a warning."""
    folder = tmp_path_factory.mktemp("models")
    standins.swapper(folder / "inswapper_128.onnx")
    standins.pooled(folder / "w600k_r50.onnx", scale=40)
    return Session([folder], "cpu")


def test_arcface_matches_too_and_is_found_by_what_faces_carry(clip, clip_faces, people, portraits, neural):
    options = {"targets": clip, "references": portraits, "threshold": 0.9, "session": neural}
    made = match_faces(clip_faces, people, people, "0,1", "1,0", embedder="w600k_r50", **options)
    assert made.report[0] == "matched by identity: cosine distance, threshold 0.9"
    assert _pairs(made)[0] == [(0, 1), (1, 0)] and _pairs(made)[3] == [(0, 0), (1, 1)]
    arcface = neural.models.open("embedder", "w600k_r50")
    known = replace(
        people,
        frames=tuple(
            tuple(replace(face, embedding=arcface.embed(picture, [face])[0]) for face in faces)
            for picture, faces in zip(portraits, people, strict=True)
        ),
    )
    again = match_faces(clip_faces, people, known, "0,1", "1,0", targets=clip, threshold=0.9, session=neural)
    assert again.report == made.report


def test_an_unknown_embedder_is_refused(clip_faces, people, session):
    with pytest.raises(SettingsError, match="embedder: expected one of auto, dlib128, w600k_r50"):
        match_faces(clip_faces, people, people, embedder="nobody", session=session)


def test_a_neural_engine_swaps_through_the_api_and_says_where_it_ran(clip, clip_faces, people, portraits, neural):
    index_map = match_faces(clip_faces, people, people, "0,1", "1,0", targets=clip, session=neural)
    plain = swap_faces(clip, portraits, index_map, "inswapper_128", session=neural)
    assert plain.faces.count == 8
    *matched, other, another, devices = plain.report
    assert tuple(matched) == index_map.report and devices == f"inswapper_128.onnx, w600k_r50.onnx {CPU}"
    assert [other, another] == neural.models.notes("swapper", "inswapper_128")
    assert other.startswith("inswapper_128.onnx is not the published file, but used")
    for before, after, mask in zip(clip, plain.images, plain.masks, strict=True):
        assert (before[mask == 0] == after[mask == 0]).all() and (before != after).any()
    boosted = swap_faces(clip, portraits, index_map, "inswapper_128", pixel_boost=512, session=neural)
    assert boosted.report == plain.report
    assert any((a != b).any() for a, b in zip(boosted.images, plain.images, strict=True))


def test_boosting_opens_no_file_twice(neural):
    swappers = [neural.models.open("swapper", "inswapper_128", pixel_boost=boost) for boost in (0, 256, 512)]
    assert len({id(session) for swapper in swappers for session in swapper.sessions}) == 2
    assert neural.models.open("embedder", "w600k_r50").sessions == swappers[0].sessions[1:]


def test_an_engine_without_pixel_boost_says_that_it_was_not_used(portraits, people, session):
    index_map = map_indexes(people, people)
    result = swap_faces(portraits, portraits, index_map, "mesh", pixel_boost=512, session=session)
    assert "pixel_boost 512 has no effect: mesh has no pixel boost" in result.report


def test_a_device_that_is_not_there_is_told(portraits, people, neural):
    other = Session(neural.models.folders, "migraphx")
    result = swap_faces(portraits, portraits, map_indexes(people, people), "inswapper_128", session=other)
    why = "migraphx was asked for, but the installed onnxruntime has no MIGraphXExecutionProvider"
    assert result.report[-1] == f"inswapper_128.onnx, w600k_r50.onnx {CPU} ({why})"


@pytest.fixture(scope="module")
def restorers(tmp_path_factory):
    """A pool with an exported GPEN (its weight is a share) and CodeFormer (its weight goes into the network)."""
    folder = tmp_path_factory.mktemp("models") / "facerestore_models"
    standins.restorer(folder / "GPEN-BFR-512.onnx")
    standins.restorer(folder / "codeformer.onnx", weight="double")
    return Session([folder.parent], "cpu")


def _mean_change(result, before, amount):
    """Mean of what restoring changed in the middle of the face, beside 0.9·x + 0.05·`amount` on x in [-1, 1]."""
    inside = result.masks[0] == 1
    found = (result.images[0].astype(float) - before)[inside].mean() / 127.5
    wanted = (before[inside] / 127.5 - 1).mean() * -0.1 + 0.05 * amount
    return found, wanted


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_the_weight_is_fidelity_or_share(portraits, restorers, weight):
    picture = portraits[:1]
    plain = {"session": restorers, "colour_correct": False}
    found, wanted = _mean_change(
        restore_faces(picture, None, "GPEN-BFR-512.onnx", weight, **plain), picture[0], amount=1
    )
    assert found == pytest.approx(wanted * weight, abs=2e-3)
    found, wanted = _mean_change(
        restore_faces(picture, None, "codeformer.onnx", weight, **plain), picture[0], amount=weight
    )
    assert found == pytest.approx(wanted, abs=2e-3)


def test_faces_are_found_only_where_none_are_handed_over(portraits, restorers, monkeypatch):
    faces = detect_faces(portraits, session=restorers)
    found = restore_faces(portraits, None, "codeformer.onnx", session=restorers)
    assert found.faces.count == 2 and found.report[-1] == "codeformer.onnx runs on CPU"
    monkeypatch.setattr(Session, "detect", lambda *_, **__: pytest.fail("detected"))
    handed = restore_faces(portraits, faces, "codeformer.onnx", session=restorers)
    np.testing.assert_array_equal(handed.images[0], found.images[0])
    only = replace(faces, frames=((), faces.frames[1]))
    some = restore_faces(portraits, only, "codeformer.onnx", session=restorers)
    np.testing.assert_array_equal(some.images[0], portraits[0])
    np.testing.assert_array_equal(some.images[1], found.images[1])
    nobody = restore_faces(portraits, replace(faces, frames=((), ())), "codeformer.onnx", session=restorers)
    assert nobody.faces.count == 0 and not any(mask.any() for mask in nobody.masks)
    off = restore_faces(portraits, faces, "disable", session=restorers)
    assert off.faces.count == 0 and off.report == ()
    np.testing.assert_array_equal(off.images[0], portraits[0])


def test_swapped_faces_are_restored_and_nothing_else(portraits, restorers):
    people = order_faces(detect_faces(portraits, session=restorers))
    donor = replace(people, frames=((), people.frames[1]))
    index_map = map_indexes(people, donor, "0", "0")
    plain = swap_faces(portraits, portraits, index_map, session=restorers)
    boosted = swap_faces(
        portraits, portraits, index_map, session=restorers, face_restore="codeformer.onnx", face_restore_weight=1.0
    )
    assert "codeformer.onnx" in boosted.report[-1] and "codeformer.onnx" not in str(plain.report)
    for before, image, mask in zip(portraits, boosted.images, boosted.masks, strict=True):
        np.testing.assert_array_equal(image[mask == 0], before[mask == 0])
    close = [np.abs(one.astype(int) - other).mean() for one, other in zip(plain.images, boosted.images, strict=True)]
    assert all(0.01 < mean < 1.5 for mean in close)


def test_functions_that_open_no_model_take_what_the_others_take(people):
    with Session(device="cpu") as session:
        shared, own = (
            order_faces(people, "top-bottom", limit=1, session=session),
            order_faces(people, "top-bottom", limit=1),
        )
        assert [np.array_equal(a.box, b.box) for a, b in zip(shared.flat(), own.flat(), strict=True)] == [True, True]
        made = map_indexes(people, people, session=session, identity_threshold=0.3)
    assert "identity_threshold 0.3 has no effect: there are no reference faces" in made.report
    for refused in (lambda: order_faces(people, foo=1), lambda: map_indexes(people, people, foo=1)):
        with pytest.raises(SettingsError, match="foo: no such setting here"):
            refused()
