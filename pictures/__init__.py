"""Picture files in and out: nothing is lost that can be kept, an unreadable file is one clear line."""

from .reading import EXTENSIONS, MAX_PIXELS, decode_picture, find_pictures, read_picture, read_profile
from .writing import FORMATS, encode_picture, picture_format, write_file, write_picture

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "MAX_PIXELS",
    "decode_picture",
    "encode_picture",
    "find_pictures",
    "picture_format",
    "read_picture",
    "read_profile",
    "write_file",
    "write_picture",
]
