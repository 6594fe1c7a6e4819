from __future__ import annotations

import pytest


@pytest.fixture
def menus(comfy):
    return comfy.module("nodes.menus")


@pytest.mark.parametrize(
    ("kind", "offered", "left_out"),
    [
        ("swapper", "mesh", "inswapper_128"),
        ("detector", "builtin", "YOLOv5n"),
        ("restorer", "sharpen", "GFPGANv1.4.pth"),
        ("parser", "builtin", "xseg_1"),
    ],
)
def test_the_environment_filters_menus_by_licence(monkeypatch, menus, kind, offered, left_out):
    monkeypatch.delenv("MULTIFACESWAP_LICENCE", raising=False)
    everything = [menus.named(option) for option in menus.menu(kind)]
    assert {offered, left_out} <= {*everything}
    monkeypatch.setenv("MULTIFACESWAP_LICENCE", "permissive")
    filtered = [menus.named(option) for option in menus.menu(kind)]
    assert offered in filtered and left_out not in filtered
    assert filtered == [name for name in everything if name in filtered]
    assert menus.check("setting", kind, offered) is True
    assert left_out in menus.check("setting", kind, left_out)


def test_where_the_default_is_left_out_the_first_stands_for_it(monkeypatch, comfy):
    monkeypatch.setenv("MULTIFACESWAP_LICENCE", "permissive")
    inputs = comfy.module("nodes.inputs").inputs("restore", [])
    restorer = next(one for one in inputs if one.id == "face_restore")
    assert restorer.default == "disable" and "codeformer-v0.1.0.pth" not in str(restorer.options)
