# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's certificate and its authorities': public files. The private key is made on the edge and never read here.

While an organization's authority is replaced (``_pki/rotation.py`` on the VCC server), edges trust two. strongSwan
reads the first certificate of a file, OpenVPN all of them. So the file of the authority holds both, and a second file
the last of them. Where there is one authority, both files are alike, and connections need not change their words.

A new private key comes beside the one in use (:data:`NEW_KEY`). It takes that one's place with the certificate for it,
and the old one stays (:data:`OLD_KEY`) until that is confirmed. charon loads every key in the directory, so that a
machine which dies in between starts with a pair that fits, whichever certificate it has by then.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import re
import tempfile

from ..document import Change, Document, Generation, sha256, sha256_of
from ..part import Part
from ..state import Store
from ..system import files
from ..system.run import CommandError, have, run
from . import credential_files, revocations
from .vici import Vici, ViciError

NAME = credential_files.NAME
KEY = f"/etc/swanctl/private/{NAME}.key"
CERTIFICATE = credential_files.CERTIFICATE
AUTHORITY = credential_files.AUTHORITY
REVOCATIONS = credential_files.REVOCATIONS
NEW_KEY = f"/etc/swanctl/private/{NAME}-new.key"
OLD_KEY = f"/etc/swanctl/private/{NAME}-old.key"
LAST_AUTHORITY = f"/etc/swanctl/x509ca/{NAME}-last.pem"
LAST_REVOCATIONS = f"/etc/swanctl/x509crl/{NAME}-last.pem"
FILES = credential_files.FILES
OPTIONAL = credential_files.OPTIONAL
LOADED = (CERTIFICATE, AUTHORITY, LAST_AUTHORITY, REVOCATIONS, LAST_REVOCATIONS)
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----\n?", re.DOTALL)


def blocks(text: str) -> list[str]:
    """The PEM blocks of a file, without what is before or between them."""
    return [found.group() for found in _PEM.finditer(text)]


def der_of(pem: str) -> bytes:
    """What a PEM block holds; nothing where that is not base64."""
    try:
        return binascii.a2b_base64("".join(pem.splitlines()[1:-1]))
    except (ValueError, binascii.Error):
        return b""


def authorities(store: Store) -> list[str]:
    """The authorities that are installed: SHA-256 (DER, hexadecimal), in the order of the file."""
    return [sha256_of(der_of(one)) for one in blocks(files.read(store.at(AUTHORITY)))]


def derived(authority: str, revocations_: str) -> dict[str, str]:
    """The second files, by path: the last authority of a file, and the last of several lists of revocations.

    A file that is not PEM is its own last part; so it is told what is wrong with it by who loads it.
    """
    lists = blocks(revocations_)
    return {
        LAST_AUTHORITY: (blocks(authority) or [authority])[-1],
        LAST_REVOCATIONS: lists[-1] if len(lists) > 1 else "",
    }


def needed(generation: Generation) -> bool:
    """Whether a tunnel of the generation authenticates with a certificate."""
    return any(proves(tunnel) for tunnel in generation.listed("tunnels"))


def proves(tunnel: Document) -> bool:
    """Whether a tunnel's ends prove with certificates who they are."""
    return bool(tunnel.get("ike", {}).get("auth", "pubkey") == "pubkey")


def signed(text: str) -> bool:
    """Whether a text is a certificate. In check mode, a word stands for one that is not signed yet."""
    return text.startswith("-----BEGIN")


def on_disk(store: Store) -> str:
    """A digest of the certificates and revocations that charon finds when it starts."""
    return sha256("".join(files.read(store.at(path)) for path in LOADED))


def _follows(there: str, text: str) -> bool:
    """Whether the authorities of one text are those of another one, and a new one. None is ever taken back alone."""
    have, wanted = blocks(there), blocks(text)
    return bool(wanted) and len(have) > len(wanted) and have[: len(wanted)] == wanted


def _signer(certificate: str, among: list[str]) -> str:
    """Of some authorities, the one that signed a certificate; empty where none did, or nobody can tell."""
    if not signed(certificate) or not have("openssl"):
        return ""
    words = ("openssl", "verify", "-no_check_time", "-no-CApath", "-CAfile", "/dev/stdin")
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate)
        file.flush()
        for one in among:
            with contextlib.suppress(CommandError):
                run(*words, file.name, stdin=one)
                return one
    return ""


