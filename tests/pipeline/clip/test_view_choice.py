"""Which view of a donor a person of a clip shows, over time."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from multifaceswap.pipeline.clip.view_choice import ViewChoice
from multifaceswap.pipeline.faces import mesh_points
from multifaceswap.pipeline.types import Face

RATE = 25
FADE = 0.3


def head(degrees, index=0):
    """A face whose mesh is a half sphere, turned about the upright axis."""
    mesh = np.random.default_rng(7).normal(size=(468, 3))
    mesh /= np.linalg.norm(mesh, axis=1, keepdims=True)
    mesh[:, 2] = -np.abs(mesh[:, 2])
    mesh[[*mesh_points.LIPS_OUTER, *mesh_points.LIPS_INNER]] *= 0.9
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return Face(np.array([0, 0, 100, 100]), np.zeros((5, 2)), 1.0, index=index, mesh=(mesh @ turn.T * 50 + 50))


def donor(*degrees, index=0):
    first, *others = map(head, degrees)
    return replace(first, views=tuple(others), index=index)


def follow(angles, source, choice=None, start=0):
    """The shares of every frame, in which a head stands as `angles` say."""
    choice, seen = choice or ViewChoice(), []
    for number, degrees in enumerate(angles, start):
        choice.update(number / RATE, [head(degrees, index=4)], {4: source})
        seen.append(choice.shares[4])
    return np.array(seen)


def test_the_first_frame_shows_the_nearest_view_alone():
    for degrees, nearest in ((-33, 0), (4, 1), (36, 2)):
        assert follow([degrees], donor(-30, 0, 30))[0].tolist() == [float(n == nearest) for n in range(3)]


def test_a_turning_head_goes_through_all_views_in_fades():
    shares = follow(np.linspace(-40, 40, 150), donor(-30, 0, 30))
    assert [int(one.argmax()) for one in shares[[0, 90, -1]]] == [0, 1, 2]
    assert shares.sum(1) == pytest.approx(1) and shares.min() >= 0
    steps = np.abs(np.diff(shares, axis=0)).max()
    assert 0 < steps <= 1 / (FADE * RATE) + 1e-6
    changes = np.flatnonzero(np.diff(shares.argmax(1)))
    assert len(changes) == 2


def test_a_head_that_wavers_between_two_views_stays_with_one():
    angles = 15 + 2.5 * np.sin(np.arange(200))
    shares = follow(angles, donor(0, 30))
    assert (shares == shares[0]).all()
    assert len(set(np.argmax([_nearness(angle) for angle in angles], axis=1))) == 2, "the nearest one changes often"


def test_a_glance_of_half_a_second_changes_nothing():
    """As lips that speak: what suits for a moment alone."""
    angles = [0] * 10 + [27] * 8 + [0] * 10
    assert (follow(angles, donor(0, 30))[:, 0] == 1).all()
    assert follow([0] * 10 + [27] * 60, donor(0, 30))[-1].tolist() == [0, 1]


def test_a_face_that_was_away_fades_no_longer_than_it_was_away():
    choice = ViewChoice()
    follow([0, 0], donor(0, 30), choice)
    assert follow([30], donor(0, 30), choice, start=100)[0].tolist() == [0.0, 1.0]


def test_another_donor_starts_anew_and_one_of_a_single_view_has_no_shares():
    choice = ViewChoice()
    follow([0] * 3, donor(0, 30), choice)
    assert follow([30], donor(0, 30, index=1), choice, start=3)[0].tolist() == [0.0, 1.0]
    choice.reset()
    choice.update(0, [head(0, index=4)], {4: head(0)})
    assert choice.shares == {}


def test_only_pictured_views_count():
    source = donor(0, 30)
    source = replace(source, views=(replace(head(10), pictured=False), *source.views))
    assert follow([28], source)[0].tolist() == [0.0, 1.0]


def test_a_continued_clip_goes_on_as_if_never_stopped():
    angles, source = np.linspace(-40, 40, 60), donor(-30, 0, 30)
    whole, choice = follow(angles, source), ViewChoice()
    follow(angles[:22], source, choice)
    again = ViewChoice()
    again.restore(json.loads(json.dumps(choice.as_json())))
    assert (follow(angles[22:], source, again, start=22) == whole[22:]).all()
    again.keep({5})
    assert again.shares == {}


def _nearness(angle):
    return [-abs(angle - 0), -abs(angle - 30)]
