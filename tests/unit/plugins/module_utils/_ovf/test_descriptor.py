# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile XML: entities, bombs, depth and encodings are refused before anything is made of them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._ovf import descriptor
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    SPACES,
    envelope,
    folder,
    load,
    refusals,
    vm,
    whole,
)

ORG = {"networks": {"lan": "org"}}
LAUGHS = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))


def said_of(tmp_path: Path, content: bytes) -> str:
    """Why such a descriptor is refused."""
    (said,) = refusals(folder(tmp_path, whole({"shop.ovf": content}, "shop")), **ORG)
    return said


@pytest.mark.parametrize(
    "declaration",
    [
        f"<!DOCTYPE Envelope [{LAUGHS}]>",
        '<!DOCTYPE Envelope [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Envelope SYSTEM "http://198.51.100.7/evil.dtd">',
        '<!DOCTYPE Envelope [<!ENTITY % x SYSTEM "file:///dev/zero"> %x;]>',
        "<!DOCTYPE Envelope>",
    ],
)
def test_a_doctype_is_refused_where_it_begins(declaration: str, tmp_path: Path) -> None:
    content = envelope(vm("&x;")).replace(b"<Envelope", declaration.encode() + b"<Envelope", 1)
    begin = time.monotonic()
    assert "shop.ovf, line 2: has a document type declaration (DOCTYPE): entities are refused" in said_of(
        tmp_path, content
    )
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (envelope("<a>" * 500 + "</a>" * 500), "elements are nested deeper than 64"),
        (envelope(vm("web"))[:-5], "is not well-formed XML"),
        (b"", "is not well-formed XML: no element found"),
        (b"\0" * 100, "is not well-formed XML"),
        (envelope(vm("web")).replace(b"web", b"\xff\xfe"), "is not well-formed XML: not well-formed (invalid token)"),
        (envelope(vm("web")).replace(b"UTF-8", b"UTF-7"), "the encoding UTF-7 is not one of utf-8"),
        (envelope(vm("web")).replace(b"UTF-8", b"UTF-16"), "is not well-formed XML"),
        (envelope(vm("web")).replace(b"UTF-8", b"shift_jis"), "the encoding shift_jis is not one of"),
        (b"<html/>", "is not an OVF descriptor: its root is html (no namespace)"),
        (b'<Envelope xmlns="urn:x"/>', "is not an OVF descriptor: its root is Envelope (urn:x)"),
        (f"<Envelope {SPACES}/>".encode(), "has no VirtualSystem: there is no VM in it"),
        (envelope(vm("web", "&x;")), "is not well-formed XML: undefined entity"),
    ],
)
def test_what_is_no_descriptor_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    assert message in said_of(tmp_path, content)


@pytest.mark.parametrize("encoding", ["UTF-16", "ISO-8859-1"])
def test_other_encodings_of_xml_are_read(encoding: str, tmp_path: Path) -> None:
    content = envelope(vm("web")).decode().replace("UTF-8", encoding).encode(encoding)
    assert load(folder(tmp_path, whole({"shop.ovf": content}, "shop")), **ORG).hosts


def test_size_and_number_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptor, "MOST_ELEMENTS", 1000)
    assert "has more than 1000 elements" in said_of(tmp_path, envelope("<a/>" * 1000))
    monkeypatch.setattr("ansible_collections.intercloud.vpn.plugins.module_utils._ovf.load.LARGEST", 100)
    assert "octets, and may have 100" in said_of(tmp_path, envelope(vm("web")))


def test_a_large_package_takes_seconds_not_minutes(tmp_path: Path) -> None:
    """Elements without ids, each with a mistake: 50 are told, and the rest is not looked for."""
    begin = time.monotonic()
    references = "<File/>" * 100_000
    said = refusals(folder(tmp_path, whole({"shop.ovf": envelope(vm("web"), references=references)}, "shop")), **ORG)
    assert len(said) == 51 and said[-1].endswith("is the place of mistake 51; the rest was not looked for")
    assert time.monotonic() - begin < 20