def _outdated(there: str, text: str, certificate: str) -> bool:
    """Whether a text with authorities is of before those that are there, by the certificate that the edge is to have.

    Planned before a phase of a rotation, or of a generation before it: it trusts an authority again that is gone, or
    not the one that signed the certificate, and so no peer. Who has other authorities for us gives us a certificate.
    """
    have_, wanted = blocks(there), blocks(text)
    again = len(wanted) > len(have_) > 0 and wanted[-len(have_) :] == have_
    if not have_ or not wanted or not (again or {*have_} - {*wanted}):
        return False
    signer = _signer(certificate, have_)
    return bool(signer) and (again or signer not in wanted)


def key_of(store: Store, path: str) -> list[str]:
    """The public half of a private key, PEM. CommandError."""
    return run("openssl", "pkey", "-pubout", "-passin", "pass:", "-in", str(store.at(path))).split()


def public_of(certificate: str) -> list[str]:
    """The public key that a certificate is for, PEM. CommandError."""
    return run("openssl", "x509", "-noout", "-pubkey", stdin=certificate).split()


def forget_old_key(store: Store) -> None:
    """Remove the key that was in use before, from charon, too. What is confirmed has no use for it."""
    text = files.read(store.at(OLD_KEY))
    if not text or store.fallback is not None:
        return
    with contextlib.suppress(ViciError), Vici() as vici:
        # charon names a key by a digest of its own, and tells it whoever loads the key.
        known = vici.request("load-key", {"type": "any", "data": text}).get("id")
        if known:
            vici.request("unload-key", {"id": known})
    files.remove(store.at(OLD_KEY))


def proofs_on_disk(store: Store) -> str:
    """A digest of those that its connections have: the certificate and the authorities'."""
    return sha256("".join(files.read(store.at(path)) for path in FILES.values()))


