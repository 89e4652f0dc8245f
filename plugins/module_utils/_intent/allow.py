# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: ``allow``, the connections that members of a VPN may open to each other, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._base.problems import Problems, unknown_keys
from .ports import Ports, common, parse_ports

ALL = "all"
"""Every member of the VPN, also those that join later."""
ICMP = "icmp"
"""A ping, by ICMP or ICMPv6, as the VPN's family is. ICMP errors need no rule."""

_KEYS = ("from", "to", "ports")
_PINGS = ("icmp", "icmp6", "icmpv6", "ping")
_WHO = "a VM, a vApp, a group, a pattern, or all"

Names = tuple[str, ...]
"""VMs, sorted; only :data:`ALL` stands for every member."""
Expand = Callable[[str, str], Sequence[str]]
"""The VMs that a text at a path stands for; what is wrong with it is noted."""


@dataclass(frozen=True, order=True)
class Rule:
    """Who may open connections to whom. ``services``: TCP and UDP ports; ``everything``: any protocol and port."""

    sources: Names
    targets: Names
    everything: bool
    icmp: bool
    services: Ports

    @property
    def ports(self) -> list[str] | None:
        """What may be opened as it is written; None for everything."""
        return None if self.everything else [*([ICMP] if self.icmp else []), *self.services]

    def record(self) -> dict[str, Any]:
        """As plain data, as the ledger keeps it."""
        ports = self.ports
        return {
            "from": list(self.sources),
            "to": list(self.targets),
            **({} if ports is None else {"ports": ports}),
        }


Allow = tuple[Rule, ...]
"""Sorted, each once: a rule only lets something pass, so their order has no meaning. None at all: nothing may pass."""


def parse_allow(
    raw: object, path: str, members: Mapping[str, str | None] | None, expand: Expand, problems: Problems
) -> Allow | None:
    """Read a list of rules; None where the key is left out. What is wrong goes to ``problems``.

    ``members``: names of the VPN's members, to which all that a rule names is cut down, each with the external edge
    that it is behind, if it is; None where they are not known.
    """
    if raw is None:
        return None
    if not isinstance(raw, (list, tuple)):
        problems.add(
            path, f"must be a list of rules such as {{from: web*, to: db-west, ports: [tcp/5432]}}, not {raw!r}"
        )
        return ()
    reader = _Reader(members, expand, problems)
    rules = (reader.rule(entry, f"{path}[{index}]") for index, entry in enumerate(raw))
    return tuple(sorted({rule for rule in rules if rule is not None}))


def allow_from_record(record: Iterable[Mapping[str, Any]] | None) -> Allow | None:
    """The inverse of :meth:`Rule.record`, for a list of them."""
    if record is None:
        return None
    rules = (_rule(tuple(one["from"]), tuple(one["to"]), one.get("ports"), "", Problems()) for one in record)
    return tuple(sorted(rules))


@dataclass(frozen=True)
class Permitted:
    """What one member may open to another one, by all rules together."""

    everything: bool = False
    icmp: bool = False
    services: Ports = ()

    def __bool__(self) -> bool:
        return self.everything or self.icmp or bool(self.services)

    @property
    def ping(self) -> bool:
        """Whether it may ping it."""
        return self.everything or self.icmp

    def of(self, ports: Ports | None) -> Ports | None:
        """The ports that it may open, of a member that is reached on these ``ports`` only. None: all."""
        if self.everything:
            return ports
        return self.services if ports is None else common(self.services, ports)


