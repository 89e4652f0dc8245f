# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that only have another name now, as of an edge or a VPN that was renamed: the old ones carry on meanwhile.

charon ends the SAs of a connection that is unloaded. So a commit keeps the old connections in a file of their own. They
go when the new links are up. Old and new have the same reqid: with another one, charon refuses to have the kernel use
the same policies for both.

Where only a VPN has another name, both links are in one IKE_SA, in which charon makes no two with the same selectors.
It keeps the SA when it loads the new name. So the end that initiates ends the old link and makes the new one when it is
confirmed. The peer knows the new name by then, else it would take the new link for the old one.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Mapping

from ..document import Document, Generation, link_name, sha256
from ..state import Store
from ..system import files
from ..system.run import run
from ..tunnel_kind import UP
from . import charon, connections, differing
from .vici import Vici, ViciError

CONFIG = "/etc/swanctl/conf.d/intercloud-vpn.former.conf"
CERTIFICATE = "/etc/swanctl/x509/intercloud-vpn.former.pem"
FILE = "swanctl.conf"
PATIENCE = 4.0  # seconds that the peer has to make the new link
GRACE = 60.0  # seconds that the end that initiates has to end an old link in the same tunnel
_OURS = re.compile(r"^(\s*certs\s*=\s*)intercloud-vpn\.pem\s*$", re.MULTILINE)
_TRAP = re.compile(r"^\s*start_action = .*\btrap\b", re.MULTILINE)

Link = tuple[str, str]  # tunnel, link
Renamed = dict[Link, Link]  # old → new


def renamed(want: Generation, have: Generation) -> Renamed:
    """The links of `have` that are in `want` by another name: with the same ends, VPN and selectors."""
    was, now = _by_content(have), _by_content(want)
    there = {*now.values()}
    return {link: now[what] for what, link in was.items() if link not in there and what in now}


def _by_content(generation: Generation) -> dict[tuple[object, ...], Link]:
    return {
        (
            *(tunnel.get("local_address"), tunnel.get("remote_address"), link.get("number")),
            *(tuple(link["local_ts"]), tuple(link["remote_ts"])),
        ): (tunnel["name"], link_name(link))
        for tunnel in generation.tunnels("ipsec")
        for link in tunnel.get("links", [])
    }


class Former:
    """The old connections that a node is to keep while it is brought from `have` to `want`."""

    def __init__(self, want: Generation, have: Generation, store: Store) -> None:
        self.store = store
        self._found = files.read(store.at(CONFIG))
        fresh = {} if want is have else renamed(want, have)
        self.text = _text(fresh, want, have)
        if not self.text and self._found and _fits(read(store), want):
            self.text = self._found
        self.links = _noted(self.text)
        """Old links by name, each with its new name."""
        self._certificate = have.files.get("certificate.pem", "")
        starts = {tunnel["name"] for tunnel in want.tunnels("ipsec") if tunnel.get("initiator")}
        self._waits = any(old[0] == new[0] and new[0] in starts for old, new in self.links.items())

    def stale(self) -> bool:
        """Whether the file is another one."""
        return files.read(self.store.at(CONFIG)) != self.text

    def keeps(self, tunnel: str, link: str = "") -> bool:
        """Whether a link, or a tunnel as a whole, is an old one that carries on."""
        return any(tunnel == old and link in ("", name) for old, name in self.links)

    def build(self) -> None:
        """Write the file, and the certificate that the old connections were loaded with."""
        if not self.stale():
            return
        if not self.text:
            _remove(self.store)
            return
        if self._certificate and CERTIFICATE.rpartition("/")[2] in self.text:
            files.write(self.store.at(CERTIFICATE), self._certificate)
        files.write(self.store.at(CONFIG), self.text)

    def untrap(self) -> None:
        """Take away traps of old links: one would bring back what the peer ends when it makes the new one."""
        for old, new in self.links.items():
            if old[0] == new[0]:
                _trap("uninstall", old)

    def waits(self, config: str) -> bool:
        """Whether the connections are loaded when the node is confirmed, and have not been yet."""
        return self._waits and charon.marker(self.store).get("config") != sha256(config)


def read(store: Store) -> Renamed:
    """The old links that carry on, each with its new name."""
    return _noted(files.read(store.at(CONFIG)))


def load(generation: Generation, store: Store) -> None:
    """Load what waited for the peers, if anything did: their old links end, and the new ones come.

    CommandError, ViciError.
    """
    text, found = generation.files.get(FILE, ""), files.read(store.at(CONFIG))
    if not found or store.pending is not None or not Former(generation, generation, store).waits(text):
        return
    run("swanctl", "--load-conns", timeout=60)
    charon.mark(store, config=text)
    for old, new in _noted(found).items():
        if old[0] == new[0]:
            _instead(old, new, generation)


