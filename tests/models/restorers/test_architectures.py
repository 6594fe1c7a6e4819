from __future__ import annotations

import sys

import numpy as np
import pytest
import recipe
from multifaceswap import open_model
from multifaceswap.models.restorers.architectures import ARCHITECTURES, recognise
from multifaceswap.pipeline.errors import DamagedModelError, EngineError, MismatchError, SettingsError
from multifaceswap.pipeline.templates import FFHQ_512

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("rebuilt restorers")]  # whose weights take long to make


def crop(vectors):
    """The vectors' input as a restorer takes it: (512, 512, 3) in [0, 1]."""
    base = np.repeat(np.repeat(vectors["input_base_64"], 8, 1), 8, 2)
    return (base.transpose(1, 2, 0) + 1) / 2


def assert_equal(found, stride8, part, atol):
    """Hold a restored crop against the reference's output, of which every 8th pixel and a window are kept."""
    assert found.shape == (512, 512, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found[::8, ::8], as_crop(stride8), atol=atol, rtol=0)
    if part is not None:
        np.testing.assert_allclose(found[200:232, 300:332], as_crop(part), atol=atol, rtol=0)


def as_crop(values):
    return np.clip((values.transpose(1, 2, 0) + 1) / 2, 0, 1)


def test_gfpgan_gives_the_references_picture_every_time_and_in_batches(folder):
    vectors = recipe.vectors("gfpgan_v1_clean")
    restorer = open_model("restorer", "GFPGANv1.4.pth", folders=[folder])
    assert not restorer.network.is_open and not restorer.fidelity and restorer.batch == 1
    assert restorer.spec.size == 512 and restorer.spec.template is FFHQ_512
    given = crop(vectors)
    kept = given.copy()
    # The noise that the network would draw moves it by 0.18 on average: equal numbers show that none is drawn.
    one, flipped = restorer.restore([given, given[:, ::-1]], 1.0)
    assert_equal(one, vectors["image_stride8"], vectors["image_crop"], 5e-5)
    assert_equal(flipped, vectors["image_flip_stride8"], None, 5e-5)
    np.testing.assert_array_equal(given, kept)


def test_without_torch_what_is_to_be_installed_is_told_before_anything_runs(folder, monkeypatch):
    restorer = open_model("restorer", "GFPGANv1.4.pth", folders=[folder])
    monkeypatch.setitem(sys.modules, "torch", None)
    needed = r"GFPGANv1\.4\.pth needs the package torch: pip install 'multifaceswap\[models\]'"
    with pytest.raises(EngineError, match=needed):
        _ = restorer.batch
    with pytest.raises(EngineError, match=needed):
        restorer.restore([np.zeros((512, 512, 3), np.float32)], 1.0)


@pytest.fixture(scope="module")
def codeformer(folder):
    """Restored crops by weight, of the file under its other name."""
    restorer = open_model("restorer", "codeformer-v0.1.0.pth", folders=[folder])
    assert restorer.fidelity
    given = crop(recipe.vectors("codeformer"))
    return {weight: restorer.restore([given], weight)[0] for weight in (0.0, 1.0)}


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_codeformer_gives_the_references_picture_for_its_weight(codeformer, weight):
    vectors = recipe.vectors("codeformer")
    case = f"w{weight}_adain1"
    assert_equal(codeformer[weight], vectors[f"{case}.stride8"], vectors[f"{case}.crop"], 1e-3)


def test_fidelity_reaches_codeformer_as_far_as_the_reference_says(codeformer):
    vectors = recipe.vectors("codeformer")
    wanted = as_crop(vectors["w1.0_adain1.stride8"]) - as_crop(vectors["w0.0_adain1.stride8"])
    found = (codeformer[1.0] - codeformer[0.0])[::8, ::8]
    assert np.abs(wanted).mean() > 0.03
    np.testing.assert_allclose(found, wanted, atol=2e-3, rtol=0)


def test_restoreformer_is_known_by_its_weights_and_its_weight_is_a_share(folder):
    vectors = recipe.vectors("restoreformer")
    restorer = open_model("restorer", "somebody's.pth", folders=[folder])
    assert not restorer.fidelity
    given = crop(vectors)
    (half,) = restorer.restore([given], 0.5)
    wanted = (as_crop(vectors["image_stride8"]) + given[::8, ::8]) / 2
    np.testing.assert_allclose(half[::8, ::8], wanted, atol=2e-4, rtol=0)


def test_wrong_crops_and_weights_are_refused_before_a_network_opens(folder):
    restorer = open_model("restorer", "GFPGANv1.4.pth", folders=[folder])
    with pytest.raises(MismatchError, match=r"takes crops of \(512, 512, 3\), got \(256, 256, 3\)"):
        restorer.restore([np.zeros((256, 256, 3), np.float32)], 1.0)
    with pytest.raises(SettingsError, match=r"face_restore_weight: expected 0 to 1, got 1\.5"):
        restorer.restore([np.zeros((512, 512, 3), np.float32)], 1.5)
    assert not restorer.network.is_open


def test_a_file_with_the_right_names_and_wrong_shapes_is_damaged(tmp_path):
    state = {name: torch.zeros(1, 1) for name in ARCHITECTURES[0].signature}
    torch.save(state, tmp_path / "GFPGANv1.3.pth")
    restorer = open_model("restorer", "GFPGANv1.3.pth", folders=[tmp_path])
    with pytest.raises(DamagedModelError, match=r"GFPGANv1\.3\.pth holds another network than GFPGAN"):
        restorer.restore([np.zeros((512, 512, 3), np.float32)], 1.0)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: one.name)
def test_each_architecture_is_told_from_the_others(architecture):
    assert recognise([*architecture.signature, "more"]) is architecture
    assert recognise(architecture.signature[1:]) is not architecture
    assert recognise([]) is None
