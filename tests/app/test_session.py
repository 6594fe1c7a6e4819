"""What a session shares, what it looks for before work, and what it lets go of."""

from __future__ import annotations

import re
from dataclasses import replace

import multifaceswap
import numpy as np
import pytest
import standins
from multifaceswap import MissingModelError, MissingPackageError, Session, SettingsError
from multifaceswap.app.donors import DonorCache
from multifaceswap.app.plan import Plan
from multifaceswap.models import store
from multifaceswap.models.detectors.facemesh import FaceMesh
from multifaceswap.models.runtime import onnx
from multifaceswap.models.swappers.mesh.engine import MeshSwapper
from multifaceswap.pipeline.clip.assignment import AssignmentRules
from multifaceswap.pipeline.clip.flow import ClipSettings
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.restore import RestoreSettings
from multifaceswap.pipeline.types import Donor


@pytest.fixture
def opened(monkeypatch):
    """The files whose sessions were opened."""
    files, real = [], onnx.Session._create

    def create(self):
        files.append(self.path.name)
        return real(self)

    monkeypatch.setattr(onnx.Session, "_create", create)
    return files


@pytest.fixture
def counted(monkeypatch):
    """How often donors were prepared and meshes fitted."""
    calls = {"prepare": 0, "fit": 0}
    prepare, fit = MeshSwapper.prepare, FaceMesh.fit

    def prepared(self, frame, face, others=()):
        calls["prepare"] += 1
        return prepare(self, frame, face, others)

    def fitted(self, frame, faces):
        calls["fit"] += len(faces)
        return fit(self, frame, faces)

    monkeypatch.setattr(MeshSwapper, "prepare", prepared)
    monkeypatch.setattr(FaceMesh, "fit", fitted)
    return calls


def without_meshes(faces):
    return replace(faces, frames=tuple(tuple(replace(face, mesh=None) for face in some) for some in faces))


def test_all_steps_share_what_is_open(opened, group, astronaut):
    with Session(device="cpu") as session:
        faces, donors = session.detect([group]), session.detect([astronaut])
        session.swap([group], [astronaut], session.map(session.order(faces), donors, "*", "0"))
        assert sorted(opened) == ["blazeface_full_range_sparse.onnx", "face_landmark_468.onnx"]


def test_closing_frees_networks_and_later_work_opens_them_again(opened, astronaut):
    with Session(device="cpu") as session:
        detector = session.models.detector("builtin", turns=False, tiles=True, min_size=0)
        session.detect([astronaut])
        network = detector._facemesh.sessions[0]
        assert network.is_open
    assert not network.is_open
    session.detect([astronaut])
    assert len(opened) == 4


def test_donors_are_prepared_once_for_all_targets_of_a_session(counted, session, group, hopper, astronaut):
    """Two donors in five calls, with the same pixels in new arrays each time, as hosts hand them over."""
    with Session(device="cpu") as own:
        sources = [hopper, astronaut]
        found = own.order(own.detect(sources))
        for _ in range(5):
            faces = own.order(own.detect([group]))
            own.swap([group], [picture.copy() for picture in sources], own.map(faces, found, "0,1", "0,1"))
        assert counted["prepare"] == 2
        changed = [hopper, np.ascontiguousarray(astronaut[..., ::-1])]
        own.swap([group], changed, own.map(faces, found, "0,1", "0,1"))
        assert counted["prepare"] == 3


def test_each_mesh_is_fitted_once(counted, group, hopper, astronaut):
    """Faces of another detector carry no mesh: four targets of three frames and two donors need fourteen fits."""
    with Session(device="cpu") as session:
        faces, sources = session.order(session.detect([group])), session.order(session.detect([hopper, astronaut]))
        bare = without_meshes(replace(faces, frames=faces.frames * 3))
        counted["fit"] = 0
        index_map = session.map(bare, without_meshes(sources), "*", "0,1,0,1", pairing="round-robin")
        result = session.swap([group] * 3, [hopper, astronaut], index_map)
        assert result.faces.count == 12 and counted == {"prepare": 2, "fit": 14}


