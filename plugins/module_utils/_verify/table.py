# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: the result as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .._base.text_table import WIDTH, columns, cut, wrapped
from .._partner.settings import pointer
from .finding import ERROR, Result
from .probes import Plan
from .records import Records, by_vpn
from .usage import usage_lines
from .ways import bare
from .which_pairs import by_site

Section = Mapping[str, Any]
MATRIX = 12  # members; beyond, nobody reads it
LISTED = 50  # members, and links; of more, those are listed that something is wrong with
KINDS = {
    "stranger": "from non-members",
    "unleased": "to unused addresses",
    "reply": "to non-members",
    "closed": "to closed ports",
    "forbidden": "that no rule allows",
    "backward": "from destinations",
    "nosy": "for names, from non-members",
    "outside": "to ports published for others",
}


def table(result: Result, plan: Plan) -> str:
    """The result as text of at most 110 columns."""
    lines: list[str] = []
    for vpn, records in by_vpn(result, plan):
        lines += [*_vpn(vpn, records), ""]
    external = {link["tunnel"]: link["external"] for link in result.links if link.get("external")}
    partners = {link["tunnel"]: link["partner"] for link in result.links if link.get("partner")}
    for tunnel, one in sorted(partners.items()):
        address = f"is {one['address']} since {one['since']}" if one["address"] else "has no address"
        lines += [*wrapped("partner: ", f"{tunnel}: {one['name']} {address}"), ""]
    sessions = {link["tunnel"]: link["bgp"] for link in result.links if link.get("bgp")}
    for tunnel, session in sorted(sessions.items()):
        heard = f"{len(session.get('accepted', []))} prefixes heard, {session.get('refused_count', 0)} refused"
        lines += [*wrapped("BGP:     ", f"{tunnel}: {session['state']} with {session['peer']}, {heard}"), ""]
    for tunnel, edge in sorted(external.items()):
        lines += [*wrapped("ext:     ", pointer(tunnel, edge)), ""]
    return "\n".join([*lines, *_findings(result)])


def _vpn(vpn: Section, records: Records) -> Iterator[str]:
    head = f"VPN {vpn['name']} ({vpn['organization']}, number {vpn['number']}): {', '.join(vpn['blocks'])}"
    yield cut(head)
    yield "=" * min(len(head), WIDTH)
    yield from _members(vpn)
    yield from _links(records.links)
    if len(vpn["members"]) <= MATRIX:
        yield from _matrix([str(member["name"]) for member in vpn["members"]], _cells(vpn, records))
    yield from _summary(records, vpn)
    if records.ports:
        answered = sum(probe["reachable"] for probe in records.ports)
        yield f"ports:   {answered} of {len(records.ports)} that are allowed answer"
    if records.names:
        answered = sum(probe["reachable"] for probe in records.names)
        yield f"names:   {answered} of {len(records.names)} questions of members get the right answer"
    yield from map(cut, usage_lines(records.usage))
    yield from _negative(records.negative)


def _members(vpn: Section) -> Iterator[str]:
    """Each; of many, how many there are at each edge."""
    members = vpn["members"]
    if len(members) <= LISTED:
        rows = [
            [m["name"], bare(m["address"]), m.get("cloud") or "", m["site"], m.get("vapp") or "-", _mode(m)]
            for m in members
        ]
        yield from columns(["member", "address", "cloud", "edge", "vApp", "mode"], rows)
    else:
        yield from wrapped("at:      ", ", ".join(f"{site} {len(here)}" for site, here in by_site(members).items()))
    yield ""


def _mode(member: Section) -> str:
    return "external" if member.get("external") else str(member.get("mode") or "")


def _links(links: Sequence[Section]) -> Iterator[str]:
    if not links:
        return
    rows, listed = [], links if len(links) <= LISTED else [link for link in links if not link["up"]]
    for link in listed:
        total = sum(end.get("out", 0) for end in link["bytes"].values())
        idle = "STANDBY" if "lane" in link else "NO TRAFFIC"
        state = link["state"] if link["up"] or link["state"] != "INSTALLED" else idle
        algorithms = link["algorithms"]
        tunnel = link["tunnel"] + (f" ({link['link']})" if "link" in link else "")
        rows.append([tunnel, state, algorithms["ike"] or "-", algorithms["esp"] or "-", _amount(total)])
    ssl = links[0].get("kind") == "ssl"  # of a VPN, all are of the same
    if rows:
        yield from columns(["tunnel", "link", *(("TLS", "data") if ssl else ("IKE_SA", "CHILD_SA")), "sent"], rows)
        yield ""
    if len(listed) < len(links):
        yield f"links:   {sum(link['up'] for link in links)} of {len(links)} are up"


