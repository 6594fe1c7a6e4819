"""Short ways to wire the nodes together in a graph; settings not given are the nodes' usual ones."""

from __future__ import annotations


def detect(graph, image, **settings):
    return graph.add("MFS_FaceDetect", image=image, facedetection="builtin", **{"confidence": 0.5, **settings})


def order(graph, faces, by="left-right", gender="no", **settings):
    return graph.add("MFS_FaceOrder", faces=faces, detection_face_order=by, detect_gender=gender, **settings)


def pairs(graph, targets, sources, target="0", source="0", **settings):
    listed = {"input_faces_index": target, "source_faces_index": source, "pairing": "pairwise", "missing": "skip"}
    return graph.add("MFS_IndexMap", target_faces=targets, source_faces=sources, **{**listed, **settings})


def swap(graph, targets, sources, index_map, **settings):
    chosen = {"swap_model": "mesh", "interpolation": "Bilinear", **settings}
    return graph.add("MFS_SwapFaces", target_image=targets, source_image=sources, index_map=index_map, **chosen)


def crop(graph, image, faces, **settings):
    return graph.add("MFS_CropFaces", image=image, faces=faces, **{"crop_size": 256, "alignment": "ffhq", **settings})


def paste(graph, image, crops, crop_data, **settings):
    given = {"image": image, "crops": crops, "crop_data": crop_data, "strength": 1.0}
    return graph.add("MFS_PasteFaces", **{**given, **settings})


def chain(graph, targets, sources, target="0", source="1", **settings):
    """Everything up to SwapFaces: (detect, map, swap)."""
    found, donors = detect(graph, targets), detect(graph, sources)
    mapped = pairs(graph, [order(graph, [found, 0]), 0], [order(graph, [donors, 0]), 0], target, source)
    return found, mapped, swap(graph, targets, sources, [mapped, 0], **settings)
