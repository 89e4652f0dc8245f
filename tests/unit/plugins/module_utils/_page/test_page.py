# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._page.page import Parts, page, safe_json
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _page_files

HOSTILE = "</script><script>alert(1)</script><!-- {{ script }} \u2028\u2029 & \" ' \x00 \ud83d\ude00 ä".replace(
    "\ud83d\ude00", "😀"
)
PARTS = Parts(
    '<meta content="{{ policy }}"><style>{{ style }}</style>'
    '<script type="application/json" id="data">{{ data }}</script>'
    '<script type="text/plain" id="layout">{{ layout }}</script><script>{{ script }}</script>',
    "a { b: c }",
    ("one();", "two();"),
    b"library",
)


class Elements(HTMLParser):
    """What a page has of scripts and styles, each with its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta" and ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = str(dict(attrs)["content"])
        if tag in ("script", "style"):
            self.found.append((str(dict(attrs).get("id") or tag), ""))

    def handle_data(self, data: str) -> None:
        if self.found and not self.found[-1][1]:
            self.found[-1] = (self.found[-1][0], data)


def test_hostile_names_neither_end_nor_begin_an_element() -> None:
    text = page({"name": HOSTILE, HOSTILE: [HOSTILE]}, PARTS, title=HOSTILE)
    found = dict(Elements(text).found)
    assert [name for name, _text in Elements(text).found] == ["style", "data", "layout", "script"]
    assert json.loads(found["data"]) == {"name": HOSTILE, HOSTILE: [HOSTILE]}
    assert "alert(1)</script>" not in text and "\u2028" not in text


def test_the_same_document_makes_the_same_page() -> None:
    assert page({"b": 1, "a": 2}, PARTS) == page({"a": 2, "b": 1}, PARTS)


def test_json_is_safe_in_a_script() -> None:
    assert not set("<>&\u2028\u2029") & set(safe_json(HOSTILE))


@pytest.mark.parametrize("end", ["</script>", "</STYLE >"])
def test_a_script_that_ends_its_element_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match="ends the element"):
        page({}, Parts(PARTS.template, PARTS.style, (f"const a = '{end}';",), b""))


def test_the_policy_names_what_runs_and_nothing_is_fetched() -> None:
    whole = Elements(page({}, _page_files.parts()))
    found = dict(whole.found)
    rules = dict(rule.strip().split(" ", 1) for rule in whole.policy.split(";"))
    for name, rule in (("script", "script-src"), ("style", "style-src")):
        digest = base64.b64encode(hashlib.sha256(found[name].encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules[rule] and "unsafe" not in rules[rule]
    assert rules["default-src"] == "'none'" and "connect-src" not in rules and rules["form-action"] == "'none'"
    library = gzip.decompress(base64.b64decode(found["layout"]))
    assert library == _page_files.LAYOUT.read_bytes()


def test_the_page_needs_no_other_file() -> None:
    text = page({}, _page_files.parts())
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)([^"'$]+)""", text) == []
    assert "@import" not in text and not re.search(r"url\((?!data:)", text)


def test_the_scripts_are_all_there_and_no_more() -> None:
    shipped = {path.stem for path in (_page_files.FOLDER / "js").glob("*.js")}
    assert shipped == {*_page_files.SCRIPTS}


def test_scripts_never_read_html_out_of_text() -> None:
    text = "".join(_page_files.parts().scripts)
    for dangerous in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert dangerous not in text


def test_the_library_is_the_one_that_was_looked_at() -> None:
    """elkjs, as its authors published it, with its licence: it may be had under EPL-2.0 or GPL-3.0-or-later."""
    folder = _page_files.LAYOUT.parent
    said = dict(line.split(": ", 1) for line in (folder / "VERSION").read_text().splitlines())
    assert (said["name"], said["version"], said["licence"]) == ("elkjs", "0.12.1", "EPL-2.0 OR GPL-3.0-or-later")
    for file in ("elk-worker.min.js", "LICENSE.md"):
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == said[file], file