def _cells(vpn: Section, records: Records) -> Mapping[tuple[str, str], str]:
    """Who reaches whom. Where rules say so, by a TCP port, or not at all (-)."""
    cells: dict[tuple[str, str], str] = {}
    if "allow" in vpn:
        names = [str(member["name"]) for member in vpn["members"]]
        cells = {(src, dst): "-" for src in names for dst in names}
        asked = [probe for probe in records.ports if (probe["src"], probe["dst"]) in cells]
        cells.update({(one["src"], one["dst"]): "tcp" if one["reachable"] else _cell(one) for one in asked})
    return {**cells, **{(pair["src"], pair["dst"]): _cell(pair) for pair in records.pairs}}


def _matrix(names: Sequence[str], cells: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Who reaches whom, with round-trip times in milliseconds; columns by name where they fit, else by number."""
    first = max(map(len, names), default=0) + 4
    wide = first + sum(max(len(name), 6) + 2 for name in names) <= WIDTH
    titles = list(names) if wide else [str(number) for number in range(1, len(names) + 1)]
    labels = list(names) if wide else [f"{number} {name}" for number, name in enumerate(names, 1)]
    rows = [
        [label, *("." if src == dst else cells.get((src, dst), "?") for dst in names)]
        for label, src in zip(labels, names)
    ]
    yield from columns(["ms from \\ to", *titles], rows)
    yield ""


def _cell(pair: Section) -> str:
    if pair["reachable"] is None:
        return "ext"
    if not pair["probed"]:
        return "?"
    if not pair["reachable"]:
        return "DOWN"
    return f"{pair['rtt_ms']:.3g}" if pair["rtt_ms"] is not None else "up"


def _summary(records: Records, vpn: Section) -> Iterator[str]:
    edges = records.edges
    external = [pair for pair in records.pairs if pair["reachable"] is None]
    pairs = [pair for pair in records.pairs if pair["reachable"] is not None]
    up = [pair for pair in pairs if pair["reachable"]]
    full = [pair for pair in up if pair["mtu_ok"] is not None]
    there = len(vpn["members"]) * (len(vpn["members"]) - 1)
    sample = "" if len(records.pairs) == there else f" that were probed, of {there}; vcc_verify: all probes them all"
    if "allow" in vpn:
        sample = f" that may ping and were probed, of {there}"
    yield f"members: {len(up)} of {len(pairs)} ordered pairs answer{sample}"
    if len(up) < len(pairs):
        lost = [f"{pair['src']} -> {pair['dst']}" for pair in pairs if not pair["reachable"]]
        yield cut("         not: " + ", ".join(lost))
    if external:
        sources = ", ".join(sorted({pair["src"] for pair in external}))
        yield cut(f"ext:     {len(external)} ordered pairs begin at an external member, not probed: {sources}")
    if full:
        sizes = sorted({pair["mtu"] for pair in full})
        passed = sum(pair["mtu_ok"] for pair in full)
        yield f"packets: {passed} of {len(full)} of full size pass ({', '.join(map(str, sizes))} octets)"
    if edges:
        yield f"edges:   {sum(edge['reachable'] for edge in edges)} of {len(edges)} answer at their VPN address"


def _negative(probes: Sequence[Section]) -> Iterator[str]:
    if not probes:
        return
    good = sum(probe["ok"] for probe in probes)
    parts = [
        f"{sum(probe['kind'] == kind for probe in probes)} {text}"
        for kind, text in KINDS.items()
        if any(probe["kind"] == kind for probe in probes)
    ]
    yield from wrapped("closed:  ", f"{good} of {len(probes)} forbidden probes unanswered: {', '.join(parts)}")


def _findings(result: Result) -> Iterator[str]:
    if not result.findings:
        yield "Everything is as planned."
        return
    errors = sum(finding.severity == ERROR for finding in result.findings)
    yield f"Findings: {errors} errors, {len(result.findings) - errors} warnings"
    yield from findings_lines(map(asdict, result.findings))


def findings_lines(findings: Iterable[Section]) -> Iterator[str]:
    """What is not as planned, each with what was expected, and where to look."""
    for finding in findings:
        yield cut(f"{finding['severity'].upper()}  {finding['subject']}")
        yield from wrapped("  expected  ", finding["expected"])
        yield from wrapped("  seen      ", finding["seen"])
        yield from wrapped("  look at   ", finding["look"])


def _amount(octets: int) -> str:
    for unit in ("B", "KB", "MB"):
        if octets < 10000:
            return f"{octets} {unit}"
        octets //= 1000
    return f"{octets} GB"