def _instead(old: Link, new: Link, generation: Generation) -> None:
    """End one link of a tunnel, and make another. A trap would bring the old one back meanwhile."""
    _trap("uninstall", old)
    connections.terminate([old] if old in connections.active([old[0]]) else [])
    with contextlib.suppress(ViciError), Vici(timeout=PATIENCE + 5) as vici:
        vici.ask("initiate", {**_words(new), "timeout": str(int(PATIENCE * 1000)), "init-limits": "no"})
    _set_trap(new, generation)


def _trap(verb: str, link: Link) -> None:
    with contextlib.suppress(ViciError), Vici() as vici:
        vici.ask(verb, _words(link))


def _set_trap(link: Link, generation: Generation) -> None:
    """Set a link's trap if its configuration has one."""
    layout = differing.layout(generation.files.get(FILE, ""))
    if layout and _TRAP.search(_child(layout.connections.get(link[0], ""), link[1])):
        _trap("install", link)


def _words(link: Link) -> dict[str, str]:
    return {"ike": link[0], "child": link[1]}


def proceed(generation: Generation, store: Store, states: list[Document]) -> list[str]:
    """End the old links of each tunnel whose new ones are up (`states` of all of them); what was done, in words.

    A link that the peer has made by its new name before this node knew that is here by the old name: its peer makes it
    again when it is ended. The caller holds the store's lock. CommandError, ViciError.
    """
    links, wanted = read(store), connections.shape(generation)
    if not links or store.pending is not None:
        return []
    up = {(state["tunnel"], state["vpn"]) for state in states if state["state"] in UP}
    late = time.time() - store.at(CONFIG).stat().st_mtime > GRACE
    carrying = {was[0] for was, new in links.items() if was[0] not in wanted and new not in up}
    done = {
        was: new
        for was, new in links.items()
        if (was[0] not in carrying if was[0] not in wanted else new in up or late)
    }
    if not done:
        return []
    _keep(store, {was: new for was, new in links.items() if was not in done})
    gone = {tunnel for tunnel, _link in done if tunnel not in wanted}
    if gone:
        run("swanctl", "--load-conns", timeout=60)
    old = connections.active({tunnel for tunnel, _link in done})
    connections.terminate(one for one in old if (one in done if one[0] in wanted else not one[1]))
    for was, new in done.items():
        if was[0] == new[0]:
            _set_trap(new, generation)
    return [f"{'/'.join(new)} took over from {'/'.join(was)}" for was, new in sorted(done.items())]


def _keep(store: Store, links: Renamed) -> None:
    """Keep only these."""
    if not links:
        _remove(store)
        return
    text = files.read(store.at(CONFIG))
    sections = {tunnel: _section(text, tunnel) for tunnel, _link in links}
    files.write(store.at(CONFIG), _written(sections, links))


def _remove(store: Store) -> None:
    for path in (CONFIG, CERTIFICATE):
        if store.at(path).exists():
            files.remove(store.at(path))


def _fits(links: Renamed, want: Generation) -> bool:
    """Whether what was kept by an earlier commit is still of use."""
    shape = connections.shape(want)
    return all(
        old not in shape.get(tunnel, {}) and new in shape.get(into, {}) for (tunnel, old), (into, new) in links.items()
    )


def _text(links: Renamed, want: Generation, have: Generation) -> str:
    """The file; empty where nothing is to be kept, or the old file is laid out otherwise than ours."""
    old = differing.layout(have.files.get(FILE, ""))
    if old is None or not links:
        return ""
    wanted = connections.shape(want)
    kept = {link: new for link, new in sorted(links.items()) if _child(old.connections.get(link[0], ""), link[1])}
    sections = {tunnel: old.connections[tunnel] for tunnel, _link in kept if tunnel not in wanted}
    if have.files.get("certificate.pem") != want.files.get("certificate.pem", have.files.get("certificate.pem")):
        path = CERTIFICATE.rpartition("/")[2]
        sections = {tunnel: _OURS.sub(rf"\g<1>{path}", text) for tunnel, text in sections.items()}
    return _written(sections, kept) if kept else ""


def _written(sections: Mapping[str, str], links: Renamed) -> str:
    note = json.dumps([[*was, *new] for was, new in links.items()])
    head = f"# {note}\n# Made by intercloud.vpn: these links carry on until those by their new names are up.\n"
    return f"{head}connections {{\n{''.join(sections.values())}}}\n"


def _section(text: str, tunnel: str) -> str:
    """A tunnel's lines in the file; none for one whose connection is not kept."""
    found = re.search(rf"^  {re.escape(tunnel)} \{{\n.*?^  \}}\n", text, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def _child(section: str, link: str) -> str:
    """A link's lines in the section of its tunnel."""
    found = re.search(rf"^      {re.escape(link)} \{{\n.*?^      \}}\n", section, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def _noted(text: str) -> Renamed:
    try:
        return {(one, two): (three, four) for one, two, three, four in json.loads(text.partition("\n")[0][2:] or "[]")}
    except ValueError:
        return {}
