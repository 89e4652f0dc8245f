# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-shared keys and PPKs (RFC 8784): on disk, where strongSwan finds them when it starts, and in the running charon.

A tunnel has one key: it authenticates with it, or mixes it into what it agrees upon. No key is ever part of a change, a
problem or an error.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ..document import Change, Document, Generation, sha256
from ..part import Context, Part
from ..ssl import tls_crypt
from ..system import files as _files
from ..system.run import CommandError
from . import charon, connections
from .vici import Vici, ViciError

FILE = tls_crypt.FILE
PATH = "/etc/swanctl/conf.d/intercloud-vpn-secrets.conf"

Keys = dict[str, str]


@dataclass(frozen=True)
class Kind:
    """A kind of key: the prefix of its section and its type, in swanctl's and vici's words, and its name in ours."""

    prefix: str
    type: str
    name: str


PSK = Kind("ike", "IKE", "pre-shared key")
PPK = Kind("ppk", "PPK", "PPK")


def kind(tunnel: Document) -> Kind | None:
    """What kind of key a tunnel has; None for one that has none."""
    if tunnel["ike"].get("auth") == "psk":
        return PSK
    return PPK if tunnel["ike"].get("ppk") else None


def tunnels(generation: Generation) -> dict[str, tuple[Document, Kind]]:
    """The tunnels that have a key, by name."""
    found = ((tunnel, kind(tunnel)) for tunnel in generation.tunnels("ipsec"))
    return {tunnel["name"]: (tunnel, its) for tunnel, its in found if its}


def keys(generation: Generation) -> Keys:
    """The keys that a generation carries, by tunnel; only those that its document has use for."""
    given = tls_crypt.given(generation)
    return {name: given[name] for name in tunnels(generation) if name in given}


def completed(want: Generation, have: Generation) -> Generation:
    """A generation without the key of a tunnel keeps the one the node has for it."""
    known = {**tls_crypt.given(have), **tls_crypt.given(want)}
    names = (*tunnels(want), *tls_crypt.tunnels(want))
    wanted = {name: known[name] for name in names if name in known and name not in want.awaited}
    files = {name: text for name, text in want.files.items() if name != FILE}
    if wanted:
        files[FILE] = json.dumps(wanted, sort_keys=True)
    return Generation(want.document, files, want.backend, want.awaited)


def digests(generation: Generation) -> Keys:
    """What is noted of a generation's keys, and of whom they are for, once they are loaded."""
    known = keys(generation)
    return {
        name: sha256("\0".join((*_owners(tunnel, its), known[name])))
        for name, (tunnel, its) in tunnels(generation).items()
        if name in known
    }


def _owners(tunnel: Document, its: Kind) -> list[str]:
    """Whom a key is for: two identities; or the name of a PPK, which peers tell each other (RFC 8784, section 3)."""
    return [tunnel["name"]] if its == PPK else [tunnel["local_id"], tunnel["remote_id"]]


def _sections(generation: Generation) -> Keys:
    """The names of the tunnels' sections, by which charon knows the keys, too."""
    return {name: f"{its.prefix}-{name}" for name, (_tunnel, its) in tunnels(generation).items()}


def text(generation: Generation) -> str:
    """The file for swanctl; empty without keys. Keys in hexadecimal: no character of theirs can end a line."""
    known = keys(generation)
    if not known:
        return ""
    lines = ["# Made by intercloud.vpn; changes are lost.", "secrets {"]
    for name, (tunnel, its) in tunnels(generation).items():
        if name in known:
            lines.append(f"  {its.prefix}-{name} {{")
            lines += [f"    id-{number} = {owner}" for number, owner in enumerate(_owners(tunnel, its), 1)]
            lines += [f"    secret = 0x{known[name].encode().hex()}", "  }"]
    return "\n".join([*lines, "}"]) + "\n"


def parse(content: str) -> Keys:
    """The keys that such a file holds."""
    found = re.findall(r"^  (?:ike|ppk)-(\S+) \{\n(?:    id.*\n)*    secret = 0x([0-9a-f]+)$", content, re.MULTILINE)
    return {name: bytes.fromhex(digits).decode("utf-8", "replace") for name, digits in found if len(digits) % 2 == 0}


