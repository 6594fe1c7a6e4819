"""XMP packets: read with limits, changed, and written again. How files hold them is said where the files are written.

ISO 16684-1 says what a packet is. What comes from files is hostile until it is read: nothing that a document type
declares is heeded, and size, depth and number of elements are limited.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers import expat

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MOST: Final = 4 << 20
"""Bytes of a packet that is read. What is larger holds pictures, or a program's whole history."""
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_MOST_ELEMENTS: Final = 100_000
_DEEPEST: Final = 100
_LONGEST_NAMESPACE: Final = 1000
"""Characters; each element's name repeats it."""
_ROOT, _DESCRIPTION, _ABOUT, _RESOURCE = (f"{{{RDF}}}{name}" for name in ("RDF", "Description", "about", "resource"))
_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCODINGS: Final = ("utf-8-sig", "utf-32", "utf-32", "utf-16", "utf-16")
_BARE: Final = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
"""What packets of other encodings begin with where nothing marks them."""
_OPENING: Final = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
_ENDING: Final = '</x:xmpmeta>\n<?xpacket end="w"?>'

Matches = Callable[[str, str], bool]
"""Whether a property is meant, by its namespace and its name."""


class XmpError(ValueError):
    """Not a packet, damaged, or beyond what is read; the text goes on from "XMP"."""


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """Properties of a file. Names are written `{namespace}name`."""

    root: Element
    """The element rdf:RDF, which changes where properties do."""
    prefixes: dict[str, str]
    """By namespace, as the file has them."""

    @classmethod
    def empty(cls) -> Packet:
        return cls(Element(_ROOT), {})

    @classmethod
    def of(cls, data: bytes) -> Packet:
        """Raises XmpError."""
        if len(data) > MOST:
            raise XmpError(f"has {len(data):,} bytes, more than the {MOST:,} that are read")
        tree, prefixes = _Reader().read(_text(data))
        root = tree if tree.tag == _ROOT else tree.find(_ROOT)
        if root is None:
            raise XmpError("holds no rdf:RDF")
        return cls(root, prefixes)

    def get(self, name: str) -> str | None:
        """The text or the address of a property; of a list, its first one."""
        for described in self.root:
            if name in described.attrib:
                return described.attrib[name]
            if (found := described.find(name)) is not None:
                texts = (text.strip() for text in found.itertext())
                return found.get(_RESOURCE) or next(filter(None, texts), "")
        return None

    def set(self, texts: Mapping[str, str], prefixes: Mapping[str, str]) -> None:
        """Give properties simple texts, whatever they were before; `prefixes` by namespace, where there are none."""
        about = self._about()
        self.remove(lambda namespace, name: f"{{{namespace}}}{name}" in texts)
        described = SubElement(self.root, _DESCRIPTION, {_ABOUT: about})
        for name, text in texts.items():
            SubElement(described, name).text = text
        self.prefixes.update({known: prefix for known, prefix in prefixes.items() if known not in self.prefixes})

    def remove(self, matches: Matches) -> None:
        """Take away properties, and what is inside of others."""
        _remove(self.root, matches)
        # Else a packet grew by one that says nothing with each change.
        for empty in [one for one in self.root if not len(one) and not _properties(one)]:
            self.root.remove(empty)

    def add(self, other: Packet) -> None:
        """Take over what another packet describes."""
        self.root.extend(list(other.root))
        self.prefixes.update({known: prefix for known, prefix in other.prefixes.items() if known not in self.prefixes})

    def sizes(self) -> Iterator[tuple[int, str]]:
        """Bytes that each property takes, about, and its name."""
        for described in self.root:
            yield from ((len(text.encode()), name) for name, text in described.attrib.items() if name != _ABOUT)
            yield from ((len(tostring(child)), child.tag) for child in described)

    def to_bytes(self) -> bytes:
        """The packet in UTF-8."""
        names = _Names(self.prefixes)
        copy = _renamed(self.root, names)
        copy.attrib.update({f"xmlns:{prefix}": namespace for namespace, prefix in names.used.items()})
        return f"{_OPENING}{tostring(copy, encoding='unicode')}{_ENDING}".encode()

    def _about(self) -> str:
        """What the others are about: all of them must say the same."""
        return next((one.get(_ABOUT) or one.get("about") or "" for one in self.root), "")


