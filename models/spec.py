"""The shape of the catalog's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, get_args

if TYPE_CHECKING:
    from ..pipeline.protocols import Metric

Speed = Literal["fast", "medium", "slow"]
Kind = Literal[
    "detector", "mesher", "embedder", "attributes", "swapper", "expression", "restorer", "parser", "landmarker"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
BUILTIN_FOLDER = "builtin"
"""Names the folder of weights inside this package: such files are always there."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One weight file and the places it comes from."""

    name: str
    """As published."""
    folders: tuple[str, ...]
    """ComfyUI model folders where it is looked for, the first for downloads; `a/b` is a folder in a folder."""
    sha256: tuple[str, ...] = ()
    """Every accepted hash; empty where none is known."""
    sizes: tuple[int, ...] = ()
    """In bytes, beside the hashes; empty where unknown."""
    urls: tuple[str, ...] = ()
    """Where it can be fetched, best first; the file of any of them has one of the hashes."""
    licence: str = ""
    aliases: tuple[str, ...] = ()
    """Other names under which the same file is found."""
    crc32: tuple[str, ...] = ()
    """Every accepted CRC32, which counts where no sha256 is published."""
    crc32_urls: tuple[str, ...] = ()
    """Where its source publishes the CRC32, as eight hexadecimal digits; asked for where it isn't known here."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    @property
    def is_proven(self) -> bool:
        """Whether a hash is known that tells the published file from others."""
        return bool(self.sha256 or self.crc32)

    @property
    def hashes(self) -> str:
        """The accepted hashes, for messages: `sha256 … or …`, `CRC32 …`; empty where none is known."""
        if self.sha256:
            return f"sha256 {' or '.join(self.sha256)}"
        return f"CRC32 {' or '.join(self.crc32)}" if self.crc32 else ""

    @property
    def built_in(self) -> bool:
        """Whether it ships with the package."""
        return self.folders == (BUILTIN_FOLDER,)


@dataclass(frozen=True, slots=True)
class DetectorParams:
    """What is known of a published detector."""

    confidence: float
    """From which score on it takes something for a face."""
    size: int
    """The longer side of what it looks at, in pixels, as its project runs it."""
    variant: str = ""
    """Which network of its family the file holds."""


@dataclass(frozen=True, slots=True)
class EmbedderParams:
    """What is known of a published embedder."""

    size: int
    """Side of its crops in pixels."""
    numbers: int
    """How many numbers an embedding has."""
    metric: Metric
    same_person: float
    """As `pipeline.protocols.Embedder` says, for what compares saved embeddings where the file isn't there."""


class Normalisation(NamedTuple):
    """Networks take and give (value − mean) / std for colours (red, green, blue) in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


UNIT = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
SIGNED = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Of the pictures of ImageNet, as torchvision gives them."""


class Alignment(NamedTuple):
    """A square crop."""

    template: str
    """One of `pipeline.templates.TEMPLATES`."""
    size: int
    """Side in pixels."""


@dataclass(frozen=True, slots=True)
class AttributesParams:
    """What is known of a model that guesses what faces are like."""

    ages: bool
    """Whether it guesses ages beside genders."""


@dataclass(frozen=True, slots=True)
class SwapperParams:
    """What is known of a swapper."""

    options: tuple[str, ...]
    """Those of the settings of a swap that it knows."""
    crop: Alignment | None = None
    """None where it works at the face's own size."""
    takes: Normalisation = UNIT
    gives: Normalisation = UNIT
    identity: Literal["", "unit", "mapped", "as it is"] = ""
    """Where it takes an identity of 512 numbers: of unit length, led by a table in its file to a space of its own, or
    of the length that it comes in. Empty where it takes none."""
    embedder: str = ""
    """Name of the embedder whose identities it takes: its second file. A third one converts them."""
    donor: Alignment | None = None
    """The crop of the donor where it takes a picture instead, in [0, 1]."""
    occluder: str = "none"
    """Name of the parser that suits it: what `auto` stands for."""

    @property
    def size(self) -> int:
        """Side of its crops in pixels; 0 where it works at the face's own size."""
        return self.crop.size if self.crop else 0

    @property
    def generates(self) -> bool:
        """Whether a network makes the faces' pixels, of crops of a size of its own."""
        return self.crop is not None


Params = AttributesParams | DetectorParams | EmbedderParams | SwapperParams
P = TypeVar("P", bound=Params)


@dataclass(frozen=True, slots=True)
class Model:
    """One model that users can choose by name."""

    name: str
    kind: Kind
    adapter: str
    """`module:attribute` below this package, e.g. `detectors.adapters:builtin`."""
    files: tuple[ModelFile, ...]
    params: Params | None = None
    """What its adapter needs to know, where that isn't the same for all that it opens."""
    family: str = ""
    """The project that its network is of."""
    speed: Speed = "fast"
    """Beside the others of its kind."""

    def params_of(self, kind: type[P]) -> P:
        """The row's params, which must be of that kind. Raises TypeError."""
        if not isinstance(self.params, kind):
            raise TypeError(f"the row of {self.name} has no {kind.__name__}")
        return self.params

    @property
    def built_in(self) -> bool:
        """Whether all files ship with the package."""
        return all(file.built_in for file in self.files)


def shipped(name: str, size: int, sha256: str, licence: str) -> ModelFile:
    """A file of this package."""
    return ModelFile(name, (BUILTIN_FOLDER,), (sha256,), (size,), licence=licence)
