# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IKE_SAs in which this end proved who it is with a certificate that it has no more.

Of a tunnel that starts here, charon makes the IKE_SA anew when it loads another certificate (bridge.py). Of a tunnel
that the peer starts, it does not: the peer has to authenticate anew, and no message of IKE asks it to. So this end
rekeys the IKE_SA, which it never does otherwise unless the peer is late. The peer finds that an IKE_SA of its own was
rekeyed by the other end, with the older CHILD_SAs in it, and makes another one (`asked`), with a bridge (bridge.py).

charon does not say which certificate an IKE_SA was made with. So the IKE_SAs and CHILD_SAs are noted before another
certificate is loaded, and once more when the connections with it are loaded: until then, a peer that renews its own
certificate in the same run makes IKE_SAs by the old ones. A rekeying gives an IKE_SA other ids, or its CHILD_SAs.
Whatever has one of the noted ids is of the same descent, and its other ids are noted, too. Between two looks both may
get others: so the rest counts as noted, too, unless it is visibly no rekeyed one (`_made`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..document import Document, Generation
from ..state import Store
from . import bridge, certificates, charon, connections, x509
from .vici import Vici

AGAIN, RARELY = 8.0, 300.0  # seconds until the peer is asked again: twice as long each time, up to so many
PATIENCE = 6.0  # seconds that the peers have
OLDER = 5  # seconds; who rekeys all of a tunnel begins with the CHILD_SAs, seconds before the IKE_SA (connections.py)
ALIKE = 2  # seconds; charon counts whole ones, and the first CHILD_SA follows its IKE_SA by a round trip
AT_ONCE = 8  # tunnels
SPARING = 20.0  # seconds; a peer that rekeys all the time gets no new IKE_SA each time
_UP = ("ESTABLISHED", "REKEYING")

# tunnel → serial: of the old certificate, hexadecimal; ikes, children: ids; asked: how often, and when to ask next, on
# the monotonic clock.
Noted = dict[str, dict[str, Any]]


def note(want: Generation, have: Generation, store: Store) -> None:
    """Before another certificate is loaded, and after: what is there was made with the one before.

    What the peer makes in the moment between the load and the second look may be noted wrongly. It is made once more.
    """
    names = [tunnel["name"] for tunnel in want.tunnels("ipsec") if _waits(tunnel)]
    if not names or not charon.marker(store):
        return
    before, serial = _noted(store), x509.serial(have.files.get("certificate.pem", ""))
    found: Noted = {}
    for tunnel, sa in connections.security_associations(names, patiently=True):  # also those about to authenticate
        if sa.get("state") in _UP:
            since = before.get(tunnel, {}).get("serial") or serial
            entry = found.setdefault(tunnel, {"serial": since, "ikes": [], "children": [], "asked": 0, "next": 0.0})
            _add(entry, sa)
    if found != before:
        charon.mark(store, outdated=found)


def note_until_confirmed(generation: Generation, store: Store) -> None:
    """The same of connections that waited for the confirmation (former.py): until now, charon had the old certificate.

    Of tunnels that were noted when the certificate came; with other reasons to wait, nothing is outdated.
    """
    before = _noted(store)
    noted = [tunnel for tunnel in generation.listed("tunnels") if tunnel["name"] in before]
    if noted:
        note(Generation({**generation.document, "tunnels": noted}, generation.files), generation, store)


def _waits(tunnel: Document) -> bool:
    """Whether another edge of ours starts a tunnel, in which this one proves who it is with its certificate."""
    return not tunnel.get("initiator") and not tunnel.get("external") and certificates.proves(tunnel)


def _noted(store: Store) -> Noted:
    found: Noted = charon.marker(store).get("outdated") or {}
    return found


def _add(entry: dict[str, Any], sa: Document) -> None:
    entry["ikes"] = sorted({*entry["ikes"], str(sa.get("uniqueid"))})
    children = {str(child.get("uniqueid")) for child in sa.get("child-sas", {}).values()}
    entry["children"] = sorted({*entry["children"], *children})


def _of_the_same_descent(entry: Mapping[str, Any], sa: Document) -> bool:
    children = {str(child.get("uniqueid")) for child in sa.get("child-sas", {}).values()}
    return str(sa.get("uniqueid")) in entry["ikes"] or bool(children & {*entry["children"]})


def _made(sa: Document) -> bool:
    """Whether an IKE_SA was made by authenticating: its first CHILD_SA is as old. A rekeyed one has older ones, or
    younger ones."""
    age, children = int(sa.get("established") or 0), sa.get("child-sas", {}).values()
    return any(abs(int(child.get("install-time") or 0) - age) <= ALIKE for child in children)


def left(noted: Noted, sas: Iterable[tuple[str, Document]]) -> Noted:
    """What is noted, with the ids that have come since, of tunnels that still have such an IKE_SA."""
    found: Noted = {}
    for tunnel, sa in sas:
        if tunnel not in noted or sa.get("state") not in _UP:
            continue
        if _of_the_same_descent(noted[tunnel], sa) or not _made(sa):
            # Only of what is there now, or the note grows with each rekeying.
            entry = found.setdefault(tunnel, {**noted[tunnel], "ikes": [], "children": []})
            _add(entry, sa)
    return found


def look(store: Store, sas: Iterable[tuple[str, Document]] | None = None) -> Noted:
    """What is left now. Changes nothing. `sas`: as charon listed them, if it was asked already."""
    noted = _noted(store)
    if not noted:
        return {}
    return left(noted, connections.security_associations(noted, patiently=True) if sas is None else sas)


def pending(store: Store) -> dict[str, str]:
    """The tunnels that still use a certificate which this edge has no more: its serial number, hexadecimal."""
    return {tunnel: str(entry["serial"]) for tunnel, entry in sorted(look(store).items())}


def ask(store: Store, sas: Iterable[tuple[str, Document]] | None = None) -> list[str]:
    """Ask peers to authenticate anew; returns the tunnels, of those whose peers were not asked of late.

    The caller holds the store's lock. ViciError.
    """
    noted = _noted(store)
    if not noted:
        return []
    there = [*(connections.security_associations(noted, patiently=True) if sas is None else sas)]
    found, now, asked = left(noted, there), time.monotonic(), []
    for tunnel, sa in there:
        entry = found.get(tunnel)
        if entry and str(sa.get("uniqueid")) in entry["ikes"] and now >= entry["next"] and _ripe(sa):
            with Vici() as vici:
                vici.ask("rekey", {"ike-id": str(sa["uniqueid"])})
            asked.append(tunnel)
    for tunnel in {*asked}:
        times = found[tunnel]["asked"]
        found[tunnel].update({"asked": times + 1, "next": now + min(RARELY, AGAIN * 2**times)})
    if found != noted:
        charon.mark(store, outdated=found)
    return sorted({*asked})


def _ripe(sa: Document) -> bool:
    """Whether the peer would see that an IKE_SA was rekeyed, by the age of its CHILD_SAs."""
    return int(sa.get("established") or 0) > OLDER + 1


def persuade(store: Store) -> list[str]:
    """Ask, and wait until the peers have authenticated anew: PATIENCE, and until the youngest can be asked; returns the
    tunnels. The caller does not hold the store's lock. ViciError.
    """
    told: set[str] = set()
    deadline = time.monotonic() + PATIENCE
    last = deadline + OLDER + 2
    while there := look(store):
        if any(entry["next"] <= time.monotonic() for entry in there.values()):
            with store.lock():
                told.update(ask(store))
        if not all(entry["asked"] for entry in there.values()):  # too young until now
            deadline = min(last, time.monotonic() + PATIENCE)
        if time.monotonic() >= deadline:
            break
        time.sleep(0.3)
    return sorted(told)


def asked(generation: Generation, sas: Iterable[tuple[str, Document]]) -> list[tuple[str, str]]:
    """(tunnel, id of its IKE_SA) of tunnels that start here and whose peer asks to authenticate anew."""
    ours = {t["name"] for t in generation.tunnels("ipsec") if t.get("initiator") and not t.get("external")}
    tunnels: dict[str, list[Document]] = {}
    for tunnel, sa in sas:
        if tunnel in ours:
            tunnels.setdefault(tunnel, []).append(sa)
    return [(tunnel, str(sas[0]["uniqueid"])) for tunnel, sas in tunnels.items() if len(sas) == 1 and _rekeyed(sas[0])]


def _rekeyed(sa: Document) -> bool:
    """Whether the peer has rekeyed an IKE_SA, rather than made one of its own: that one has no older CHILD_SAs."""
    age = int(sa.get("established") or 0)
    children = sa.get("child-sas", {}).values()
    older = any(int(child.get("install-time") or 0) > age + OLDER for child in children)
    return sa.get("state") == "ESTABLISHED" and sa.get("initiator") != "yes" and older


def answer(
    generation: Generation, store: Store, sas: Iterable[tuple[str, Document]], remembered: dict[str, float]
) -> list[str]:
    """Authenticate anew where a peer asks for it; returns what was done, in words. The rest has its turn later.

    `remembered`: when that was done last, and tried last. The caller holds the store's lock. ViciError.
    """
    now, asking = time.monotonic(), [tunnel for tunnel, _unique in asked(generation, sas)]
    asking = [one for one in asking if now - remembered.get(_answered(one), -SPARING) >= SPARING]
    # Peers that ask, and then do not agree, must not take the turn of all others.
    found = sorted(asking, key=lambda one: remembered.get(_tried(one), 0.0))[:AT_ONCE]
    remembered.update(dict.fromkeys(map(_tried, found), now))
    done = bridge.make_anew(found, generation, store) if found else []
    without = {*found} - {*bridge.sections(store)} if found else set()
    done += sorted(without - connections.again(without, reauth=True)) if without else []
    remembered.update(dict.fromkeys(map(_answered, done), now))
    return [f"{tunnel}: authenticated anew: the peer has another certificate" for tunnel in done]


def _answered(tunnel: str) -> str:
    return f"{tunnel}: authenticated anew"


def _tried(tunnel: str) -> str:
    return f"{tunnel}: to authenticate anew, tried"
