from __future__ import annotations

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from multifaceswap import Session, cli
from multifaceswap.batch import Cluster
from multifaceswap.commands import batch
from multifaceswap.media.pictures import decode_picture, read_picture
from multifaceswap.pipeline.errors import CancelledError, MissingModelError
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WOMAN, MAN, PAIR = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg", EXAMPLES / "pair.jpg"


def _batch(*words: object) -> int:
    return cli.main(["batch", *(str(word) for word in words)])


@pytest.fixture
def folder(tmp_path, blank):
    """Two pictures, one in a folder in the folder."""
    (tmp_path / "in" / "inner").mkdir(parents=True)
    shutil.copy(MAN, tmp_path / "in" / "man.jpg")
    shutil.copy(blank, tmp_path / "in" / "inner" / "blank.png")
    return tmp_path / "in"


def _report(path: Path):
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_folder_is_done_as_swap_does_it_and_only_once(tmp_path, folder, capsys):
    out = tmp_path / "out"
    assert cli.main(["swap", "--source", str(WOMAN), "--target", str(MAN), "--output", str(tmp_path / "man.jpg")]) == 0
    capsys.readouterr()
    assert _batch("--source", WOMAN, "--target", folder, "--output", out) == 0
    assert capsys.readouterr().out == f"2 done, 0 kept from before, 0 failed: {out / 'report.json'}\n"
    assert (out / "man.jpg").read_bytes() == (tmp_path / "man.jpg").read_bytes()
    assert (read_picture(out / "inner" / "blank.png") == read_picture(folder / "inner" / "blank.png")).all()
    entries = _report(out / "report.json")["targets"]
    assert [(entry["name"], entry["faces"], len(entry["pairs"])) for entry in entries] == [
        ("inner/blank.png", 0, 0),
        ("man.jpg", 1, 1),
    ]
    assert entries[1]["pairs"][0]["source"] == str(WOMAN)

    written = (out / "man.jpg").stat().st_mtime_ns
    shutil.copy(WOMAN, folder / "new.png")
    assert _batch("--source", WOMAN, "--target", folder, "--output", out) == 0
    assert capsys.readouterr().out.startswith("1 done, 2 kept from before, 0 failed")
    assert (out / "man.jpg").stat().st_mtime_ns == written
    assert _batch("--source", WOMAN, "--target", folder, "--output", out, "--strength", "0.5") == 0
    assert capsys.readouterr().out.startswith("3 done, 0 kept")


def test_a_manifest_gives_sources_and_options_a_row(tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"target,source,output,input-faces-index\n{PAIR},{WOMAN},a.png,1\n{PAIR},{MAN},b.png,\n")
    assert _batch("--target", manifest, "--output", tmp_path / "out") == 0
    entries = _report(tmp_path / "out" / "report.json")["targets"]
    told = [(entry["pairs"][0]["input_face"], entry["pairs"][0]["source"]) for entry in entries]
    assert told == [(1, str(WOMAN)), (0, str(MAN))]


def test_object_storage_gives_targets_and_sources_and_takes_results(tmp_path):
    storage = pytest.importorskip("fsspec").filesystem(
        "memory"
    )  # one for all tests of a process: the bucket is this one's own
    storage.pipe_file("/portraits/in/man.jpg", MAN.read_bytes())
    storage.pipe_file("/portraits/donor.png", WOMAN.read_bytes())
    line = ["--source", "memory://portraits/donor.png", "--target", "memory://portraits/in"]
    assert _batch(*line, "--output", "memory://portraits/out", "--report", tmp_path / "r.json") == 0
    picture = decode_picture(storage.cat_file("/portraits/out/man.jpg"), "result")
    assert np.abs(picture.astype(int) - read_picture(MAN)).max() > 50
    (entry,) = _report(tmp_path / "r.json")["targets"]
    assert (entry["output"], entry["pairs"][0]["source"]) == (
        "memory://portraits/out/man.jpg",
        "memory://portraits/donor.png",
    )
    found = [path for path in storage.find("/portraits") if ".multifaceswap" not in path]
    assert found == ["/portraits/donor.png", "/portraits/in/man.jpg", "/portraits/out/man.jpg"]


def test_a_broken_picture_is_told_and_the_rest_is_done(tmp_path, folder, capsys):
    (folder / "broken.png").write_text("no picture")
    assert _batch("--source", WOMAN, "--target", folder, "--output", tmp_path / "out", "--retries", "0") == 1
    output = capsys.readouterr()
    assert output.out.startswith("2 done, 0 kept from before, 1 failed")
    assert "broken.png: not a picture" in output.err and "Traceback" not in output.err


