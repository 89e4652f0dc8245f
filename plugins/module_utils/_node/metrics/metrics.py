# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's state, as a monitoring system takes it: docs/metrics.md has the names."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ..document import Document, Generation
from ..lanes.sites import greetings
from ..tunnel_kind import UNKNOWN, UP
from .counters import Counter
from .exposition import Family, Sample, text

# Of a VPN's counters in the firewall's table, by the ends of their names.
WAYS = ("sent", "received", "through", "inside", "outside")


class Seen(NamedTuple):
    """What was seen of a node, which is all plain data.

    `links`: vpn, tunnel, initiator, state. `usage`: see kernel/usage.py. `certificate`: see ipsec/x509.py, None where
    no tunnel needs one. `repairs`: by subsystem. `associations`: tunnel -> number of its IKE_SAs or TLS sessions.
    `bgp`: see bgp/observe.py.
    `lanes`: see lanes/noted.py.
    """

    generation: Generation
    unconfirmed: bool = False
    refusing: bool = False
    damaged: int = 0
    links: Iterable[Document] = ()
    associations: Mapping[str, int] = {}
    counters: Mapping[str, Counter] = {}
    usage: Iterable[Document] = ()
    certificate: Document | None = None
    repairs: Mapping[str, int] = {}
    bgp: Iterable[Document] = ()
    lanes: Mapping[str, Any] = {}


def metrics(seen: Seen, took: float = 0.0, now: float | None = None) -> str:
    """Prometheus text. `took`: the seconds that it took to look; `now`: seconds since 1970."""
    document = seen.generation.document
    node = Sample(1, {key: str(document.get(key, "")) for key in ("node", "organization", "role", "cloud")})
    when = time.time() if now is None else now
    return text(
        [
            Family("node_info", "gauge", "Whose node this is.", [node]),
            Family("generation", "gauge", "The generation that the node runs.", [Sample(_generation(seen))]),
            Family("unconfirmed", "gauge", "1: no run confirmed the generation yet.", [Sample(int(seen.unconfirmed))]),
            Family("refusing", "gauge", "1: no generation can be read.", [Sample(int(seen.refusing))]),
            Family("damaged_files", "gauge", "Stored files that cannot be read.", [Sample(seen.damaged)]),
            *_tunnels(seen),
            *_sessions(seen),
            *_lanes(seen),
            *_traffic(seen),
            *_limits(seen),
            Family("repairs_total", "counter", "What the agent put back.", _by("subsystem", seen.repairs)),
            *_certificate(seen),
            Family("look_timestamp_seconds", "gauge", "When this was seen, Unix time.", [Sample(round(when, 3))]),
            Family("look_duration_seconds", "gauge", "How long it took to look.", [Sample(round(took, 3))]),
        ]
    )


def _generation(seen: Seen) -> int:
    return int(seen.generation.document.get("generation") or 0)


def _tunnels(seen: Seen) -> Iterator[Family]:
    """One sample for each link of the document: one that is down stays visible."""
    tunnels = {str(one["name"]): one for one in seen.generation.document.get("tunnels") or []}
    links, narrowed, unknown = [], [], []
    for link in seen.links:
        tunnel = tunnels.get(str(link["tunnel"]), {})
        labels = {"vpn": str(link["vpn"]), "tunnel": str(link["tunnel"]), "peer": str(tunnel.get("peer", ""))}
        links.append(Sample(int(link["state"] in UP), labels))
        narrowed += [Sample(1, labels)] if link["state"] == "NARROWED" else []
        unknown += [Sample(1, labels)] if link["state"] == UNKNOWN else []
    sessions = [Sample(seen.associations.get(name, 0), {"tunnel": name}) for name in sorted(tunnels)]
    yield Family("link_up", "gauge", "1: the link carries all its addresses.", links)
    yield Family("link_narrowed", "gauge", "1: the peer carries other addresses than the document.", narrowed)
    yield Family("link_unknown", "gauge", "1: the daemon runs and does not answer.", unknown)
    yield Family("security_associations", "gauge", "IKE_SAs or TLS sessions of a tunnel; 1 is right.", sessions)


