"""Every model, one row each: menus, command-line choices, downloads, errors and documentation read it from here.

To add a model, add a row; a new kind of network needs an adapter, a function named in `adapter` that is called as
`adapter(row, paths, registry, **options)`, with the paths of `row.files` in their order. Published sizes and hashes are
those that the projects' own pages and other users of the files state.
"""

from __future__ import annotations

from ..pipeline.errors import SettingsError
from ..pipeline.quotes import quoted
from .restorers.rows import RESTORERS
from .spec import BUILTIN_FOLDER, KINDS, DetectorParams, EmbedderParams, Kind, Model, ModelFile, SwapperParams, shipped

__all__ = ["BUILTIN_FOLDER", "KINDS", "MODELS", "Kind", "Model", "ModelFile", "find", "names"]

_FACEXLIB = "https://github.com/xinntao/facexlib/releases/download"
_CODEFORMER = "https://github.com/sczhou/CodeFormer/releases/download/v0.1.0"
_BUFFALO_L = "https://huggingface.co/public-data/insightface/resolve/main/models/buffalo_l"
_BUFFALO_L_FOLDERS = ("insightface/models/buffalo_l", "insightface")
_BUFFALO_L_LICENCE = "InsightFace, non-commercial research only"
_REACTOR = "https://huggingface.co/datasets/Gourieff/ReActor/resolve/main/models"
_RESWAPPER_LICENCE = "see https://github.com/somanchiu/ReSwapper"

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
DET_10G = ModelFile(
    "det_10g.onnx",
    _BUFFALO_L_FOLDERS,
    ("5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",),
    (16_923_827,),
    (f"{_BUFFALO_L}/det_10g.onnx",),
    _BUFFALO_L_LICENCE,
)
W600K_R50 = ModelFile(
    "w600k_r50.onnx",
    _BUFFALO_L_FOLDERS,
    ("4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",),
    (174_383_860,),
    (f"{_BUFFALO_L}/w600k_r50.onnx",),
    _BUFFALO_L_LICENCE,
)
GENDERAGE = ModelFile(
    "genderage.onnx",
    _BUFFALO_L_FOLDERS,
    ("4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb",),
    (1_322_532,),
    (f"{_BUFFALO_L}/genderage.onnx",),
    _BUFFALO_L_LICENCE,
)
BISENET = ModelFile(
    "parsing_bisenet.pth",
    ("facedetection", "facexlib"),
    ("468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",),
    (53_289_463,),
    urls=(f"{_FACEXLIB}/v0.2.0/parsing_bisenet.pth",),
    licence="MIT (code)",
)

INSWAPPER_128 = ModelFile(
    "inswapper_128.onnx",
    ("insightface",),
    (
        "e4a3f08c753cb72d04e10aa0f7dbe3deebbf39567d4ead6dce08e98aa49e16af",
        "a290273ed497312095dac48cdef20feec9d5208298223dd01288ab202b54bea7",
    ),
    (554_253_681, 555_303_150),
    (
        f"{_REACTOR}/inswapper_128.onnx",
        "https://huggingface.co/facefusion/models-3.0.0/resolve/main/inswapper_128.onnx",
    ),
    _BUFFALO_L_LICENCE,
)
RESWAPPER_128 = ModelFile(
    "reswapper_128.onnx",
    ("reswapper",),
    ("744eaa30a6a3bdeb693c3c127b2c9ce6f2ea763f245b92ea71ea98b3a38b0fec",),
    urls=(f"{_REACTOR}/reswapper_128.onnx",),
    licence=_RESWAPPER_LICENCE,
)
RESWAPPER_256 = ModelFile(
    "reswapper_256.onnx",
    ("reswapper",),
    ("42351d48d8cede1da70e3ea9f552613ead95f3e7ad977c60862ca0a3905eca9e",),
    urls=(f"{_REACTOR}/reswapper_256.onnx",),
    licence=_RESWAPPER_LICENCE,
)


