# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a swanctl.conf, what is to be tried: not the connections that charon has loaded from the same words already.

A scratch charon takes 2 ms for each connection. An edge with a thousand gets or loses one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

_BEGIN = re.compile(r"  (\S+) \{")
# An included file, or another certificate, may have changed although the line that names it did not.
_OURS = r"\s*intercloud-vpn\.pem(?:,\s*intercloud-vpn-last\.pem)?\s*$"
_ELSEWHERE = re.compile(rf"\s*(?:include\b|(?:(?:ca)?cert\w*|pubkeys)\s*[={{](?!{_OURS}))")


class Layout(NamedTuple):
    """A file in three parts: the text before the connections, the connections by name, the text after them."""

    head: str
    connections: dict[str, str]
    tail: str


def layout(text: str) -> Layout | None:
    """The parts of a file. None for a file that is laid out otherwise than ours: users have templates of their own."""
    head, tail, found = list[str](), list[str](), dict[str, str]()
    name, lines, place, depth = "", list[str](), head, 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        if _ELSEWHERE.match(bare):
            return None
        if name:
            lines.append(line)
            words = bare.partition("#")[0]
            depth += words.count("{") - words.count("}")
            if (depth == 0) != (bare == "  }"):
                return None
            if depth == 0:
                found[name], name = "".join(lines), ""
        elif place is head:
            head.append(line)
            if bare == "connections {":
                place = lines = []
        elif place is tail:
            tail.append(line)
        elif bare == "}":
            tail.append(line)
            place = tail
        elif (begun := _BEGIN.fullmatch(bare)) and begun[1] not in found:
            name, lines, depth = begun[1], [line], 1
        else:
            return None
    whole = not name and place is tail and not any("connections" in line for line in (*head[:-1], *tail))
    return Layout("".join(head), found, "".join(tail)) if whole else None


def only(text: str, before: str, loaded: Collection[str]) -> tuple[str, set[str]]:
    """A file without those of the `loaded` connections that the file `before` has in the same words, and their names.

    All of it, and no name, where anything else differs.
    """
    new, old = layout(text), layout(before)
    if new is None or old is None or (new.head, new.tail) != (old.head, old.tail):
        return text, set()
    same = {name for name in loaded if name in new.connections and new.connections[name] == old.connections.get(name)}
    rest = [section for name, section in new.connections.items() if name not in same]
    return "".join((new.head, *rest, new.tail)), same
