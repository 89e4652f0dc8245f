# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Partners by DNS name: the agent asks for their addresses, and charon is told addresses only.

charon would take names, too. It then asks for each of them whenever anybody sends it a first packet, with a thread
that waits for the answer. So a name server that does not answer would keep all other tunnels of the edge from coming
up. And nobody could say which address is in use, and since when.

An answer holds as long as its time to live says. While no server answers, the last address is used for an hour
more, and as long as its tunnel is up: that peer has proved who it is, and charon ends the IKE_SA of a connection that
it loads with another address. Then charon gets an address that leads nowhere, which no peer can have: no IKE_SA is
made with whoever has the old one now. What is known is in /run: no answer outlives a reboot.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, ip_network

from ..document import Document, Generation
from ..names import query
from ..state import RUN, Store
from ..system import files
from ..system.run import run
from . import charon, connections, former, secrets

Noted = dict[str, Document]
"""What is known of each name."""
FILE = "swanctl.conf"
NOTE = f"{RUN}/partners.json"
RESOLV = "/etc/resolv.conf"
DUMMY = "192.0.0.8"
"""An address that nobody has (RFC 7600, 4.8). It is what charon has of a name without an address."""
LEAST, MOST = 5.0, 3600.0  # seconds that an answer holds, whatever its time to live
KEPT = 3600.0  # seconds that an address is used after that, while no server answers
AGAIN = 2.0  # seconds between two questions about a tunnel that is down, or that got no answer
# Twice as long after each that got none, up to so many: a question holds the node's lock, and waits for each server.
RARELY = 60.0
TIMEOUT = 1.0  # seconds for a server
SERVERS = 2
_ADDRESSES = re.compile(r"^\s*remote_addrs\s*=(.*)$", re.MULTILINE)
_WORD = re.compile(r"^(\s*remote_addrs = )(\S+)[ \t]*$", re.MULTILINE)


def by_name(generation: Generation) -> dict[str, str]:
    """The names that tunnels lead to, by tunnel."""
    tunnels = generation.tunnels("ipsec")
    return {str(one["name"]): str(one["remote_address"]) for one in tunnels if one.get("by_name")}


def known(store: Store) -> Noted:
    """What is known of each name: address (None: none), since, asked, until (all seconds of the epoch), error, and
    failed, how often in a row there was none."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(files.read(store.at(NOTE)) or "{}")
        return found if isinstance(found, dict) else {}
    return {}


def filled(text: str, generation: Generation, noted: Noted) -> str:
    """A swanctl.conf in which names are the addresses that are in use, and which names the PPKs that are."""
    text, names = secrets.named(text, generation), {*by_name(generation).values()}

    def address(match: re.Match[str]) -> str:
        name = match[2]
        return f"{match[1]}{noted.get(name, {}).get('address') or DUMMY}" if name in names else match[0]

    return _WORD.sub(address, text) if names else text


def unfilled(text: str, generation: Generation) -> list[str]:
    """What is wrong with a swanctl.conf, of a template of one's own, in which names would stay."""
    names, left = {*by_name(generation).values()}, filled(text, generation, {})
    found = (name for line in _ADDRESSES.findall(left) for name in re.split(r"[,\s]+", line) if name in names)
    return [
        f"{FILE}: write the name alone, in a line remote_addrs = {name}: charon would ask for it by itself, and keep "
        "all other tunnels waiting"
        for name in dict.fromkeys(found)
    ]


def refreshed(generation: Generation, store: Store, down: Collection[str] = ()) -> Noted:
    """What is known after asking for what is due; not noted yet. ``down``: tunnels that are. Others keep an address."""
    tunnels, now, noted = by_name(generation), time.time(), known(store)
    urgent = {name for tunnel, name in tunnels.items() if tunnel in down}
    up = {name for tunnel, name in tunnels.items() if tunnel not in down}
    before = {name: noted.get(name, {}) for name in {*tunnels.values()}}
    due = [name for name, one in before.items() if _due(one, now, name in urgent)]
    if not due:
        return before
    servers = _servers(store)
    with ThreadPoolExecutor(min(len(due), 16)) as pool:
        answers = dict(zip(due, pool.map(lambda name: _ask(name, servers), due)))
    return {
        name: _noted(one, answers[name], now, generation, name in up) if name in answers else one
        for name, one in before.items()
    }


def note(noted: Noted, store: Store) -> None:
    """Note what is known, or that there is nothing to know."""
    if noted and noted != known(store):
        store.put(lambda: files.write(store.at(NOTE), json.dumps(noted, sort_keys=True), 0o600))
    elif not noted:
        files.remove(store.at(NOTE))


