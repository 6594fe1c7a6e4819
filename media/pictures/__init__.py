"""Picture files in and out: nothing is lost that can be kept, an unreadable file is one clear line."""

from ..limits import MAX_PIXELS
from .colour import converted
from .depth import to_uint8
from .finding import EXTENSIONS, FoundPictures, find_pictures, is_mentioned, is_picture, passed_over_note
from .masks import write_mask
from .metadata import Metadata, read_metadata, read_xmp, xmp_of
from .reading import (
    DecodedPicture,
    PictureHeader,
    decode_file,
    decode_picture,
    looked_at,
    picture_size,
    read_picture,
)
from .writing import FORMATS, Finish, encode_picture, picture_format, require_fits, write_file, write_picture
from .xmp import described

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "MAX_PIXELS",
    "DecodedPicture",
    "Finish",
    "FoundPictures",
    "Metadata",
    "PictureHeader",
    "converted",
    "decode_file",
    "decode_picture",
    "described",
    "encode_picture",
    "find_pictures",
    "is_mentioned",
    "is_picture",
    "looked_at",
    "passed_over_note",
    "picture_format",
    "picture_size",
    "read_metadata",
    "read_picture",
    "read_xmp",
    "require_fits",
    "to_uint8",
    "write_file",
    "write_mask",
    "write_picture",
    "xmp_of",
]
