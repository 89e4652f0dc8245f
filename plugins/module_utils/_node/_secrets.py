# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-shared keys: on disk, where strongSwan finds them when it starts, and in the running charon.

No key is ever part of a change, a problem or an error.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable

from . import _charon, _connections, _files
from ._document import Change, Document, Generation, sha256
from ._part import Context, Part
from ._run import CommandError
from ._vici import Vici, ViciError

FILE = "secrets.json"  # in a generation: {tunnel: key}
PATH = "/etc/swanctl/conf.d/intercloud-vpn-secrets.conf"
PATIENCE = 5.0  # seconds that a peer has to authenticate again with a key that changed

Keys = dict[str, str]


def tunnels(generation: Generation) -> list[Document]:
    """The tunnels that authenticate with a pre-shared key."""
    return [tunnel for tunnel in generation.listed("tunnels") if tunnel["ike"].get("auth") == "psk"]


def keys(generation: Generation) -> Keys:
    """The keys that a generation carries, by tunnel; only those that its document has use for."""
    given: dict[str, str] = json.loads(generation.files.get(FILE) or "{}")
    return {tunnel["name"]: given[tunnel["name"]] for tunnel in tunnels(generation) if tunnel["name"] in given}


def completed(want: Generation, have: Generation) -> Generation:
    """A generation without the key of a tunnel keeps the one the node has for it."""
    known = {**keys(have), **keys(want)}
    names = [tunnel["name"] for tunnel in tunnels(want) if tunnel["name"] not in want.awaited]
    wanted = {name: known[name] for name in names if name in known}
    files = {name: text for name, text in want.files.items() if name != FILE}
    if wanted:
        files[FILE] = json.dumps(wanted, sort_keys=True)
    return Generation(want.document, files, want.backend, want.awaited)


def digests(generation: Generation) -> Keys:
    """What is noted of a generation's keys, and of whom they are for, once they are loaded."""
    known = keys(generation)
    return {
        tunnel["name"]: sha256("\0".join((tunnel["local_id"], tunnel["remote_id"], known[tunnel["name"]])))
        for tunnel in tunnels(generation)
        if tunnel["name"] in known
    }


def _section(tunnel: str) -> str:
    """The name of a tunnel's section, by which charon knows the key, too."""
    return f"ike-{tunnel}"


def text(generation: Generation) -> str:
    """The file for swanctl; empty without keys. Keys in hexadecimal: no character of theirs can end a line."""
    known = keys(generation)
    if not known:
        return ""
    lines = ["# Made by intercloud.vpn; changes are lost.", "secrets {"]
    for tunnel in tunnels(generation):
        if tunnel["name"] in known:
            lines += [
                f"  {_section(tunnel['name'])} {{",
                f"    id-1 = {tunnel['local_id']}",
                f"    id-2 = {tunnel['remote_id']}",
                f"    secret = 0x{known[tunnel['name']].encode().hex()}",
                "  }",
            ]
    return "\n".join([*lines, "}"]) + "\n"


def parse(content: str) -> Keys:
    """The keys that such a file holds."""
    found = re.findall(r"^  ike-(\S+) \{\n(?:    id.*\n)*    secret = 0x([0-9a-f]+)$", content, re.MULTILINE)
    return {name: bytes.fromhex(digits).decode("utf-8", "replace") for name, digits in found if len(digits) % 2 == 0}


