# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: what came of the probes. "Up" means that packets came back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from .finding import ERROR, WARNING, Finding, Result, few, known
from .names import judge_names
from .recorder import NOT_PROBED
from .usage import stopped

Section = Mapping[str, Any]
SETTLED = 60  # seconds
Ends = Collection[tuple[str, str]]
Droppers = Mapping[str, Collection[Section]]
Down = Collection[tuple[str, str]]
"""(VPN, tunnel) of the links that are not up at both ends."""


def judge_probes(
    result: Result, droppers: Droppers, after: Ends | None = None, limited: Collection[str] = ()
) -> Iterator[Finding]:
    """The findings of all the probes that were filed; marks the links that packets came back over.

    ``droppers``: by node, the chains of others that may drop members' packets. ``after``: the ends of links, as VPN and
    edge, that were looked at after packets had passed; None for all of them. ``limited``: VPNs whose members may not
    ping each other as they like.
    """
    down = {(link["vpn"], link["tunnel"]) for link in result.links if link["state"] in ("DOWN", "UNKNOWN")}
    yield from _judge_sending([*result.pairs, *result.edges, *result.ports, *result.names, *result.negative])
    # What a used-up quota stops is its finding, and no fault of the tunnel's.
    yield from _judge_pairs([pair for pair in result.pairs if not _spent(pair, result)], down, droppers)
    yield from _judge_applications(result.pairs)
    yield from _judge_edges([edge for edge in result.edges if not _spent(edge, result)], down, droppers)
    yield from _judge_ports([port for port in result.ports if not _spent(port, result)], result.pairs, down)
    yield from judge_names(result.names)  # asked within a site: no quota counts it
    yield from _judge_negative(result.negative)
    used = _mark_links(result, limited)
    yield from _judge_own_traffic([link for link in result.links if (link["vpn"], link["tunnel"]) in used], after)


def _spent(probe: Section, result: Result) -> bool:
    return not probe["reachable"] and stopped(probe, result.usage)


def _judge_sending(probes: Iterable[Section]) -> Iterator[Finding]:
    """A probe that could not be made proves nothing. A host that did not answer at all is somebody else's finding."""
    unsent: dict[tuple[str, str, str], list[Section]] = {}
    for probe in probes:
        if not probe["probed"] and not probe["silent"]:
            unsent.setdefault((probe["vpn"], probe["src"], str(probe["reason"])), []).append(probe)
    for (vpn, src, reason), group in sorted(unsent.items()):
        to = few(str(probe["dst"] or probe["address"]) for probe in group)
        look = f"ip address, ping on {src}; the plan may be newer than what is applied"
        yield Finding(ERROR, f"{vpn}: {src}", f"probes to {to} can be sent", reason, look)


def _judge_applications(pairs: Iterable[Section]) -> Iterator[Finding]:
    """What answers a probe from the VPN address, and does not answer applications, which bind none."""
    cut: dict[tuple[str, str, str], list[Section]] = {}
    for pair in pairs:
        if pair["application_ok"] is False:
            cut.setdefault((pair["vpn"], pair["src"], str(pair["application_reason"])), []).append(pair)
    for (vpn, src, reason), group in sorted(cut.items()):
        seen = f"to {few(str(pair['dst']) for pair in group)}: {reason}"
        look = f"ip rule; ip route get {group[0]['address']} on {src}: other software may have added a rule"
        yield Finding(ERROR, f"{vpn}: {src}", "applications reach what probes reach", seen, look)


def _blocked(pairs: Iterable[Section], droppers: Droppers) -> str:
    """Chains of others, on the way of packets that got no answer, that may have dropped them."""
    found = dict.fromkeys(
        f"on {node}, chain {one['chain']} ({one['hook']}) {one['how']}"
        for pair in pairs
        for node, one in _dropping(pair, droppers)
    )
    return few(found)


def _dropping(pair: Section, droppers: Droppers) -> Iterator[tuple[str, Section]]:
    """The nodes on a pair's way, with the chains of others there that may have dropped its packets."""
    blind = "ip" if ":" in pair["address"] else "ip6"  # chains that never see its packets
    for node, hooks in _hooks(pair):
        for one in droppers.get(node, ()):
            if one["hook"] in hooks and one["chain"].split()[0] != blind:
                yield node, one


def _hooks(pair: Section) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The nodes that a pair's packets pass, and by which hooks of their firewalls."""
    always = ("ingress", "prerouting", "postrouting", "egress")
    ends = (*always, "input", "output")
    yield from ((str(pair[end]), ends) for end in ("src", "dst"))
    yield from ((node, (*always, "forward")) for node in pair["via"])