def follow(generation: Generation, store: Store, down: Collection[str]) -> list[str]:
    """Have charon lead tunnels to where partners are now; what was done, in words. The caller has the lock."""
    names = by_name(generation)
    if not names or former.read(store):  # while tunnels have two names, nothing else changes
        return []
    before, after = known(store), refreshed(generation, store, down)
    moved = [one for one, name in names.items() if _address(before, name) != _address(after, name)]
    text = filled(generation.files.get(FILE, ""), generation, after)
    if moved and files.read(store.at(charon.CONFIG)) != text:
        files.write(store.at(charon.CONFIG), text)
        run("swanctl", "--load-conns", timeout=60)
        charon.mark(store, config=text)
    # Last, so that whoever is killed before does all of it again.
    note(after, store)
    connections.end_elsewhere({one: address for one in moved if (address := _address(after, names[one]))})
    return [
        f"{one}: {names[one]} is {_address(after, names[one]) or 'without an address'} now, and was "
        f"{_address(before, names[one]) or 'without one'}"
        for one in sorted(moved)
    ]


def soon(generation: Generation, store: Store, down: Collection[str]) -> float | None:
    """In how many seconds there is something to ask; None: nothing ever is. ``down``: tunnels that are."""
    names, noted, now = by_name(generation), known(store), time.time()
    if not names:
        return None
    next_ = (_next(noted.get(name, {}), one in down) for one, name in names.items())
    return max(LEAST, min(next_) - now)


def seen(generation: Generation, store: Store) -> dict[str, Document]:
    """What is known, by tunnel, as observations have it."""
    noted = known(store)
    return {
        tunnel: {"name": name, **{key: noted.get(name, {}).get(key) for key in ("address", "since", "error")}}
        for tunnel, name in sorted(by_name(generation).items())
    }


def _due(one: Document, now: float, urgent: bool) -> bool:
    set_back = float(one.get("asked") or 0) > now  # the clock
    return set_back or now >= _next(one, urgent)


def _next(one: Document, urgent: bool) -> float:
    """When a name is to be asked for again, in seconds of the epoch."""
    asked, failed = float(one.get("asked") or 0), int(one.get("failed") or 0)
    if one.get("error"):
        return asked + min(RARELY, AGAIN * float(1 << min(max(failed - 1, 0), 10)))
    return asked + AGAIN if urgent else float(one.get("until") or 0)


def _noted(
    one: Document, answer: tuple[list[str], float, str], now: float, generation: Generation, up: bool
) -> Document:
    """What is known of a name after a question. ``up``: a tunnel to it is."""
    addresses, ttl, error = answer
    usable = [address for address in addresses if not _inside(address, generation)]
    had = one.get("address")
    if usable:
        # One of several stays as long as it is among them.
        address = had if had in usable else usable[0]
        since = one.get("since") if address == had else now
        return {
            "address": address,
            "since": since,
            "asked": now,
            "until": now + min(max(ttl, LEAST), MOST),
            "error": "",
            "failed": 0,
        }
    failed = int(one.get("failed") or 0) + 1
    if addresses:
        error = f"{addresses[0]} is not an address that a partner can have"
    until = float(one.get("until") or 0)
    if had and now > until + KEPT and not up:
        return {"address": None, "since": now, "asked": now, "until": until, "error": error, "failed": failed}
    since = one.get("since", now)
    return {**one, "address": had, "since": since, "asked": now, "until": until, "error": error, "failed": failed}


def _inside(address: str, generation: Generation) -> bool:
    """Whether an address is none of the internet's, or one that would lead into a tunnel."""
    found = IPv4Address(address)
    if found.is_loopback or found.is_multicast or found.is_unspecified or found.is_link_local or found.is_reserved:
        return True
    # This edge's own, or that of another peer, whose tunnel has an address of its own.
    ends = ("local_address", "remote_address")
    if any(str(tunnel.get(end)) == address for tunnel in generation.tunnels("ipsec") for end in ends):
        return True
    led = [str(route["prefix"]) for route in generation.listed("routes") if "tunnel" in route]
    return any(found in ip_network(prefix) for prefix in led if ":" not in prefix)


def _servers(store: Store) -> list[str]:
    lines = [line.split() for line in files.read(store.at(RESOLV)).splitlines()]
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"][:SERVERS]


def _ask(name: str, servers: Iterable[str]) -> tuple[list[str], float, str]:
    """Addresses, for how many seconds, and what went wrong."""
    error = f"{RESOLV} names no server"
    for server in servers:
        found = query.ask_with_ttl(server, name, query.A, TIMEOUT)
        if found is None:
            error = f"{server} does not answer"
            continue
        answer, ttl = found
        if answer.records:
            return sorted(answer.records, key=IPv4Address), float(ttl), ""
        error = f"{server} knows no address of it ({_CODES.get(answer.code, f'code {answer.code}')})"
    return [], 0.0, error


_CODES = {0: "no record", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def _address(noted: Noted, name: str) -> str | None:
    return noted.get(name, {}).get("address")
