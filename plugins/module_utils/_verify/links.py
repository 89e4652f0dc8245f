# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: are the tunnels and links up as planned? Planned: the documents. Seen: both ends' security associations.

A tunnel has exactly one ESTABLISHED IKE_SA and each of its links exactly one INSTALLED CHILD_SA, on both ends, with
the same SPIs. What a rekeying leaves for a moment (REKEYED, DELETING ...) is not a fault.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from .._partner.settings import EVERYTHING
from .._plan.compile.reqids import link_name
from .algorithms import agree, negotiated
from .bgp import judge_session as judge_bgp
from .bgp import session
from .finding import ERROR, WARNING, Finding, few
from .reasons import why
from .ssl import judge_session, unplanned_sessions

Section = Mapping[str, Any]
Ends = dict[str, Section]
Judge = Callable[[str, Ends, Mapping[str, Section]], tuple[list[dict[str, Any]], list[Finding]]]
ROUTE_BASED = {"local_ts": EVERYTHING, "remote_ts": EVERYTHING}
ONE_IKE_SA = "one ESTABLISHED IKE_SA"
LEAD = "!"
"""After the name of a link that an edge has a second CHILD_SA for: of equal policies, the newest counts."""
IKE_LEFTOVER = frozenset({"REKEYED", "DELETING", "DESTROYING"})
CHILD_LEFTOVER = frozenset({"REKEYED", "DELETING", "DELETED", "DESTROYING"})


