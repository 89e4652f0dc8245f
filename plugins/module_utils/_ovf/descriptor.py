# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: a descriptor's XML as plain elements, each with its line.

A document type declaration is refused where it begins, so there are no entities, internal or external, to expand. Size,
depth and the number of elements are bounded.
"""

from __future__ import annotations

import xml.parsers.expat
from collections.abc import Iterator
from typing import Any, NoReturn

from .errors import PackageError

LARGEST = 16 << 20  # octets
DEEPEST = 64
MOST_ELEMENTS = 500_000
ENCODINGS = ("utf-8", "utf-16", "us-ascii", "iso-8859-1")
OVF_NAMESPACES = (
    "",  # as oVirt writes them below its Envelope
    "http://schemas.dmtf.org/ovf/envelope/1",
    "http://schemas.dmtf.org/ovf/envelope/1/",
    "http://schemas.dmtf.org/ovf/envelope/2",
    "http://www.vmware.com/schema/ovf/1/envelope",
)
SETTING = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"
VCLOUD = "http://www.vmware.com/vcloud/"
OURS = "https://github.com/intercloud/vpn/ovf/1"
XSI_TYPE = "http://www.w3.org/2001/XMLSchema-instance type"


class Element:
    """An element: ``space`` and ``name``, attributes by name (``SPACE NAME`` where they have a namespace)."""

    __slots__ = ("alike", "attributes", "children", "line", "name", "number", "parent", "space", "texts")

    def __init__(self, space: str, name: str, attributes: dict[str, str], line: int, parent: Element | None) -> None:
        self.space, self.name, self.attributes, self.line, self.parent = space, name, attributes, line, parent
        self.children: list[Element] = []
        self.texts: list[str] = []
        self.alike: dict[str, int] = {}  # how many children of each name
        self.number = 1 if parent is None else parent.alike.get(name, 0) + 1

    def add(self, child: Element) -> None:
        """Note a child that has just begun."""
        self.children.append(child)
        self.alike[child.name] = child.number

    @property
    def text(self) -> str:
        """Its own text, without blanks around it."""
        return "".join(self.texts).strip()

    def ovf(self, name: str) -> str | None:
        """An attribute of OVF, with or without the namespace."""
        for space in OVF_NAMESPACES:
            found = self.attributes.get(f"{space} {name}" if space else name)
            if found is not None:
                return found
        return None

    def all(self, *names: str) -> Iterator[Element]:
        """Its children of OVF with one of these names. A ``Section`` of the type ``X_Type`` is an ``X``."""
        return (one for one in self.children if one.space in OVF_NAMESPACES and one.kind in names)

    def one(self, name: str) -> Element | None:
        """The first child of OVF with that name."""
        return next(self.all(name), None)

    def within(self, space: str, name: str) -> Iterator[Element]:
        """Its children of another vocabulary, whose namespaces begin with ``space``."""
        return (one for one in self.children if one.name == name and one.space.startswith(space))

    def setting(self, *names: str) -> str:
        """The text of the first of some properties of an Item, StorageItem or EthernetPortItem."""
        for name in names:
            for one in self.within(SETTING, name):
                return one.text
        return ""

    @property
    def kind(self) -> str:
        """The name, or what its type says: OVF 0.9, and oVirt, write ``<Section xsi:type="ovf:DiskSection_Type">``."""
        if self.name in ("Section", "Content"):
            return self.attributes.get(XSI_TYPE, self.name).rpartition(":")[2].replace("_Type", "")
        return self.name

    @property
    def step(self) -> str:
        """Its part of a path: ``VirtualSystem[web]``, ``Item[3]``."""
        if self.ovf("id") is not None:
            return f"{self.kind}[{self.ovf('id')}]"
        several = self.parent is not None and self.parent.alike[self.name] > 1
        return f"{self.kind}[{self.number}]" if several else self.kind

    def place(self, file: str) -> str:
        """Where it is, as messages show it."""
        steps = []
        one: Element | None = self
        while one is not None:
            steps.append(one.step)
            one = one.parent
        return f"{file}, line {self.line}, {'/'.join(reversed(steps))}"


class _Builder:
    """Makes the elements while expat reads."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.parser: Any = xml.parsers.expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.root: Element | None = None
        self.depth = self.count = 0
        self.here: Element | None = None
        self.parser.XmlDeclHandler = self.declaration
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.doctype
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data

    def refuse(self, message: str) -> NoReturn:
        raise PackageError(f"{self.place}, line {self.parser.CurrentLineNumber}", message)

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ENCODINGS:
            self.refuse(f"the encoding {encoding[:40]} is not one of {', '.join(ENCODINGS)}")

    def doctype(self, *_declared: Any) -> None:
        self.refuse("has a document type declaration (DOCTYPE): entities are refused, as an OVF has none")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth, self.count = self.depth + 1, self.count + 1
        if self.depth > DEEPEST:
            self.refuse(f"elements are nested deeper than {DEEPEST}")
        if self.count > MOST_ELEMENTS:
            self.refuse(f"has more than {MOST_ELEMENTS} elements")
        space, _blank, local = name.rpartition(" ")
        element = Element(space, local, attributes, self.parser.CurrentLineNumber, self.here)
        if self.here is None:
            self.root = element
        else:
            self.here.add(element)
        self.here = element

    def end(self, _name: str) -> None:
        self.depth -= 1
        if self.here is not None:
            self.here = self.here.parent

    def data(self, text: str) -> None:
        if self.here is not None:
            self.here.texts.append(text)


def parse_descriptor(content: bytes, place: str) -> Element:
    """The Envelope. PackageError for what is not XML, has a DOCTYPE, is too large or too deep, or is something else."""
    if len(content) > LARGEST:
        raise PackageError(place, f"has {len(content)} octets, and may have {LARGEST}")
    builder = _Builder(place)
    try:
        builder.parser.Parse(content, True)
    except xml.parsers.expat.ExpatError as error:
        why = xml.parsers.expat.ErrorString(error.code)
        raise PackageError(f"{place}, line {error.lineno}", f"is not well-formed XML: {why}") from None
    except (LookupError, ValueError) as error:
        raise PackageError(place, f"cannot be decoded: {error}") from None
    root = builder.root
    if root is None or root.name != "Envelope" or root.space not in OVF_NAMESPACES[1:]:
        found = "nothing" if root is None else f"{root.name} ({root.space[:80] or 'no namespace'})"
        raise PackageError(place, f"is not an OVF descriptor: its root is {found}, and not Envelope of OVF 1.x or 2.0")
    return root
