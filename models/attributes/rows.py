"""What guesses genders and ages, a row each."""

from __future__ import annotations

from typing import Final

from ..facefusion import facefusion_file
from ..spec import AttributesParams, Model

FAIRFACE: Final = facefusion_file("fairface", "3.0.0", "CC BY 4.0", size=85_170_772, crc32="10d79769")
ATTRIBUTES: Final = (
    Model(
        "fairface",
        "attributes",
        "attributes.adapters:fairface",
        (FAIRFACE,),
        AttributesParams(ages=True),
        family="FairFace",
    ),
)
