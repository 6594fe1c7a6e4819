"""For Schemathesis: texts of the format `picture` are pictures. It imports this file by its name."""

import base64
import io

import schemathesis
from hypothesis import strategies
from PIL import Image


def _uri(size, colour, kind):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


_SIZES = strategies.tuples(strategies.integers(1, 40), strategies.integers(1, 40))
_COLOURS = strategies.sampled_from(["red", "black", "#808080"])
_KINDS = strategies.sampled_from(["png", "jpeg", "webp"])
schemathesis.openapi.format("picture", strategies.builds(_uri, _SIZES, _COLOURS, _KINDS))
