# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PARTNER: HCL, the language of Terraform, of plain data. What is no :class:`Reference` is quoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .common import one_line

_INDENT = "  "


class Reference(str):
    """An expression of ours, such as ``var.location``. Never made of what others wrote."""

    __slots__ = ()


class Block(NamedTuple):
    """A block; ``body`` are its arguments in order, and blocks within it."""

    kind: str
    labels: Sequence[str]
    body: Sequence[tuple[str, object] | Block]


def hcl(blocks: Sequence[Block], comments: Sequence[str] = ()) -> str:
    """A file, aligned as `terraform fmt` does."""
    head = "".join(f"# {one_line(comment)}\n" for comment in comments)
    return "\n".join([*([head] if head else []), *("\n".join(_block(block, "")) + "\n" for block in blocks)])


def quoted(text: str) -> str:
    """A string literal, in which nothing is a template (HCL native syntax, *Template Expressions*)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    return '"' + "".join(char if " " <= char <= "~" else f"\\U{ord(char):08x}" for char in escaped) + '"'


def _value(value: object) -> str:
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        raise TypeError("a mapping is a block")
    return quoted(str(value))


def _block(block: Block, indent: str) -> list[str]:
    labels = "".join(f" {quoted(label)}" for label in block.labels)
    lines = [f"{indent}{block.kind}{labels} {{"]
    inner = indent + _INDENT
    group: list[tuple[str, str]] = []
    for entry in block.body:
        if isinstance(entry, Block):
            lines += [*_aligned(group, inner), *([""] if len(lines) > 1 or group else []), *_block(entry, inner)]
            group = []
        else:
            group.append((entry[0], _value(entry[1])))
    return [*lines, *_aligned(group, inner), f"{indent}}}"]


def _aligned(group: Sequence[tuple[str, str]], indent: str) -> list[str]:
    width = max((len(name) for name, _value in group), default=0)
    return [f"{indent}{name.ljust(width)} = {value}" for name, value in group]