def _properties(described: Element) -> set[str]:
    """Those that are written as attributes."""
    return described.attrib.keys() - {_ABOUT, "about"}


def split(name: str) -> tuple[str, str]:
    """Namespace and name of `{namespace}name`."""
    namespace, _, local = name.removeprefix("{").rpartition("}")
    return namespace, local


def shortened(data: bytes, most: int) -> tuple[bytes | None, list[str]]:
    """A packet of at most `most` bytes: the largest properties go first; what went. None where nothing fits."""
    if len(data) <= most:
        return data, []
    packet, gone = Packet.of(data), list[str]()
    for _, name in sorted(packet.sizes(), reverse=True):
        packet.remove(lambda namespace, local, name=name: f"{{{namespace}}}{local}" == name)
        gone.append(split(name)[1])
        if len(data := packet.to_bytes()) <= most:
            return data, gone
    return None, gone


class _Reader:
    """Builds a tree of names with namespaces, within limits."""

    def __init__(self) -> None:
        self._builder, self._prefixes = TreeBuilder(), dict[str, str]()
        self._depth = self._elements = 0

    def read(self, text: str) -> tuple[Element, dict[str, str]]:
        parser = expat.ParserCreate("utf-8", "}")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._builder.data
        try:
            parser.Parse(text, True)
        except (expat.ExpatError, UnicodeEncodeError) as error:
            raise XmpError(f"is damaged ({error})") from error
        return self._builder.close(), self._prefixes

    def _refuse(self, *_declared: object) -> None:
        raise XmpError("declares a document type, which no packet has")

    def _declare(self, prefix: str | None, namespace: str | None) -> None:
        if namespace and len(namespace) > _LONGEST_NAMESPACE:
            raise XmpError("has a namespace that is too long")
        if prefix and namespace:
            self._prefixes.setdefault(namespace, prefix)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth, self._elements = self._depth + 1, self._elements + 1
        if self._depth > _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise XmpError("has too many elements, or too deep ones")
        self._builder.start(_braced(name), {_braced(key): value for key, value in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(_braced(name))


def _braced(name: str) -> str:
    return f"{{{name}" if "}" in name else name


class _Names:
    """Names with prefixes, no two namespaces having the same."""

    def __init__(self, wished: Mapping[str, str]) -> None:
        self._wished = wished
        self.used: dict[str, str] = {}

    def short(self, name: str) -> str:
        namespace, local = split(name)
        if not namespace:
            return local
        if namespace == _XML:
            return f"xml:{local}"
        if namespace not in self.used:
            wished = "rdf" if namespace == RDF else self._wished.get(namespace, "")
            is_free = wished and wished not in self.used.values() and (wished != "rdf" or namespace == RDF)
            self.used[namespace] = wished if is_free else self._made_up()
        return f"{self.used[namespace]}:{local}"

    def _made_up(self) -> str:
        taken = {*self.used.values(), *self._wished.values()}
        return next(name for name in (f"ns{number}" for number in count()) if name not in taken)


def _renamed(element: Element, names: _Names) -> Element:
    copy = Element(names.short(element.tag), {names.short(key): value for key, value in element.attrib.items()})
    copy.text, copy.tail = element.text, element.tail
    copy.extend([_renamed(child, names) for child in element])
    return copy


def _remove(element: Element, matches: Matches) -> None:
    for key in [key for key in element.attrib if matches(*split(key))]:
        del element.attrib[key]
    for child in list(element):
        if matches(*split(child.tag)):
            element.remove(child)
        else:
            _remove(child, matches)


def _text(data: bytes) -> str:
    """A packet's text, by its mark or its first bytes. Raises XmpError."""
    data = data.strip(b" \t\r\n") if not data.startswith((*_MARKS, b"\0")) else data
    marked = (name for mark, name in zip(_MARKS, _ENCODINGS, strict=True) if data.startswith(mark))
    bare = (name for start, name in _BARE if data.startswith(start))
    encoding = next(marked, None) or next(bare, "utf-8")
    try:
        return data.decode(encoding).rstrip("\0").strip()
    except UnicodeDecodeError as error:
        raise XmpError(f"is damaged (not {encoding})") from error
