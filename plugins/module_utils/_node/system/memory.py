# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes that a node must not lose: small, with a checksum, in two places, for the damage may be a whole directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..document import sha256
from . import files


class Memory:
    """One such note. The first place that can be read says what is noted."""

    def __init__(self, *places: Path) -> None:
        self.places = places

    def read(self) -> Any:
        """What is noted; None if nothing is, or if no place can be read."""
        for place in self.places:
            known, content = _parse(files.read(place))
            if known:
                return content
        return None

    def write(self, content: Any) -> None:
        """Note something. Raises Unwritable. Places that say so already are left alone."""
        text = _text(content)
        for place in self.places:
            if files.read(place) != text:
                files.write(place, text, 0o600)

    def forget(self) -> None:
        """Note nothing any more."""
        for place in self.places:
            files.remove(place)

    def damaged(self) -> list[str]:
        """The places that are there and cannot be read."""
        texts = {place: files.read(place) for place in self.places if place.exists()}
        return [f"{place}: is damaged" for place, text in texts.items() if not _parse(text)[0]]

    def stale(self) -> list[Path]:
        """The places that do not say what is noted."""
        content = self.read()
        if content is None:
            return [place for place in self.places if place.exists()]
        return [place for place in self.places if files.read(place) != _text(content)]

    def exists(self) -> bool:
        """Whether any place is there, readable or not."""
        return any(place.exists() for place in self.places)


def _text(content: Any) -> str:
    return json.dumps({"content": content, "sha256": _sum(content)}, indent=1, sort_keys=True) + "\n"


def _sum(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True))


def _parse(text: str) -> tuple[bool, Any]:
    """Whether a text is a whole note, and what it says. Older versions noted without a checksum."""
    try:
        found = json.loads(text)
    except ValueError:
        return False, None
    if not isinstance(found, dict):
        return False, None
    if set(found) == {"content", "sha256"}:
        return found["sha256"] == _sum(found["content"]), found["content"]
    return bool(found) and not {"content", "sha256"} & set(found), found
