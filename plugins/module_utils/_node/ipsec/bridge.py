# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second IKE_SA that carries a tunnel's links while the tunnel's own is made anew, as with a new certificate.

A connection that is loaded with another certificate replaces the one before: charon ends its SAs and starts them again
(`start_action`). To authenticate again is not a way around that: charon does so by the old configuration. So before the
connection is loaded, the end that initiates brings up the same links by the new configuration under another name, the
bridge. It ends when the tunnel's own links are up again. The peer needs to know nothing of that: both IKE_SAs fit its
connection.

Where this end's configuration is the same, and the peer's certificate or a key is another one, charon would
authenticate again, and end the old IKE_SA at once: packets that are under way with it are lost then. A bridge loses
none of these.

A bridge is in no file. What a killed commit leaves of it carries the links on until the agent finds the tunnel's own
links up (`finish`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import NamedTuple

from ..document import Document, Generation, link_name
from ..state import Store
from ..system import files
from ..tunnel_kind import UP
from . import charon, connections, differing
from .vici import Vici, ViciError

SUFFIX = ".bridge"
PARALLEL = 4  # of charon's 16 threads
PATIENCE = 4.0  # seconds that the peer of one tunnel has
BUDGET = 15.0  # seconds for all tunnels: a commit that takes a minute is rolled back. The others do without
ITSELF = 1.0  # seconds that charon has to end the old IKE_SAs by itself, when it loads another connection
INSTEAD = 8.0  # seconds that the tunnels have to come up by themselves; the agent waits for later ones
IN_FLIGHT = 0.5  # seconds that packets may be under way that were sent with the SAs which end next
Links = Mapping[str, frozenset[str]]  # by tunnel
_DIRECTORIES = {"certs": "/etc/swanctl/x509", "cacerts": "/etc/swanctl/x509ca"}
_LISTS = {"local_addrs", "remote_addrs", "proposals", "esp_proposals", "local_ts", "remote_ts", *_DIRECTORIES}
# It comes back for nobody.
_CHILD = {"start_action": "none", "dpd_action": "clear", "close_action": "none"}


def name(tunnel: str) -> str:
    """What charon calls the bridge of a tunnel."""
    return f"{tunnel}{SUFFIX}"


def parsed(section: str) -> Document:
    """A connection's lines in a swanctl.conf, in vici's words. Certificates are still names of files."""
    found: Document = {}
    stack = [found]
    for line in section.splitlines():
        words = line.partition("#")[0].strip()
        if words.endswith("{"):
            stack.append(stack[-1].setdefault(words[:-1].strip(), {}))
        elif words == "}":
            stack.pop()
        elif words:
            key, _equals, value = (part.strip() for part in words.partition("="))
            stack[-1][key] = [one.strip() for one in value.split(",")] if key in _LISTS else value
    return found


def made(section: str, tunnel: str, links: Iterable[str]) -> Document:
    """The bridge for some links of a tunnel, by the tunnel's lines."""
    connection = parsed(section)[tunnel]
    wanted = {*links}
    children = {link: {**child, **_CHILD} for link, child in connection["children"].items() if link in wanted}
    # It waits for nobody, and has to differ from the tunnel's own: charon makes no second IKE_SA by a configuration
    # that equals one's that is up.
    return {**connection, "keyingtries": "2" if connection.get("keyingtries") == "1" else "1", "children": children}


def concerned(new: str, old: str, renewed: bool, generation: Generation) -> dict[str, str]:
    """The lines of the tunnels that charon makes anew when it loads a file instead of the one before.

    Those that start here, between our own edges, with the same links as before. `renewed`: with another certificate.
    None in files that are laid out otherwise than ours.
    """
    now, was = differing.layout(new), differing.layout(old)
    if now is None or was is None:
        return {}
    ours = {t["name"]: t for t in generation.tunnels("ipsec") if t.get("initiator") and not t.get("external")}
    found = {}
    for tunnel, section in now.connections.items():
        if tunnel not in ours or tunnel not in was.connections:
            continue
        (head, *links), (before, *others) = (_halves(text) for text in (section, was.connections[tunnel]))
        proves = ours[tunnel]["ike"].get("auth", "pubkey") == "pubkey"
        anew = head != before or (renewed and proves)
        if anew and links == others and _ends(section) == _ends(was.connections[tunnel]):
            found[tunnel] = section
    return found


def outgrown(new: str, old: str, generation: Generation) -> dict[str, str]:
    """The same where another certificate is loaded and the links are not the same as before: by the lines before.

    A further link may need addresses that only the new certificate names. What there was is not to wait for it.
    """
    now, was = differing.layout(new), differing.layout(old)
    if now is None or was is None:
        return {}
    same = concerned(new, old, True, generation)
    return {
        tunnel: section
        for tunnel, section in concerned(old, old, True, generation).items()
        if tunnel not in same and _ends(now.connections.get(tunnel, "")) == _ends(section)
    }


def _ends(section: str) -> list[str]:
    """Where a tunnel leads. At another place, a peer may be about to listen: nothing waits for that here."""
    return [line for line in section.splitlines() if line.strip().startswith(("local_addrs", "remote_addrs"))]


def _halves(section: str) -> list[str]:
    return section.split("\n    children {\n", 1)


class Bridges(NamedTuple):
    """The links that bridges carry, by tunnel, and the ids of the IKE_SAs that these stand in for."""

    links: Links = MappingProxyType({})
    old: frozenset[str] = frozenset()


def build(wanted: Mapping[str, str], generation: Generation, store: Store) -> Bridges:
    """Bring up bridges for tunnels, by their lines: for the links that are up.

    A tunnel whose peer does not agree has none: it may not have the other half of the change yet.
    """
    seen = _seen(wanted)
    links = _carried(seen, generation)
    deadline = time.monotonic() + BUDGET

    def attempt(tunnel: str) -> bool:
        if time.monotonic() > deadline:
            return False
        try:
            connection = made(wanted[tunnel], tunnel, links[tunnel])
        except (KeyError, IndexError):  # lines of somebody's own template
            return False
        return _brought_up(tunnel, connection, store)

    with ThreadPoolExecutor(PARALLEL) as pool:
        done = {tunnel: links[tunnel] for tunnel, up in zip(links, pool.map(attempt, links)) if up}
    if done:
        time.sleep(IN_FLIGHT)
    return Bridges(done, frozenset(str(sa["uniqueid"]) for tunnel in done for sa in seen[tunnel]))


def standing(tunnels: Iterable[str]) -> list[str]:
    """Those of some tunnels that have an IKE_SA which is not about to end."""
    return [tunnel for tunnel, sas in _seen(tunnels).items() if sas]


def _seen(tunnels: Iterable[str]) -> dict[str, list[Document]]:
    """The IKE_SAs of tunnels that are not about to end."""
    found: dict[str, list[Document]] = {tunnel: [] for tunnel in tunnels}
    for tunnel, sa in connections.security_associations(found, patiently=True) if found else ():
        if sa.get("state") in ("ESTABLISHED", "REKEYING"):
            found[tunnel].append(sa)
    return found


def _carried(seen: Mapping[str, list[Document]], generation: Generation) -> dict[str, frozenset[str]]:
    """The links of tunnels that are up, of the generation's. A tunnel without any is missing."""
    wanted = {t["name"]: {link_name(link) for link in t.get("links", [])} for t in generation.tunnels("ipsec")}
    found = {}
    for tunnel, sas in seen.items():
        children = [child for sa in sas for child in sa.get("child-sas", {}).values()]
        up = frozenset(str(child.get("name")) for child in children if child.get("state") in UP)
        if up & wanted.get(tunnel, set()):
            found[tunnel] = up & wanted[tunnel]
    return found


def _brought_up(tunnel: str, connection: Document, store: Store) -> bool:
    bridge, deadline = name(tunnel), time.monotonic() + PATIENCE
    try:
        _put_files(connection, store)
        with Vici() as vici:
            vici.request("load-conn", {bridge: connection})
        for link in connection["children"]:
            if not _initiate(bridge, link, deadline - time.monotonic()):
                raise ViciError(f"{bridge}: {link} does not come up")
    except ViciError:
        with contextlib.suppress(ViciError):
            end([tunnel])
        return False
    return True


def _initiate(connection: str, link: str, seconds: float) -> bool:
    if seconds <= 0:
        return False
    with Vici(timeout=seconds + 5) as vici:
        words = {"ike": connection, "child": link, "timeout": str(int(seconds * 1000) or 1), "init-limits": "no"}
        return bool(vici.ask("initiate", words).get("success") == "yes")


def _put_files(connection: Document, store: Store) -> None:
    """Put certificates in the place of their names."""
    for section in connection.values():
        for key, directory in _DIRECTORIES.items() if isinstance(section, dict) else ():
            if key in section:
                section[key] = [files.read(store.at(f"{directory}/{one}")) for one in section[key]]


def end(tunnels: Iterable[str]) -> None:
    """End the bridges of tunnels. ViciError."""
    for tunnel in tunnels:
        with Vici() as vici:  # before its IKE_SA: nothing makes another one then
            vici.ask("unload-conn", {"name": name(tunnel)})
        connections.terminate([(name(tunnel), "")])


def _unload(bridges: Collection[str]) -> None:
    """Unload those of some bridges that a killed commit has loaded, and not initiated."""
    with contextlib.suppress(ViciError), Vici() as vici:
        for one in sorted({*bridges} & {*vici.request("get-conns").get("conns", ())}):
            vici.ask("unload-conn", {"name": one})


def _close(links: Links, generation: Generation, old: Collection[str] = ()) -> list[str]:
    """End the bridges all of whose `links` the tunnels' own IKE_SAs carry, other ones than the `old` (ids).

    Returns those tunnels. ViciError.
    """
    seen = {tunnel: [sa for sa in sas if str(sa.get("uniqueid")) not in old] for tunnel, sas in _seen(links).items()}
    there = _carried(seen, generation)
    done = sorted(tunnel for tunnel, carried in links.items() if carried <= there.get(tunnel, frozenset()))
    if done:
        time.sleep(IN_FLIGHT)
        end(done)
    return done


def replace(bridges: Bridges, generation: Generation, store: Store, itself: float = 0.0) -> list[str]:
    """Have the tunnels' own IKE_SAs made anew, and end the bridges; returns the tunnels.

    charon has `itself` seconds to begin with the former. What is late is left to the agent. ViciError.
    """
    patience = time.monotonic() + itself
    while time.monotonic() < patience and _old(bridges):
        time.sleep(0.05)
    _retire(bridges, store)
    left, done = dict(bridges.links), list[str]()
    deadline = time.monotonic() + INSTEAD
    while left and time.monotonic() < deadline:
        now = _close(left, generation, bridges.old)
        done += now
        left = {tunnel: links for tunnel, links in left.items() if tunnel not in now}
        if left:
            time.sleep(0.1)
    return done


def _old(bridges: Bridges) -> dict[str, list[str]]:
    """The ids of the old IKE_SAs that are still up, by tunnel."""
    found = {}
    for tunnel, sas in _seen(bridges.links).items():
        if old := [str(sa["uniqueid"]) for sa in sas if str(sa["uniqueid"]) in bridges.old]:
            found[tunnel] = old
    return found


def _retire(bridges: Bridges, store: Store) -> None:
    """End the old IKE_SAs that are still up, and initiate their links anew.

    None may stay: a peer for which both IKE_SAs are by the same configuration (`unique = replace`) ends it, 10 s after
    the bridge came.
    """
    there, old = sections(store), _old(bridges)
    deadline = time.monotonic() + INSTEAD

    def retire(tunnel: str) -> None:
        for unique in old[tunnel]:
            with Vici() as vici:
                vici.ask("terminate", {"ike-id": unique, "force": "yes", "timeout": "3000"})
        for link in parsed(there[tunnel])[tunnel]["children"] if tunnel in there else ():
            _initiate(tunnel, link, min(PATIENCE, deadline - time.monotonic()))  # what is late, the agent initiates

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(retire, old))