def _sessions(seen: Seen) -> Iterator[Family]:
    """BGP with partners; nothing where there is none."""
    up, heard = [], []
    for one in seen.bgp:
        labels = {"tunnel": str(one["tunnel"])}
        up.append(Sample(int(one["state"] == "Established"), labels))
        for what in ("accepted", "missing", "refused"):
            count = one.get("refused_count") if what == "refused" else len(one.get(what) or [])
            heard.append(Sample(int(count or 0), {**labels, "what": what}))
    if up:
        yield Family("bgp_session_up", "gauge", "1: the BGP session with a partner is Established.", up)
        yield Family("bgp_prefixes", "gauge", "Prefixes of a partner, by what became of them.", heard)


def _lanes(seen: Seen) -> Iterator[Family]:
    """Of edges that have to do with pairs."""
    edges = {(one.site, one.lane): one.edge for one in greetings(seen.generation)}
    noted = seen.lanes.get("sites") or {}
    alive, used = [], []
    for (site, lane), edge in sorted(edges.items()):
        found = noted.get(site) or {}
        alive.append(Sample(int(lane in (found.get("alive") or ())), {"site": site, "edge": edge}))
        used.append(Sample(int(found.get("lane") == lane), {"site": site, "edge": edge}))
    if edges:
        yield Family("lane_alive", "gauge", "1: an edge of that site was heard a moment ago.", alive)
        yield Family("lane_in_use", "gauge", "1: packets for the site go to that edge of it.", used)
    if seen.generation.pair:
        master = [Sample(int(bool(seen.lanes.get("master"))))]
        yield Family("gateway_held", "gauge", "1: this edge of a pair holds the gateway address.", master)


def _traffic(seen: Seen) -> Iterator[Family]:
    packets, octets = [], []
    for vpn in seen.generation.listed("vpns"):
        for way in WAYS:
            counter = seen.counters.get(f"vpn{vpn.get('number')}_{way}")
            if counter is not None:
                labels = {"vpn": str(vpn["name"]), "way": way}
                packets.append(Sample(counter.packets, labels))
                octets.append(Sample(counter.octets, labels))
    reasons = [name for name in ("refused", "spoofed") if name in seen.counters]
    refused = [Sample(seen.counters[name].packets, {"reason": name}) for name in reasons]
    yield Family("packets_total", "counter", "Packets that passed, since the table was loaded.", packets)
    yield Family("bytes_total", "counter", "Octets of them, without tunnel headers.", octets)
    yield Family("refused_packets_total", "counter", "Packets that no VPN lets through.", refused)


def _limits(seen: Seen) -> Iterator[Family]:
    rates = [
        Sample(octets, {"vpn": str(vpn["name"]), "whose": whose, "way": way})
        for vpn in seen.generation.listed("vpns")
        for whose, ways in (vpn.get("rate") or {}).items()
        for way, octets in ways.items()
    ]
    quotas, used = [], []
    for entry in seen.usage:
        labels = {"vpn": str(entry["vpn"]), "member": str(entry["member"] or ""), "period": str(entry["period"])}
        quotas.append(Sample(entry["octets"], labels))
        used.append(Sample(entry["used"], labels))
    yield Family("rate_bytes_per_second", "gauge", "The rate that a policy allows, in octets.", rates)
    yield Family("quota_bytes", "gauge", "The quota of a period; without a member: of all at this site.", quotas)
    yield Family("quota_used_bytes", "gauge", "How much of it is used.", used)


def _certificate(seen: Seen) -> Iterator[Family]:
    ends, due = (_when(seen, name) for name in ("not_after", "due"))
    yield Family("certificate_not_after_timestamp_seconds", "gauge", "When the certificate ends.", ends)
    yield Family("certificate_due_timestamp_seconds", "gauge", "From when it is due for renewal.", due)


def _when(seen: Seen, name: str) -> list[Sample]:
    """None where there is no certificate, and one is needed: that is 0, so that an alert sees it."""
    if seen.certificate is None:
        return []
    said = str(seen.certificate.get(name) or "")
    if not said:
        return [Sample(0)]
    return [Sample(int(datetime.strptime(said, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()))]


def _by(label: str, counts: Mapping[str, int]) -> list[Sample]:
    return [Sample(count, {label: name}) for name, count in counts.items()]
