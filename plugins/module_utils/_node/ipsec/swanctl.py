# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPsec: the rendered swanctl.conf and the daemon's settings, and what the daemon made of both."""

from __future__ import annotations

import contextlib
import re

from .. import collisions, survey
from ..document import Change, sha256
from ..kernel import ip
from ..part import Context, Part
from ..system import files, systemd
from ..system.run import CommandError, have, run
from . import bridge, charon, differing, outdated, partners, reauthenticate, revocations, scratch, secrets, x509
from . import certificates as _certificates
from . import connections as _connections
from .former import Former
from .vici import ViciError

FILE = "swanctl.conf"
MLKEM = re.compile(r"ke\d_mlkem(\d+)")
RELOAD = "have strongSwan read its settings again"


class Swanctl(Part):
    """The document's tunnels of kind ipsec."""

    name = "swanctl"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        tunnels = self.want.tunnels("ipsec")
        self._asked = self.want.files.get(FILE, "") if tunnels else ""
        self._text = partners.filled(self._asked, self.want, partners.known(self.store))
        self._settings = charon.settings(self.want)
        self._shape = _connections.shape(self.want)
        self._former = Former(self.want, self.have, self.store)
        # Connections carry their certificates, so that other certificates are a reason to load them again.
        certificates = _certificates.Certificates(context)
        self._renewed = bool(tunnels and certificates.changes())
        self._credentials = certificates.loaded() if tunnels else ""
        self._proofs = certificates.proofs() if tunnels else ""
        self._as_before = certificates.loaded_before() if tunnels else ""
        self._revoked = certificates.revoked() if tunnels else {}

    # --- compare -------------------------------------------------------------------------------------------------

    def _restart(self) -> str:
        """What has to be done to the daemon for its settings; empty if nothing."""
        if not self._settings:
            return ""
        if not charon.identity()[0]:
            return "start strongSwan"
        noted = charon.marker(self.store)
        lasting = charon.lasting(self._settings)
        if noted.get("daemon") not in (sha256(lasting), sha256(charon.before_certified(lasting))):
            return "restart strongSwan"
        if self._deaf():
            return f"restart strongSwan, which does not hold UDP {', '.join(map(str, self._deaf()))}"
        return "" if noted.get("settings") == sha256(self._settings) else RELOAD

    def _deaf(self) -> list[int]:
        """The ports that the running charon does not hold: others had them when it started."""
        tunnels = self.want.tunnels("ipsec")
        remote = [partners.DUMMY if tunnel.get("by_name") else tunnel["remote_address"] for tunnel in tunnels]
        families = {ip.family(address) for address in remote if address != collisions.ANY_ADDRESS}
        return charon.deaf(charon.identity()[0], families)

    def _stale(self) -> bool:
        """Whether the file, or what is loaded of it, is not what is wanted."""
        if files.read(self.store.at(charon.CONFIG)) != self._text or self._former.stale():
            return True
        if not self._text:
            return False
        noted = charon.marker(self.store)
        if self._renewed or noted.get("credentials") != self._credentials:
            return True
        if self._former.waits(self._text):
            return False
        if noted.get("config") != sha256(self._text):
            return True
        found = _connections.loaded()
        return any(found.get(name) != children for name, children in self._shape.items())

    def _over(self) -> list[tuple[str, str]]:
        """SAs of tunnels and links that the node had and should not have."""
        had = _connections.shape(self.have)
        gone = [bridge.name(name) for name in had if name not in self._shape]
        found = [(name, "") for name, child in _connections.active(gone) if not child] if gone else []
        for name, child in _connections.active(had) if had else []:
            if self._former.keeps(name, child):
                continue
            if name not in self._shape:
                found += [] if child else [(name, "")]
            elif child in had[name] and child not in self._shape[name]:
                found.append((name, child))
        return found

    def _refused(self) -> list[str]:
        """Tunnels that are up by a certificate that was revoked since: charon asks at the next authentication only."""
        ended = charon.marker(self.store).get("revoked") or {}
        revoked = {revocations.folded(name) for name, when in self._revoked.items() if ended.get(name) != when}
        names = [
            tunnel["name"]
            for tunnel in self.want.tunnels("ipsec")
            if revocations.folded(tunnel["remote_id"]) in revoked and _certificates.proves(tunnel)
        ]
        names += [bridge.name(name) for name in names]
        return [name for name, child in _connections.active(names) if not child] if names else []

    def problems(self) -> list[str]:
        """A file that does not load, or does not hold what the document says."""
        if not self._shape:
            return []
        if not self._text:
            return ["the document has tunnels, but there is no swanctl.conf"]
        names = partners.unfilled(self._asked, self.want)
        if names:
            return names
        if not have("swanctl"):
            return [] if self.check else ["swanctl is not installed"]
        if not self._stale():
            return []
        unable = self.want.backend == "libipsec" and collisions.moved_here(self.want.document, survey.strongswan())
        if unable:
            return [unable]
        text, known = self._to_try()
        changed = {charon.CONFIG: text}
        for name, path in _certificates.FILES.items():
            text = self.want.files.get(name, "")
            if _certificates.signed(text):
                changed[path] = text
            elif _certificates.needed(self.want) and not self.store.at(path).exists():
                return []  # reported as the missing certificate that it is
        authority = changed.get(_certificates.AUTHORITY) or files.read(self.store.at(_certificates.AUTHORITY))
        if _certificates.signed(authority):
            changed[_certificates.LAST_AUTHORITY] = _certificates.derived(authority, "")[_certificates.LAST_AUTHORITY]
        try:
            connections, able = scratch.load(changed)
            if known & connections.keys():  # another file has something to say about one of them
                known = set()
                connections, able = scratch.load({**changed, charon.CONFIG: self._text})
        except CommandError as error:
            return [str(error), *self._no_mlkem(set())]
        found, wrong = _connections.parse(connections), [*self._no_mlkem(able), *self._no_addrblock(able)]
        wrong += [
            f"{FILE}: connection {tunnel['name']} does not require the PPK that the document asks for"
            for tunnel in self.want.tunnels("ipsec")
            if tunnel["ike"].get("ppk") and connections.get(tunnel["name"], {}).get("ppk_required") != "yes"
        ]
        for name, children in self._shape.items():
            if name in known:
                continue
            if name not in found:
                wrong.append(f"{FILE}: connection {name} of the document is missing")
            elif found[name] != children:
                wrong.append(f"{FILE}: connection {name} has other children or selectors than the document")
        return wrong

    def _to_try(self) -> tuple[str, set[str]]:
        """The file without connections that charon has from the same words, as the document wants them; and those."""
        before, noted = files.read(self.store.at(charon.CONFIG)), charon.marker(self.store)
        if self._renewed or (noted.get("config"), noted.get("credentials")) != (sha256(before), self._credentials):
            return self._text, set()
        if self._restart() not in ("", RELOAD):  # a charon that starts reads all of it
            return self._text, set()
        loaded = _connections.loaded()
        with_ppk = {tunnel["name"] for tunnel in self.want.tunnels("ipsec") if tunnel["ike"].get("ppk")}
        same = {name for name, children in self._shape.items() if loaded.get(name) == children} - with_ppk
        return differing.only(self._text, before, same)

    def _no_mlkem(self, exchanges: set[str]) -> list[str]:
        """Tunnels whose proposals have ML-KEM, if this strongSwan has none. `exchanges`: what it can do."""
        wanted = {
            (tunnel["name"], word)
            for tunnel in self.want.tunnels("ipsec")
            for one in (tunnel["ike"], *(link["esp"] for link in tunnel.get("links", [])))
            for proposal in one["proposals"]
            for word in proposal.split("-")
            if MLKEM.fullmatch(word)
        }
        return [
            f"tunnel {name}: this node's strongSwan has no ML-KEM ({word}), and vcc_mlkem says it has"
            for name, word in sorted(wanted)
            if f"ML_KEM_{MLKEM.fullmatch(word)[1]}" not in exchanges  # type: ignore[index]
        ]

    def _no_addrblock(self, able: set[str]) -> list[str]:
        """Said where certificates name addresses, and this strongSwan cannot hold peers to them."""
        if charon.ADDRBLOCK in able or not x509.certifies(self.want.files.get("authority.pem", "")):
            return []
        return [
            "this node's strongSwan has no plugin addrblock, which holds peers to the addresses in their certificates "
            "(RFC 3779): install it; Debian has it in libcharon-extra-plugins"
        ]

    # --- report --------------------------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """Connections to load, change and unload; SAs to terminate; the daemon to (re)start."""
        found: list[Change] = []
        before = files.read(self.store.at(charon.SETTINGS))
        if before != self._settings:
            verb = "write" if self._settings else "remove"
            found.append(Change("strongswan", f"{verb} {charon.SETTINGS}", before, self._settings))
        if self._restart():
            found.append(Change("strongswan", self._restart()))
        if not self._settings and self.store.owned("service") is not None:
            found.append(Change("strongswan", "give strongSwan back"))
        if self._stale():
            found += self._loads()
        found += [
            Change(self.name, f"terminate {child + ' of ' if child else ''}{name}") for name, child in self._over()
        ]
        found += [Change(self.name, f"terminate {name}: its certificate was revoked") for name in self._refused()]
        return found

    def _loads(self) -> list[Change]:
        old = {tunnel["name"]: tunnel for tunnel in self.have.tunnels("ipsec")}
        new = {tunnel["name"]: tunnel for tunnel in self.want.tunnels("ipsec")}
        verbs = [f"load {name}" for name in new if name not in old]
        verbs += [f"change {name}" for name in new if name in old and new[name] != old[name]]
        verbs += [f"unload {name}" for name in old if name not in new]
        first, *others = verbs or ["load connections"]
        text = Change(self.name, first, files.read(self.store.at(charon.CONFIG)), self._text)
        return [text, *(Change(self.name, verb) for verb in others)]

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the files; restart the daemon if its settings changed, else load what changed."""
        if not self._settings:
            return
        # When the node boots, its agent asks for names as soon as it can.
        if not self.boot and partners.by_name(self.want):
            noted = partners.refreshed(self.want, self.store)
            partners.note(noted, self.store)
            self._text = partners.filled(self._asked, self.want, noted)
        stale = self._stale()
        before = files.read(self.store.at(charon.CONFIG))
        if files.read(self.store.at(charon.SETTINGS)) != self._settings:
            charon.note_service(self.store)
            files.write(self.store.at(charon.SETTINGS), self._settings)
        if stale:
            self._former.build()
            files.write(self.store.at(charon.CONFIG), self._text)
        if self.boot:  # strongSwan starts next, and loads these files
            return
        if self._restart() == RELOAD:
            self._reload()
        elif self._restart():
            if not systemd.here():
                raise CommandError("strongSwan has to be started, and this node has no systemd")
            charon.note_service(self.store)
            strangers = charon.strangers()
            if strangers:  # to restart it would not help
                raise CommandError("; ".join(map(str, strangers)))
            charon.restart()  # loads the file, too
            charon.mark(self.store, daemon=self._settings)
            self._renewed = False
            stale = self._stale()
        if stale:
            try:
                if self._others() and self._certified():
                    outdated.note(self.want, self.have, self.store)
                _connections.load_credentials(self.store)
            except ViciError as error:
                raise CommandError(str(error)) from error
            if self._former.waits(self._text):  # confirm loads them
                charon.mark(self.store, credentials=self._credentials, proofs=self._proofs)
                return
            self._load(before)

    def _load(self, before: str) -> None:
        """Load the connections. What charon makes anew for it, a bridge carries meanwhile."""
        others, certified = self._others(), self._certified()
        sections = bridge.concerned(self._text, before, others, self.want)
        if others:
            sections |= bridge.outgrown(self._text, before, self.want)
        bridges = bridge.build(sections, self.want, self.store) if sections else bridge.Bridges()
        run("swanctl", "--load-conns", timeout=60)
        if others and certified:
            outdated.note(self.want, self.have, self.store)
        if secrets.ppk_ids(self._text) != secrets.ppk_ids(before):
            reauthenticate.note_renamed(self.want, before, self._text, self.store)
        self._former.untrap()
        charon.mark(self.store, config=self._text, credentials=self._credentials, proofs=self._proofs)
        with contextlib.suppress(ViciError):  # the agent ends what is left
            bridge.replace(bridges, self.want, self.store, bridge.ITSELF)

    def _others(self) -> bool:
        """Whether charon has connections with another certificate, or authority, than they are to have."""
        noted = charon.marker(self.store)
        if noted.get("proofs"):
            return bool(noted["proofs"] != self._proofs)
        return bool(noted) and noted.get("credentials") != self._as_before  # noted by an earlier release

    def _certified(self) -> bool:
        """Whether these may have another certificate, rather than other authorities only, which no peer need see."""
        had = [self.have.files.get(name, "") for name in _certificates.FILES]
        noted = charon.marker(self.store).get("proofs")  # none by an earlier release
        as_had = not noted or noted == sha256("".join(had))
        return not as_had or had[0] != self.want.files.get("certificate.pem", "")

    def _moved(self) -> dict[str, str]:
        """Where the peers of tunnels are now that were elsewhere before.

        charon closes the IKE_SA that it had, and asks the old address for minutes if nothing answers there any more. It
        does not even close one that is still being made.
        """
        if self.boot or not charon.identity()[0]:
            return {}
        had = {tunnel["name"]: tunnel.get("remote_address") for tunnel in self.have.tunnels("ipsec")}
        now = {tunnel["name"]: str(tunnel.get("remote_address")) for tunnel in self.want.tunnels("ipsec")}
        by_name = partners.by_name(self.want)  # the agent finds out where those are
        return {name: at for name, at in now.items() if had.get(name, at) != at and name not in by_name}

    def _reload(self) -> None:
        try:
            charon.reload_settings()
        except ViciError as error:
            raise CommandError(str(error)) from error
        charon.mark(self.store, daemon=self._settings)

    def clear(self) -> None:
        """Unload and terminate what is no longer wanted; give the daemon back with the last tunnel."""
        over = self._over()
        path = self.store.at(charon.CONFIG)
        if not self._text and path.exists():
            self._former.build()
            files.remove(path)
            if charon.identity()[0]:
                run("swanctl", "--load-conns", timeout=60)
        try:
            _connections.terminate(over)
            _connections.end_elsewhere(self._moved())
            self._end_refused()
        except ViciError as error:
            raise CommandError(str(error)) from error
        if not partners.by_name(self.want):
            partners.note({}, self.store)
        if not self._settings:
            files.remove(self.store.at(charon.SETTINGS))
            if self.store.owned("service") is not None:
                charon.give_back(self.store, wait=not self.boot)

    def _end_refused(self) -> None:
        _connections.terminate((name, "") for name in self._refused())
        noted = charon.marker(self.store)
        if noted and (noted.get("revoked") or {}) != self._revoked:
            charon.mark(self.store, revoked=self._revoked)
