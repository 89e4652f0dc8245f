# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall: the table `inet intercloud_vpn`, compared as it is loaded and swapped in one transaction."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..document import Change
from ..part import Part
from ..system.run import CommandError, have, run, succeeds
from . import flows, outside, senders
from . import usage as _usage
from .usage import FAMILY, TABLE

FILE = "nftables.nft"
# Numbers the kernel gives, and counts: no part of what a table says.
NOISE = frozenset({"handle", "index", "packets", "bytes", "used"})
# The comment that the templates put before each rule of the user's own, and where nft says that something is wrong.
RULE = re.compile(r"\s*# (\S+: rules\.\w+\[\d+\])$")
PLACE = re.compile(r"/dev/stdin:(\d+):\d+")
SAID = {"quota": frozenset({"bytes"})}  # which of them are said by the table in an object of that kind


def canonical(text: str) -> list[Any]:
    """What `nft -j` printed, without what differs between two loads of the same file."""
    listed = [entry for entry in json.loads(text)["nftables"] if "metainfo" not in entry]
    filled = set(_filled(entry["rule"]["expr"] for entry in listed if "rule" in entry))

    def clean(value: Any, kind: str = "") -> Any:
        if isinstance(value, dict):
            noise = NOISE - SAID.get(kind, frozenset())
            kept = {key: clean(entry, key) for key, entry in value.items() if key not in noise}
            if kind == "set" and kept.get("name") in filled:
                kept.pop("elem", None)
            if isinstance(kept.get("elem"), list):  # a set has no order
                kept["elem"] = sorted(kept["elem"], key=lambda entry: json.dumps(entry, sort_keys=True))
            return kept
        return [clean(entry) for entry in value] if isinstance(value, list) else value

    entries = [clean(entry) for entry in listed]
    # Rules have an order; tables, sets, maps, counters and chains have none.
    rules = [entry for entry in entries if "rule" in entry]
    others = sorted((e for e in entries if "rule" not in e), key=lambda entry: json.dumps(entry, sort_keys=True))
    return others + sorted(rules, key=lambda entry: str(entry["rule"]["chain"]))  # a stable sort: order within chains


def blamed(text: str, message: str) -> list[str]:
    """The rules of the user's own that nft complains about, as `payroll: rules.org_edges[0]`."""
    lines = text.splitlines()
    found = (RULE.match(lines[int(number) - 2]) for number in PLACE.findall(message) if 1 < int(number) <= len(lines))
    return list(dict.fromkeys(match[1] for match in found if match))


def _filled(expressions: Iterable[list[Any]]) -> Iterator[str]:
    """The sets that rules add to: what is in them came with packets."""
    for expression in expressions:
        for statement in expression:
            target = statement.get("set") if isinstance(statement, dict) else None
            if isinstance(target, dict):
                yield str(target.get("set", "")).lstrip("@")


class Nftables(Part):
    """The rendered file `nftables.nft`."""

    name = "nftables"
    _expected: tuple[str, list[Any]] | None = None
    _filled: str | None = None

    @property
    def _text(self) -> str:
        if self._filled is None:
            elements = senders.elements(self.want, self._file)
            if outside.asking(self.want):
                elements += outside.elements(self.want, self._file, senders.found(self.want))
            self._filled = f"{self._file}\n{elements}" if elements else self._file
        return self._filled

    @property
    def _file(self) -> str:
        return self.want.files.get(FILE, "") if self.want.listed("vpns") else ""

    def _loaded(self) -> list[Any]:
        if not have("nft"):
            return []
        try:
            return canonical(run("nft", "-j", "-s", "list", "table", FAMILY, TABLE))
        except CommandError as error:
            if "No such file" in str(error):
                return []
            raise

    def _scratch(self) -> list[Any]:
        """What the kernel makes of the file: loaded into a network namespace that nobody uses."""
        if self._expected is None or self._expected[0] != self._text:
            script = f"nft -f - && nft -j -s list table {FAMILY} {TABLE}"
            self._expected = (self._text, canonical(run("unshare", "-n", "sh", "-c", script, stdin=self._text)))
        return self._expected[1]

    def problems(self) -> list[str]:
        """A file that the kernel refuses."""
        if not self._text:
            return ["the document has VPNs, but there is no nftables.nft"] if self.want.listed("vpns") else []
        if not have("nft"):
            return [] if self.check else ["nft is not installed"]
        lost = outside.problems(self.want)
        if lost:
            return lost
        try:
            self._scratch()
        except CommandError as error:
            rules = blamed(self._text, str(error))
            return [f"{', '.join(rules)}: not taken by nft: {error}" if rules else str(error)]
        return []

    def changes(self) -> list[Change]:
        """The table to create, replace or delete."""
        self._filled = None  # networks come and go, and where a neighbour is with them
        if not self._text and not self.have.listed("vpns") and not self.have.empty:
            return []  # neither generation has a firewall: do not start nft for nothing
        loaded = self._loaded()
        if not self._text:
            return [Change(self.name, "delete table", self.have.files.get(FILE, ""))] if loaded else []
        if not loaded:
            return [Change(self.name, "create table", "", self._text)]
        if loaded == self._scratch():
            return []
        return [Change(self.name, "replace table", self.have.files.get(FILE, ""), self._text)]

    def gone(self) -> bool:
        """Whether somebody flushed it. What is in it is not looked at: this is asked every few seconds."""
        return bool(self._file) and have("nft") and not succeeds("nft", "-t", "list", "table", FAMILY, TABLE)

    @property
    def wanted(self) -> bool:
        """Whether there has to be a table."""
        return bool(self._file)

    def put_back(self) -> None:
        """Load the table after somebody removed it. Quotas go on from what is remembered, if that can be read."""
        usage: _usage.Entries = {}
        with contextlib.suppress(Exception):  # whatever it is, it keeps no firewall away
            usage = _usage.current(self.store, self.have, self.want)
        self.swap(usage)
        self._forget()

    def build(self) -> None:
        """Swap the table; the kernel takes all of it or nothing. Quotas go on from what was used."""
        if self._text and self.changes():
            usage = _usage.current(self.store, self.have, self.want)
            self.swap(usage)  # first: a disk that is full keeps no firewall away
            if usage:
                _usage.write(self.store, usage)
            self._forget()

    def _forget(self) -> None:
        with contextlib.suppress(OSError):  # a kernel that does not say what it remembers
            flows.forget(self.want)

    def swap(self, usage: _usage.Entries) -> None:
        """Load the table, whatever is loaded, with what was used of its quotas."""
        text = _usage.seeded(self._text, self.want, usage)
        run("nft", "-f", "-", stdin=f"table {FAMILY} {TABLE}\ndelete table {FAMILY} {TABLE}\n{text}")

    def clear(self) -> None:
        """Delete the table."""
        if not self._text and self.changes():
            run("nft", "delete", "table", FAMILY, TABLE)
