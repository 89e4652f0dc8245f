# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAs that are there twice, or that carry each other's packets, and which of them goes.

Only one end of a tunnel initiates, but a trap on the other end initiates, too, when its packets find the link gone:
after an interruption both may have come first. charon keeps both (strongSwan issue 1801). One end clears up, the
initiator: if both did, each might take away what the other keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..document import Document, Generation
from . import leads
from .connections import shape
from .vici import Vici

SETTLED = 5  # seconds; younger ones may be about to take the place of older ones


def end(generation: Generation, sas: Iterable[tuple[str, Document]]) -> list[str]:
    """End what is there twice of the tunnels that this node initiates; returns what was ended, in words. ViciError.

    `sas`: the generation's (tunnel, IKE_SA).
    """
    ours = _initiated(generation, sas)
    links = shape(generation)
    named = [(name, {**sa, "child-sas": _of(sa, links[name])}) for name, sa in ours]
    ended = []
    for why, found in (("was there twice", surplus(ours)), ("carried another link's packets", mixed(named))):
        for name, selector in found:
            with Vici() as vici:
                vici.ask("terminate", {**selector, "timeout": "3000"})
            ended.append(f"{name}: {' '.join(selector)} {' '.join(selector.values())} {why}: ended")
    return ended


def there(generation: Generation, sas: Iterable[tuple[str, Document]]) -> bool:
    """Whether a tunnel that this node initiates has two IKE_SAs, however young."""
    names = [name for name, sa in _initiated(generation, sas) if sa.get("state") == "ESTABLISHED"]
    return len(names) > len(set(names))


def _initiated(generation: Generation, sas: Iterable[tuple[str, Document]]) -> list[tuple[str, Document]]:
    ours = {tunnel["name"] for tunnel in generation.tunnels("ipsec") if tunnel.get("initiator")}
    return [(name, sa) for name, sa in sas if name in ours]


def _of(sa: Document, links: Collection[str]) -> Document:
    """The CHILD_SAs of some links. One that only has another name now has the same reqid as the old one (former.py)."""
    return {key: child for key, child in sa.get("child-sas", {}).items() if str(child.get("name")) in links}


def mixed(sas: Iterable[tuple[str, Document]]) -> list[tuple[str, dict[str, str]]]:
    """(tunnel, what to terminate) of links that have the reqid of another link: its policies are theirs as well.

    Documents of earlier versions named no reqid. All of them end, and are initiated again.
    """
    found = []
    for name, sa in sas:
        owners: dict[str, list[Document]] = {}
        for children in _links(sa).values():
            for child in children:
                owners.setdefault(str(child.get("reqid") or ""), []).append(child)
        for reqid, several in owners.items():
            # A link's leads share its policies, and its reqid, on purpose.
            if reqid and len({leads.base(str(child.get("name"))) for child in several}) > 1:
                found += [(name, {"child-id": str(child["uniqueid"])}) for child in several]
    return found


def surplus(sas: Iterable[tuple[str, Document]]) -> list[tuple[str, dict[str, str]]]:
    """(tunnel, what to terminate in vici's words) of these (tunnel, IKE_SA).

    Of several IKE_SAs of a tunnel, that with the most links stays; of equal ones ours, then the newest. Of several
    CHILD_SAs of a link, the newest.
    """
    tunnels: dict[str, list[Document]] = {}
    for name, sa in sas:
        if sa.get("state") == "ESTABLISHED" and int(sa.get("established") or 0) >= SETTLED:
            tunnels.setdefault(name, []).append(sa)
    found = []
    for name, several in tunnels.items():
        best = max(several, key=_worth)
        found += [(name, {"ike-id": str(sa["uniqueid"])}) for sa in several if sa is not best]
        for children in _links(best).values():
            newest = min(children, key=_age)
            found += [(name, {"child-id": str(child["uniqueid"])}) for child in children if child is not newest]
    return found


def _worth(sa: Document) -> tuple[int, bool, int]:
    return len(_links(sa)), sa.get("initiator") == "yes", -int(sa["established"])


def _links(sa: Document) -> dict[str, list[Document]]:
    """The CHILD_SAs that carry traffic, by link."""
    links: dict[str, list[Document]] = {}
    for child in sa.get("child-sas", {}).values():
        if child.get("state") == "INSTALLED" and _age(child) >= SETTLED:
            links.setdefault(str(child.get("name")), []).append(child)
    return links


def _age(child: Document) -> int:
    return int(child.get("install-time") or 0)
