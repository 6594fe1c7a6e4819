"""Networks that upscale or clean pictures, on faces, against spandrel's own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap import open_model
from multifaceswap.models.restorers import further
from multifaceswap.models.store import Folders
from multifaceswap.pipeline.errors import DamagedModelError, SettingsError
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import Face

torch = pytest.importorskip("torch")
spandrel = pytest.importorskip("spandrel")
CROP = np.random.RandomState(1).rand(96, 96, 3).astype(np.float32)


def _esrgan(scale, **more):
    from spandrel.architectures.ESRGAN import ESRGAN

    return ESRGAN(num_filters=8, num_blocks=1, scale=scale, **more)


def _compact(scale):
    from spandrel.architectures.Compact import Compact

    return Compact(num_feat=8, num_conv=2, upscale=scale)


@pytest.fixture
def kept(tmp_path):
    """Keeps a network's random weights among the upscalers; gives their path."""

    def keep(network, name="4x.pth", **more):
        path = tmp_path / "upscale_models" / name
        path.parent.mkdir(exist_ok=True)
        torch.manual_seed(3)
        state = {key: torch.randn_like(value) * 0.1 for key, value in network.state_dict().items()} | more
        from safetensors.torch import save_file

        save_file(state, path) if path.suffix == ".safetensors" else torch.save({"params_ema": state}, path)
        return path

    return keep


def _theirs(path, crop, scale):
    side = len(crop) // scale
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) if scale > 1 else crop
    network = spandrel.ModelLoader("cpu").load_from_file(str(path))
    with torch.inference_mode():
        return network(torch.from_numpy(small.transpose(2, 0, 1)[None].copy()))[0].numpy().transpose(1, 2, 0)


@pytest.mark.parametrize("name", ["4x.pth", "4x.safetensors", "4x.pt", "4x.ckpt"])
@pytest.mark.parametrize(("make", "scale"), [(_esrgan, 4), (_esrgan, 2), (_esrgan, 1), (_compact, 4), (_compact, 1)])
def test_a_face_is_made_from_as_many_pixels_less_as_the_network_makes_more(tmp_path, kept, make, scale, name):
    path = kept(make(scale), name)
    restorer = open_model("restorer", name, folders=[tmp_path])
    expected = _theirs(path, CROP, scale)
    for weight in (1.0, 0.25, 0.0):
        (found,) = restorer.restore([CROP], weight)
        np.testing.assert_allclose(found, CROP + (expected - CROP) * weight, atol=1e-5)
    assert not restorer.fidelity and np.abs(expected - CROP).max() > 0.1


@pytest.mark.parametrize(("size", "side"), [(20, 64), (200, 400), (1000, 1024)])
def test_its_crop_has_the_faces_own_pixels(tmp_path, kept, size, side):
    kept(_compact(4))
    face = Face((0, 0, 1, 1), FFHQ_512 * size * 2 + 40, 1.0)
    matrix, crop = open_model("restorer", "4x.pth", folders=[tmp_path]).place(face)
    assert crop == (side, side)
    assert matrix[0, 0] == pytest.approx(side / (size * 2))


def test_a_crop_of_odd_sides_keeps_them(tmp_path, kept):
    kept(_compact(4))
    (found,) = open_model("restorer", "4x.pth", folders=[tmp_path]).restore([CROP[:90, :90]], 1.0)
    assert found.shape == (90, 90, 3)


def test_they_are_listed_behind_the_restorers_and_only_from_their_own_folder(tmp_path, kept):
    kept(_compact(4), "b.safetensors")
    kept(_compact(4), "A.pth")
    for stray in ("upscale_models/notes.txt", "stray.pth", "vae.safetensors"):
        (tmp_path / stray).write_bytes(b"x")
    assert further.names(Folders({}, [tmp_path])) == ("A.pth", "b.safetensors")
    assert further.row("stray.pth", Folders({}, [tmp_path])) is None
    with pytest.raises(SettingsError, match=r"upscalers belong into upscale_models\); or one of .*A\.pth"):
        open_model("restorer", "stray.pth", folders=[tmp_path])


def test_what_is_no_such_network_is_refused(tmp_path, kept):
    cases = {
        "other.pth": ({"a": torch.zeros(3)}, "holds no network that spandrel knows, but a"),
        "grey.pth": (_esrgan(4, in_nc=1, out_nc=1).state_dict(), "colour picture"),
    }
    for name, (state, reason) in cases.items():
        path = tmp_path / "upscale_models" / name
        path.parent.mkdir(exist_ok=True)
        torch.save(state, path)
        with pytest.raises(DamagedModelError, match=reason):
            open_model("restorer", name, folders=[tmp_path]).restore([CROP], 1.0)


def test_a_damaged_file_is_said_to_be(tmp_path, kept):
    for name in ("4x.pth", "4x.safetensors"):
        path = kept(_compact(4), name)
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(DamagedModelError, match=rf"{name} is .*cut short"):
            open_model("restorer", name, folders=[tmp_path]).restore([CROP], 1.0)
