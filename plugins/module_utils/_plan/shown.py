# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: the plan as people read it: by VPN, what changes from what to what, and how much it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .._base.problems import some
from . import interrupts

ADD, CHANGE, DELETE = "+", "~", "-"
INDENT = "    "
NOTHING = "Nothing changes."
NAMED = 10  # nodes
# A line of `diff`: its sign, the organization where there are several, and what it is about.
_LINE = re.compile(r"([-+~]) (?:([\w.-]+): )?(?:(vpn|tunnel) (\S+?):? )?(.*)")
_HEAD = re.compile(r"number (\d+), (.*), pool (\S+)")
_LINK = re.compile(r"link (\S+) (.*) <-> (\S+) (.*)")
_TUNNEL = re.compile(r"(\S+--\S+) \(")
# Entries that stay the same thing while it changes, by their first two words.
_NAMED = ("member", "site", "server", "network")


@dataclass
class _Group:
    """The lines of one VPN, by sign; ``head`` is its own."""

    head: dict[str, str] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def sign(self) -> str:
        """Whether it comes, goes or changes."""
        return next(iter(self.head)) if len(self.head) == 1 else CHANGE


def shown(summary: Sequence[str], nodes: Sequence[str], of: int, most: int | None = None) -> list[str]:
    """The difference between two plans (`diff`), by VPN, what that interrupts, and its sum.

    ``nodes`` of all ``of`` get a new document. ``most``: how many lines a VPN gets at most; None: all of them.
    """
    groups: dict[tuple[str, str], _Group] = {}
    tunnels: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for line in summary:
        match = _LINE.fullmatch(line)
        sign, org, kind, name, rest = match.groups() if match else (CHANGE, "", "", "", line)
        whose = f"{org}/" if org and kind else f"{org}: " if org else ""
        if kind == "vpn":
            group = groups.setdefault((org or "", name), _Group())
            if _HEAD.fullmatch(rest):
                group.head[sign] = rest
            else:
                group.lines.append((sign, rest))
        elif kind == "tunnel":
            tunnels.append((sign, f"{whose}{name} {rest}"))
        else:
            others.append((sign, f"{whose}{rest}"))
    lines = [line for (org, name), group in sorted(groups.items()) for line in _vpn(org, name, group, most)]
    lines += _block("Tunnels", tunnels, most)
    lines += _block("Other nodes that are told something else", others, most)
    if nodes:
        lines += [f"Nodes: {some(nodes, len(nodes) if most is None else NAMED)}", ""]
    return [*lines, _sum(groups.values(), len(nodes), of)]


def _vpn(org: str, name: str, group: _Group, most: int | None) -> Iterator[str]:
    whose = f"{org}/" if org else ""
    yield f"{group.sign} VPN {whose}{name}{_head(group)}"
    yield from _cut([f"{INDENT}{sign} {text}{_lost(group, sign, text)}" for sign, text in _paired(group.lines)], most)
    if group.sign == DELETE:
        yield f"{INDENT}{interrupts.GONE}"
    yield ""


def _lost(group: _Group, sign: str, text: str) -> str:
    """What a VPN keeps of a member that leaves it."""
    leaves = sign == DELETE and group.sign == CHANGE and text.startswith("member ")
    return f"; {interrupts.STAYS_LEASED}" if leaves else ""


def _head(group: _Group) -> str:
    if not group.head:
        return ""
    if len(group.head) == 1:
        return f": {next(iter(group.head.values()))}"
    return f": {_from_to(group.head[DELETE], group.head[ADD])}"


def _block(title: str, entries: Sequence[tuple[str, str]], most: int | None) -> Iterator[str]:
    if entries:
        yield title
        yield from _cut([f"{INDENT}{sign} {text}" for sign, text in _paired(entries)], most)
        yield ""


def _cut(lines: list[str], most: int | None) -> list[str]:
    """The first lines, and how many more there are."""
    if most is None or len(lines) <= most + 1:
        return lines
    return [*lines[:most], f"{INDENT}  and {len(lines) - most} more lines: plan_vpn shows all"]


def _paired(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What goes and comes under one name changes: a line for both, where what comes is."""
    listed = list(lines)
    gone: dict[str, list[str]] = {}
    came: dict[str, int] = {}
    for sign, text in listed:
        key = _key(text)
        if sign == DELETE:
            gone.setdefault(key, []).append(text)
        elif sign == ADD:
            came[key] = came.get(key, 0) + 1
    both = {key for key, texts in gone.items() if len(texts) == came.get(key) == 1 and key}
    for sign, text in listed:
        key = _key(text)
        if key not in both:
            yield sign, text
        elif sign == ADD:
            yield CHANGE, _changed(key, gone[key][0], text)


def _key(text: str) -> str:
    """What a line is about; empty if it is only about itself."""
    link = _LINK.fullmatch(text)
    if link:
        ends = sorted((link[1], link[3]))
        return f"link {ends[0]} <-> {ends[1]}"
    words = text.split(" ", 2)
    if words[0] in _NAMED and len(words) > 2 and words[1] != "of":
        return f"{words[0]} {words[1].rstrip(',')}"
    if words[0] == "names":
        return "names"
    tunnel = _TUNNEL.match(text)
    return tunnel[1] if tunnel else ""


def _changed(key: str, old: str, new: str) -> str:
    if key.startswith("link "):
        was, now = _LINK.fullmatch(old), _LINK.fullmatch(new)
        if was and now:
            before, after = f"{was[2]} <-> {was[4]}", f"{now[2]} <-> {now[4]}"
            return f"{key}: {_from_to(before, after)} ({interrupts.of_link(before, after)})"
    before, after = (text.removeprefix(key).lstrip(" ,:") for text in (old, new))
    interrupted = f" ({interrupts.of_tunnel(before, after)})" if _TUNNEL.match(new) else ""
    return f"{key}: {_from_to(before, after)}{interrupted}"


def _from_to(old: str, new: str) -> str:
    """What differs of two texts, part by part where they have as many parts."""
    was, now = old.split(", "), new.split(", ")
    if len(was) != len(now):
        return f"{old} → {new}"
    return ", ".join(f"{one} → {other}" for one, other in zip(was, now) if one != other)


def _sum(groups: Iterable[_Group], nodes: int, of: int) -> str:
    signs = [group.sign for group in groups]
    add, change, delete = (signs.count(sign) for sign in (ADD, CHANGE, DELETE))
    if not signs and not nodes:
        return NOTHING
    vpns = "1 VPN" if add == 1 else f"{add} VPNs"
    return f"Plan: {vpns} to add, {change} to change, {delete} to delete; {nodes} of {of} nodes."
