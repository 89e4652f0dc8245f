# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages, and what is in them: blocks of code, commands, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"))
SHELL = {"console", "bash", "sh"}
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\[[^\]\[]*\]\((?P<target>[^)\s#]*)(?:#(?P<anchor>[^)\s]*))?\)")
COMMENT = re.compile(r"\s+#(?=\s).*$")


@dataclass(frozen=True)
class Block:
    """A block of code, or a command in a sentence."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])


def commands(block: Block) -> Iterator[Block]:
    """The commands of a shell block, each whole: in ``console``, lines that begin with ``$``; the rest is output."""
    line, lines = block.line, iter(block.text.splitlines())
    for text in lines:
        line += 1
        begun = line
        while text.endswith("\\"):
            rest = next(lines, None)
            assert rest is not None, f"{block.page}:{line}: the command goes on, and the block ends"
            text, line = f"{text[:-1]}{rest.strip()}", line + 1
        if block.language == "console":
            if not text.startswith("$ "):
                continue
            text = text[2:]
        if text := COMMENT.sub("", text).strip():
            yield Block(block.page, begun, block.language, text)


def every_command() -> list[Block]:
    """Of all pages, those of shell blocks."""
    found = (block for page in PAGES for block in blocks(page) if block.language in SHELL)
    return [command for block in found for command in commands(block)]


def spans(page: Path, program: str) -> Iterator[Block]:
    """The commands of a program that a page has in its sentences and tables, between backticks."""
    text = FENCE.sub(lambda match: "\n" * match[0].count("\n"), page.read_text(encoding="utf-8"))
    for match in SPAN.finditer(text):
        if match[1].startswith(f"{program} "):
            yield Block(page, text.count("\n", 0, match.start()) + 1, "span", match[1].replace("\\|", "|"))


def words(command: Block) -> list[list[str]]:
    """The simple commands of a line, split into words as a shell would: ``a && b | c`` are three.

    None of what no shell can read: test_the_shell_can_read_it tells.
    """
    lexer = shlex.shlex(command.text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    simple: list[list[str]] = [[]]
    try:
        found = list(lexer)
    except ValueError:
        return []
    for word in found:
        if word and set(word) <= set(";&|"):
            simple.append([])
        else:
            simple[-1].append(word)
    return [each for each in simple if each]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub, and the site, give a page's headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        name = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        name = re.sub(r"[^\w\- ]", "", name).replace(" ", "-")
        number = 1
        while (anchor := name if number == 1 else f"{name}-{number - 1}") in found:
            number += 1
        found.add(anchor)
    return found