def sections(store: Store) -> dict[str, str]:
    """The lines of each tunnel in the file that is loaded. None if that is laid out otherwise than ours."""
    layout = differing.layout(files.read(store.at(charon.CONFIG)))
    return layout.connections if layout else {}


def make_anew(tunnels: Iterable[str], generation: Generation, store: Store) -> list[str]:
    """Make IKE_SAs anew whose tunnels are up, and of which the connection stays the same; returns the tunnels.

    None of those whose peers do not agree. ViciError.
    """
    there = sections(store)
    wanted = {tunnel: there[tunnel] for tunnel in tunnels if tunnel in there}
    bridges = build(wanted, generation, store) if wanted else Bridges()
    replace(bridges, generation, store)
    return [*bridges.links]


def finish(listed: Iterable[tuple[str, Document]], generation: Generation, store: Store) -> list[str]:
    """Do the rest where a bridge was left; returns the tunnels whose bridge has ended. ViciError.

    `listed`: the IKE_SAs, those of bridges, too. Links that only the bridge carries are left to who initiates
    links: the bridge carries their traffic until then.
    """
    sas: dict[str, list[Document]] = {}
    for one, sa in listed:
        sas.setdefault(one, []).append(sa)
    ours = [tunnel["name"] for tunnel in generation.tunnels("ipsec") if tunnel.get("initiator")]
    left = [tunnel for tunnel in ours if name(tunnel) in sas]
    if ours:
        _unload({name(tunnel) for tunnel in ours} - {*sas})
    if not left:
        return []
    # The daemon counts its IKE_SAs.
    since = {tunnel: max(int(sa["uniqueid"]) for sa in sas[name(tunnel)]) for tunnel in left}
    old = {t: [sa for sa in sas.get(t, ()) if int(sa["uniqueid"]) < since[t]] for t in left}
    by_bridges = _carried({tunnel: sas[name(tunnel)] for tunnel in left}, generation)
    own, by_old = (_carried(found, generation) for found in ({t: sas.get(t, []) for t in left}, old))
    whole: dict[str, frozenset[str]] = {}  # those whose old IKE_SAs can go
    rest: dict[str, frozenset[str]] = {}
    for tunnel in left:
        links = by_bridges.get(tunnel, frozenset())
        if not links <= own.get(tunnel, frozenset()):
            continue
        # A commit may have been killed before the bridge had all links of the old ones.
        into = whole if links and by_old.get(tunnel, frozenset()) <= links else rest
        into[tunnel] = links
    done = _close(rest, generation)
    if whole:
        ids = frozenset(str(sa["uniqueid"]) for tunnel in whole for sa in old[tunnel])
        done += replace(Bridges(whole, ids), generation, store)
    return done
