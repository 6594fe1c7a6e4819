"""Every model, one row each: menus, command-line choices, downloads, errors and documentation read it from here.

To add a model, add a row; a new kind of network needs an adapter, a function named in `adapter` that is called as
`adapter(row, paths, registry, **options)`, with the paths of `row.files` in their order. Published sizes and hashes are
those that the projects' own pages and other users of the files state.
"""

from __future__ import annotations

from ..pipeline.errors import SettingsError
from ..pipeline.quotes import quoted
from .attributes.rows import ATTRIBUTES
from .detectors.rows import DETECTORS
from .expression.rows import EXPRESSIONS
from .insightface import DET_10G, GENDERAGE, W600K_R50
from .landmarkers.rows import LANDMARKERS
from .occluders.rows import PARSERS
from .restorers.rows import RESTORERS
from .spec import (
    BUILTIN_FOLDER,
    KINDS,
    AttributesParams,
    DetectorParams,
    EmbedderParams,
    Kind,
    Model,
    ModelFile,
    SwapperParams,
    shipped,
)
from .swappers.rows import SWAPPERS

__all__ = ["BUILTIN_FOLDER", "KINDS", "MODELS", "Kind", "Model", "ModelFile", "find", "names"]

_FACEXLIB = "https://github.com/xinntao/facexlib/releases/download"
_CODEFORMER = "https://github.com/sczhou/CodeFormer/releases/download/v0.1.0"

BLAZEFACE = shipped(
    "blazeface_full_range_sparse.onnx",
    1_047_244,
    "aadc0566d491e7d3856f5cf2762768459d62ff8e62268795ea59edbf3c2f711e",
    "Apache-2.0",
)
FACE_LANDMARK = shipped(
    "face_landmark_468.onnx",
    1_224_216,
    "cabff6a46fa30a1b96f676dc9477a4a2e2e8b4334180559cf9d78f220878a30c",
    "Apache-2.0",
)
FACEMESH_CANONICAL = shipped(
    "facemesh_canonical.npz", 10_638, "b7bc9313a324c9459df7ee182ca7869f6155721c7e0ea32e466d99de3794c34f", "Apache-2.0"
)
DLIB_GENDER = shipped(
    "dlib_gender_v1.onnx", 530_620, "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734", "CC0-1.0"
)
DLIB_FACE128 = shipped(
    "dlib_face128_fp16.onnx",
    11_228_744,
    "f0de67cb3eb0777485f0010646060a9dbb7ebf279d2f1a4270e35ed97224001e",
    "CC0-1.0",
)

RETINAFACE_RESNET50 = ModelFile(
    "detection_Resnet50_Final.pth",
    ("facedetection", "facexlib", "facerestore_models"),
    ("6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d",),
    (109_497_761,),
    (f"{_FACEXLIB}/v0.1.0/detection_Resnet50_Final.pth",),
    "MIT",
)
RETINAFACE_MOBILE025 = ModelFile(
    "detection_mobilenet0.25_Final.pth",
    ("facedetection", "facexlib", "facerestore_models"),
    ("2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",),
    (1_789_735,),
    (f"{_FACEXLIB}/v0.1.0/detection_mobilenet0.25_Final.pth",),
    "MIT",
)
YOLOV5L_FACE = ModelFile(
    "yolov5l-face.pth",
    ("facedetection",),
    ("1ba9d2125fda4d823df5152b9fc2903c59aa76c0d3771e02bcf13a56a282cf96",),
    urls=(f"{_CODEFORMER}/yolov5l-face.pth",),
    licence="GPL-3.0",
)
YOLOV5N_FACE = ModelFile(
    "yolov5n-face.pth",
    ("facedetection",),
    ("d2bbfbe9f36cf1ec345dc69658d7209e5448a676d946f1bf7818ac50d4489357",),
    urls=(f"{_CODEFORMER}/yolov5n-face.pth",),
    licence="GPL-3.0",
)
MODELS: tuple[Model, ...] = (
    Model("builtin", "detector", "detectors.adapters:builtin", (BLAZEFACE, FACE_LANDMARK), family="BlazeFace and mesh"),
    Model(
        "retinaface_resnet50",
        "detector",
        "detectors.adapters:retinaface",
        (RETINAFACE_RESNET50,),
        DetectorParams(0.8, 640, "resnet50"),
        "RetinaFace",
        "slow",
    ),
    Model(
        "retinaface_mobile0.25",
        "detector",
        "detectors.adapters:retinaface",
        (RETINAFACE_MOBILE025,),
        DetectorParams(0.8, 640, "mobile0.25"),
        "RetinaFace",
    ),
    Model(
        "YOLOv5l",
        "detector",
        "detectors.adapters:yolov5_face",
        (YOLOV5L_FACE,),
        DetectorParams(0.7, 640, "l"),
        "YOLOv5-face",
        "slow",
    ),
    Model(
        "YOLOv5n",
        "detector",
        "detectors.adapters:yolov5_face",
        (YOLOV5N_FACE,),
        DetectorParams(0.7, 640, "n"),
        "YOLOv5-face",
    ),
    Model("scrfd_10g", "detector", "detectors.adapters:scrfd", (DET_10G,), DetectorParams(0.5, 640), "SCRFD", "medium"),
    *DETECTORS,
    Model("facemesh", "mesher", "detectors.adapters:facemesh", (FACE_LANDMARK,), family="FaceMesh"),
    Model(
        "dlib128",
        "embedder",
        "embedders.adapters:dlib128",
        (DLIB_FACE128,),
        EmbedderParams(size=150, numbers=128, metric="euclidean", same_person=0.6),
        "dlib",
    ),
    Model(
        "w600k_r50",
        "embedder",
        "embedders.adapters:arcface",
        (W600K_R50,),
        EmbedderParams(size=112, numbers=512, metric="cosine", same_person=0.6),
        "ArcFace",
        "medium",
    ),
    Model(
        "dlib_gender",
        "attributes",
        "attributes.adapters:dlib_gender",
        (DLIB_GENDER,),
        AttributesParams(ages=False),
        "dlib",
    ),
    Model(
        "genderage",
        "attributes",
        "attributes.adapters:genderage",
        (GENDERAGE,),
        AttributesParams(ages=True),
        "InsightFace",
    ),
    *ATTRIBUTES,
    *LANDMARKERS,
    *PARSERS,
    Model(
        "mesh",
        "swapper",
        "swappers.adapters:mesh",
        (FACEMESH_CANONICAL,),
        SwapperParams(("mirror", "interpolation", "skin_tone", "glasses"), occluder="builtin"),
        "warp of a mesh",
    ),
    *SWAPPERS,
    *EXPRESSIONS,
    *RESTORERS,
)


def names(kind: Kind) -> tuple[str, ...]:
    """The names of all models of a kind, in the order in which menus show them."""
    return tuple(model.name for model in MODELS if model.kind == kind)


def find(kind: Kind, name: str) -> Model:
    """The row of a model. Raises SettingsError, which names the known ones."""
    for model in MODELS:
        if model.kind == kind and model.name == name:
            return model
    raise SettingsError(f"{kind}: expected one of {', '.join(names(kind))}, got {quoted(name)}")
