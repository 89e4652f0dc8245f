# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of their quotas VPNs and members have used: counted by nftables, remembered in a file.

The kernel forgets its quotas with the table. So whoever loads a table has it begin with what was used, out of the
table before it or, where there is none, out of the file. The file is written every few seconds: that is what counting
may lose in a crash. A new period begins with the agent alone, never with loading: what the clock says at boot may be
anything.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..document import Document, Generation
from ..state import STATE, Store
from ..system import files
from ..system.run import CommandError, have, run

FILE = f"{STATE}/usage.json"
FAMILY, TABLE = "inet", "intercloud_vpn"
# By how their names are written; a longer one is more exact, and of two equally long ones the later one is greater.
PERIODS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
_DECLARED = re.compile(r"^(?P<head>\s*quota\s+(?P<name>\S+)\s*\{\s*over\s+\d+\s+bytes)\b", re.MULTILINE)

Used = dict[str, int]
Entries = dict[str, dict[str, Any]]
"""What the file holds, by quota: {"period": "2026-01-31", "octets": 5, "said": true}; `said`: that it is used up."""


@dataclass(frozen=True)
class Quota:
    """One of the document's quotas. `member`: its address in the VPN; empty for all members of the site together."""

    vpn: str
    member: str
    name: str  # of the nftables object
    octets: int
    period: str
    when_used_up: str

    @property
    def key(self) -> str:
        """What the file knows it by."""
        return f"{self.vpn}/{self.member}" if self.member else self.vpn

    def __str__(self) -> str:
        whose = f"{self.member} in {self.vpn}" if self.member else self.vpn
        return f"{whose}: {self.octets} bytes per {self.period}"


def clock() -> datetime.datetime:
    """What time it is."""
    return datetime.datetime.now(datetime.timezone.utc)


def quotas(generation: Generation) -> list[Quota]:
    """All quotas of a document."""
    found = []
    for vpn in generation.listed("vpns"):
        asked = vpn.get("quota") or {}
        name = f"vpn{vpn['number']}_quota"
        whom = [("", name, asked.get("vpn"))]
        for address in [*vpn.get("local", []), *(entry["outside"] for entry in vpn.get("nat", []))]:
            whom.append((address, f"{name}_{address.replace(':', '_')}", asked.get("member")))
        for member, own, volume in whom:
            if volume:
                found.append(Quota(vpn["name"], member, own, volume["octets"], volume["period"], asked["when_used_up"]))
    return found


def objects(kind: str) -> dict[str, Document]:
    """The table's objects of a kind (`quota`, `counter`) by name, as `nft -j` has them. Empty without a table."""
    if not have("nft"):
        return {}
    try:
        listed = json.loads(run("nft", "-j", "list", f"{kind}s", "table", FAMILY, TABLE))["nftables"]
    except CommandError as error:
        if "No such file" in str(error):
            return {}
        raise
    return {entry[kind]["name"]: entry[kind] for entry in listed if kind in entry}


def loaded() -> Used:
    """What the loaded table has counted, by the names of its quotas."""
    return {name: entry["used"] for name, entry in objects("quota").items()}


def begun(period: str, now: datetime.datetime) -> str:
    """The name of the period that it is now."""
    return now.strftime(PERIODS[period])


