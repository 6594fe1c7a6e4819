"""Every setting through every door but the nodes': a changed value changes what reaches those who do the work, or is
refused, or is reported as without effect. A setting that gets lost on the way fails here."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import standins
from clipmaking import EXAMPLES, moving, write_clip
from doors import Recorder, probe, require_effect
from multifaceswap import Session, cli
from multifaceswap.app import functions, settings
from multifaceswap.media.pictures import write_picture
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.pipeline.types import AgeRange
from PIL import Image


def module(name):
    return import_module(f"multifaceswap.{name}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stand-ins of published models under their names."""
    path = tmp_path_factory.mktemp("models")
    standins.swapper(path / "inswapper_128.onnx")
    standins.pooled(path / "w600k_r50.onnx", scale=40)
    standins.scrfd(path / "det_10g.onnx")
    standins.restorer(path / "GPEN-BFR-512.onnx")
    standins.restorer(path / "codeformer.onnx", weight="double")
    return path


@pytest.fixture(scope="module")
def shared(folder):
    return Session([folder], "cpu")


@pytest.fixture(scope="module")
def picture():
    """(160, 302, 3) uint8: two people."""
    return np.asarray(Image.open(EXAMPLES / "pair.jpg").convert("RGB").resize((302, 160)))


@pytest.fixture(scope="module")
def people(shared, picture):
    found = shared.order(shared.detect([picture], gender=True, identity=True))
    return replace(found, frames=tuple(tuple(replace(face, age=AgeRange(20, 29)) for face in faces) for faces in found))


@pytest.fixture
def recorder(monkeypatch, people):
    def found(count):
        return replace(people, frames=people.frames * count)

    return Recorder(monkeypatch, module, found)


def outcome(recorder, work):
    return recorder.outcome(work, SettingsError)


def cases(*places):
    return [pytest.param(name, id=name) for name in settings.of(*places)]


# Python: methods of a session, and the functions over them


@pytest.mark.parametrize("name", cases("detect"))
def test_python_detect(recorder, shared, picture, name):
    row = settings.SETTINGS["detect"][name]

    def work(**given):
        shared.detect([picture], **given)

    base = {"facedetection": "scrfd_10g"} if name == "detection_size" else {}
    base |= {"gender": True} if name == "attributes" else {}
    require_effect(
        name, outcome(recorder, lambda: work(**base)), outcome(recorder, lambda: work(**base, **{name: probe(row)}))
    )
    require_effect(
        name,
        outcome(recorder, lambda: functions.detect_faces([picture], session=shared, **base) and None),
        outcome(
            recorder, lambda: functions.detect_faces([picture], session=shared, **base, **{name: probe(row)}) and None
        ),
    )


@pytest.mark.parametrize("name", cases("order"))
def test_python_order(recorder, shared, people, name):
    value = probe(settings.SETTINGS["order"][name])
    for work in (shared.order, functions.order_faces):
        require_effect(
            name,
            outcome(recorder, lambda work=work: work(people) and None),
            outcome(recorder, lambda work=work: work(people, **{name: value}) and None),
        )


@pytest.mark.parametrize("name", cases("map"))
def test_python_map(recorder, shared, people, name):
    value = probe(settings.SETTINGS["map"][name])
    known = name not in ("identity_threshold", "embedder")
    for work in (shared.map, functions.map_indexes) if known else (shared.map,):
        require_effect(
            name,
            outcome(recorder, lambda work=work: work(people, people).report),
            outcome(recorder, lambda work=work: work(people, people, **{name: value}).report),
        )


@pytest.mark.parametrize("name", cases("map"))
def test_python_match(recorder, shared, people, picture, name):
    value = probe(settings.SETTINGS["map"][name])
    pictures = {"targets": [picture], "references": [picture]}
    match = (people, people, people)
    require_effect(
        name,
        outcome(recorder, lambda: shared.match(*match, **pictures).report),
        outcome(recorder, lambda: shared.match(*match, **pictures, **{name: value}).report),
    )
    require_effect(
        name,
        outcome(recorder, lambda: functions.match_faces(*match, session=shared, **pictures).report),
        outcome(recorder, lambda: functions.match_faces(*match, session=shared, **pictures, **{name: value}).report),
    )


@pytest.mark.parametrize("engine", ["mesh", "inswapper_128"])
@pytest.mark.parametrize("name", cases("swap"))
def test_python_swap(recorder, shared, people, picture, name, engine):
    value = probe(settings.SETTINGS["swap"][name])
    value = "mesh" if name == "swap_model" and engine != "mesh" else value
    base = {} if name == "swap_model" else {"swap_model": engine}
    base |= {"face_restore": "codeformer.onnx"} if name == "face_restore_weight" else {}
    base |= {"swap_model": engine} if name == "swap_model" else {}
    work = ([picture], [picture], shared.map(people, people, "0", "1"))
    for swap in (shared.swap, lambda *a, **k: functions.swap_faces(*a, session=shared, **k)):
        require_effect(
            name,
            outcome(recorder, lambda swap=swap: swap(*work, **base).report),
            outcome(recorder, lambda swap=swap: swap(*work, **{**base, name: value}).report),
        )