class Permissions:
    """What the members of a VPN may open to each other, by all of its rules."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [(frozenset(rule.sources), frozenset(rule.targets), rule) for rule in rules]
        self._known: dict[tuple[bool, tuple[int, ...]], tuple[frozenset[str], frozenset[str]]] = {}

    def between(self, source: str, target: str) -> Permitted:
        """What one member may open to another one."""
        found = [rule for froms, to, rule in self._rules if _has(froms, source) and _has(to, target)]
        services = [text for rule in found for text in rule.services]
        merged = parse_ports(services, "", Problems()) or ()
        return Permitted(any(rule.everything for rule in found), any(rule.icmp for rule in found), merged)

    def senders(self, target: str) -> tuple[frozenset[str], frozenset[str]]:
        """Who may open anything at all to a member, and who may open everything."""
        return self._others(target, False)

    def receivers(self, source: str) -> frozenset[str]:
        """To whom a member may open anything at all."""
        return self._others(source, True)[0]

    def _others(self, name: str, sends: bool) -> tuple[frozenset[str], frozenset[str]]:
        """The other ends of all rules about a member. Members that the same rules are about share them."""
        ends = [(froms, to) if sends else (to, froms) for froms, to, _rule in self._rules]
        which = tuple(index for index, (mine, _theirs) in enumerate(ends) if _has(mine, name))
        if (sends, which) not in self._known:
            anything = [ends[index][1] for index in which]
            every = [ends[index][1] for index in which if self._rules[index][2].everything]
            self._known[sends, which] = frozenset().union(*anything), frozenset().union(*every)
        return self._known[sends, which]


class _Reader:
    """Reads the rules of one VPN."""

    def __init__(self, members: Mapping[str, str | None] | None, expand: Expand, problems: Problems) -> None:
        self.members, self.expand, self.problems = members, expand, problems

    def rule(self, raw: object, path: str) -> Rule | None:
        before = len(self.problems)
        if not isinstance(raw, Mapping):
            self.problems.add(path, f"must be a mapping with from, to and ports, not {raw!r}")
            return None
        unknown_keys(raw, _KEYS, path, self.problems)
        sources = self._names(raw.get("from"), f"{path}.from", "who opens the connection")
        targets = self._names(raw.get("to"), f"{path}.to", "who is reached")
        ports = self._ports(raw, f"{path}.ports")
        named = {text for end in ("from", "to") for text in _listed(raw.get(end))}  # groups and patterns grow again
        if len(self.problems) == before and named == {*sources, *targets} and len(named) == 1 and ALL not in named:
            self.problems.add(path, f"is about {sources[0]} only, which needs no rule to reach itself; remove it")
        if len(self.problems) > before or not self.members:
            return None
        edges = {self.members.get(name) for name in (*sources, *targets)}
        if len(edges) == 1 and None not in edges:
            self.problems.add(
                path,
                f"{sources[0]} and {targets[0]} are both behind {edges.pop()}, which is external: its administrator "
                "decides what passes between these; remove it",
            )
        if len(self.problems) > before:
            return None
        return _rule(sources, targets, ports, f"{path}.ports", self.problems)

    def _names(self, raw: object, path: str, meaning: str) -> Names:
        if raw is None:
            self.problems.add(path, f"is missing: {meaning}: {_WHO}, or a list of these")
            return ()
        if isinstance(raw, (list, tuple)):
            if not raw:
                self.problems.add(path, f"is empty: name {_WHO}, or remove the rule")
            entries = [(one, f"{path}[{index}]") for index, one in enumerate(raw)]
        else:
            entries = [(raw, path)]
        found: set[str] = set()
        for text, place in entries:
            found.update(self._expanded(text, place))
        return (ALL,) if ALL in found else tuple(sorted(found))

    def _expanded(self, text: object, place: str) -> Iterable[str]:
        if not isinstance(text, str) or not text:
            quote = ": put it in quotes" if isinstance(text, (bool, int, float)) else ""
            self.problems.add(place, f"must be {_WHO}, not {text!r}{quote}")
            return ()
        if text == ALL:
            return (ALL,)
        before = len(self.problems)
        vms = self.expand(text, place)
        if self.members is None or len(self.problems) > before:
            return ()
        found = [vm for vm in vms if vm in self.members]
        if vms and not found:
            what = "is not a member" if [*vms] == [text] else "names no member"
            self.problems.add(place, f"{text} {what} of this VPN: add it to members, or remove it here")
        return found

    def _ports(self, raw: Mapping[str, Any], path: str) -> object:
        ports = raw.get("ports")
        if "ports" in raw and ports is None:
            self.problems.add(
                path, "says nothing: list ports such as [icmp, tcp/443], or leave the key out for everything"
            )
        elif isinstance(ports, (list, tuple)) and not ports:
            self.problems.add(
                path,
                "is empty: list ports such as [icmp, tcp/443], leave the key out for everything, or remove the rule",
            )
        elif ports is not None:
            _read_ports(ports, path, self.problems)
        return ports


def _listed(raw: object) -> list[str]:
    return [text for text in (raw if isinstance(raw, (list, tuple)) else [raw]) if isinstance(text, str)]


def _rule(sources: Names, targets: Names, ports: object, path: str, problems: Problems) -> Rule:
    if ports is None:
        return Rule(sources, targets, True, False, ())
    icmp, services = _read_ports(ports, path, problems)
    return Rule(sources, targets, False, icmp, services)


def _read_ports(raw: object, path: str, problems: Problems) -> tuple[bool, Ports]:
    """Whether pings are among them, and the ports of TCP and UDP."""
    if not isinstance(raw, (list, tuple)):
        problems.add(path, f"must be a list such as [icmp, tcp/443, udp/53], not {raw!r}")
        return False, ()
    before = len(problems)
    for index, text in enumerate(raw):
        if isinstance(text, str) and text.lower() in _PINGS and text != ICMP:
            problems.add(f"{path}[{index}]", f"{text!r} is not a port: write icmp for pings, in IPv6 as well")
    if len(problems) == before:
        parse_ports(["tcp/1" if text == ICMP else text for text in raw], path, problems)
    if len(problems) > before:
        return False, ()
    return ICMP in raw, parse_ports([text for text in raw if text != ICMP], path, problems) or ()


def _has(names: Collection[str], name: str) -> bool:
    return ALL in names or name in names
