# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: the result, as JSON for machines and as a table for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .._partner.settings import pointer
from .finding import ERROR, Result
from .targets import Plan, bare
from .usage import usage_lines

Section = Mapping[str, Any]
WIDTH = 110  # columns
MATRIX = 12  # members; beyond, nobody reads it
KINDS = {
    "stranger": "from non-members",
    "unleased": "to unused addresses",
    "reply": "to non-members",
    "closed": "to closed ports",
    "backward": "from destinations",
}


def result_json(result: Result, plan: Plan, time: str | None = None) -> dict[str, Any]:
    """The result as plain data. `time` (ISO 8601) is when it was taken."""
    return {
        "ok": result.ok,
        "time": time,
        "vpns": [
            {
                "name": vpn["name"],
                "number": vpn["number"],
                "organization": vpn["organization"],
                "blocks": list(vpn["blocks"]),
                "tunnels": list(vpn["tunnels"]),
                "single_points_of_failure": list(vpn.get("single_points_of_failure", [])),
                "members": [{**member, "address": bare(member["address"])} for member in vpn["members"]],
            }
            for vpn in plan["vpns"]
        ],
        "pairs": [_without(pair, "silent", "sites") for pair in result.pairs],
        "edges": [_without(edge, "silent") for edge in result.edges],
        "ports": [_without(probe, "silent", "sites") for probe in result.ports],
        "links": result.links,
        "usage": [_without(entry, "stops") for entry in result.usage],
        "negative": [_without(probe, "silent") for probe in result.negative],
        "findings": [asdict(finding) for finding in result.findings],
    }


def table(result: Result, plan: Plan) -> str:
    """The result as text of at most 110 columns."""
    lines: list[str] = []
    for vpn in plan["vpns"]:
        lines += [*_vpn(vpn, plan, result), ""]
    external = {link["tunnel"]: link["external"] for link in result.links if link.get("external")}
    for tunnel, edge in sorted(external.items()):
        lines += [*_wrapped("ext:     ", pointer(tunnel, edge)), ""]
    return "\n".join([*lines, *_findings(result)])


def _vpn(vpn: Section, plan: Plan, result: Result) -> Iterator[str]:
    names = {member["name"] for member in vpn["members"]}
    head = f"VPN {vpn['name']} ({vpn['organization']}, number {vpn['number']}): {', '.join(vpn['blocks'])}"
    yield _cut(head)
    yield "=" * min(len(head), WIDTH)
    rows = [
        [m["name"], bare(m["address"]), m.get("cloud") or "", m["site"], m.get("vapp") or "-", _mode(m)]
        for m in vpn["members"]
    ]
    yield from _columns(["member", "address", "cloud", "edge", "vApp", "mode"], rows)
    yield ""
    yield from _links([li for li in result.links if li["vpn"] == vpn["name"] and li["tunnel"] in vpn["tunnels"]])
    # Another organization may have a VPN of this name; its members are others.
    pairs = [pair for pair in result.pairs if pair["vpn"] == vpn["name"] and pair["src"] in names]
    edges = [edge for edge in result.edges if edge["vpn"] == vpn["name"] and edge["src"] in names]
    if len(vpn["members"]) <= MATRIX:
        yield from _matrix([str(member["name"]) for member in vpn["members"]], pairs)
    yield from _summary(pairs, edges)
    ports = [probe for probe in result.ports if probe["vpn"] == vpn["name"] and probe["src"] in names]
    if ports:
        yield f"ports:   {sum(probe['reachable'] for probe in ports)} of {len(ports)} that are allowed answer"
    sites = {*vpn.get("sites", {}), *(member["site"] for member in vpn["members"])}
    inside = names | {vm["name"] for vm in plan["members"] if vm["site"] in sites}
    yield from map(_cut, usage_lines([u for u in result.usage if u["vpn"] == vpn["name"] and u["edge"] in sites]))
    yield from _negative([p for p in result.negative if p["vpn"] == vpn["name"] and p["src"] in inside])


def _mode(member: Section) -> str:
    return "external" if member.get("external") else str(member.get("mode") or "")


