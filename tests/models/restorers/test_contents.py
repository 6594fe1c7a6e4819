from __future__ import annotations

import os
import pickle
import zipfile

import numpy as np
import pytest
import recipe
import standins
from multifaceswap import open_model
from multifaceswap.models import catalog
from multifaceswap.models.restorers import further
from multifaceswap.models.restorers.architectures import ARCHITECTURES
from multifaceswap.models.restorers.contents import OnnxContents, look
from multifaceswap.models.restorers.rows import FILES
from multifaceswap.models.store import Folders
from multifaceswap.pipeline.errors import DamagedModelError, MissingModelError, SettingsError

torch = pytest.importorskip("torch")


def weights(architecture, prefix=""):
    return {prefix + name: torch.zeros(2) for name in architecture.signature}


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: one.name)
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("container", ["", "params_ema", "params"])
def test_published_containers_are_seen_through(tmp_path, architecture, zipped, prefix, container):
    state = weights(architecture, prefix)
    path = tmp_path / "any name"
    torch.save({container: state} if container else state, path, _use_new_zipfile_serialization=zipped)
    assert look(path) is architecture


def test_other_files_are_no_restorers(tmp_path):
    recipe.save_pth(tmp_path / "detector.pth", recipe.weights("retinaface_mobile025"))
    recipe.save_pth(tmp_path / "parser.pth", recipe.weights("bisenet"))
    standins.scrfd(tmp_path / "det_10g.onnx")
    standins.swapper(tmp_path / "inswapper_128.onnx")
    standins.pooled(tmp_path / "w600k_r50.onnx")
    torch.save(weights(ARCHITECTURES[0]), tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "short.pth").write_bytes(whole[: len(whole) // 2])
    torch.save(weights(ARCHITECTURES[0]), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "short_old.pth").write_bytes((tmp_path / "old.pth").read_bytes()[:60])
    (tmp_path / "page.pth").write_text("<!DOCTYPE html><html></html>")
    (tmp_path / "empty.onnx").write_bytes(b"")
    np.savez(tmp_path / "arrays.pth", a=np.zeros(3))
    (tmp_path / "folder.pth").mkdir()
    seen = {path.name for path in tmp_path.iterdir() if look(path) is not None}
    assert seen == {"whole.pth", "old.pth"}


def test_nothing_in_a_file_is_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    path = tmp_path / "GFPGANv1.4.pth"
    torch.save({**weights(ARCHITECTURES[0]), "bomb": Bomb()}, path)
    assert look(path) is ARCHITECTURES[0]
    restorer = open_model("restorer", "GFPGANv1.4.pth", folders=[tmp_path])
    with pytest.raises(DamagedModelError, match="refused: opening it would run code"):
        restorer.restore([np.zeros((512, 512, 3), np.float32)], 1.0)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(pickle.dumps(Bomb()))  # the bomb is a real one
    assert (tmp_path / "exploded").exists()


@pytest.mark.parametrize("side", [512, 1024, 2048])
def test_an_onnx_restorers_size_and_weight_are_read_from_its_graph(tmp_path, side):
    plain = look(standins.restorer(tmp_path / "a.onnx", size=side))
    assert isinstance(plain, OnnxContents) and plain.weight is None
    assert plain.image == ("input", "<f4", (1, 3, side, side))
    steered = look(standins.restorer(tmp_path / "b.onnx", size=side, weight="double"))
    assert isinstance(steered, OnnxContents) and steered.weight == ("weight", "<f8", (1,))


@pytest.mark.parametrize(
    ("options", "is_one"),
    [
        ({"outputs": (("n", 3, "h", "w"),)}, True),
        ({"outputs": ((1, 3, 512, 512), (1, 3, 512, 512))}, True),
        ({"size": "s"}, False),
        ({"size": 112}, False),
    ],
)
def test_graphs_that_could_and_could_not_restore_faces(tmp_path, options, is_one):
    assert (look(standins.restorer(tmp_path / "a.onnx", **options)) is not None) == is_one


def test_a_changed_file_is_looked_at_again(tmp_path):
    path = tmp_path / "a.pth"
    torch.save(weights(ARCHITECTURES[0]), path)
    assert look(path) is ARCHITECTURES[0]
    torch.save({"a": torch.zeros(9)}, path)
    assert look(path) is None
    path.unlink()
    assert look(path) is None


@pytest.mark.xdist_group("rebuilt restorers")
def test_further_restorers_are_offered_by_contents_and_without_torch(folder, tmp_path):
    places = Folders({"facerestore_models": [folder / "facerestore_models"]}, [tmp_path])
    standins.restorer(tmp_path / "my gpen.onnx", size=256)
    standins.scrfd(tmp_path / "det_10g.onnx")
    recipe.save_pth(tmp_path / "detection_Resnet50_Final.pth", recipe.weights("retinaface_mobile025"))
    # Those of catalog rows are not repeated, whichever of their names they have.
    assert further.names(places) == ("my gpen.onnx", "somebody's.pth")
    assert further.names(Folders({}, [tmp_path / "none"])) == ()
    assert further.row("my gpen.onnx", places).files[0].folders == ("facerestore_models",)
    assert further.row("det_10g.onnx", places) is None
    assert further.row("codeformer.pth", places) is catalog.find("restorer", "codeformer-v0.1.0.pth")


def test_names_that_mean_no_restorer_are_told(tmp_path):
    standins.scrfd(tmp_path / "det_10g.onnx")
    standins.restorer(tmp_path / "mine too.onnx")
    with pytest.raises(SettingsError) as caught:
        open_model("restorer", "det_10g.onnx", folders=[tmp_path])
    text = str(caught.value)
    assert f"det_10g.onnx was found at {tmp_path / 'det_10g.onnx'}, but holds no known restorer" in text
    assert "or one of codeformer-v0.1.0.pth" in text and text.endswith("mine too.onnx, disable")
    with pytest.raises(
        SettingsError, match=r"face_restore: expected one of codeformer.*mine too.*, disable, .*got 'no\.pth'"
    ):
        open_model("restorer", "no.pth", folders=[tmp_path])
    with pytest.raises(MissingModelError, match=r"GPEN-BFR-1024\.onnx is in none"):
        open_model("restorer", "GPEN-BFR-1024.onnx", folders=[tmp_path])
    standins.scrfd(tmp_path / "GPEN-BFR-1024.onnx")
    with pytest.raises(DamagedModelError, match=r"GPEN-BFR-1024\.onnx is damaged or no face restorer"):
        open_model("restorer", "GPEN-BFR-1024.onnx", folders=[tmp_path])


def test_the_hosted_apis_names_come_first_and_rows_are_whole():
    names = catalog.names("restorer")
    assert names[:3] == ("codeformer-v0.1.0.pth", "GFPGANv1.4.pth", "GFPGANv1.3.pth")
    assert {"GPEN-BFR-512.onnx", "GPEN-BFR-1024.onnx", "GPEN-BFR-2048.onnx", "RestoreFormer_PP.onnx"} < set(names)
    for file in FILES:
        assert file.folders == ("facerestore_models",) and file.licence
        assert all(url.startswith("https://") for url in file.urls) and file.urls


@pytest.mark.parametrize(
    "content",
    [
        # The magic number of torch's older files, then a text that claims to have 2**62 bytes.
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02\x8d" + (2**62).to_bytes(8, "little") + b"x",
        b"PK\x03\x04" + b"\0" * 40,
    ],
)
def test_what_a_damaged_file_claims_is_not_believed(tmp_path, content):
    path = tmp_path / "restorer.pth"
    path.write_bytes(content)
    assert look(path) is None


def test_an_archive_whose_names_cant_be_read_holds_no_restorer(tmp_path):
    path = tmp_path / "restorer.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("é/data.pkl", b"\x80\x02.")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xb7\xb7"))
    assert look(path) is None
