from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from multifaceswap import cli
from multifaceswap.media.pictures import read_picture, write_picture

WOMAN = Path(__file__).resolve().parents[2] / "examples" / "astronaut.png"


def _main(*words: object) -> int:
    return cli.main([str(word) for word in words])


def _errors(capsys) -> str:
    """What went to stderr, which is never a traceback."""
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


def test_faces_are_listed(capsys):
    assert _main("detect", WOMAN, "--gender") == 0
    first, face = capsys.readouterr().out.splitlines()
    assert first == f"{WOMAN}: 1 face(s) in 512x512"
    assert face.startswith("  0: ") and face.endswith(" female")


def test_json_holds_boxes_landmarks_and_scores(capsys):
    assert _main("detect", WOMAN, "--json") == 0
    (picture,) = json.loads(capsys.readouterr().out)["pictures"]
    (face,) = picture["faces"]
    left, top, right, bottom = face["box"]
    assert (picture["file"], picture["width"], picture["height"]) == (str(WOMAN), 512, 512)
    assert face["index"] == 0 and 0.5 < face["score"] <= 1 and face["gender"] is None
    assert len(face["landmarks"]) == 5
    assert all(left < x < right and top < y < bottom for x, y in face["landmarks"])


def test_the_gender_filter_and_the_confidence_are_obeyed(capsys):
    assert _main("detect", WOMAN, "--detect-gender", "male") == 0
    assert _main("detect", WOMAN, "--confidence", 1) == 0
    captured = capsys.readouterr()
    assert captured.out.count("0 face(s)") == 2
    assert captured.err.splitlines() == [
        f"multifaceswap: note: {WOMAN}: 1 face found, none guessed male",
        f"multifaceswap: note: {WOMAN}: faces that lie on their side or are upside down are only found with turns",
    ]


def test_a_face_upside_down_is_hinted_at_and_found_with_turns(tmp_path, capsys):
    turned = tmp_path / "turned.png"
    write_picture(turned, np.rot90(read_picture(WOMAN), 2))
    assert _main("detect", turned) == _main("detect", turned, "--turns") == 0
    captured = capsys.readouterr()
    assert [line.split(": ")[1] for line in captured.out.splitlines() if "face(s)" in line] == [
        "0 face(s) in 512x512",
        "1 face(s) in 512x512",
    ]
    assert captured.err == f"multifaceswap: note: {turned}: a face is seen when the picture is turned: set turns\n"


def test_a_limit_guesses_no_gender(tmp_path, capsys):
    assert _main("detect", WOMAN.parent / "group.jpg", "--limit", 2) == 0
    assert "guessed" not in capsys.readouterr().err
    assert _main("detect", WOMAN.parent / "group.jpg", "--limit", 1, "--detect-gender", "female") == 0
    many = capsys.readouterr().err
    assert _main("detect", WOMAN.parent / "group.jpg", "--detect-gender", "female") == 0
    assert capsys.readouterr().err == many and "guessed female" in many


def test_several_files_with_a_bad_one(tmp_path, blank, text, capsys):
    assert _main("detect", WOMAN, text, blank, "--json", "--preview", tmp_path / "previews") == 1
    captured = capsys.readouterr()
    pictures = json.loads(captured.out)["pictures"]
    assert [len(picture.get("faces", "bad")) for picture in pictures] == [1, 3, 0]
    assert f"multifaceswap: error: {text}: not a picture" in captured.err and "Traceback" not in captured.err
    assert (read_picture(tmp_path / "previews" / "astronaut.png") != read_picture(WOMAN)[..., :3]).any()


def test_nothing_readable_is_2(text, capsys):
    assert _main("detect", text) == 2


def test_the_preview_is_never_an_input(blank, capsys):
    before = blank.read_bytes()
    assert _main("detect", blank, "--preview", blank) == 2
    assert blank.read_bytes() == before and "is an input" in _errors(capsys)