def test_a_source_is_one_object_in_every_pair(session, group, hopper):
    faces, sources = session.order(session.detect([group])), without_meshes(session.detect([hopper]))
    index_map = session.map(faces, sources, "*", "0")
    assert len({id(pair.source) for pair in index_map.frames[0]}) == 1
    meshed = session.prepared.with_meshes(index_map, [group], [hopper], session.models.mesher())
    assert len({id(pair.source) for pair in meshed.frames[0]}) == 1
    assert all(pair.source.mesh is not None for pair in meshed.frames[0])


class Plain:
    """An engine whose donors are nothing but their faces."""

    def prepare(self, frame, face, others=()):
        return Donor(face)


def test_the_cache_of_donors_is_bounded(session, hopper):
    (face,) = session.detect([hopper]).flat()
    cache, engine, prepared = DonorCache(most=3), Plain(), []
    engine.prepare = lambda frame, face, others: prepared.append(1) or Donor(face)
    pictures = [hopper + np.uint8(number) for number in range(5)]
    for picture in [*pictures, *pictures[2:], pictures[0]]:
        cache.of([picture], engine)(face)
    assert len(prepared) == 6 and len(cache._known) == 3


def test_all_models_that_lack_are_named_before_any_work(tmp_path, hopper, monkeypatch):
    session = Session([tmp_path], "cpu")
    (faces,) = [session.detect([hopper])]
    monkeypatch.setattr(MeshSwapper, "prepare", lambda *_: pytest.fail("work has begun"))
    with pytest.raises(MissingModelError) as error:
        session.swap(
            [hopper],
            [hopper],
            session.map(faces, faces),
            swap_model="inswapper_128",
            face_restore="GFPGANv1.4.pth",
            parse_mask=True,
        )
    for name in ("inswapper_128.onnx", "w600k_r50.onnx", "GFPGANv1.4.pth", "parsing_bisenet.pth"):
        assert re.search(rf"{re.escape(name)}(, which)? is in none of these folders", str(error.value))
    with pytest.raises(SettingsError, match="face_restore: expected one of codeformer"):
        session.swap([hopper], [hopper], session.map(faces, faces), face_restore="nothing.pth")


def test_a_package_that_lacks_is_said_before_any_work(tmp_path, hopper, monkeypatch):
    (tmp_path / "parsing_bisenet.pth").write_bytes(b"not opened")
    real = store.find_spec
    monkeypatch.setattr(store, "find_spec", lambda name: None if name == "torch" else real(name))
    session = Session([tmp_path], "cpu")
    faces = session.detect([hopper])
    with pytest.raises(MissingPackageError, match="bisenet needs the package torch"):
        session.swap([hopper], [hopper], session.map(faces, faces), parse_mask=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"strenght": 1}, "strenght: no such setting here, expected swap_model"),
        ({"strength": float("nan")}, "strength: expected -1 to 2"),
        ({"strength": 2.1}, "strength: expected -1 to 2, got 2.1"),
        ({"strength": 1.5}, "strength: mesh takes no identity, expected 0 to 1, got 1.5"),
        ({"strength": -0.5, "swap_model": "uniface_256"}, "strength: uniface_256 takes no identity, expected 0 to 1"),
        ({"mask_padding": "1,2"}, "mask_padding: expected one number or top, right, bottom, left, got '1,2'"),
        ({"mask_padding": "50,0,50,0"}, "mask_padding: expected 90 percent at most"),
        ({"mask_padding": "-1"}, "mask_padding: expected percents from 0 to 90"),
        ({"mask_padding": "nan"}, "mask_padding: expected percents from 0 to 90"),
        ({"strength": True}, "strength: expected -1 to 2"),
        ({"mirror": 1}, "mirror: expected True or False"),
        ({"interpolation": "bilinear"}, "interpolation: expected one of Nearest"),
        ({"pixel_boost": 300}, "pixel_boost: expected one of off, 256"),
        ({"swap_model": None, "colour_match": 3}, "colour_match: expected one of auto"),
    ],
)
def test_what_is_no_setting_or_value_is_said(session, hopper, given, said):
    faces = session.detect([hopper])
    with pytest.raises(SettingsError, match=said):
        session.swap([hopper], [hopper], session.map(faces, faces), **given)


