from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import recipe
import standins
from multifaceswap import Session, detect_faces, open_model
from multifaceswap.models.detectors.scan import ScanningDetector
from multifaceswap.models.detectors.scrfd import ScrfdNetwork
from multifaceswap.models.runtime.outputs import Origin, require_outputs
from multifaceswap.pipeline.errors import DamagedModelError, SettingsError
from multifaceswap.pipeline.types import Size


class Recorded:
    """Answers with the nine recorded outputs, whatever is asked."""

    def __init__(self, outputs, shape=(1, 3, 128, 160)):
        self.outputs, self.shape = outputs, list(shape)

    def input_shapes(self):
        return {"input.1": self.shape}

    def run(self, feeds, wanted, *, any_order):
        self.feeds = feeds
        return require_outputs(self.outputs, wanted, Origin(Path("recorded.onnx"), "CPU"), any_order=any_order)


def recorded(axes=2):
    vectors = recipe.vectors("scrfd_decode")
    outputs = [vectors[f"out{number}"] for number in range(9)]
    return vectors, [output if axes == 2 else output[None] for output in outputs]


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("order", [range(9), range(8, -1, -1)])
def test_decoding_is_insightfaces(axes, order):
    vectors, outputs = recorded(axes)
    session = Recorded([outputs[i] for i in order])
    picture = vectors["image_bgr_u8"][..., ::-1]
    faces = ScanningDetector(ScrfdNetwork(session), confidence=0.5).detect(picture)
    wanted = vectors["det_0.5_nms0.4"]
    np.testing.assert_allclose([[*face.box, face.score] for face in faces], wanted, atol=1e-4, rtol=0)
    np.testing.assert_allclose([face.landmarks for face in faces], vectors["kps_0.5_nms0.4"], atol=1e-4, rtol=0)


def test_input_is_insightfaces_up_to_a_grey_level():
    vectors, outputs = recorded()
    session = Recorded(outputs)
    ScanningDetector(ScrfdNetwork(session), confidence=0.5).detect(vectors["image_bgr_u8"][..., ::-1])
    # It rounds the resized picture to whole grey levels, of which 128 make 1.
    np.testing.assert_allclose(session.feeds["input.1"], vectors["blob"], atol=1 / 128, rtol=0)


@pytest.mark.parametrize("options", [{}, {"turns": True, "tiles": True}])
@pytest.mark.parametrize("axes", [2, 3])
def test_faces_of_the_stand_in_are_those_of_face_analysis(tmp_path, axes, options):
    standins.scrfd(tmp_path / "insightface/models/buffalo_l/det_10g.onnx", axes=axes)
    vectors = recipe.vectors("standin_faces")
    detector = open_model("detector", "scrfd_10g", folders=[tmp_path], **options)
    faces = sorted(detector.detect(vectors["image_bgr_u8"][..., ::-1]), key=lambda face: face.box[1])
    assert len(faces) == 3
    for number, face in enumerate(faces):
        np.testing.assert_allclose(face.box, vectors[f"face{number}.bbox"], atol=1e-4)
        np.testing.assert_allclose(face.landmarks, vectors[f"face{number}.kps"], atol=1e-4)
        assert face.score == pytest.approx(float(vectors[f"face{number}.det_score"]), abs=1e-6)


@pytest.mark.parametrize(
    ("size", "inner", "scale"),
    [
        (Size(1280, 720), Size(640, 360), 0.5),
        (Size(300, 600), Size(320, 640), 640 / 600),
        (Size(640, 640), Size(640, 640), 1.0),
    ],
)
def test_pictures_go_into_the_top_left_corner(size, inner, scale):
    fit = ScrfdNetwork(Recorded([], (1, 3, "?", "?"))).fit(size)
    assert (fit.inner, fit.outer, fit.left, fit.top) == (inner, Size(640, 640), 0, 0)
    assert fit.scale == pytest.approx(scale)


def test_size_is_taken_where_the_graph_is_free(tmp_path):
    standins.scrfd(tmp_path / "det_10g.onnx")
    picture = np.zeros((320, 320, 3), np.uint8)
    picture[64:80, 96:112] = 255, 255, 0
    (face,) = open_model("detector", "scrfd_10g", folders=[tmp_path], size=320).detect(picture)
    np.testing.assert_allclose(face.box, [56, 12, 136, 116])
    with pytest.raises(SettingsError, match="size: expected 32 or more, got 8"):
        open_model("detector", "scrfd_10g", folders=[tmp_path], size=8)


def test_another_size_than_a_graphs_only_one_is_refused(tmp_path):
    standins.scrfd(tmp_path / "det_10g.onnx", side=320)
    assert open_model("detector", "scrfd_10g", folders=[tmp_path]).network.side == 320
    assert open_model("detector", "scrfd_10g", folders=[tmp_path], size=320).network.side == 320
    with pytest.raises(SettingsError, match="320×320 only, got 640"):
        open_model("detector", "scrfd_10g", folders=[tmp_path], size=640)


def test_another_network_is_refused(tmp_path):
    standins.pooled(tmp_path / "det_10g.onnx", size=112, numbers=512)
    with pytest.raises(DamagedModelError, match="another network than SCRFD"):
        open_model("detector", "scrfd_10g", folders=[tmp_path])


def test_the_size_can_be_set_for_detectors_that_have_one(tmp_path):
    standins.scrfd(tmp_path / "det_10g.onnx")
    session = Session([tmp_path], "cpu")
    picture = np.zeros((320, 320, 3), np.uint8)
    picture[64:80, 96:112] = 255, 255, 0
    (found,) = detect_faces([picture], "scrfd_10g", size=320, session=session).flat()
    assert found.box[2] - found.box[0] == 80
    # Enlarged to 640 the block is as large as several of the stand-in's cells, each of half the size in the picture.
    assert all(face.box[2] - face.box[0] == 40 for face in detect_faces([picture], "scrfd_10g", session=session).flat())
    with pytest.raises(SettingsError, match="size: builtin looks at pictures of its own size, expected 0, got 320"):
        detect_faces([picture], size=320, session=session)


def test_a_file_that_is_not_the_published_one_is_noted(tmp_path, caplog):
    standins.scrfd(tmp_path / "det_10g.onnx")
    pool = Session([tmp_path], "cpu").models
    pool.open("detector", "scrfd_10g")
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.startswith("det_10g.onnx is not the published file, but used (sha256 ")
    assert pool.notes("detector", "scrfd_10g") == [warning]
    assert pool.notes("detector", "builtin") == []


def test_a_new_confidence_opens_no_second_network(tmp_path):
    standins.scrfd(tmp_path / "det_10g.onnx")
    pool = Session([tmp_path], "cpu").models
    one, other = (pool.open("detector", "scrfd_10g", confidence=confidence) for confidence in (0.3, 0.6))
    assert one is not other and one.sessions == other.sessions
