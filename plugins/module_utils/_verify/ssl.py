# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: is a tunnel of kind ssl up as planned? Planned: the documents. Seen: both ends' OpenVPN sessions.

A tunnel has exactly one session, which both ends have, by the same transport, with one of the planned ciphers; what is
behind the peer at its server is what the links say. All links of a tunnel share its keys and counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._base.prefix import Prefix, collapse
from .finding import ERROR, Finding, few
from .reasons import why

Section = Mapping[str, Any]
Ends = Mapping[str, Section]
Sessions = Mapping[str, list[Section]]
ESTABLISHED = "ESTABLISHED"


def judge_session(name: str, ends: Ends, observed: Mapping[str, Section]) -> tuple[list[dict[str, Any]], list[Finding]]:
    """One record per link of the tunnel ``name``, and what is wrong with it. Ends not observed are skipped."""
    seen = {
        node: [session for session in observed[node].get("sessions", []) if session["tunnel"] == name]
        for node in ends
        if node in observed
    }
    up = {node: [session for session in found if session["state"] == ESTABLISHED] for node, found in seen.items()}
    findings = list(_judge(name, ends, seen, up, why(ends, observed, name)))
    vpns = list(dict.fromkeys(link["vpn"] for end in ends.values() for link in end["links"]))
    links = [_record(name, vpn, ends, up) for vpn in vpns]
    for link in links:
        lines = {node: observed[node].get("reasons", {}).get(name, []) for node in seen}
        down = link["state"] != "INSTALLED"
        link["reasons"] = {node: [dict(line) for line in said] for node, said in lines.items() if said and down}
    return links, findings


def unplanned_sessions(observed: Mapping[str, Section]) -> Iterator[Finding]:
    """Peers that an edge's servers have let in although no tunnel of its document says so."""
    for node, state in sorted(observed.items()):
        peers = sorted({session["peer"] for session in state.get("sessions", []) if _odd(session)})
        if peers:
            look = f"/etc/openvpn/intercloud-vpn/peers on {node}; run create_vpn to repair it"
            yield Finding(ERROR, node, "no sessions but those of its tunnels", f"a session with {few(peers)}", look)


def _judge(name: str, ends: Ends, seen: Sessions, up: Sessions, because: str) -> Iterator[Finding]:
    subject = f"tunnel {name}"
    logs = f"journalctl -u 'intercloud-vpn-ssl@*' -n 50 on {' and '.join(sorted(ends))}"
    wrong = {node: _states(seen[node]) for node, found in up.items() if len(found) != 1}
    if wrong:
        states = ", ".join(f"{node}: {text}" for node, text in sorted(wrong.items()))
        ports = {transport: port for end in ends.values() for transport, port in end["ssl"]["ports"].items()}
        where = " and ".join(sorted(str(end["remote_address"]) for end in ends.values()))
        opened = " and ".join(f"{transport.upper()} {port}" for transport, port in sorted(ports.items(), reverse=True))
        seen_as = f"{states}. {because}" if because else states
        yield Finding(ERROR, subject, "one ESTABLISHED session", seen_as, f"{logs}; {opened} between {where}")
        return
    for node, (session,) in up.items():
        planned = ends[node]["ssl"]
        for key, among in (("cipher", "ciphers"), ("suite", "suites"), ("group", "groups")):
            # OpenVPN notes it once, and keeps its last 500 lines: some 100 questions later, a client has forgotten all
            # three, and a server all but the cipher, which is in its list of clients. What nobody knows any more is one
            # of those that both ends' configurations allow.
            known = session[key] or (key == "cipher" and not ends[node]["initiator"])
            if known and session[key] not in planned[among]:
                yield Finding(ERROR, subject, f"{key} {' or '.join(planned[among])}", f"{node}: {session[key]}", logs)
        expected = _prefixes(text for link in ends[node]["links"] for text in link["remote_ts"])
        if _prefixes(session["networks"]) != expected:
            behind = f"{node}: {few(session['networks']) or 'nothing'}"
            look = f"/etc/openvpn/intercloud-vpn/peers on {node}; run create_vpn to repair it"
            yield Finding(ERROR, subject, f"{few(sorted(expected))} behind {session['peer']}", behind, look)
    if len(up) == 2:
        one, other = ((session["transport"], session["cipher"]) for (session,) in up.values())
        if one[0] != other[0] or (one[1] and other[1] and one[1] != other[1]):
            yield Finding(
                ERROR, subject, "the same session on both ends", f"{'/'.join(one)} and {'/'.join(other)}", logs
            )


def _record(name: str, vpn: str, ends: Ends, up: Sessions) -> dict[str, Any]:
    """The link's part of the result, as that of an IPsec link. `state` is INSTALLED if both ends carry it."""
    carried = {node: [session for session in found if _carries(session, ends[node], vpn)] for node, found in up.items()}
    if len(up) < len(ends):
        state = "UNKNOWN"
    elif any(len(found) > 1 for found in up.values()):
        state = "DUPLICATE"
    else:
        state = "INSTALLED" if all(carried.values()) else "DOWN"
    every = [session for found in up.values() for session in found]
    control = next((session for session in every if session["suite"]), None)
    return {
        "vpn": vpn,
        "tunnel": name,
        "kind": "ssl",
        "state": state,
        "transport": every[0]["transport"] if every else None,
        "spis": {},
        "algorithms": {
            "ike": f"{control['suite']}/{control['group']}" if control else None,
            "esp": next((session["cipher"] for session in every if session["cipher"]), None),
        },
        "bytes": {node: {"in": s["bytes_in"], "out": s["bytes_out"]} for node, found in up.items() for s in found[:1]},
        "packets": {},
        "encapsulated": {},
        "mtu": min(link["mtu"] for end in ends.values() for link in end["links"] if link["vpn"] == vpn),
    }


def _odd(session: Section) -> bool:
    return not session["tunnel"] and session["state"] == ESTABLISHED


def _carries(session: Section, end: Section, vpn: str) -> bool:
    within = [Prefix.parse(text) for text in session["networks"]]
    wanted = [Prefix.parse(text) for link in end["links"] if link["vpn"] == vpn for text in link["remote_ts"]]
    return all(any(network.contains(prefix) for network in within) for prefix in wanted)


def _prefixes(texts: Iterable[str]) -> set[str]:
    """As the smallest set of prefixes, in one spelling."""
    every = [Prefix.parse(text) for text in texts]
    return {str(prefix) for family in (4, 6) for prefix in collapse([p for p in every if p.family == family])}


def _states(sessions: list[Section]) -> str:
    return " + ".join(sorted(str(session["state"]) for session in sessions)) or "none"
