# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that only have another name now, as of an edge or a VPN that was renamed: the old ones carry on meanwhile.

charon ends the SAs of a connection that is unloaded. So a commit keeps the old connections in a file of their own. They
go when the new links are up. Old and new have the same reqid: with another one, charon refuses to have the kernel use
the same policies for both.

A peer that no run reaches has the old connection only. So what one commit kept stays through later ones, also where the
same thing gets another name once more, or another one does.

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
from . import charon, connections, differing, outdated, secrets
from .vici import Vici, ViciError

CONFIG = "/etc/swanctl/conf.d/intercloud-vpn.former.conf"
CERTIFICATES = "/etc/swanctl/x509"
FILE = "swanctl.conf"
PATIENCE = 4.0  # seconds that the peer has to make the new link
GRACE = 60.0  # seconds that the end that initiates has to end an old link in the same tunnel
_OURS = re.compile(r"^(\s*certs\s*=\s*)intercloud-vpn\.pem\s*$", re.MULTILINE)
_THEIRS = re.compile(r"^\s*certs\s*=\s*(intercloud-vpn\.former[^\s/]*\.pem)\s*$", re.MULTILINE)
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
        fresh = {} if want is have else renamed(want, have)
        self._certificate = have.files.get("certificate.pem", "")
        self.text = self._kept(fresh, want, have)
        self.links = _noted(self.text)
        """Old links by name, each with its new name."""
        starts = {tunnel["name"] for tunnel in want.tunnels("ipsec") if tunnel.get("initiator")}
        self._waits = any(old[0] == new[0] and new[0] in starts for old, new in self.links.items())

    def stale(self) -> bool:
        """Whether the file is another one."""
        return files.read(self.store.at(CONFIG)) != self.text

    def keeps(self, tunnel: str, link: str = "") -> bool:
        """Whether a link, or a tunnel as a whole, is an old one that carries on."""
        return any(tunnel == old and link in ("", name) for old, name in self.links)

    def build(self) -> None:
        """Write the file, and the certificates that the old connections were loaded with."""
        if not self.stale():
            return
        if not self.text:
            _remove(self.store)
            return
        name = _certificate_name(self._certificate)
        if name in _THEIRS.findall(self.text):
            files.write(self.store.at(f"{CERTIFICATES}/{name}"), self._certificate)
        files.write(self.store.at(CONFIG), self.text)
        _remove_certificates(self.store)

    def _kept(self, fresh: Renamed, want: Generation, have: Generation) -> str:
        """The file: what is kept `fresh`, and what earlier commits kept. Empty where nothing is."""
        was, layout = files.read(self.store.at(CONFIG)), differing.layout(have.files.get(FILE, ""))
        found, shape = _noted(was), connections.shape(want)
        old = layout.connections if layout else {}
        sections = {tunnel: _section(was, tunnel) for tunnel, _link in found}
        kept = {link: new for link, new in fresh.items() if _child(old.get(link[0], ""), link[1])}
        sections.update({tunnel: old[tunnel] for tunnel, _link in kept})
        for link, new in found.items():
            into = fresh.get(new, new)
            there = link[1] in shape.get(link[0], {}) or into[1] not in shape.get(into[0], {})
            # A tunnel that was kept as a whole, and whose name another one has now, is not an old one any more.
            lost = bool(_section(was, link[0])) if link[0] in shape else not sections[link[0]]
            if not there and not lost:
                kept.setdefault(link, into)
        kept = dict(sorted(kept.items()))
        sections = {tunnel: _only(sections[tunnel], tunnel, kept) for tunnel, _link in kept if tunnel not in shape}
        if have.files.get("certificate.pem") != want.files.get("certificate.pem", have.files.get("certificate.pem")):
            name = _certificate_name(self._certificate)
            sections = {tunnel: _OURS.sub(rf"\g<1>{name}", text) for tunnel, text in sections.items()}
        return _written(sections, kept) if kept else ""

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
    text, found = secrets.named(generation.files.get(FILE, ""), generation), files.read(store.at(CONFIG))
    if not found or store.pending is not None or not Former(generation, generation, store).waits(text):
        return
    run("swanctl", "--load-conns", timeout=60)
    outdated.note_until_confirmed(generation, store)
    charon.mark(store, config=text)
    instead: dict[Link, list[Link]] = {}
    for old, new in _noted(found).items():
        if old[0] == new[0]:
            instead.setdefault(new, []).append(old)
    for new, several in instead.items():
        _instead(several, new, generation)


def _instead(old: list[Link], new: Link, generation: Generation) -> None:
    """End links of a tunnel, and make another. A trap would bring the old ones back meanwhile."""
    for one in old:
        _trap("uninstall", one)
    active = connections.active([new[0]])
    connections.terminate([one for one in old if one in active])
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
    _remove_certificates(store)


def _remove(store: Store) -> None:
    if store.at(CONFIG).exists():
        files.remove(store.at(CONFIG))
    _remove_certificates(store)


def _remove_certificates(store: Store) -> None:
    """Those that no old connection names."""
    used = set(_THEIRS.findall(files.read(store.at(CONFIG))))
    for path in sorted(store.at(CERTIFICATES).glob("intercloud-vpn.former*.pem")):
        if path.name not in used:
            files.remove(path)


def _certificate_name(text: str) -> str:
    """An edge that gets another name twice has two of them for a while."""
    return f"intercloud-vpn.former-{sha256(text)[:8]}.pem"


def _only(section: str, tunnel: str, links: Renamed) -> str:
    """A tunnel's lines without the links of it that are not kept."""
    for name in re.findall(r"^      (\S+) \{$", section.partition("\n    children {\n")[2], re.MULTILINE):
        if (tunnel, name) not in links:
            section = section.replace(_child(section, name), "")
    return section


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