def ends(period: str, name: str) -> str:
    """When the period of that name ends, ISO 8601."""
    start = datetime.datetime.strptime(name, PERIODS[period])
    # The longest month has 31 days: four days on from its 28th is always the next one.
    if period == "month":
        end = (start.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    else:
        end = start + datetime.timedelta(**{f"{period}s": 1})
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def remembered(store: Store) -> Entries:
    """What the file holds. One that cannot be read says nothing."""
    try:
        content = json.loads(files.read(store.at(FILE)) or "{}")
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {
        key: entry for key, entry in content.items() if isinstance(entry, dict) and {"period", "octets"} <= set(entry)
    }


def _suits(entry: dict[str, Any] | None, quota: Quota) -> bool:
    """Whether an entry counts periods of that kind."""
    example = begun(quota.period, datetime.datetime(2000, 1, 1))
    return entry is not None and len(str(entry.get("period"))) == len(example)


def counted(known: Entries, asked: Iterable[Quota], used: Used, now: datetime.datetime) -> Entries:
    """The entries with what the table has counted since. What it does not know stays as it is."""
    entries = {key: dict(entry) for key, entry in known.items()}
    for quota in asked:
        if quota.name not in used:
            continue
        if not _suits(entries.get(quota.key), quota):
            entries[quota.key] = {"period": begun(quota.period, now), "octets": 0}
        entries[quota.key]["octets"] = used[quota.name]
    return entries


def turned(known: Entries, asked: Iterable[Quota], now: datetime.datetime) -> Entries:
    """The entries with a new one for every period that is over.

    One that no quota asks for stays until its period is over, for it may be asked for again. A clock that goes back
    opens no quota.
    """
    wanted = {quota.key: quota for quota in asked}
    entries = {}
    for key, entry in known.items():
        period = next((one for one, form in PERIODS.items() if len(begun(one, now)) == len(entry["period"])), "")
        over = not period or begun(period, now) > entry["period"]
        if not over:
            entries[key] = entry
        elif key in wanted:
            entries[key] = {"period": begun(wanted[key].period, now), "octets": 0}
    return entries


def write(store: Store, entries: Entries) -> None:
    """Remember, if there is anything new."""
    if entries != remembered(store):
        text = json.dumps(entries, indent=1, sort_keys=True)
        store.put(lambda: files.write(store.at(FILE), text, 0o600))


def current(store: Store, *generations: Generation) -> Entries:
    """What is used now: what the loaded table has counted, and what the file says of the rest.

    The first of the generations is the one that the table was made for. Empty where none of them has quotas.
    """
    asked = {quota.name: quota for generation in reversed(generations) for quota in quotas(generation)}
    return counted(remembered(store), asked.values(), loaded(), clock()) if asked else {}


def seeded(text: str, generation: Generation, entries: Entries) -> str:
    """The table's file, with quotas that begin with what was used."""
    used = {
        quota.name: int(entries[quota.key]["octets"])
        for quota in quotas(generation)
        if _suits(entries.get(quota.key), quota)
    }

    def declare(match: re.Match[str]) -> str:
        octets = used.get(match["name"], 0)
        return match["head"] + (f" used {octets} bytes" if octets else "")

    return _DECLARED.sub(declare, text) if used else text


def observed(store: Store, generation: Generation) -> list[Document]:
    """Every quota, and how much of it is used: vpn, member (an address, or None), octets, used, period, begun, until,
    when_used_up, used_up."""
    asked = quotas(generation)
    if not asked:
        return []
    now = clock()
    entries = counted(remembered(store), asked, loaded(), now)
    found = []
    for quota in asked:
        entry = entries.get(quota.key)
        if entry is None or not _suits(entry, quota):
            entry = {"period": begun(quota.period, now), "octets": 0}
        found.append(
            {
                "vpn": quota.vpn,
                "member": quota.member or None,
                "octets": quota.octets,
                "used": entry["octets"],
                "period": quota.period,
                "begun": entry["period"],
                "until": ends(quota.period, entry["period"]),
                "when_used_up": quota.when_used_up,
                "used_up": entry["octets"] >= quota.octets,
            }
        )
    return found


def tell(entries: Entries, asked: Iterable[Quota]) -> list[str]:
    """A line for each quota that is used up and of which nobody was told yet; notes in the entries that it was."""
    lines = []
    for quota in asked:
        entry = entries.get(quota.key)
        if entry is None:
            continue
        if entry["octets"] < quota.octets:
            entry.pop("said", None)  # there is more than there was
        elif not entry.get("said"):
            entry["said"] = True
            does = "nothing passes" if quota.when_used_up == "drop" else "reported only"
            lines.append(f"{quota}, used up: {does} until {ends(quota.period, entry['period'])}")
    return lines