def test_a_missing_model_ends_all_with_a_report(tmp_path, folder, monkeypatch, capsys):
    def missing(*_, **__):
        raise MissingModelError("inswapper_128.onnx is nowhere")

    monkeypatch.setattr(Session, "swap", missing)
    assert _batch("--source", WOMAN, "--target", folder, "--output", tmp_path / "out") == 2
    assert capsys.readouterr().err.count("inswapper_128.onnx is nowhere") == 1
    assert _report(tmp_path / "out" / "report.json")["tally"] == {"done": 0, "kept": 0, "failed": 1}


def test_a_cancel_keeps_what_is_done(tmp_path, folder, monkeypatch):
    real, calls = Session.swap, []

    def second_time(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise CancelledError
        return real(*arguments, **options)

    monkeypatch.setattr(Session, "swap", second_time)
    assert _batch("--source", WOMAN, "--target", folder, "--output", tmp_path / "out") == 130
    monkeypatch.undo()
    assert _report(tmp_path / "out" / "report.json")["tally"] == {"done": 1, "kept": 0, "failed": 0}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("target\nx.png\n", "there is no source"),
        ("target,source,strength\nx.png,y.png,2\n", "expected 0 to 1"),
        (
            "target,source,stength\nx.png,y.png,1\n",
            "stength is not a setting, expected one that `batch --help` names, such as stren",
        ),
        ("target,source,output\nx.png,y.png,y.png\n", "is an input and would be overwritten"),
    ],
)
def test_what_a_manifest_gets_wrong_is_told_before_any_work(tmp_path, capsys, row, message):
    for name in ("x.png", "y.png"):
        shutil.copy(WOMAN, tmp_path / name)
    (tmp_path / "list.csv").write_text(row)
    assert _batch("--target", tmp_path / "list.csv", "--output", tmp_path) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "report.json").exists()


def test_ray_is_asked_for_with_what_a_worker_takes(tmp_path, folder, monkeypatch):
    asked = []

    def recorded(items, worker, cluster):
        asked.append((len(items), cluster))
        return iter(())

    monkeypatch.setattr(batch, "run_on_ray", recorded)
    line = ["--source", WOMAN, "--target", folder, "--output", tmp_path / "out"]
    _batch(*line, "--ray")
    _batch(*line, "--ray", "ray://head:10001", "--workers", "3", "--cpus", "4", "--gpus", "0.5")
    assert asked == [(2, Cluster(None, 0, 2, 0)), (2, Cluster("ray://head:10001", 3, 4, 0.5))]


@pytest.mark.parametrize("words", [[], ["--image-format", "webp"]])
def test_results_have_the_names_that_swap_gives_them(tmp_path, words):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "a.tif", "b.bmp", "c.jfif", "d.avif", "e.webp", "f.mpo"):
        Image.new("RGB", (16, 16)).save(folder / name)
    line = ["--source", str(WOMAN), "--target", str(folder), *words]
    assert cli.main(["swap", *line, "--output", str(tmp_path / "one")]) == 0
    assert _batch(*line, "--output", tmp_path / "two") == 0
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert {path.name for path in (tmp_path / "two").iterdir()} == names | {"report.json", ".multifaceswap"}
    asked = {"a.webp", "a-2.webp", "b.webp", "c.webp", "d.webp", "e.webp", "f.webp"}
    assert names == (asked if words else {"a.png", "a-2.png", "b.png", "c.jfif", "d.avif", "e.webp", "f.jpg"})


@pytest.mark.parametrize("words", [["--workers", "2"], ["--cpus", "7"], ["--gpus", "0.5"]])
def test_sizes_of_workers_without_ray_are_refused(tmp_path, folder, capsys, words):
    assert _batch("--source", WOMAN, "--target", folder, "--output", tmp_path / "out", *words) == 2
    assert "--workers, --cpus, --gpus are for --ray, which isn't given" in capsys.readouterr().err


def test_people_are_recognised_in_pictures_and_clips_alike(tmp_path):
    clipmaking = pytest.importorskip("clipmaking")
    frames = [*clipmaking.shot(3, (clipmaking.WOMAN, 5)), *clipmaking.shot(3, (clipmaking.MAN, 170), grey=200)]
    clip = clipmaking.write_clip(tmp_path / "clip.mp4", frames)
    words = ["--source", WOMAN, "--reference", MAN, "--target", PAIR, WOMAN, clip, "--output", tmp_path / "out"]
    assert _batch(*words, "--no-hardware") == 0
    picture, other, film = _report(tmp_path / "out" / "report.json")["targets"]
    assert [len(entry["pairs"]) for entry in (picture, other)] == [1, 0] and film["swapped"] == 3
    assert any(line.startswith("reference 0 → source 0: frames 3-5, distance 0.") for line in film["report"])


def test_sources_of_one_row_that_show_nobody_fail_that_row_alone(tmp_path, blank):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"target,source,output\n{MAN},,a.jpg\n{MAN},{blank},b.jpg\n")
    assert _batch("--source", WOMAN, "--target", manifest, "--output", tmp_path / "out") == 1
    done, failed = _report(tmp_path / "out" / "report.json")["targets"]
    assert done["error"] is None and failed["error"].startswith("no source face found: nothing can be swapped")
    assert not (tmp_path / "out" / "b.jpg").exists()