def _links(links: Sequence[Section]) -> Iterator[str]:
    if not links:
        return
    rows = []
    for link in links:
        total = sum(end.get("out", 0) for end in link["bytes"].values())
        state = link["state"] if link["up"] or link["state"] != "INSTALLED" else "NO TRAFFIC"
        algorithms = link["algorithms"]
        rows.append([link["tunnel"], state, algorithms["ike"] or "-", algorithms["esp"] or "-", _amount(total)])
    ssl = links[0].get("kind") == "ssl"  # of a VPN, all are of the same
    yield from _columns(["tunnel", "link", *(("TLS", "data") if ssl else ("IKE_SA", "CHILD_SA")), "sent"], rows)
    yield ""


def _matrix(names: Sequence[str], pairs: Iterable[Section]) -> Iterator[str]:
    """Who reaches whom, with round-trip times in milliseconds; columns by name where they fit, else by number."""
    cells = {(pair["src"], pair["dst"]): _cell(pair) for pair in pairs}
    first = max(map(len, names), default=0) + 4
    wide = first + sum(max(len(name), 6) + 2 for name in names) <= WIDTH
    titles = list(names) if wide else [str(number) for number in range(1, len(names) + 1)]
    labels = list(names) if wide else [f"{number} {name}" for number, name in enumerate(names, 1)]
    rows = [
        [label, *("." if src == dst else cells.get((src, dst), "?") for dst in names)]
        for label, src in zip(labels, names)
    ]
    yield from _columns(["ms from \\ to", *titles], rows)
    yield ""


def _cell(pair: Section) -> str:
    if pair["reachable"] is None:
        return "ext"
    if not pair["probed"]:
        return "?"
    if not pair["reachable"]:
        return "DOWN"
    return f"{pair['rtt_ms']:.3g}" if pair["rtt_ms"] is not None else "up"


def _summary(pairs: Sequence[Section], edges: Sequence[Section]) -> Iterator[str]:
    external = [pair for pair in pairs if pair["reachable"] is None]
    pairs = [pair for pair in pairs if pair["reachable"] is not None]
    up = [pair for pair in pairs if pair["reachable"]]
    full = [pair for pair in up if pair["mtu_ok"] is not None]
    yield f"members: {len(up)} of {len(pairs)} ordered pairs answer"
    if len(up) < len(pairs):
        lost = [f"{pair['src']} -> {pair['dst']}" for pair in pairs if not pair["reachable"]]
        yield _cut("         not: " + ", ".join(lost))
    if external:
        sources = ", ".join(sorted({pair["src"] for pair in external}))
        yield _cut(f"ext:     {len(external)} ordered pairs begin at an external member, not probed: {sources}")
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
    yield from _wrapped("closed:  ", f"{good} of {len(probes)} forbidden probes unanswered: {', '.join(parts)}")


def _findings(result: Result) -> Iterator[str]:
    if not result.findings:
        yield "Everything is as planned."
        return
    errors = sum(finding.severity == ERROR for finding in result.findings)
    yield f"Findings: {errors} errors, {len(result.findings) - errors} warnings"
    for finding in result.findings:
        yield _cut(f"{finding.severity.upper()}  {finding.subject}")
        yield from _wrapped("  expected  ", finding.expected)
        yield from _wrapped("  seen      ", finding.seen)
        yield from _wrapped("  look at   ", finding.look)


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows under a head, aligned; the widest columns give way if the line is too long."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        widths[widths.index(max(widths))] -= 1
    for row in [head, ["-" * width for width in widths], *rows]:
        yield "  ".join(_cut(cell, width).ljust(width) for cell, width in zip(row, widths)).rstrip()


def _wrapped(label: str, text: str) -> Iterator[str]:
    line = label
    for word in text.split():
        if len(line) + len(word) >= WIDTH and line.strip():
            yield line.rstrip()
            line = " " * len(label)
        line += f"{word} "
    yield _cut(line.rstrip())


def _cut(text: str, width: int = WIDTH) -> str:
    return text if len(text) <= width else f"{text[: width - 2]}.."


def _amount(octets: int) -> str:
    for unit in ("B", "KB", "MB"):
        if octets < 10000:
            return f"{octets} {unit}"
        octets //= 1000
    return f"{octets} GB"


def _without(record: Section, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}
