# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: how hosts are logged in to, and which two names would lead to one machine.

Ansible's own ControlPath is made from a host's address, port and user. Two hosts with the same address behind different
jumps share it, and while the connection to one is open, what is meant for the other goes there, too.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._base.problems import Problems
from .external import is_external
from .facts import organization_of

SSH = ("ssh", "smart", "ansible.builtin.ssh")
LOCAL = ("local", "ansible.builtin.local")
SHOWN = 5
"""So many hosts are named of one kind of mistake: it is mostly one line of an inventory, and concerns a whole cloud."""
_FIX = "as inventories/example does"
# The flags of ssh that stand for options, and those that take something else.
_FLAGS = {"F": "configfile", "J": "proxyjump", "S": "controlpath", "p": "port", "l": "user"}
_HOP = re.compile(r"(?:ssh://)?(?:[^@/]+@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:/]+))(?::(?P<port>\d+))?/?")
_TAKING = "BbcDEeFIiJLlmOopQRSWw"
# Any may be a jump host's: -o ProxyJump=root@192.0.2.10, -J [2001:db8::10]:22, ProxyCommand="ssh -W %h:%p 192.0.2.10".
_ADDRESSES = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
    r"|(?<=\[)[0-9A-Fa-f:.]{2,}(?=\])"
    r"|(?<=[@=, ])[0-9A-Fa-f]*:[0-9A-Fa-f:]+(?=[, \"]|$)"
)


@dataclass(frozen=True)
class Connection:
    """What Ansible's ssh plugin is told of a host. ``before``, ``after``, ``extra``: ssh's arguments, in this order."""

    plugin: str
    host: str
    port: str = ""
    user: str = ""
    before: str = ""
    after: str = ""
    control_path: str = ""
    control_path_dir: str = ""
    extra: str = ""


@dataclass(frozen=True)
class Endpoint:
    """What tells two hosts apart. ``machine``: address, port and jump; ``socket``: the ControlPath, empty for none."""

    machine: tuple[str, ...]
    socket: str


def endpoint(connection: Connection) -> Endpoint | None:
    """Where a connection ends; None if nothing can be known of it."""
    if connection.plugin in LOCAL:
        return Endpoint(("local",), "")
    if connection.plugin not in SSH:
        return None
    try:
        options = _options(connection)
    except ValueError:
        return None  # quotes that do not match: Ansible says so itself
    host = _same(options.get("hostname", connection.host).replace("%h", connection.host))
    jump = ",".join(map(_hop, options.get("proxyjump", "").split(",")))
    machine = (host, options.get("port", "22"), jump, options.get("proxycommand", ""), options.get("configfile", ""))
    return Endpoint(machine, _socket(connection, options))


def collisions(connections: Mapping[str, Connection], ours: Collection[str] = ()) -> list[dict[str, str]]:
    """Hosts that cannot be told from another one: ``{"host", "other", "address", "socket"}``, sorted by host.

    ``ours``: the hosts that the run is about, which come first: of two of them, no third one hides that they are alike.
    ``socket`` is the ControlPath that two machines share, empty if both names are one machine's.
    """
    found: list[dict[str, str]] = []
    machines: dict[tuple[str, ...], str] = {}
    sockets: dict[str, str] = {}
    for name, connection in sorted(connections.items(), key=lambda item: (item[0] not in ours, item[0])):
        there = endpoint(connection)
        if there is None:
            continue
        same = machines.setdefault(there.machine, name)
        shared = sockets.setdefault(there.socket, name) if there.socket else name
        if same != name or shared != name:
            one = {"host": name, "other": same if same != name else shared}
            one["address"] = "this machine" if connection.plugin in LOCAL else connection.host
            one["socket"] = there.socket if same == name else ""
            found.append(one)
    return found


def check_connections(found: Iterable[Mapping[str, Any]], hosts: Mapping[str, Any], problems: Problems) -> None:
    """Note the collisions among ``hosts``, those that the run is about."""
    ours = [one for one in found if one["host"] in hosts and one["other"] in hosts]
    for shared in (False, True):
        alike = [one for one in ours if bool(one["socket"]) is shared]
        for one in alike[:SHOWN]:
            problems.add(f"hosts.{one['host']}.ansible_host", _socket_shared(one) if shared else _same_machine(one))
        if len(alike) > SHOWN:
            rest = f"{len(alike) - SHOWN} more hosts are reached over the connection of another host"
            problems.add("hosts", f"{rest}; the fix is the same")


