"""A donor of several views: which one leads, and what shows where one hides it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from multifaceswap.pipeline.faces.views import distances
from multifaceswap.pipeline.faces.views import turned as apart
from multifaceswap.pipeline.types import FaceSet, Pair, Size
from turning import marked, person, turned

MIRROR = {50: 280, 280: 50}
"""Mesh points in the middle of the cheeks."""
RIM = {50: 234, 280: 454}


@pytest.fixture(scope="module")
def topology(session):
    return session.models.swapper("mesh")._topology


@pytest.fixture(scope="module")
def fitted(session, astronaut, hopper):
    """The portraits' faces with meshes."""
    return [session.order(session.detect([picture], identity=True)).frames[0][0] for picture in (astronaut, hopper)]


@pytest.fixture(scope="module")
def views(astronaut, fitted, topology):
    """The astronaut turned to either side and from the front."""
    return {degrees: turned(astronaut, fitted[0], degrees, topology) for degrees in (-40, 0, 40)}


@pytest.fixture(scope="module")
def targets(hopper, fitted, topology):
    return {degrees: turned(hopper, fitted[1], degrees, topology) for degrees in (-40, 0, 40)}


def swap(session, target, donor, **settings):
    picture, face = target
    pictures, faces = person(donor)
    index_map = session.map(FaceSet(((face,),), Size.of(picture)), faces, "0", "0")
    return session.swap([picture], pictures, index_map, **settings)


def mark_shown(session, target, donor, number, point):
    """By how many levels a mark at a mesh point of one view darkens the result, there and at its mirror; and the
    result with it."""
    picture, face = donor[number]
    with_mark = [*donor]
    with_mark[number] = (marked(picture, face.mesh, point), face)
    both = [swap(session, target, one, colour_match="none") for one in (donor, with_mark)]
    plain, other = (result.images[0].astype(float) for result in both)
    places = point, MIRROR.get(point, point)
    return [float(around(plain - other, target[1].mesh, place).mean()) for place in places], both[1]


def around(image, mesh, point, reach=3):
    x, y = (round(float(at)) for at in mesh[point, :2])
    return image[y - reach : y + reach + 1, x - reach : x + reach + 1]


def test_turned_portraits_are_turned_as_far(views):
    for degrees, (_, face) in views.items():
        assert apart(views[0][1].mesh, face.mesh) == pytest.approx(abs(degrees), abs=0.5)


def test_a_tilt_or_size_is_no_turn(fitted):
    mesh = fitted[0].mesh
    tilt = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    assert apart(mesh, (3 * mesh @ tilt.T + 40).astype(np.float32)) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("side", [-40, 0, 40])
def test_the_view_nearest_in_pose_leads(session, views, targets, side):
    """Each view in turn has a mark between the brows, which all of them show."""
    for number, degrees in enumerate(views):
        (shown, _), result = mark_shown(session, targets[side], list(views.values()), number, 9)
        assert shown > 40 if degrees == side else shown < 4
        assert not [line for line in result.report if "turned another way" in line]


def test_a_single_frontal_view_is_told_to_be_turned_another_way(session, views, targets):
    result = swap(session, targets[40], [views[0]])
    assert [line for line in result.report if "turned another way" in line]


@pytest.mark.parametrize("cheek", MIRROR)
def test_what_one_view_hides_shows_from_the_other_and_is_not_mirrored(session, views, targets, cheek):
    """A mark on one cheek stays on it; of the view that shows it alone, both cheeks have it."""
    showing = max((-40, 40), key=lambda side: _shown(views[side][1], cheek))
    (own, other), result = mark_shown(session, targets[0], [views[showing]], 0, cheek)
    assert min(own, other) > 40
    assert [line for line in result.report if "mirrored" in line]
    for order in ((showing, -showing), (-showing, showing)):
        donor = [views[side] for side in order]
        (own, other), result = mark_shown(session, targets[0], donor, order.index(showing), cheek)
        assert own > 40 and other < 1
        assert not [line for line in result.report if "mirrored" in line]


def test_views_of_other_colours_are_led_to_the_first_ones(session, views, targets):
    """Half of the face from a bluer, darker picture: no seam down the nose."""
    picture, face = views[40]
    other = np.rint(picture * [0.65, 0.75, 0.95]).astype(np.uint8)
    steps = []
    for right in (picture, other):
        result = swap(session, targets[0], [views[-40], (right, face)], colour_match="none").images[0].astype(float)
        left, middle = (targets[0][1].mesh[point, :2] for point in MIRROR)
        sides = [result[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5].mean((0, 1)) for x, y in (left, middle)]
        steps.append(sides[1] - sides[0])
    assert np.abs(steps[1] - steps[0]).max() < 12, "without, the sides are 35 and more apart"


def test_expression_and_resolution_count_too(fitted, views):
    face = fitted[0]
    wide = face.mesh.copy()
    wide[[14, 17, 87, 317, 178, 402]] += [0, 0.12 * np.ptp(face.mesh[:, 1]), 0]
    open_mouth, small = replace(face, mesh=wide), replace(face, mesh=face.mesh / 4)
    assert np.argmin(distances(face, [open_mouth, face])) == 1
    assert np.argmin(distances(open_mouth, [face, open_mouth])) == 1
    assert np.argmin(distances(face, [small, face])) == 1
    assert distances(small, [small, face]) == pytest.approx([0, 0], abs=1e-3), "a larger view is as good"


def test_given_shares_blend_views(session, views, targets):
    """Halfway from one view to the other is halfway between both pictures, wherever both show something."""
    pictures, faces = person([views[-40], views[40]])
    picture, face = targets[0]
    index_map = session.map(FaceSet(((face,),), Size.of(picture)), faces, "0", "0")
    (pair,) = index_map.frames[0]

    def shown(*shares):
        given = replace(index_map, frames=((Pair(*pair[:2], shares),),))
        options = {"colour_match": "none", "mirror": False}
        return session.swap([picture], pictures, given, **options).images[0].astype(float)

    ends, middle = (shown(1.0, 0.0), shown(0.0, 1.0)), shown(0.5, 0.5)
    assert np.abs(ends[0] - ends[1]).max() > 40
    for point in (9, 4, 152):
        wanted = (around(ends[0], face.mesh, point) + around(ends[1], face.mesh, point)) / 2
        assert np.abs(around(middle, face.mesh, point) - wanted).mean() < 6


def _shown(face, cheek):
    """How broadly a cheek shows, in pixels."""
    return abs(float(face.mesh[RIM[cheek], 0] - face.mesh[4, 0]))
