"""Picture files in and out: nothing is lost that can be kept, an unreadable file is one clear line."""

from .metadata import Metadata, read_metadata
from .reading import EXTENSIONS, MAX_PIXELS, DecodedPicture, decode_file, decode_picture, find_pictures, read_picture
from .writing import FORMATS, encode_picture, picture_format, to_uint8, write_file, write_picture

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "MAX_PIXELS",
    "DecodedPicture",
    "Metadata",
    "decode_file",
    "decode_picture",
    "encode_picture",
    "find_pictures",
    "picture_format",
    "read_metadata",
    "read_picture",
    "to_uint8",
    "write_file",
    "write_picture",
]