def judge_links(
    documents: Mapping[str, Section], observed: Mapping[str, Section]
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """One record per link, and the findings of all tunnels. Ends that were not observed are skipped.

    A tunnel to an edge that has no document here is another run's to judge.
    """
    links: list[dict[str, Any]] = []
    findings: list[Finding] = []
    tunnels: dict[str, Ends] = {}
    for node in sorted(documents):
        for tunnel in documents[node].get("tunnels", []):
            tunnels.setdefault(tunnel["name"], {})[node] = tunnel
    for name, ends in sorted(tunnels.items()):
        if not all(end["peer"] in documents or end.get("external") for end in ends.values()):
            continue
        kind = next(iter(ends.values())).get("kind", "ipsec")
        records, trouble = JUDGES[kind](name, ends, observed)
        links += records
        findings += trouble
    findings += _unplanned(tunnels, documents, observed)
    findings += unplanned_sessions(observed)
    return links, findings


def _judge_ipsec(name: str, ends: Ends, observed: Mapping[str, Section]) -> tuple[list[dict[str, Any]], list[Finding]]:
    """An IKE_SA and its CHILD_SAs."""
    links: list[dict[str, Any]] = []
    seen = {node: _named(observed[node].get("sas", []), "tunnel", name) for node in ends if node in observed}
    because = why(ends, observed, name)
    findings = list(_judge_tunnel(name, ends, seen, because))
    broken = any(finding.expected == ONE_IKE_SA for finding in findings)
    for link, vpn in _links(ends):
        children = {node: _named(_children(sas), "name", link) for node, sas in seen.items()}
        wanted: Ends = {
            node: {**_link(end, link), **(ROUTE_BASED if end.get("bgp") else {})} for node, end in ends.items()
        }
        record = _record(name, vpn, link, ends, seen, children)
        record["reasons"] = _reasons(name, ends, observed) if record["state"] != "INSTALLED" else {}
        record.update({"lane": True} if any("hello" in end for end in ends.values()) else {})
        links.append(record)
        partner = _partner(name, ends, observed)
        record.update({"partner": partner} if partner else {})
        bgp = session(name, ends, observed)
        record.update({"bgp": bgp} if bgp else {})
        if not broken:
            findings += _judge_link(name, link, wanted, children, because)
    findings += _judge_partner(name, ends, observed)
    # Where the tunnel is down, that says it all.
    findings += judge_bgp(name, ends, observed) if links and links[0]["state"] == "INSTALLED" else []
    return links, findings


JUDGES: Mapping[str, Judge] = {"ipsec": _judge_ipsec, "ssl": judge_session}
"""How the tunnels of each kind are judged: one record per link, and findings."""


def _judge_tunnel(name: str, ends: Ends, seen: Mapping[str, list[Section]], because: str) -> Iterator[Finding]:
    subject = f"tunnel {name}"
    logs = f"swanctl --list-sas --ike {name}, journalctl -u strongswan -n 50 on {' and '.join(sorted(ends))}"
    external = _external(ends)
    if external:
        logs += (
            f"; whether {external} has the same key, and what this shows: ansible-playbook "
            f"intercloud.vpn.external_settings -e vcc_external_edge={external}"
        )
    current = {node: _current(sas, "ESTABLISHED", IKE_LEFTOVER) for node, sas in seen.items()}
    wrong = {node: _states(seen[node]) for node, sas in current.items() if len(sas) != 1}
    if wrong:
        look = f"{logs}; UDP 500 and 4500 between {_addresses(ends)}"
        yield Finding(ERROR, subject, ONE_IKE_SA, _because(_per_node(wrong), because), look)
        return
    for node, (sa,) in current.items():
        planned = ends[node]
        if not agree(planned["ike"]["proposals"], sa, ike=True):
            expected = f"IKE {' or '.join(planned['ike']['proposals'])}"
            yield Finding(ERROR, subject, expected, f"{node}: {negotiated(sa)}", f"swanctl --list-conns on {node}")
        if planned["ike"].get("ppk") and not sa.get("ppk"):
            yield Finding(
                ERROR,
                subject,
                "a PPK in its keys (RFC 8784)",
                f"{node}: none",
                f"ansible-playbook intercloud.vpn.create_vpn; {logs}",
            )
        for key in ("local_id", "remote_id"):
            if sa.get(key) and sa[key] != planned[key]:
                yield Finding(ERROR, subject, f"{key} {planned[key]}", f"{node}: {sa[key]}", f"certificates of {name}")
    if len(seen) == 2:
        one, other = ({(sa.get("spi_initiator"), sa.get("spi_responder")) for sa in sas} for sas in seen.values())
        if not one & other:
            yield Finding(ERROR, subject, "the same IKE_SA on both ends", "different SPIs", logs)


def _judge_link(
    name: str, link: str, wanted: Ends, children: Mapping[str, list[Section]], because: str
) -> Iterator[Finding]:
    subject = f"link {link} in {name}"
    logs = f"swanctl --list-sas --ike {name}, journalctl -u strongswan -n 50 on {' and '.join(sorted(wanted))}"
    current = {node: _current(sas, "INSTALLED", CHILD_LEFTOVER) for node, sas in children.items()}
    wrong = {node: _states(children[node]) for node, sas in current.items() if len(sas) != 1}
    if wrong:
        yield Finding(ERROR, subject, "one INSTALLED CHILD_SA", _because(_per_node(wrong), because), logs)
        return
    for node, (child,) in current.items():
        planned = wanted[node]
        if not agree(planned["esp"]["proposals"], child, ike=False):
            expected = f"ESP {' or '.join(planned['esp']['proposals'])}"
            yield Finding(ERROR, subject, expected, f"{node}: {negotiated(child)}", f"swanctl --list-conns on {node}")
        for key in ("local_ts", "remote_ts"):
            if _prefixes(child.get(key, [])) != _prefixes(planned[key]):
                seen = f"{node}: {few(sorted(child.get(key, [])))}"
                yield Finding(ERROR, subject, f"{key} {few(planned[key])}", seen, f"swanctl --list-conns on {node}")
    if len(children) == 2:
        one, other = children.values()
        inward = {(child.get("spi_in"), child.get("spi_out")) for child in one}
        outward = {(child.get("spi_out"), child.get("spi_in")) for child in other}
        if not inward & outward:
            yield Finding(ERROR, subject, "the same CHILD_SA on both ends", "different SPIs", logs)


def _unplanned(
    tunnels: Mapping[str, Ends], documents: Mapping[str, Section], observed: Mapping[str, Section]
) -> Iterator[Finding]:
    """What is up between two of our edges although no plan says so."""
    for node, state in sorted(observed.items()):
        for sa in state.get("sas", []):
            ends = tunnels.get(sa["tunnel"], {})
            ours = node in ends or set(sa["tunnel"].split("--")) & set(documents)
            if not ours or sa.get("state") in IKE_LEFTOVER:
                continue
            planned = [link for link, _vpn in _links({node: ends[node]})] if node in ends else []
            extra = sorted({c["name"] for c in _current(sa.get("children", []), "INSTALLED", CHILD_LEFTOVER)})
            extra = [link for link in extra if link not in planned and not _is_lead(link, ends.get(node, {}))]
            look = f"swanctl --list-conns on {node}; ansible-playbook intercloud.vpn.create_vpn repairs it"
            if node not in ends:
                yield Finding(ERROR, f"tunnel {sa['tunnel']}", "no such tunnel", f"{node}: {sa.get('state')}", look)
            elif extra:
                yield Finding(ERROR, f"tunnel {sa['tunnel']}", "no such link", f"{node}: {few(extra)}", look)


def _is_lead(child: str, tunnel: Section) -> bool:
    """Whether a CHILD_SA is how an edge in user space says that the tunnel is the one in use, of those to a pair."""
    link, mark, _number = child.partition(LEAD)
    return bool(mark) and "hello" in tunnel and bool(_link(tunnel, link))


def _partner(name: str, ends: Ends, observed: Mapping[str, Section]) -> dict[str, Any]:
    """Of a partner that is found by name: name, address and since when (ISO 8601, UTC), as our end knows them."""
    for node in ends:
        found = (observed.get(node) or {}).get("partners", {}).get(name)
        if found:
            since = found.get("since")
            when = datetime.fromtimestamp(since, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if since else None
            return {"name": found["name"], "address": found.get("address"), "since": when}
    return {}


def _judge_partner(name: str, ends: Ends, observed: Mapping[str, Section]) -> Iterator[Finding]:
    """An address that is still used although no server confirms it, or that is not known at all."""
    for node in ends:
        found = (observed.get(node) or {}).get("partners", {}).get(name)
        if found and (found.get("error") or not found.get("address")):
            partner = _partner(name, ends, observed)
            used = f"; {partner['address']} is used, known since {partner['since']}" if partner["address"] else ""
            seen = f"{node}: {found.get('error') or 'not asked yet'}{used}"
            look = f"/etc/resolv.conf on {node}, and the zone of {partner['name']}"
            severity = WARNING if partner["address"] else ERROR
            yield Finding(severity, f"tunnel {name}", f"{partner['name']} has an address", seen, look)


def _record(
    name: str, vpn: str, link: str, ends: Ends, seen: Mapping[str, list[Section]], children: Mapping[str, list[Section]]
) -> dict[str, Any]:
    """The link's part of the result. `state` is INSTALLED if it is so on both ends; `link` names one of those who
    moved."""
    up = {node: _current(sas, "INSTALLED", CHILD_LEFTOVER) for node, sas in children.items()}
    sas = {node: _current(sas, "ESTABLISHED", IKE_LEFTOVER) for node, sas in seen.items()}
    if len(seen) < len(ends):
        state = "UNKNOWN"
    elif any(len(found) > 1 for found in up.values()):
        state = "DUPLICATE"
    else:
        state = "INSTALLED" if all(up.values()) else "DOWN"
    first_ike = next((found[0] for found in sas.values() if found), None)
    first_esp = next((found[0] for found in up.values() if found), None)
    return {
        "vpn": vpn,
        **({} if link == vpn else {"link": link}),
        "tunnel": name,
        **({"external": _external(ends)} if _external(ends) else {}),
        "state": state,
        "spis": {node: _pick(found, spi_in="in", spi_out="out") for node, found in up.items()},
        "algorithms": {
            "ike": str(negotiated(first_ike)) if first_ike else None,
            "esp": str(negotiated(first_esp)) if first_esp else None,
        },
        **_ppk(ends, sas),
        "bytes": {node: _pick(found, bytes_in="in", bytes_out="out") for node, found in up.items()},
        "packets": {node: _pick(found, packets_in="in", packets_out="out") for node, found in up.items()},
        "installed_seconds": {node: found[0].get("installed_seconds") for node, found in up.items() if found},
        "encapsulated": {node: found[0].get("encapsulated") for node, found in up.items() if found},
        "mtu": min(_link(end, link)["mtu"] for end in ends.values() if _link(end, link)),
    }


def _ppk(ends: Ends, sas: Mapping[str, list[Section]]) -> dict[str, Any]:
    """Where a PPK is required: whether it is part of the keys at the ends that were observed."""
    wanted = any(end["ike"].get("ppk") for end in ends.values())
    used = [bool(found and found[0].get("ppk")) for found in sas.values()]
    return {"ppk": bool(used) and all(used)} if wanted else {}


def _reasons(name: str, ends: Ends, observed: Mapping[str, Section]) -> dict[str, list[dict[str, Any]]]:
    """What charon logged of the tunnel's last attempt that failed, at each end that did."""
    said = {node: observed[node].get("reasons", {}).get(name, []) for node in ends if node in observed}
    return {node: [dict(line) for line in lines] for node, lines in said.items() if lines}


def _because(states: str, because: str) -> str:
    return f"{states}. {because}" if because else states


def _pick(found: list[Section], **keys: str) -> dict[str, Any]:
    return {new: found[0].get(old) for old, new in keys.items()} if found else {}


def _current(sas: Iterable[Section], up: str, leftover: frozenset[str]) -> list[Section]:
    """Those that count: up, or, while none is, being rekeyed (it works until its successor is there)."""
    living = [sa for sa in sas if sa.get("state") not in leftover]
    return [sa for sa in living if sa.get("state") == up] or [sa for sa in living if sa.get("state") == "REKEYING"]


def _named(sas: Iterable[Section], key: str, name: str) -> list[Section]:
    return [sa for sa in sas if sa.get(key) == name]


def _children(sas: Iterable[Section]) -> list[Section]:
    return [child for sa in sas for child in sa.get("children", [])]


def _links(ends: Ends) -> list[tuple[str, str]]:
    """The names of a tunnel's links, each with its VPN's."""
    return sorted({(link_name(link), link["vpn"]) for tunnel in ends.values() for link in tunnel["links"]})


def _link(tunnel: Section, name: str) -> Section:
    return next((link for link in tunnel["links"] if link_name(link) == name), {})


def _states(sas: list[Section]) -> str:
    return " + ".join(sorted(str(sa.get("state")) for sa in sas)) or "none"


def _per_node(texts: Mapping[str, str]) -> str:
    return ", ".join(f"{node}: {text}" for node, text in sorted(texts.items()))


def _addresses(ends: Ends) -> str:
    """Where the ends reach each other; their own addresses may be others, behind a NAT."""
    found = {str(tunnel["remote_address"]) for tunnel in ends.values()}
    # Where an external edge reaches ours, no document of its own says.
    found |= {str(tunnel["public_address"]) for tunnel in ends.values() if tunnel.get("external")}
    return " and ".join(sorted(found))


def _external(ends: Ends) -> str | None:
    """The external edge at the other end of a tunnel, if there is one. Its end cannot be observed."""
    return next((str(tunnel["peer"]) for tunnel in ends.values() if tunnel.get("external")), None)


def _prefixes(texts: Iterable[str]) -> set[str]:
    """Selectors as the smallest set of prefixes: both sides may cut the same addresses differently."""
    plain = [ipaddress.ip_network(text, strict=False) for text in texts if "[" not in text and ".." not in text]
    four = [network for network in plain if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in plain if isinstance(network, ipaddress.IPv6Network)]
    odd = {text for text in texts if "[" in text or ".." in text}  # with a port, or a range: never planned
    return (
        odd | {str(n) for n in ipaddress.collapse_addresses(four)} | {str(n) for n in ipaddress.collapse_addresses(six)}
    )
