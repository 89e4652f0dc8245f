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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..document import Change, Document, Generation, sha256
from ..held import Held, text_of
from ..held import parse as parse_held
from ..part import Context, Part
from ..ssl import tls_crypt
from ..state import Store
from ..system import files as _files
from ..system.run import CommandError
from . import charon, connections
from .vici import Vici, ViciError

FILE = tls_crypt.FILE
SECOND = "+"  # in front of a key's number: no name of a tunnel has it, and strongSwan's files take it (no full stop)
PATH = "/etc/swanctl/conf.d/intercloud-vpn-secrets.conf"
_PPK_ID = re.compile(r"^([ \t]*ppk_id = )(\S+)[ \t]*\n", re.MULTILINE)

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


@dataclass(frozen=True)
class Entry:
    """A key as charon has it."""

    name: str
    """The tunnel's; from its second key on with the key's number. Peers tell each other that name of a PPK."""
    tunnel: Document
    kind: Kind
    number: int
    key: str
    used: bool
    """Whether this end authenticates with it, rather than lets the peer do so. Of a PPK, whether it is named."""

    @property
    def section(self) -> str:
        """The name of its section, by which charon knows it, too."""
        return f"{self.kind.prefix}-{self.name}"

    @property
    def owners(self) -> list[str]:
        """Whom it is for: two identities; or the name of a PPK, by which peers agree on one (RFC 8784, section 3).

        charon authenticates with the key that fits both identities best, and tries all that fit one when it verifies.
        """
        if self.kind == PPK:
            return [self.name]
        return [self.tunnel["local_id"], self.tunnel["remote_id"]] if self.used else [self.tunnel["remote_id"]]


Preferred = Mapping[str, str]
"""Tunnel to an external edge -> the name of the key that this end uses. Without an entry, the generation says which."""


def entry_name(tunnel: str, number: int) -> str:
    """What a key is called. A tunnel's first key is called as the tunnel is."""
    return tunnel if number == 1 else f"{tunnel}{SECOND}{number}"


def held(generation: Generation) -> dict[str, Held]:
    """The keys that a generation carries, by tunnel; only those that its document has use for."""
    given = tls_crypt.given(generation)
    return {name: parse_held(given[name]) for name in tunnels(generation) if name in given} if given else {}


def entries(generation: Generation, preferred: Preferred = MappingProxyType({})) -> dict[str, Entry]:
    """The keys as charon is to have them, by name."""
    found, known = {}, held(generation)
    for name, (tunnel, its) in tunnels(generation).items() if known else ():
        both = {entry_name(name, key.number): key for key in sorted(key for key in known.get(name, ()) if key)}
        for one, key in both.items():
            chosen = preferred.get(name) if its == PSK else None
            used = one == chosen if chosen in both else key == known[name].used
            found[one] = Entry(one, tunnel, its, key.number, key.text, used)
    return found


def preferred(store: Store) -> dict[str, str]:
    """Which of two keys this end authenticates with, by tunnel, as the file has it."""
    found = re.findall(r"^  ike-(\S+) \{\n    id-1 = .*\n    id-2 = ", _files.read(store.at(PATH)), re.MULTILINE)
    return {name.partition(SECOND)[0]: name for name in found}


def completed(want: Generation, have: Generation) -> Generation:
    """A generation without the key of a tunnel keeps the one the node has for it."""
    known = {**tls_crypt.given(have), **tls_crypt.given(want)}
    names = (*tunnels(want), *tls_crypt.tunnels(want))
    wanted = {name: known[name] for name in names if name in known and name not in want.awaited}
    files = {name: text for name, text in want.files.items() if name != FILE}
    if wanted:
        files[FILE] = json.dumps(wanted, sort_keys=True)
    return Generation(want.document, files, want.backend, want.awaited)


def digests(generation: Generation, preferred: Preferred = MappingProxyType({})) -> Keys:
    """What is noted of a generation's keys, and of whom they are for, once they are loaded."""
    return {
        name: sha256("\0".join((*entry.owners, entry.key))) for name, entry in entries(generation, preferred).items()
    }