def logged_in(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The hosts that Ansible logs in to: neither external edges, nor members behind them."""
    edges = {name: facts for name, facts in hosts.items() if "org_edges" in facts["kinds"]}
    homes: dict[tuple[str, str], list[str]] = {}
    for name, facts in edges.items():
        for cloud in facts["clouds"]:
            homes.setdefault((organization_of(facts), cloud), []).append(name)

    def is_ours(facts: Mapping[str, Any]) -> bool:
        named = facts["vars"].get("vcc_edge")
        near = [edge for cloud in facts["clouds"] for edge in homes.get((organization_of(facts), cloud), [])]
        behind = [edge for edge in (near if named is None else [named]) if edge in edges]
        partners = bool(behind) and all(is_external(edges[edge]["vars"]) for edge in behind)
        return not is_external(facts["vars"]) and not (partners and facts["kinds"] == ["members"])

    return sorted(name for name, facts in hosts.items() if is_ours(facts))


def management(connection: Connection) -> dict[str, list[str]]:
    """The addresses that Ansible reaches a host by, by the variable that says so. Names say nothing here."""
    said = {
        "ansible_host": [connection.host],
        "ansible_ssh_args": _ADDRESSES.findall(connection.before),
        "ansible_ssh_common_args": _ADDRESSES.findall(connection.after),
        "ansible_ssh_extra_args": _ADDRESSES.findall(connection.extra),
    }
    found = {variable: sorted({*filter(None, map(_address, texts))}) for variable, texts in said.items()}
    return {variable: addresses for variable, addresses in found.items() if addresses}


def _same(host: str) -> str:
    """A host's name or address as it is compared: an IPv6 address has many spellings."""
    return _address(host) or host.lower().rstrip(".")


def _hop(text: str) -> str:
    """The same of a jump host, whoever logs in there."""
    match = _HOP.fullmatch(text.strip())
    if match is None:
        return text.strip()
    port = match["port"] or "22"
    return f"{_same(match['six'] or match['host'])} {port}"


def _address(text: str) -> str:
    """The address in its one spelling, without the scope that is this controller's; empty if it is none."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def _same_machine(one: Mapping[str, Any]) -> str:
    return (
        f"{one['address']} is reached over the same connection as {one['other']}: by its address and jump, one machine "
        f"has two names; give each host its own ansible_host, or the jump that leads to it, {_FIX}"
    )


def _socket_shared(one: Mapping[str, Any]) -> str:
    return (
        f"{one['address']} is reached over the same connection as {one['other']}, whatever the jumps are: SSH's "
        f"ControlPath is the same; give each host its own ansible_control_path, {_FIX}"
    )


def _options(connection: Connection) -> dict[str, str]:
    """The options that ssh goes by, names in lower case. Of an option that is given twice, the first counts."""
    found: dict[str, str] = {}
    given = [
        *_words(connection.before),
        ("port", connection.port),
        ("user", connection.user),
        *_words(connection.after),
        *_words(connection.extra),
    ]
    for name, value in given:
        if value:
            found.setdefault(name, value)
    return found


def _words(arguments: str) -> Iterable[tuple[str, str]]:
    words = iter(shlex.split(arguments))
    for word in words:
        if not word.startswith("-") or len(word) < 2:
            continue
        flag, value = word[1], word[2:]
        if flag not in _TAKING:
            continue
        value = value or next(words, "")
        if flag == "o":
            name, _sign, value = re.sub(r"\s*[\s=]\s*", "=", value.strip(), count=1).partition("=")
            yield name.lower(), value.strip('"')
        elif flag in _FLAGS:
            yield _FLAGS[flag], value


def _socket(connection: Connection, options: Mapping[str, str]) -> str:
    """The ControlPath, as far as it tells hosts apart; what the plugin does where the arguments name none."""
    path = options.get("controlpath")
    if path is None and "controlpersist" in options:
        path = connection.control_path or _default(connection)
        path = path.replace("%(directory)s", connection.control_path_dir).replace("%%", "%")
    if path is None or path.lower() == "none":
        return ""
    host, port, user = connection.host, options.get("port", "22"), options.get("user", "")
    tokens = {"h": host, "n": host, "p": port, "r": user, "k": options.get("hostkeyalias", host)}
    tokens["C"] = f"{host} {port} {user}"  # of OpenSSH 9.2; later ones add the ProxyJump
    return re.sub("%([hnprkC])", lambda token: tokens[token[1]], path)


def _default(connection: Connection) -> str:
    # As in Ansible's connection plugin ssh; None where nothing is said.
    words = (connection.host, connection.port or None, connection.user or None)
    return "%(directory)s/" + hashlib.sha1("-".join(map(str, words)).encode()).hexdigest()[:10]