def _hyperswap(name: str, sha256: str) -> ModelFile:
    return ModelFile(
        f"{name}.onnx",
        ("hyperswap",),
        (sha256,),
        (402_742_682,),
        (f"https://huggingface.co/facefusion/models-3.3.0/resolve/main/{name}.onnx",),
        "ResearchRAIL",
    )


HYPERSWAP_1A_256 = _hyperswap("hyperswap_1a_256", "c0e98a8a03a238f461ed3d2570e426b49f46745ee400854a60dceeb70c246add")
HYPERSWAP_1B_256 = _hyperswap("hyperswap_1b_256", "5124031789c42f71b9558fb71954ef7aedb6da7ed9fac79293e23c61a792a73e")
HYPERSWAP_1C_256 = _hyperswap("hyperswap_1c_256", "5528c2d76fe9986c99d829278987ef9f3a630cb606db7628d02b57b330f406a5")


def _neural(file: ModelFile, size: int, mean: float = 0.0, std: float = 1.0, *, map: bool = False) -> Model:
    """A swapper that takes ArcFace's identity."""
    known = SwapperParams(("pixel_boost",), size, mean, std, map, embedder="w600k_r50")
    return Model(file.name.removesuffix(".onnx"), "swapper", "swappers.adapters:neural", (file, W600K_R50), known)


MODELS: tuple[Model, ...] = (
    Model("builtin", "detector", "detectors.adapters:builtin", (BLAZEFACE, FACE_LANDMARK)),
    Model(
        "retinaface_resnet50",
        "detector",
        "detectors.adapters:retinaface",
        (RETINAFACE_RESNET50,),
        DetectorParams(0.8, 640, "resnet50"),
    ),
    Model(
        "retinaface_mobile0.25",
        "detector",
        "detectors.adapters:retinaface",
        (RETINAFACE_MOBILE025,),
        DetectorParams(0.8, 640, "mobile0.25"),
    ),
    Model(
        "YOLOv5l",
        "detector",
        "detectors.adapters:yolov5_face",
        (YOLOV5L_FACE,),
        DetectorParams(0.7, 640, "l"),
    ),
    Model(
        "YOLOv5n",
        "detector",
        "detectors.adapters:yolov5_face",
        (YOLOV5N_FACE,),
        DetectorParams(0.7, 640, "n"),
    ),
    Model("scrfd_10g", "detector", "detectors.adapters:scrfd", (DET_10G,), DetectorParams(0.5, 640)),
    Model("facemesh", "mesher", "detectors.adapters:facemesh", (FACE_LANDMARK,)),
    Model("dlib128", "embedder", "embedders.adapters:dlib128", (DLIB_FACE128,)),
    Model("w600k_r50", "embedder", "embedders.adapters:arcface", (W600K_R50,), EmbedderParams(size=112, numbers=512)),
    Model("dlib_gender", "attributes", "attributes.adapters:dlib_gender", (DLIB_GENDER,)),
    Model("genderage", "attributes", "attributes.adapters:genderage", (GENDERAGE,)),
    Model("builtin", "parser", "occluders.adapters:builtin", ()),
    Model("bisenet", "parser", "occluders.adapters:bisenet", (BISENET,)),
    Model(
        "mesh",
        "swapper",
        "swappers.adapters:mesh",
        (FACEMESH_CANONICAL,),
        SwapperParams(("mirror", "interpolation", "skin_tone", "glasses"), occluder="builtin"),
    ),
    _neural(INSWAPPER_128, size=128, map=True),
    _neural(RESWAPPER_128, size=128, map=True),
    _neural(RESWAPPER_256, size=256, map=True),
    _neural(HYPERSWAP_1A_256, size=256, mean=0.5, std=0.5),
    _neural(HYPERSWAP_1B_256, size=256, mean=0.5, std=0.5),
    _neural(HYPERSWAP_1C_256, size=256, mean=0.5, std=0.5),
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