def named(text: str, generation: Generation) -> str:
    """A swanctl.conf in which the connections name the PPKs that are in use.

    The end that initiates names one. The other takes any that it has, once there was a second one: a PPK by another
    name than its connection has it would refuse.
    """
    ends, rotated = {}, {name: keys for name, keys in held(generation).items() if keys.numbers != [1]}
    known = tunnels(generation) if rotated else {}
    for name, keys in rotated.items():
        tunnel, its = known[name]
        if its == PPK:
            ends[name] = entry_name(name, keys.used.number) if tunnel.get("initiator") else ""

    def line(match: re.Match[str]) -> str:
        one = ends.get(match[2])
        return match[0] if one is None else f"{match[1]}{one}\n" if one else ""

    return _PPK_ID.sub(line, text) if ends else text


def ppk_ids(text: str) -> set[str]:
    """The PPKs that the connections of a swanctl.conf name."""
    return {match[2] for match in _PPK_ID.finditer(text)}


def unnamed(generation: Generation) -> list[str]:
    """Tunnels whose connections, by a template of the user's own, name no PPK that could be replaced (`named`)."""
    there = ppk_ids(generation.files.get("swanctl.conf", ""))
    return [name for name, (_tunnel, its) in tunnels(generation).items() if its == PPK and name not in there]


def text(generation: Generation, preferred: Preferred = MappingProxyType({})) -> str:
    """The file for swanctl; empty without keys. Keys in hexadecimal: no character of theirs can end a line."""
    known = entries(generation, preferred)
    if not known:
        return ""
    lines = ["# Made by intercloud.vpn; changes are lost.", "secrets {"]
    for entry in known.values():
        lines.append(f"  {entry.section} {{")
        lines += [f"    id-{number} = {owner}" for number, owner in enumerate(entry.owners, 1)]
        lines += [f"    secret = 0x{entry.key.encode().hex()}", "  }"]
    return "\n".join([*lines, "}"]) + "\n"


def parse(content: str) -> Keys:
    """The keys that such a file holds, by name."""
    found = re.findall(r"^  (?:ike|ppk)-(\S+) \{\n(?:    id.*\n)*    secret = 0x([0-9a-f]+)$", content, re.MULTILINE)
    return {name: bytes.fromhex(digits).decode("utf-8", "replace") for name, digits in found if len(digits) % 2 == 0}


def salvaged(content: str) -> Keys:
    """What a generation carries of the keys that such a file holds, by tunnel. Of two, the older one is in use."""
    found: dict[str, dict[int, str]] = {}
    for name, key in parse(content).items():
        tunnel, _plus, number = name.partition(SECOND)
        found.setdefault(tunnel, {})[int(number) if number.isdigit() else 1] = key
    return {tunnel: text_of(keys) for tunnel, keys in found.items()}


def load(entries: Iterable[Entry]) -> None:
    """Give charon keys, in place of those by the same names. ViciError."""
    for entry in entries:
        with Vici() as vici:
            key = {"id": entry.section, "type": entry.kind.type, "data": entry.key}
            vici.request("load-shared", {**key, "owners": entry.owners})


def prefer(names: Preferred, generation: Generation, store: Store) -> None:
    """Authenticate with other keys than before, of those that there are. The caller has the store's lock. ViciError.

    Killed in between, the next look of the agent, or the next run, loads what the file says.
    """
    before = preferred(store)
    wanted = {**before, **names}
    tunnels = {*names}
    changed = [one for one in entries(generation, wanted).values() if one.tunnel["name"] in tunnels]
    noted = charon.marker(store).get("secrets", {})
    charon.mark(
        store, secrets={name: digest for name, digest in noted.items() if name.partition(SECOND)[0] not in tunnels}
    )
    _files.write(store.at(PATH), text(generation, wanted), 0o600)
    load(sorted(changed, key=lambda entry: entry.used))
    charon.mark(store, secrets=digests(generation, wanted))