def test_old_names_stay_valid(session):
    values = session.plan("clip", {"bridge": 9, "threshold": 0.3, "pixel_boost": 0}).values
    assert (values["max_gap"], values["identity_threshold"], values["pixel_boost"]) == (9, 0.3, "off")


def test_a_whole_picture_in_one_go_is_its_steps(session, group, hopper):
    donors = session.donors([hopper])
    done = session.swap_picture(group, donors, input_faces_index="1", strength=0.5)
    faces = session.order(session.detect([group]))
    by_hand = session.swap([group], [hopper], session.map(faces, donors.faces, "1", "0"), strength=0.5)
    assert (done.result.images[0] == by_hand.images[0]).all() and done.faces.count == 4


def test_functions_take_a_session_and_errors_are_at_the_root(session, hopper, opened):
    faces = multifaceswap.detect_faces([hopper], session=session)
    assert multifaceswap.swap_faces([hopper], [hopper], multifaceswap.map_indexes(faces, faces), session=session)
    assert opened == []
    names = [name for name in multifaceswap.__all__ if name.endswith("Error")]
    assert len(names) == 15
    assert all(issubclass(getattr(multifaceswap, name), multifaceswap.MultiFaceSwapError) for name in names)


def test_models_of_other_folders_and_devices_are_the_sessions_own(tmp_path):
    standins.scrfd(tmp_path / "det_10g.onnx")
    with Session([tmp_path], "cpu") as session:
        assert session.models.device == "cpu" and [*session.models.folders.plain] == [tmp_path]
        assert session.models.detector("scrfd_10g").confidence == 0.5


@pytest.mark.parametrize("device", [3, True, "abc", ["cpu"]])
def test_a_device_that_is_none_is_refused_at_once(device):
    with pytest.raises(SettingsError, match="device"):
        Session(device=device)


def test_folders_are_one_or_several_paths(tmp_path):
    for folders in (tmp_path, str(tmp_path), [tmp_path], (str(tmp_path),)):
        assert list(Session(folders).models.folders.plain) == [tmp_path]
    for wrong in (3, [3], object()):
        with pytest.raises(SettingsError, match="folders: expected paths of folders"):
            Session(wrong)


def test_numbers_of_numpy_are_numbers(session, hopper):
    given = {"min_size": np.int64(20), "confidence": np.float32(0.5), "turns": np.bool_(True), "tiles": np.False_}
    plan = session.plan("detect", given)
    assert [plan.values[name] for name in given] == [20, 0.5, True, False]
    assert type(plan.values["min_size"]) is int and type(plan.values["turns"]) is bool


def test_a_setting_under_both_its_names_is_refused(session):
    with pytest.raises(SettingsError, match="max_gap: given under two names"):
        session.plan("clip", {"bridge": 3, "max_gap": 4})


def test_settings_of_donors_that_come_late_are_reported(session, hopper, astronaut):
    donors = session.donors([astronaut], detect_gender_source="female")
    (line,) = session.swap_picture(hopper, donors, detect_gender_source="female").notes
    assert line == "detect_gender_source female has no effect: the source faces are handed over"
    assert session.swap_picture(hopper, donors).notes == ()


def test_the_pipelines_own_defaults_are_those_of_the_table():
    plan = Plan.of("clip", {})
    assert plan.swap == SwapSettings() and plan.restore == RestoreSettings() == Plan.of("restore", {}).restore
    assert plan.clip == ClipSettings() and plan.rules == AssignmentRules()
