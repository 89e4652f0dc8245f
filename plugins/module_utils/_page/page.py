# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAGE: the document and the parts of the page become one HTML file that needs nothing else.

The page's policy (Content-Security-Policy) names the hash of each of its scripts and of its style: nothing else runs,
whatever a name in the data looks like, and nothing is fetched from anywhere.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNSAFE = re.compile("[<>&\u2028\u2029]")
_SLOT = re.compile(r"\{\{ *(\w+) *\}\}")


@dataclass(frozen=True)
class Parts:
    """What the page is made of beside its data. ``template``: HTML with ``{{ slots }}``. ``scripts``: in their order.
    ``layout``: the source of the library that runs in a worker."""

    template: str
    style: str
    scripts: tuple[str, ...]
    layout: bytes


def page(document: Mapping[str, Any], parts: Parts, title: str = "intercloud.vpn") -> str:
    """The page as text. The same document and parts make the same page, byte for byte."""
    script = "\n".join(parts.scripts)
    for text in (script, parts.style):
        if "</" in re.sub(r"</(?!script|style)", "", text, flags=re.IGNORECASE):
            raise ValueError("a script or style that ends the element it is in")
    slots = {
        "title": html.escape(title),
        "policy": policy(script, parts.style),
        "style": parts.style,
        "script": script,
        "data": safe_json(document),
        "layout": packed(parts.layout),
    }
    return _SLOT.sub(lambda found: slots[found[1]], parts.template)


def safe_json(document: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or begins another one."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def packed(source: bytes) -> str:
    """A script, compressed, as the page unpacks it again. Without a time, so that it is always the same."""
    return base64.b64encode(gzip.compress(source, 9, mtime=0)).decode("ascii")


def policy(script: str, style: str) -> str:
    """The page's Content-Security-Policy. The worker that lays out the map comes from a Blob."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{_digest(script)}' blob:",
            f"style-src 'sha256-{_digest(style)}'",
            "worker-src blob:",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
