"""Published-shape weight files, rebuilt from their manifests once for all tests."""

from __future__ import annotations

import pytest
import recipe
from multifaceswap.models.pool import ModelPool
from multifaceswap.models.store import Folders

FILES = {
    "retinaface_resnet50": ("detection_Resnet50_Final.pth", "retinaface_resnet50"),
    "retinaface_mobile0.25": ("detection_mobilenet0.25_Final.pth", "retinaface_mobile025"),
    "YOLOv5l": ("yolov5l-face.pth", "yolov5l_face"),
    "YOLOv5n": ("yolov5n-face.pth", "yolov5n_face"),
}


@pytest.fixture(scope="session")
def rebuilt(tmp_path_factory):
    """A pool of all four torch detectors, whose networks look at each picture once, however many tests show it."""
    folder = tmp_path_factory.mktemp("models") / "facedetection"
    for file, vectors in FILES.values():
        recipe.save_pth(folder / file, recipe.weights(vectors))
    pool = ModelPool(Folders({}, [folder.parent]), "cpu")
    networks = [pool.open("detector", name).network.network for name in FILES]
    for network in networks:
        network.run = _remembered(network.run)
    pool.held = networks
    return pool


def _remembered(run):
    known = {}

    def looked_up(images, wanted, **more):
        key = images.tobytes(), images.shape, str(wanted), str(more)
        if key not in known:
            known[key] = run(images, wanted, **more)
        return [output.copy() for output in known[key]]

    return looked_up