def _judge_pairs(pairs: Iterable[Section], down: Down, droppers: Droppers) -> Iterator[Finding]:
    """One finding per VPN and pair of sites; a broken link, which may break many of those, is one fault."""
    listed = list(pairs)
    quiet = {str(pair["src"]) for pair in listed if pair["silent"] and pair["reason"] != NOT_PROBED}
    for (vpn, what, *broken), group in _grouped(listed, down).items():
        subject = f"{vpn}: {what}"
        sent = [pair for pair in group if not pair["silent"]]
        look = f"tunnel {few(broken)} first" if broken else f"routes and rules on {few(group[0]['via'])}"
        dead = [pair for pair in sent if pair["probed"] and not pair["reachable"]]
        if dead:
            why = next((f" ({pair['reason']})" for pair in dead if pair["reason"]), "")
            seen = f"no answer in {len(dead)} of {len(group)}: {few(map(_arrow, dead))}{why}"
            blocked = "" if broken else _blocked(dead, droppers)
            seen += f"; {blocked}" if blocked else ""
            causes = () if broken else known({str(pair["dst"])} & quiet or _causes(pair, droppers) for pair in dead)
            yield Finding(ERROR, subject, "every member answers", seen, look, causes)
        small = [pair for pair in sent if pair["reachable"] and pair["mtu_ok"] is False]
        if small:
            why = next((f" ({pair['mtu_reason']})" for pair in small if pair["mtu_reason"]), "")
            seen = f"lost in {len(small)} of {len(group)}: {few(map(_arrow, small))}{why}"
            expected = f"packets of {small[0]['mtu']} octets pass, or a gateway reports the largest size that does"
            look = f"ip link (the tunnel's device), ping -M do to the peer on {few(small[0]['via'])}"
            yield Finding(ERROR, subject, expected, seen + _fitting(small), _underlay(small) or look)
        lossy = [pair for pair in sent if pair["reachable"] and pair["loss"]]
        if lossy:
            seen = f"{max(pair['loss'] for pair in lossy):g} % lost: {few(map(_arrow, lossy))}"
            yield Finding(WARNING, subject, "no loss", seen, "the network below the tunnel; verify_vpn again")


def _fitting(pairs: Iterable[Section]) -> str:
    fits = [pair["mtu_fits"] for pair in pairs if pair["mtu_fits"]]
    return f"; packets of {min(fits)} octets pass" if fits else ""


def _underlay(pairs: Iterable[Section]) -> str:
    """What to set so that the path's limit is known."""
    known = [pair for pair in pairs if pair["underlay_mtu"]]
    if not known:
        return ""
    ends = sorted({edge for pair in known for name in pair["tunnels"] for edge in str(name).split("--")[:2]})
    return (
        f"set vcc_underlay_mtu: {min(pair['underlay_mtu'] for pair in known)} for the edge with the narrow path "
        f"({' or '.join(ends)}), and run create_vpn"
    )


def _causes(pair: Section, droppers: Droppers) -> set[str]:
    """Where packets were dropped for sure, or else where they may have been."""
    found = list(_dropping(pair, droppers))
    return {node for node, one in found if one.get("sure")} or {node for node, _one in found}


def _judge_edges(edges: Iterable[Section], down: Down, droppers: Droppers) -> Iterator[Finding]:
    """What leads over a broken tunnel is not said once more: the tunnel has a finding of its own."""
    for edge in edges:
        if any((edge["vpn"], tunnel) in down for tunnel in edge["tunnels"]):
            continue
        subject = f"{edge['vpn']}: {_arrow(edge)}"
        if edge["probed"] and not edge["reachable"]:
            look = f"ip address show lo, nft list table inet intercloud_vpn on {edge['dst']}"
            blocked = _blocked([edge], droppers)
            seen = f"no answer; {blocked}" if blocked else "no answer"
            causes = known([_causes(edge, droppers)])
            yield Finding(ERROR, subject, f"the edge answers at {edge['address']}", seen, look, causes)


def _judge_ports(ports: Iterable[Section], pairs: Iterable[Section], down: Down) -> Iterator[Finding]:
    """One finding per port. Where no member answers either, the tunnel is the fault, and somebody else's finding."""
    pairs = list(pairs)
    broken = {(pair["vpn"], *pair["sites"]) for pair in pairs if pair["probed"]}
    broken -= {(pair["vpn"], *pair["sites"]) for pair in pairs if pair["reachable"]}
    asked: dict[tuple[str, str, int | None], list[Section]] = {}
    for probe in ports:
        if any((probe["vpn"], tunnel) in down for tunnel in probe["over"]):
            continue
        if probe["probed"] and (probe["vpn"], *probe["sites"]) not in broken:
            asked.setdefault((probe["vpn"], probe["dst"], probe["port"]), []).append(probe)
    for (vpn, dst, port), group in sorted(asked.items(), key=lambda item: (*item[0][:2], item[0][2] or 0)):
        dead = [probe for probe in group if not probe["reachable"]]
        if dead:
            why = next((f" ({probe['reason']})" for probe in dead if probe["reason"]), "")
            seen = f"no answer to {few(probe['src'] for probe in dead)}{why}"
            look = f"on {dst}: is it up, does it drop packets itself, is its route back over {group[0]['sites'][1]}"
            what = f"TCP port {port} answers, open or closed" if port else f"{group[0]['address']} answers a ping"
            yield Finding(ERROR, f"{vpn}: {dst}", what, seen, look)


