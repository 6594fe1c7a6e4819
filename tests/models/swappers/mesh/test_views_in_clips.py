"""A donor of several views in a clip whose target turns from one side to the other."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.clip.flow import Engine, swap_frames
from multifaceswap.pipeline.clip.settings import ClipSettings
from multifaceswap.pipeline.clip.view_choice import ViewChoice
from multifaceswap.pipeline.clip.watching import ClipFrame, Models, Watcher
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.stream import donors_of
from turning import marked, person, turned

ANGLES = np.concatenate([np.linspace(-38, 0, 10), np.zeros(6), np.linspace(0, 38, 10), np.full(10, 38)])
RATE = 12


@pytest.fixture(scope="module")
def topology(session):
    return session.models.swapper("mesh")._topology


@pytest.fixture(scope="module")
def fitted(session, astronaut, hopper):
    return [session.order(session.detect([picture])).frames[0][0] for picture in (astronaut, hopper)]


@pytest.fixture(scope="module")
def clip(hopper, fitted, topology):
    return [turned(hopper, fitted[1], degrees, topology) for degrees in ANGLES]


class Known:
    """Finds the faces that a clip's frames are known to show."""

    confidence = 0.5

    def __init__(self, clip):
        self._faces = iter([face for _, face in clip])

    def detect(self, frame):
        return [next(self._faces)]


def swapped(session, clip, donor):
    """The clip's frames, swapped; face meshes are what they were made with."""
    pictures, faces = donor
    swapper = session.models.swapper("mesh")
    watcher = Watcher(Models(Known(clip), mesher=session.models.mesher()), Assignment(AssignmentRules(), faces))
    frames = (ClipFrame(number, number / RATE, picture.copy()) for number, (picture, _) in enumerate(clip))
    engine = Engine(donors_of(pictures, swapper), swapper, SwapSettings("Bilinear", colour_match="none"))
    done = list(swap_frames(frames, watcher, engine, ClipSettings(smooth=False)))
    assert all(len(one.faces) == 1 for one in done)
    return [one.frame.picture.astype(float) for one in done], [note for one in done for note in one.notes]


def views(astronaut, fitted, topology, number=None):
    """Three views of the astronaut; the one of a number with a mark between the brows."""
    made = [turned(astronaut, fitted[0], degrees, topology) for degrees in (-38, 0, 38)]
    return person(
        [
            (marked(picture, face.mesh, 9) if place == number else picture, face)
            for place, (picture, face) in enumerate(made)
        ]
    )


@pytest.mark.slow
def test_each_view_shows_in_its_turn_and_gives_way_in_a_fade(session, clip, astronaut, fitted, topology):
    plain, notes = swapped(session, clip, views(astronaut, fitted, topology))
    assert not [note for note in notes if "turned another way" in note[2]]
    shown = []
    for number in range(3):
        with_mark, _ = swapped(session, clip, views(astronaut, fitted, topology, number))
        places = [face.mesh[9, :2].round().astype(int) for _, face in clip]
        steps = [
            (a - b)[y - 3 : y + 4, x - 3 : x + 4].mean() for a, b, (x, y) in zip(plain, with_mark, places, strict=True)
        ]
        shown.append(np.array(steps))
    shares = np.array(shown) / np.max(shown, axis=1, keepdims=True)
    assert [int(one) for one in shares[:, [0, 15, -1]].argmax(0)] == [0, 1, 2]
    assert shares[0, -1] < 0.05 and shares[2, 0] < 0.05
    # From one frame to the next no view gains or loses more than a fade allows, with some room for how marks are seen.
    assert np.abs(np.diff(shares, axis=1)).max() < 2 / (0.3 * RATE)
    assert shares.sum(0) == pytest.approx(1, abs=0.25)


@pytest.mark.slow
def test_the_same_without_fades_jumps(session, clip, astronaut, fitted, topology, monkeypatch):
    """What the fades are for: the engine by itself takes the nearest view of each frame."""
    donor = views(astronaut, fitted, topology)
    fading, _ = swapped(session, clip, donor)
    monkeypatch.setattr(ViewChoice, "shares", property(lambda _: {}))
    jumping, _ = swapped(session, clip, donor)
    worst = [max(np.abs(a - b).mean() for a, b in pairwise(one)) for one in (fading, jumping)]
    assert worst[0] < worst[1]


def test_a_single_view_has_no_shares(session, clip, astronaut, fitted):
    face = replace(fitted[0], frame=0)
    assert len(swapped(session, clip[:3], person([(astronaut, face)]))[0]) == 3