class Secrets(Part):
    """The keys of a generation."""

    name = "secrets"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._preferred = preferred(self.store)
        self._entries = entries(self.want, self._preferred)
        self._had = entries(self.have)
        self._text = text(self.want, self._preferred)
        self._digests = digests(self.want, self._preferred)

    # --- compare -------------------------------------------------------------------------------------------------

    def _missing(self) -> list[str]:
        known = held(self.want)
        return [name for name in tunnels(self.want) if name not in known]

    def _stale(self) -> bool:
        """Whether the file is not what is wanted, or others may read it."""
        path = self.store.at(PATH)
        return _files.read(path) != self._text or (bool(self._text) and bool(path.stat().st_mode & 0o077))

    def _unloaded(self) -> list[str]:
        """Keys that the running charon does not have; with a pre-shared key in use, an IKE_SA may be of another."""
        if not self._entries or not charon.identity()[0]:
            return []
        noted, there = charon.marker(self.store).get("secrets", {}), _loaded()
        wanted = self._digests
        return [n for n in wanted if noted.get(n) != wanted[n] or self._entries[n].section not in there]

    def _over(self) -> dict[str, str]:
        """Keys that charon has and should not have, and their sections."""
        noted = charon.marker(self.store).get("secrets", {})
        ours = {*self._had, *noted} - {*self._entries, *self.want.awaited}
        there = _loaded() if ours else set()
        sections = {name: f"{its.prefix}-{name}" for name in sorted(ours) for its in (PSK, PPK)}
        sections.update({name: f"{PSK.prefix}-{name}" for name in ours if f"{PSK.prefix}-{name}" in there})
        return {name: section for name, section in sections.items() if section in there}

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
        fresh |= {name for name, entry in self._entries.items() if there.get(name) != entry.key}
        gone = set(there) - set(self._entries) - fresh
        found = [self._change("change" if name in there else "install", name) for name in sorted(fresh)]
        found += [self._change("remove", name) for name in sorted(gone)]
        if not found and self._stale():
            found.append(Change(self.name, f"{'write' if self._text else 'remove'} {PATH}"))
        for verb, names, said in (("load", self._unloaded(), fresh), ("unload", [*self._over()], gone)):
            found += [Change(self.name, f"{verb} the {self._line(name)}") for name in names if name not in said]
        return found

    def _word(self, name: str) -> str:
        known = {**tunnels(self.have), **tunnels(self.want)}
        tunnel, _plus, number = name.partition(SECOND)
        word = known[tunnel][1].name if tunnel in known else "key"
        return f"{word} {number}" if number else word

    def _line(self, name: str) -> str:
        return f"{self._word(name)} of {name.partition(SECOND)[0]}"

    def _change(self, verb: str, name: str) -> Change:
        line = self._line(name)
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
        known = {n: d for n, d in noted.items() if n not in self._entries or there.get(n) == self._entries[n].key}
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
        # A second key is one that nothing was made with yet (partner_keys.py).
        with_psk = [one.tunnel["name"] for name in todo if (one := self._entries[name]).kind == PSK and one.used]
        try:
            with Vici() as vici:
                for section in self._over().values():
                    vici.request("unload-shared", {"id": section})
            # With a peer that has not got the key the tunnel goes down: better now, when somebody looks, than some day.
            connections.terminate((name, "") for name in sorted(connections.again(with_psk, reauth=True)))
        except ViciError as error:
            raise CommandError(str(error)) from error
        if charon.marker(self.store).get("secrets", {}) != self._digests:
            charon.mark(self.store, secrets=self._digests)

    def _load(self, names: list[str]) -> None:
        try:
            load(self._entries[name] for name in names)
        except ViciError as error:
            raise CommandError(str(error)) from error


def _loaded() -> set[str]:
    """The names of the shared secrets that charon has, other people's too; none if it does not run."""
    try:
        with Vici() as vici:
            return {str(name) for name in vici.request("get-shared").get("keys", [])}
    except ViciError:
        return set()