class Secrets(Part):
    """The keys of a generation."""

    name = "secrets"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._keys, self._had = keys(self.want), keys(self.have)
        self._text = text(self.want)
        self._sections = {**_sections(self.have), **_sections(self.want)}

    # --- compare -------------------------------------------------------------------------------------------------

    def _missing(self) -> list[str]:
        return [name for name in tunnels(self.want) if name not in self._keys]

    def _stale(self) -> bool:
        """Whether the file is not what is wanted, or others may read it."""
        path = self.store.at(PATH)
        return _files.read(path) != self._text or (bool(self._text) and bool(path.stat().st_mode & 0o077))

    def _unloaded(self) -> list[str]:
        """Tunnels whose key the running charon does not have; with a pre-shared key, their IKE_SA may be of another."""
        if not self._keys or not charon.identity()[0]:
            return []
        noted, there = charon.marker(self.store).get("secrets", {}), _loaded()
        wanted = digests(self.want)
        return [name for name in wanted if noted.get(name) != wanted[name] or self._sections[name] not in there]

    def _over(self) -> list[str]:
        """Tunnels whose key charon has and should not have."""
        noted = charon.marker(self.store).get("secrets", {})
        ours = {*self._had, *noted} - {*self._keys, *self.want.awaited}
        there = _loaded() if ours else set()
        return sorted(name for name in ours if self._sections.get(name) in there)

    def problems(self) -> list[str]:
        """Keys that are missing."""
        return [
            f"tunnel {name}: no {self._word(name)} was given, and this node has none"
            for name in self._missing()
            if name not in self.want.awaited
        ]

    def changes(self) -> list[Change]:
        """Keys to install, change and remove; of which kind they are is all that is said of them."""
        there = parse(_files.read(self.store.at(PATH)))
        fresh = {*self._missing(), *self.want.awaited}
        fresh |= {name for name, key in self._keys.items() if there.get(name) != key}
        gone = set(there) - set(self._keys) - fresh
        found = [self._change("change" if name in there else "install", name) for name in sorted(fresh)]
        found += [self._change("remove", name) for name in sorted(gone)]
        if not found and self._stale():
            found.append(Change(self.name, f"{'write' if self._text else 'remove'} {PATH}"))
        for verb, names, said in (("load", self._unloaded(), fresh), ("unload", self._over(), gone)):
            found += [
                Change(self.name, f"{verb} the {self._word(name)} of {name}") for name in names if name not in said
            ]
        return found

    def _word(self, tunnel: str) -> str:
        known = {**tunnels(self.have), **tunnels(self.want)}
        return known[tunnel][1].name if tunnel in known else "key"

    def _change(self, verb: str, tunnel: str) -> Change:
        line = f"{self._word(tunnel)} of {tunnel}"
        before = {"install": "", "change": f"{line}: the old one", "remove": line}[verb]
        after = {"install": line, "change": f"{line}: a new one", "remove": ""}[verb]
        return Change(self.name, f"{verb} the {line}", before, after)

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the file, and load what is missing: connections that come next are to find their keys."""
        if not self.boot:
            self._distrust()
        if self._text and self._stale():
            _files.write(self.store.at(PATH), self._text, 0o600)
        if not self.boot:
            self._load(self._unloaded())

    def _distrust(self) -> None:
        """A key that somebody changed on disk may be what charon has by now: what is noted of that is true no more."""
        noted, there = charon.marker(self.store).get("secrets", {}), parse(_files.read(self.store.at(PATH)))
        known = {n: digest for n, digest in noted.items() if n not in self._keys or there.get(n) == self._keys[n]}
        if known != noted:
            charon.mark(self.store, secrets=known)

    def clear(self) -> None:
        """Take away what is no longer wanted; have external peers authenticate again with pre-shared keys that changed.

        Where both ends are ours, and a PPK changed, that has to wait for the peer's commit (reauthenticate.py).
        """
        if not self._text:
            _files.remove(self.store.at(PATH))
        if self.boot or not charon.identity()[0]:
            return
        todo = self._unloaded()
        self._load(todo)
        with_psk = [name for name in todo if tunnels(self.want)[name][1] == PSK]
        try:
            with Vici() as vici:
                for name in self._over():
                    vici.request("unload-shared", {"id": self._sections[name]})
            # With a peer that has not got the key the tunnel goes down: better now, when somebody looks, than some day.
            connections.terminate((name, "") for name in sorted(connections.again(with_psk, reauth=True)))
        except ViciError as error:
            raise CommandError(str(error)) from error
        if charon.marker(self.store).get("secrets", {}) != digests(self.want):
            charon.mark(self.store, secrets=digests(self.want))

    def _load(self, names: list[str]) -> None:
        by_name = tunnels(self.want)
        try:
            for name in names:
                tunnel, its = by_name[name]
                with Vici() as vici:
                    key = {"id": self._sections[name], "type": its.type, "data": self._keys[name]}
                    vici.request("load-shared", {**key, "owners": _owners(tunnel, its)})
        except ViciError as error:
            raise CommandError(str(error)) from error


def _loaded() -> set[str]:
    """The names of the shared secrets that charon has, other people's too; none if it does not run."""
    try:
        with Vici() as vici:
            return {str(name) for name in vici.request("get-shared").get("keys", [])}
    except ViciError:
        return set()