EXPECTED = {
    "closed": "no answer: the port is not allowed",
    "forbidden": "no answer: no rule in allow permits the connection",
    "backward": "no answer: a destination may not open connections to members",
    "stranger": "no answer: the sender is not a member",
    "unleased": "no answer: the address is not leased",
    "nosy": "no answer: only members may ask for names",
    "outside": "no answer: the port is not published for this site",
    "reply": "no reply of a non-member to a VPN address",
}


def _judge_negative(probes: Iterable[Section]) -> Iterator[Finding]:
    for probe in probes:
        subject = f"{probe['vpn']}: {_arrow(probe)}"
        if probe["reachable"]:
            look = "nft list table inet intercloud_vpn on the gateways of both"
            port = f" port {probe['port']}" if probe.get("port") else ""
            yield Finding(ERROR, subject, EXPECTED[probe["kind"]], f"{probe['address']}{port} answered", look)


def _mark_links(result: Result, limited: Collection[str]) -> Down:
    """A link is up if packets came back over it; returns those over which some did.

    Where members may not ping each other as they like, what they ask of edges and ports counts, too; and a link that
    nothing may be asked over is up if it is installed.
    """
    pairs = [(probe, probe["tunnels"]) for probe in result.pairs]
    others = [(probe, probe["tunnels"]) for probe in result.edges] + [(probe, probe["over"]) for probe in result.ports]
    pairs += [(probe, tunnels) for probe, tunnels in others if probe["vpn"] in limited]
    crossed = {(probe["vpn"], tunnel) for probe, tunnels in pairs for tunnel in tunnels}
    # No member is behind a partner's edge that is there for the networks behind it.
    partners = {(link["vpn"], link["tunnel"]) for link in result.links if link.get("external")} - crossed
    pairs += [
        (probe, [one for one in tunnels if (probe["vpn"], one) in partners])
        for probe, tunnels in others
        if probe["vpn"] not in limited
    ]
    asked = {(probe["vpn"], tunnel) for probe, tunnels in pairs for tunnel in tunnels}
    used = {(probe["vpn"], tunnel) for probe, tunnels in pairs if probe["reachable"] for tunnel in tunnels}
    for link in result.links:
        name = link["vpn"], link["tunnel"]
        silent = name not in asked and (link["vpn"] in limited or name in partners)
        link["up"] = link["state"] == "INSTALLED" and (name in used or silent)
    return used


def _judge_own_traffic(links: Iterable[Section], after: Ends | None) -> Iterator[Finding]:
    """A link that packets came back over has counted some. If not, another link carries them, with keys of its own.

    One that was rekeyed a moment ago may have counted none yet. Nor has one of members that moved, if they were not
    asked; nor one to an edge of a pair: each end chooses the lane it sends by.
    """
    for link in links:
        if "link" in link or "lane" in link:
            continue
        ages = link.get("installed_seconds") or {}
        idle = {
            node: f"{count['in']} in, {count['out']} out"
            for node, count in (link.get("packets") or {}).items()
            if count and not (count["in"] and count["out"]) and (ages.get(node) or 0) >= SETTLED
            if after is None or (link["vpn"], node) in after
        }
        if link["up"] and idle:
            seen = "; ".join(f"{node}: {counts} packets" for node, counts in sorted(idle.items()))
            look = f"swanctl --list-sas --ike {link['tunnel']} on {' and '.join(sorted(idle))}: reqid"
            yield Finding(
                ERROR, f"link {link['vpn']} in {link['tunnel']}", "the link carries its VPN's packets", seen, look
            )


def _grouped(pairs: Iterable[Section], down: Down) -> dict[tuple[str, ...], list[Section]]:
    """Pairs by VPN, what they have in common, and the broken tunnels on their way."""
    groups: dict[tuple[str, ...], list[Section]] = {}
    for pair in pairs:
        broken = sorted(tunnel for tunnel in pair["tunnels"] if (pair["vpn"], tunnel) in down)
        way = f"over {few(broken)}" if broken else " to ".join(pair["sites"])
        groups.setdefault((pair["vpn"], way, *broken), []).append(pair)
    return groups


def _arrow(probe: Section) -> str:
    return f"{probe['src']} -> {probe['dst'] or probe['address']}"