@pytest.mark.parametrize("given", [False, True], ids=["found", "handed-over"])
@pytest.mark.parametrize("name", cases("restore"))
def test_python_restore(recorder, shared, people, picture, name, given):
    base = {"face_restore": "codeformer.onnx"}
    base |= {"facedetection": "scrfd_10g"} if name == "detection_size" else {}
    value = probe(settings.SETTINGS["restore"][name])
    faces = people if given else None
    for work in (shared.restore, lambda *a, **k: functions.restore_faces(*a, session=shared, **k)):
        require_effect(
            name,
            outcome(recorder, lambda work=work: work([picture], faces, **base).report),
            outcome(recorder, lambda work=work: work([picture], faces, **{**base, name: value}).report),
        )


@pytest.mark.parametrize("alignment", ["ffhq", "upright"])
@pytest.mark.parametrize("name", cases("crop"))
def test_python_crop(recorder, shared, people, picture, name, alignment):
    base = {} if name == "alignment" else {"alignment": alignment}
    value = probe(settings.SETTINGS["crop"][name])
    for work in (shared.crop, lambda *a, **k: functions.crop_faces(*a, session=shared, **k)):
        require_effect(
            name,
            outcome(recorder, lambda work=work: work([picture], people, **base).report),
            outcome(recorder, lambda work=work: work([picture], people, **{**base, name: value}).report),
        )


@pytest.mark.parametrize("name", cases("paste"))
def test_python_paste(recorder, shared, people, picture, name):
    crops = shared.crop([picture], people)
    given = ([picture], crops.images, crops.crops)
    value = probe(settings.SETTINGS["paste"][name])
    for work in (shared.paste, lambda *a, **k: functions.paste_faces(*a, session=shared, **k)):
        require_effect(
            name,
            outcome(recorder, lambda work=work: work(*given).report),
            outcome(recorder, lambda work=work: work(*given, **{name: value}).report),
        )


@pytest.mark.parametrize("name", [n for n in settings.SETTINGS["restore"] if n != "face_restore"])
def test_a_restorer_that_is_off_says_what_has_no_effect(shared, picture, name):
    value = probe(settings.SETTINGS["restore"][name])
    report = shared.restore([picture], face_restore="disable", **{name: value}).report
    assert [line for line in report if line.startswith(name) and "face_restore is disable" in line]


@pytest.mark.parametrize("engine", ["mesh", "inswapper_128"])
@pytest.mark.parametrize("found", [True, False], ids=["found", "handed-over"])
@pytest.mark.parametrize("name", cases("clip"))
def test_python_clip(recorder, shared, people, picture, name, engine, found):
    base = {"swap_model": engine}
    base |= {"face_restore": "codeformer.onnx"} if name == "face_restore_weight" else {}
    base |= {"facedetection": "scrfd_10g"} if name == "detection_size" else {}
    value = probe(settings.SETTINGS["clip"][name])
    value = "mesh" if name == "swap_model" and engine != "mesh" else value
    faces = None if found else people

    def work(**given):
        return shared.swap_clip("in.mp4", "out.mp4", [picture], faces, **given).report

    require_effect(
        name, outcome(recorder, lambda: work(**base)), outcome(recorder, lambda: work(**{**base, name: value}))
    )


@pytest.mark.parametrize("name", ["smooth", "max_gap", "identity_threshold", "embedder"])
def test_what_needs_tracking_is_reported_without_it(recorder, shared, picture, name):
    value = probe(settings.SETTINGS["clip"][name])
    report = shared.swap_clip("in.mp4", "out.mp4", [picture], track=False, **{name: value}).report
    assert [line for line in report if line.startswith(name) and "track is off" in line]


# The command line, a batch and its manifests


@pytest.fixture
def desk(tmp_path, monkeypatch, shared, picture):
    """Files to work on, and commands that share one session."""
    write_picture(tmp_path / "pair.png", picture)
    write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 3))
    for command in ("swap", "batch", "detect", "restore"):
        monkeypatch.setattr(module(f"commands.{command}"), "Session", lambda device, **_: lasting(shared))
    return tmp_path


def lasting(shared):
    class Lasting(Session):
        def __init__(self):
            self.__dict__.update(shared.__dict__)

        def close(self):
            pass

    return Lasting()


def words(row, value):
    """A setting as the command line takes it."""
    option = row.name.replace("_", "-")
    if row.kind == "switch":
        return [f"--no-{option}" if row.default else f"--{option}"]
    return [f"--{option}={value}"]


