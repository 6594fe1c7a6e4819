"""Names that every system can have, on whatever system this runs."""

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.app.names import free_name, inner_name, result_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x.jpg", "x.jpg"),
        ("a/b/x.jpg", "a/b/x.jpg"),
        (r"a\b\x.jpg", "a/b/x.jpg"),
        ("./a//x.jpg", "a/x.jpg"),
        ("脸 (1).jpg", "脸 (1).jpg"),
        ("...x.jpg", "...x.jpg"),
        ("console.png", "console.png"),
        ("com.png", "com.png"),
        ("com10.png", "com10.png"),
        ("x.con", "x.con"),
        ("x" * 251 + ".jpg", "x" * 251 + ".jpg"),
    ],
)
def test_names_within_the_folder_are_the_same_everywhere(text, name):
    assert inner_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "../x.jpg", r"..\x.jpg", r"a\..\x.jpg", "a/../x.jpg", r"a/..\..\x.jpg", "a/..", "/x.jpg"),
        *(r"\x.jpg", "C:x.jpg", r"C:\x.jpg", "C:/x.jpg", "c:", r"\\server\share\x.jpg", "//server/share/x.jpg"),
        *(r"\\?\C:\x.jpg", r"\\.\COM1", "//?/UNC/server/share/x.jpg"),
    ],
)
def test_names_that_lead_out_are_refused(text):
    with pytest.raises(ValueError, match="must be inside the output folder"):
        inner_name(text)


DEVICES = [
    "CON",
    "NUL.png",
    "aux.jpg",
    "prn",
    "com1.tar.gz",
    "LPT9.x",
    "con .png",
    "COM\N{SUPERSCRIPT TWO}.jpg",
    "conin$",
]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((name, "names a device") for name in [*DEVICES, "a/nul", "aux/x.jpg", r"aux\x.jpg"]),
        *(
            (name, "drops a dot or space")
            for name in ["x.", "x.jpg.", "x ", "x.jpg ", "a./x.jpg", "a /x.jpg", "a.. /b"]
        ),
        *(
            (name, "no name can have")
            for name in ["ab:c.png", "x.png:y", "a/b:c", "a?.png", 'a".png', "a*b", "a|b", "<a>"]
        ),
        *((name, "no name can have") for name in ["a\0b", "a\nb", "a\tb", "\x1fb", "a\ud800b", "a\udcffb"]),
        *((name, "more than 255") for name in ["x" * 256, "a/" + "x" * 300 + "/b", "x" * 252 + ".jpg"]),
    ],
)
def test_names_that_windows_cannot_have_are_refused_everywhere(text, reason):
    with pytest.raises(ValueError, match=reason):
        inner_name(text)


@given(st.text(st.characters(codec="utf-8") | st.sampled_from('\\/:.. CONUL<>|"*?'), max_size=12))
def test_whatever_is_asked_for_stays_within_the_folder(text):
    try:
        name = inner_name(text)
    except ValueError:
        return
    whole = PureWindowsPath(r"C:\out") / name
    assert whole.parts[:2] == ("C:\\", "out") and len(whole.parts) > 2 and ".." not in whole.parts
    assert ":" not in str(whole)[2:] and inner_name(name) == name


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("10:30.png", "10_30.png"),
        ("a/b?.jpg", "a/b_.jpg"),
        (r"a\b.png", "a_b.png"),
        ("NUL.png", "_NUL.png"),
        ("aux/x.png", "_aux/x.png"),
        ("a. /x.png", "a_/x.png"),
        ("x .png", "x .png"),
        ("fine.png", "fine.png"),
        ("con.mp4", "_con.mp4"),
    ],
)
def test_results_of_targets_from_elsewhere_have_names_that_windows_takes(target, name):
    assert result_name(target, None, windows=True) == name
    assert inner_name(result_name(target, None, windows=True)) == name
    assert result_name(target, None, windows=False) == target


def test_two_names_that_become_one_are_told_apart():
    taken: set[str] = set()
    names = []
    for target in ("a:b.png", "a?b.png", "A_B.png"):
        names.append(free_name(result_name(target, None, windows=True), taken))
        taken.add(names[-1].casefold())
    assert names == ["a_b.png", "a_b-2.png", "A_B-3.png"]