class Secrets(Part):
    """The keys of a generation."""

    name = "secrets"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._keys, self._had = keys(self.want), keys(self.have)
        self._text = text(self.want)

    # --- compare -------------------------------------------------------------------------------------------------

    def _missing(self) -> list[str]:
        return [tunnel["name"] for tunnel in tunnels(self.want) if tunnel["name"] not in self._keys]

    def _stale(self) -> bool:
        """Whether the file is not what is wanted, or others may read it."""
        path = self.store.at(PATH)
        return _files.read(path) != self._text or (bool(self._text) and bool(path.stat().st_mode & 0o077))

    def _unloaded(self) -> list[str]:
        """Tunnels whose key the running charon does not have, or whose IKE_SA may still be of the key before."""
        if not self._keys or not _charon.identity()[0]:
            return []
        noted, there = _charon.marker(self.store).get("secrets", {}), _loaded()
        wanted = digests(self.want)
        return [name for name in wanted if noted.get(name) != wanted[name] or _section(name) not in there]

    def _over(self) -> list[str]:
        """Tunnels whose key charon has and should not have."""
        noted = _charon.marker(self.store).get("secrets", {})
        ours = {*self._had, *noted} - {*self._keys, *self.want.awaited}
        there = _loaded() if ours else set()
        return sorted(name for name in ours if _section(name) in there)

    def problems(self) -> list[str]:
        """Keys that are missing."""
        return [
            f"tunnel {name}: no pre-shared key was given, and this node has none"
            for name in self._missing()
            if name not in self.want.awaited
        ]

    def changes(self) -> list[Change]:
        """Keys to install, change and remove; of which kind they are is all that is said of them."""
        there = parse(_files.read(self.store.at(PATH)))
        fresh = {*self._missing(), *self.want.awaited}
        fresh |= {name for name, key in self._keys.items() if there.get(name) != key}
        gone = set(there) - set(self._keys) - fresh
        found = [_change("change" if name in there else "install", name) for name in sorted(fresh)]
        found += [_change("remove", name) for name in sorted(gone)]
        if not found and self._stale():
            found.append(Change(self.name, f"{'write' if self._text else 'remove'} {PATH}"))
        for verb, names, said in (("load", self._unloaded(), fresh), ("unload", self._over(), gone)):
            found += [Change(self.name, f"{verb} the pre-shared key of {name}") for name in names if name not in said]
        return found

    # --- converge ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Write the file, and load what is missing: connections that come next are to find their keys."""
        if self._text and self._stale():
            _files.write(self.store.at(PATH), self._text, 0o600)
        if not self.boot:
            self._load(self._unloaded())

    def clear(self) -> None:
        """Take away what is no longer wanted; have peers authenticate again with the keys that changed."""
        if not self._text:
            _files.remove(self.store.at(PATH))
        if self.boot or not _charon.identity()[0]:
            return
        todo = self._unloaded()
        self._load(todo)
        try:
            with Vici() as vici:
                for name in self._over():
                    vici.request("unload-shared", {"id": _section(name)})
            _authenticate_again(todo)
        except ViciError as error:
            raise CommandError(str(error)) from error
        if _charon.marker(self.store).get("secrets", {}) != digests(self.want):
            _charon.mark(self.store, secrets=digests(self.want))

    def _load(self, names: list[str]) -> None:
        by_name = {tunnel["name"]: tunnel for tunnel in tunnels(self.want)}
        try:
            for name in names:
                owners = [by_name[name]["local_id"], by_name[name]["remote_id"]]
                with Vici() as vici:
                    key = {"id": _section(name), "type": "IKE", "data": self._keys[name], "owners": owners}
                    vici.request("load-shared", key)
        except ViciError as error:
            raise CommandError(str(error)) from error


def _change(verb: str, tunnel: str) -> Change:
    line = f"pre-shared key of {tunnel}"
    before = {"install": "", "change": f"{line}: the old one", "remove": line}[verb]
    after = {"install": line, "change": f"{line}: a new one", "remove": ""}[verb]
    return Change(Secrets.name, f"{verb} the {line}", before, after)


def _loaded() -> set[str]:
    """The names of the shared secrets that charon has, other people's too; none if it does not run."""
    try:
        with Vici() as vici:
            return {str(name) for name in vici.request("get-shared").get("keys", [])}
    except ViciError:
        return set()


def _authenticate_again(names: list[str]) -> None:
    """Have the tunnels that are up authenticate with the keys that are loaded now.

    charon makes a new IKE_SA before it ends the old one, so that nothing is lost when the peer has the new key already.
    If it has not, the tunnel goes down: better now, when somebody looks, than some day.
    """
    before = {name: found for name, found in _spis(names).items() if found}
    for name in before:
        with Vici() as vici:
            vici.ask("rekey", {"ike": name, "reauth": "yes"})
    left = set(before)
    deadline = time.monotonic() + PATIENCE
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = {name for name, found in _spis(left).items() if not found or found & before[name]}
    _connections.terminate((name, "") for name in sorted(left))


def _spis(names: Iterable[str]) -> dict[str, set[tuple[str, str]]]:
    """The IKE_SAs of tunnels that carry something, or did until a moment ago."""
    found: dict[str, set[tuple[str, str]]] = {name: set() for name in names}
    for name, sa in _connections.security_associations(found):
        if sa.get("state") in ("ESTABLISHED", "REKEYING"):
            found[name].add((str(sa.get("initiator-spi")), str(sa.get("responder-spi"))))
    return found
