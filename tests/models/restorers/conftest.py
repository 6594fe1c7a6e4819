"""Weight files of the published shapes in the published containers, rebuilt from their manifests once."""

from __future__ import annotations

import pytest
import recipe

FILES = {
    "GFPGANv1.4.pth": ("gfpgan_v1_clean", "params_ema", ""),
    "codeformer.pth": ("codeformer", "params_ema", ""),
    "somebody's.pth": ("restoreformer", "", "module."),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A model folder; its restorers lie in `facerestore_models`."""
    folder = tmp_path_factory.mktemp("models")
    for file, (vectors, container, prefix) in FILES.items():
        path = folder / "facerestore_models" / file
        recipe.save_pth(path, recipe.weights(vectors), container=container, prefix=prefix)
    return folder
