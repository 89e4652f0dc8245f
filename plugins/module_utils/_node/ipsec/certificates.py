# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's certificate and its authority's: public files. The private key is made on the edge and never read here."""

from __future__ import annotations

from ..document import Change, Document, Generation, sha256
from ..part import Part
from ..state import Store
from ..system import files
from ..system.run import CommandError, have, run
from . import revocations

NAME = "intercloud-vpn"
KEY = f"/etc/swanctl/private/{NAME}.key"
CERTIFICATE = f"/etc/swanctl/x509/{NAME}.pem"
AUTHORITY = f"/etc/swanctl/x509ca/{NAME}.pem"
REVOCATIONS = f"/etc/swanctl/x509crl/{NAME}.pem"
FILES = {"certificate.pem": CERTIFICATE, "authority.pem": AUTHORITY}
# There is none before the first revocation.
OPTIONAL = {"crl.pem": REVOCATIONS}
LOADED = (CERTIFICATE, AUTHORITY, REVOCATIONS)


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


def proofs_on_disk(store: Store) -> str:
    """A digest of those that its connections have: the certificate and the authority's."""
    return sha256("".join(files.read(store.at(path)) for path in FILES.values()))


class Certificates(Part):
    """The files of a generation that carry certificates."""

    name = "certificates"

    def _wrong(self) -> dict[str, str]:
        every = {**FILES, **OPTIONAL}
        wanted = {path: self.want.files[name] for name, path in every.items() if name in self.want.files}
        return {path: text for path, text in wanted.items() if self._differs(path, text)}

    def _differs(self, path: str, text: str) -> bool:
        there = files.read(self.store.at(path))
        if path == REVOCATIONS and revocations.number(there) > revocations.number(text):
            return False  # who goes back to an earlier generation does not trust again what was revoked since
        return there != text

    def loaded(self) -> str:
        """What `on_disk` tells once this is built, and what is over is gone."""
        return sha256("".join(self.text(path) for path in LOADED))

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
        return self._wrong().get(path) or ("" if path in self._over() else files.read(self.store.at(path)))

    def _absent(self) -> list[str]:
        return [
            path
            for name, path in FILES.items()
            if needed(self.want) and name not in self.want.files and not self.store.at(path).exists()
        ]

    def _over(self) -> list[str]:
        if needed(self.want):
            return []
        return [path for path in (KEY, CERTIFICATE, AUTHORITY, REVOCATIONS) if self.store.at(path).exists()]

    def problems(self) -> list[str]:
        """Certificates that are missing, or that are not for this edge's key."""
        if self.check:
            return []
        found = [f"{path}: there is none, and none was given" for path in self._absent()]
        if not needed(self.want):
            return found
        if not self.store.at(KEY).exists():
            return [*found, f"{KEY}: there is none"]
        found += self._no_list()
        text = self._wrong().get(CERTIFICATE)
        if text and have("openssl"):
            try:
                ours = run("openssl", "pkey", "-pubout", "-in", str(self.store.at(KEY)))
                theirs = run("openssl", "x509", "-noout", "-pubkey", stdin=text)
            except CommandError as error:
                return [*found, str(error)]
            if ours.split() != theirs.split():
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
        wrong = sorted({*self._wrong(), *self._absent()})
        return [Change(self.name, f"install {path}", "", path) for path in wrong] + [
            Change(self.name, f"remove {path}", path, "") for path in self._over()
        ]

    def build(self) -> None:
        """Install."""
        for path, text in self._wrong().items():
            files.write(self.store.at(path), text)

    def clear(self) -> None:
        """Remove."""
        for path in self._over():
            files.remove(self.store.at(path))