class Certificates(Part):
    """The files of a generation that carry certificates."""

    name = "certificates"

    def _wrong(self) -> dict[str, str]:
        """The files to write; one with no text goes."""
        every = {**FILES, **OPTIONAL}
        wanted = {path: self.want.files[name] for name, path in every.items() if name in self.want.files}
        wrong = {path: text for path, text in wanted.items() if self._differs(path, text)}
        if needed(self.want):
            final = {path: wrong.get(path) or files.read(self.store.at(path)) for path in (AUTHORITY, REVOCATIONS)}
            for path, text in derived(final[AUTHORITY], final[REVOCATIONS]).items():
                if files.read(self.store.at(path)) != text:
                    wrong[path] = text
        return wrong

    def _differs(self, path: str, text: str) -> bool:
        there = files.read(self.store.at(path))
        if path == REVOCATIONS and revocations.number(there) > revocations.number(text):
            return False  # who goes back to an earlier generation does not trust again what was revoked since
        if path == AUTHORITY and _follows(there, text):
            return False  # a slower run, or a way back, that does not know of the new authority yet
        if path == AUTHORITY and there != text and _outdated(there, text, self.want.files.get("certificate.pem", "")):
            return False
        return there != text

    def loaded(self) -> str:
        """What `on_disk` tells once this is built, and what is over is gone."""
        return sha256("".join(self.text(path) for path in LOADED))

    def loaded_before(self) -> str:
        """What releases before noted instead of `loaded`: they had one authority and one list of revocations."""
        return sha256("".join(self.text(path) for path in (CERTIFICATE, AUTHORITY, REVOCATIONS)))

    def proofs(self) -> str:
        """The same of `proofs_on_disk`. Revocations are no part of connections."""
        return sha256("".join(self.text(path) for path in FILES.values()))

    def revoked(self) -> dict[str, str]:
        """The identities whose certificates were revoked, and when last."""
        return revocations.identities(self.text(REVOCATIONS))

    def revoked_serials(self) -> dict[str, str]:
        """The serial numbers of revoked certificates, decimal as OpenVPN has them, and whose they were."""
        return revocations.serials(self.text(REVOCATIONS))

    def text(self, path: str) -> str:
        """The content of one of these files in the end: with the last tunnel that needs it, it goes."""
        wrong = self._wrong()
        if path in wrong:
            return wrong[path]
        return "" if path in self._over() else files.read(self.store.at(path))

    def _absent(self) -> list[str]:
        return [
            path
            for name, path in FILES.items()
            if needed(self.want) and name not in self.want.files and not self.store.at(path).exists()
        ]

    def _over(self) -> list[str]:
        if needed(self.want):
            return [path for path in self._spare() if self.store.at(path).exists()]
        return [path for path in (KEY, NEW_KEY, OLD_KEY, *LOADED) if self.store.at(path).exists()]

    def _spare(self) -> list[str]:
        """The keys beside the one in use that nobody needs any more. What is unconfirmed may need the old one."""
        return [] if self.check or self.store.fallback is not None else [OLD_KEY]

    def _fitting(self) -> str:
        """Of several keys, the one that the certificate is for; empty where that is the key in use, or is not known."""
        beside = [path for path in (NEW_KEY, OLD_KEY) if self.store.at(path).exists()]
        text = self.text(CERTIFICATE)
        if not beside or not signed(text) or not have("openssl"):
            return ""
        with contextlib.suppress(CommandError):
            wanted = public_of(text)
            if self.store.at(KEY).exists() and key_of(self.store, KEY) == wanted:
                return ""
            return next((path for path in beside if key_of(self.store, path) == wanted), "")
        return ""

    def problems(self) -> list[str]:
        """Certificates that are missing, or that are not for this edge's key."""
        if self.check:
            return []
        found = [f"{path}: there is none, and none was given" for path in self._absent()]
        if not needed(self.want):
            return found
        if not self.store.at(KEY).exists() and not self._fitting():
            return [*found, f"{KEY}: there is none"]
        found += self._no_list()
        text = self._wrong().get(CERTIFICATE)
        if text and have("openssl") and not self._fitting():
            try:
                ours, theirs = key_of(self.store, KEY), public_of(text)
            except CommandError as error:
                return [*found, str(error)]
            if ours != theirs:
                found.append("the certificate given is not for this edge's private key")
        return found

    def _no_list(self) -> list[str]:
        text = self._wrong().get(REVOCATIONS)
        try:
            if text and have("openssl"):
                run("openssl", "crl", "-noout", stdin=text)
        except CommandError as error:
            return [str(error)]
        return []

    def changes(self) -> list[Change]:
        """Files to install and to remove; never their content, which is long and tells nobody anything."""
        found, gone = self._wrong(), self._over()
        there = {*(path for path, text in found.items() if text), *self._absent()}
        # A check does not know an authority that is yet to be made; the second file comes with it.
        if AUTHORITY in there and not self.store.at(LAST_AUTHORITY).exists():
            there.add(LAST_AUTHORITY)
        wrong = sorted(there)
        gone += [path for path, text in found.items() if not text and path not in gone]
        changes = [Change(self.name, f"install {path}", "", path) for path in wrong]
        changes += [Change(self.name, f"use {path}", "", path) for path in [self._fitting()] if path]
        return changes + [Change(self.name, f"remove {path}", path, "") for path in gone]

    def build(self) -> None:
        """Install. The key comes first: whoever loads the certificate finds it."""
        self._use(self._fitting())
        for path, text in self._wrong().items():
            if text:
                files.write(self.store.at(path), text)
            else:
                files.remove(self.store.at(path))

    def _use(self, path: str) -> None:
        """Put a key into the place of the one in use, which stays beside it: nothing here removes a key."""
        if not path:
            return
        other = OLD_KEY if path == NEW_KEY else NEW_KEY
        key, fitting, beside = (self.store.at(one) for one in (KEY, path, other))
        if key.exists():
            beside.unlink(missing_ok=True)
            os.link(key, beside)
        os.replace(fitting, key)

    def clear(self) -> None:
        """Remove."""
        for path in self._over():
            if path == OLD_KEY:
                forget_old_key(self.store)
            else:
                files.remove(self.store.at(path))
