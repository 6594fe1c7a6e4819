"""ComfyUI's own nodes that the example workflows use, as far as the pack's outputs have to suit them."""

from __future__ import annotations

import torch


class _Sink:
    RETURN_TYPES = ()
    FUNCTION = "take"
    OUTPUT_NODE = True

    def take(self, images=None, **_settings):
        assert images is None or (images.ndim == 4 and images.shape[-1] == 3)
        return ()


class SaveImage(_Sink):
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"images": ("IMAGE",), "filename_prefix": ("STRING",)}}


class PreviewAny(_Sink):
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"source": ("STRING",)}}


class SaveVideo(_Sink):
    @classmethod
    def INPUT_TYPES(cls):
        texts = dict.fromkeys(("filename_prefix", "format", "codec"), ("STRING",))
        return {"required": {"video": ("VIDEO",), **texts}}


class CreateVideo:
    RETURN_TYPES = ("VIDEO",)
    FUNCTION = "make"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"images": ("IMAGE",), "fps": ("FLOAT",)}}

    def make(self, images, fps):
        assert images.ndim == 4 and fps > 0
        return ((images, fps),)


class ImageScaleBy:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "upscale_method": ("STRING",), "scale_by": ("FLOAT",)}}

    def upscale(self, image, upscale_method, scale_by):
        mode = {"lanczos": "bicubic", "nearest-exact": "nearest-exact"}.get(upscale_method, upscale_method)
        scaled = torch.nn.functional.interpolate(image.movedim(-1, 1), scale_factor=scale_by, mode=mode)
        return (scaled.movedim(1, -1).clamp(0, 1),)


class ImageSharpen:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "sharpen"

    @classmethod
    def INPUT_TYPES(cls):
        settings = {"sharpen_radius": ("INT",), "sigma": ("FLOAT",), "alpha": ("FLOAT",)}
        return {"required": {"image": ("IMAGE",), **settings}}

    def sharpen(self, image, sharpen_radius, sigma, alpha):
        side, planes = 2 * sharpen_radius + 1, image.movedim(-1, 1)
        blurred = torch.nn.functional.avg_pool2d(planes, side, 1, sharpen_radius, count_include_pad=False)
        return ((planes + 10 * alpha * (planes - blurred)).clamp(0, 1).movedim(1, -1),)


class BatchImagesNode:
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "batch"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"images.image0": ("IMAGE",), "images.image1": ("IMAGE",)}}

    def batch(self, **images):
        first, second = images.values()
        height, width = (min(sizes) for sizes in zip(first.shape[1:3], second.shape[1:3], strict=True))
        return (torch.cat([first[:, :height, :width], second[:, :height, :width]]),)


_NODES = (SaveImage, PreviewAny, SaveVideo, CreateVideo, BatchImagesNode, ImageScaleBy, ImageSharpen)
CORE = {node.__name__: node for node in _NODES}