def run(capsys, *line):
    code = cli.main([str(word) for word in line])
    said = capsys.readouterr()
    return [f"refused: {said.err}"] if code == 2 else [said.err]


@pytest.mark.parametrize("target", ["pair.png", "clip.mp4"])
@pytest.mark.parametrize("door", ["swap", "batch", "manifest"])
@pytest.mark.parametrize("name", cases("picture", "clip", "file"))
def test_commands_that_swap(recorder, desk, capsys, name, door, target):
    row = settings.of("picture", "clip", "file")[name]
    base = ["--face-restore=codeformer.onnx"] if name == "face_restore_weight" else []
    base += ["--facedetection=scrfd_10g"] if name == "detection_size" else []
    reference = name in ("identity_threshold", "embedder") and target == "pair.png"
    base += [f"--reference={desk / 'pair.png'}"] if reference else []
    base += ["--image-format=jpeg"] if name == "image_quality" else []
    changed = words(row, "jpeg" if name == "image_format" else probe(row))

    def work(extra, folder, value=None):
        out = desk / folder
        if door == "swap":
            return run(
                capsys,
                "swap",
                "--source",
                desk / "pair.png",
                "--target",
                desk / target,
                "--output",
                f"{out}/",
                *base,
                *extra,
            )
        given = desk / target
        if door == "manifest":
            rows = {"target": str(desk / target), "source": str(desk / "pair.png")}
            given = desk / f"{folder}.jsonl"
            given.write_text(json.dumps({**rows, **({name: value} if value is not None else {})}) + "\n")
            extra = []
        said = run(capsys, "batch", "--source", desk / "pair.png", "--target", given, "--output", out, *base, *extra)
        (entry,) = json.loads((out / "report.json").read_text())["targets"]
        return [*said, *entry.get("report", [entry.get("error")])]

    value = "jpeg" if name == "image_format" else probe(row)
    require_effect(
        name, outcome(recorder, lambda: work([], "plain")), outcome(recorder, lambda: work(changed, "other", value))
    )


@pytest.mark.parametrize("name", cases("detect", "order"))
def test_the_command_detect(recorder, desk, capsys, name):
    row = settings.of("detect", "order")[name]
    base = ["--facedetection=scrfd_10g"] if name == "detection_size" else []
    line = ["detect", desk / "pair.png", *base]
    require_effect(
        name,
        outcome(recorder, lambda: run(capsys, *line)),
        outcome(recorder, lambda: run(capsys, *line, *words(row, probe(row)))),
    )


@pytest.mark.parametrize("name", cases("restore", "file"))
def test_the_command_restore(recorder, desk, capsys, name):
    row = settings.of("restore", "file")[name]
    base = ["--face-restore=codeformer.onnx"]
    base += ["--facedetection=scrfd_10g"] if name == "detection_size" else []
    base += ["--image-format=jpeg"] if name == "image_quality" else []
    value = "jpeg" if name == "image_format" else probe(row)
    line = ["restore", desk / "pair.png", "--output", f"{desk}/out/", *base]
    require_effect(
        name,
        outcome(recorder, lambda: run(capsys, *line)),
        outcome(recorder, lambda: run(capsys, *line, "--overwrite", *words(row, value))),
    )


# That the rule can fail


@pytest.mark.parametrize("name", ["detection_size", "interpolation"])
def test_a_setting_that_gets_lost_is_found_out(recorder, shared, people, picture, monkeypatch, name):
    """As if the plan forgot it, once for a clip's detector, once for the built-in engine."""
    plan = module("app.plan").Plan
    part = "detector" if name == "detection_size" else "swapper"
    real = getattr(plan, part).fget

    def forgetful(self):
        choice = real(self)
        kept = {key: value for key, value in choice.options.items() if key not in ("size", "interpolation")}
        return choice._replace(options=kept)

    monkeypatch.setattr(plan, part, property(forgetful))
    if name == "interpolation":
        monkeypatch.setattr(plan, "_interpolation", property(lambda self: "Bilinear"))
    base = {"facedetection": "scrfd_10g"}

    def work(**given):
        return shared.swap_clip("in.mp4", "out.mp4", [picture], people, **base, **given).report

    value = probe(settings.SETTINGS["clip"][name])
    with pytest.raises(AssertionError, match=f"{name} got lost"):
        require_effect(name, outcome(recorder, work), outcome(recorder, lambda: work(**{name: value})))


def test_every_door_has_the_same_default():
    for scope, rows in settings.SETTINGS.items():
        for name, row in rows.items():
            others = [settings.SETTINGS[other][name] for other in settings.SCOPES if name in settings.SETTINGS[other]]
            if name != "face_restore":  # the restoration of what was swapped is off, a restoration by itself is not
                assert all(other.default == row.default for other in others), (scope, name)