def test_a_wrong_setting_of_a_manifest_names_its_target(tmp_path, capsys):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"target,strength\n{MAN},0.5\n{WOMAN},abc\n")
    assert _batch("--source", WOMAN, "--target", manifest, "--output", tmp_path / "out") == 2
    assert f"{WOMAN}: strength: expected -1 to 2, got 'abc'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("strength", "1.5", "strength: mesh takes no identity"),
        ("swap-model", "uniface_256", "licence: permissive leaves out uniface_256"),
        ("detection-size", "320", "detection_size: builtin looks at pictures of its own size"),
    ],
)
def test_a_setting_that_cannot_act_in_a_row_names_its_target(tmp_path, capsys, column, value, reason):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"target,{column}\n{MAN},\n{WOMAN},{value}\n")
    words = ("--source", WOMAN, "--output", tmp_path / "out", "--licence", "permissive")
    assert _batch(*words, "--target", manifest) == 2
    assert f"{WOMAN}: {reason}" in capsys.readouterr().err
    assert _batch(*words, "--target", WOMAN, f"--{column}", value) == 2
    assert f"error: {reason}" in capsys.readouterr().err


def test_workers_know_the_licence_that_this_machine_asks_for(tmp_path, monkeypatch):
    parser = ArgumentParser()
    batch.add_arguments(parser)
    given = parser.parse_args(["--source", str(WOMAN), "--target", str(MAN), "--output", str(tmp_path)])
    assert batch._worker(given)[1].licence == "any"
    monkeypatch.setenv("MULTIFACESWAP_LICENCE", "permissive")
    assert batch._worker(given)[1].licence == "permissive"


@pytest.mark.parametrize("option", ["--source", "--reference"])
def test_what_all_items_share_is_not_replaced(tmp_path, folder, capsys, option):
    """A donor or a person to recognise in the output folder, under the name of a result."""
    out = tmp_path / "out"
    out.mkdir()
    shared = Path(shutil.copy(WOMAN, out / "man.jpg"))
    given = ["--source", shared] if option == "--source" else ["--source", WOMAN, "--reference", shared]
    assert _batch(*given, "--target", folder, "--output", out) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert shared.read_bytes() == WOMAN.read_bytes()


def test_a_rows_own_format_names_its_result(tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"target,image_format\n{WOMAN},jpeg\n{MAN},\n")
    assert _batch("--source", WOMAN, "--target", manifest, "--output", tmp_path / "out", "--image-format", "webp") == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"astronaut.jpg", "grace_hopper.webp", "report.json", ".multifaceswap"}
    assert Image.open(tmp_path / "out" / "astronaut.jpg").format == "JPEG"


def test_names_of_any_length_that_a_folder_holds_are_done_and_kept(tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    shutil.copy(MAN, folder / f"{'n' * 251}.jpg")  # its record would have a name of 260 bytes
    for told in ("1 done, 0 kept", "0 done, 1 kept"):
        assert _batch("--source", WOMAN, "--target", folder, "--output", out) == 0
        assert told in capsys.readouterr().out


def test_no_result_takes_the_reports_place(tmp_path, capsys):
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"target,output,image-format\n{MAN},report.json,png\n")
    assert _batch("--source", WOMAN, "--target", manifest, "--output", tmp_path / "out") == 2
    report = tmp_path / "out" / "report.json"
    error = f"multifaceswap: error: {report} is the batch's own report: give the result another name\n"
    assert capsys.readouterr().err == error


def test_what_the_system_says_is_shown_without_its_number(tmp_path, capsys):
    assert (
        _batch("--source", WOMAN, "--target", tmp_path / "no.jpg", "--output", tmp_path / "out", "--retries", "0") == 2
    )
    assert f"multifaceswap: error: {tmp_path / 'no.jpg'}: No such file or directory\n" in capsys.readouterr().err


def test_urls_of_this_machines_files_are_their_paths_everywhere(tmp_path, folder):
    manifest = folder / "list.csv"
    manifest.write_text(f"target,source\n{(folder / 'man.jpg').as_uri()},{WOMAN.as_uri()}\n")
    out = tmp_path / "out"
    words = ("--output", out.as_uri(), "--report", (tmp_path / "r.json").as_uri())
    assert _batch("--source", WOMAN.as_uri(), "--target", manifest.as_uri(), folder.as_uri(), *words) == 0
    entries = _report(tmp_path / "r.json")["targets"]
    assert [entry["output"] for entry in entries] == [
        str(out / name) for name in ("man.jpg", "inner/blank.png", "man-2.jpg")
    ]
    assert entries[0]["pairs"][0]["source"] == str(WOMAN)
