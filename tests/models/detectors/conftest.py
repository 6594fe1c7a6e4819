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
    """A pool of all four torch detectors."""
    folder = tmp_path_factory.mktemp("models") / "facedetection"
    for file, vectors in FILES.values():
        recipe.save_pth(folder / file, recipe.weights(vectors))
    return ModelPool(Folders({}, [folder.parent]), "cpu")
