"""Parts of the target's face that are to stay do so, to the bit, with every engine; the rest is swapped as before."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import standins
from multifaceswap import Session
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.pipeline.faces.parts import PARTS, areas_of, parse_parts
from multifaceswap.pipeline.types import IndexMap, Pair, Size

ENGINES = ("mesh", "inswapper_128", "hyperswap_1a_256")


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("standins")
    standins.swapper(folder / "inswapper_128.onnx")
    standins.swapper(folder / "hyperswap_1a_256.onnx", size=256, mean=0.5, std=0.5, map_name="", mask=True)
    standins.pooled(folder / "w600k_r50.onnx")
    standins.restorer(folder / "GPEN-BFR-512.onnx")
    with Session(folders=folder, device="cpu") as session:
        yield session


@pytest.fixture(scope="module")
def faces(session, astronaut, hopper):
    return [session.detect([picture]).flat()[0] for picture in (astronaut, hopper)]


def swapped(session, pictures, faces, **settings):
    target, donor = pictures
    found = IndexMap(((Pair(faces[0], faces[1]),),), (), Size.of(target), Size.of(donor), 1)
    return session.swap([target], [donor], found, **settings)


def area_of(face, size, *names):
    """(H, W) bool where the named parts lie."""
    mask = np.zeros(size[:2], np.uint8)
    for area in areas_of(face.mesh, names):
        one = np.zeros(size[:2], np.uint8)
        cv2.fillPoly(one, [np.rint(outline - 0.5).astype(np.int32) for outline in area.outlines], 1)
        mask |= one
    return mask > 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_stays_and_the_rest_is_swapped(engines, astronaut, hopper, faces, engine, part):
    pictures, settings = (hopper, astronaut), {"swap_model": engine}
    both = faces[::-1]
    plain = swapped(engines, pictures, both, **settings)
    kept = swapped(engines, pictures, both, keep=part, **settings)
    stays = area_of(both[0], hopper.shape, part)
    assert stays.sum() > 200
    np.testing.assert_array_equal(kept.images[0][stays], hopper[stays])
    assert not kept.masks[0][stays].any()
    # Forehead and glasses are most of what a face has above its nose.
    assert (kept.masks[0] > 0.5).sum() > 0.3 * (plain.masks[0] > 0.5).sum()
    around = cv2.dilate(stays.astype(np.uint8), np.ones((61, 61))) == 0
    np.testing.assert_array_equal(kept.masks[0][around], plain.masks[0][around])
    assert kept.report == plain.report


def test_parts_add_up(engines, astronaut, hopper, faces):
    kept = swapped(engines, (hopper, astronaut), faces[::-1], keep="Eyes, mouth,,brows , eyes")
    stays = area_of(faces[1], hopper.shape, "eyes", "mouth", "brows")
    np.testing.assert_array_equal(kept.images[0][stays], hopper[stays])


def test_a_beard_leaves_the_lips_to_the_donor(engines, astronaut, hopper, faces):
    kept = swapped(engines, (hopper, astronaut), faces[::-1], swap_model="inswapper_128", keep="beard")
    lips = cv2.erode(area_of(faces[1], hopper.shape, "mouth").astype(np.uint8), np.ones((5, 5))) > 0
    assert (kept.masks[0][lips] > 0).mean() > 0.4


def test_parts_stay_through_a_restorer(engines, astronaut, hopper, faces):
    settings = {"swap_model": "inswapper_128", "face_restore": "GPEN-BFR-512.onnx", "face_restore_weight": 1}
    kept = swapped(engines, (hopper, astronaut), faces[::-1], keep="glasses", **settings)
    stays = area_of(faces[1], hopper.shape, "glasses")
    np.testing.assert_array_equal(kept.images[0][stays], hopper[stays])


def test_a_face_without_a_mesh_gets_one_for_its_parts(engines, astronaut, hopper, faces):
    bare = [replace(face, mesh=None) for face in faces[::-1]]
    kept = swapped(engines, (hopper, astronaut), bare, swap_model="inswapper_128", keep="nose")
    stays = cv2.erode(area_of(faces[1], hopper.shape, "nose").astype(np.uint8), np.ones((7, 7))) > 0
    np.testing.assert_array_equal(kept.images[0][stays], hopper[stays])


def test_where_no_mesh_fits_the_report_says_so(engines, astronaut, faces):
    blank = np.full_like(astronaut, 128)
    bare = [replace(face, mesh=None) for face in faces]
    result = swapped(engines, (blank, astronaut), [bare[0], bare[0]], swap_model="inswapper_128", keep="nose,mouth")
    assert "frame 0, face 0: no mesh fits this face: mouth, nose could not be kept" in result.report


@pytest.mark.parametrize("text", ["ears", "mouth nose", "mouth;eyes", "0", "*"])
def test_other_names_are_refused(session, astronaut, faces, text):
    empty = IndexMap(((),), (), Size.of(astronaut), Size.of(astronaut), 1)
    with pytest.raises(SettingsError, match=r"^keep: expected some of mouth, eyes, .*, got "):
        session.swap([astronaut], [astronaut], empty, keep=text)


def test_names_are_read_in_any_order_and_case():
    assert parse_parts("") == parse_parts(" , ") == ()
    assert parse_parts("Glasses,MOUTH , mouth") == ("mouth", "glasses")


def test_the_parts_lie_where_their_names_say(faces):
    """On an upright face: each within the mesh, and in order from the brows to the chin."""
    mesh = faces[0].mesh
    heights = {part: np.mean([area.outlines[0][:, 1].mean() for area in areas_of(mesh, (part,))]) for part in PARTS}
    order = ["forehead", "brows", "eyes", "nose", "mouth", "beard"]
    assert sorted(order, key=heights.get) == order
    eyes = faces[0].landmarks[:2]
    for one, eye in zip(areas_of(mesh, ("eyes",)), eyes, strict=True):
        assert cv2.pointPolygonTest(one.outlines[0].astype(np.float32), [*map(float, eye)], False) > 0
