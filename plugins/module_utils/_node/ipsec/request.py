# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's request for a certificate. The agent makes it when the certificate is due, and keeps it.

A request is public: it has the edge's name and public key, and is signed with the private key.
"""

from __future__ import annotations

from ..document import Generation
from ..state import REQUEST, Store
from ..system import files
from ..system.run import CommandError, run
from . import certificates

# The names that are allowed may stand in openssl's configuration unquoted.
CONFIGURATION = """\
[req]
prompt = no
string_mask = utf8only
distinguished_name = name
req_extensions = extensions
[name]
O = {organization}
CN = {identity}
[extensions]
subjectAltName = DNS:{identity}
"""


def identities(generation: Generation) -> list[str]:
    """The identities that this edge proves with its certificate; one, unless its template says otherwise."""
    proving = [tunnel for tunnel in generation.listed("tunnels") if certificates.proves(tunnel)]
    return sorted({str(tunnel.get("identity") or tunnel["local_id"]) for tunnel in proving})


def made(key: str, identity: str, organization: str) -> str:
    """A request, PEM, by the private key in a file. CommandError."""
    configuration = CONFIGURATION.format(identity=identity, organization=organization)
    words = ("req", "-new", "-sha384", "-key", key, "-passin", "pass:", "-config", "/dev/stdin")
    return run("openssl", *words, stdin=configuration)


def kept(store: Store, identity: str, organization: str) -> str:
    """The request that is kept, if it is for the key, the identity and the organization; else an empty text."""
    text = files.read(store.state / REQUEST)
    if not text:
        return ""
    try:
        said = run("openssl", "req", "-noout", "-subject", "-nameopt", "RFC2253", "-pubkey", stdin=text)
        ours = certificates.key_of(store, certificates.KEY)
    except CommandError:
        return ""
    named = f"subject=CN={identity},O={organization}" in said.splitlines()
    return text if named and "".join(ours) in "".join(said.split()) else ""


def asked(store: Store, identity: str, organization: str, keep: bool = True) -> str:
    """The request, made if none is kept that fits; `keep`: it stays in the state directory. CommandError, OSError."""
    found = kept(store, identity, organization)
    if not found:
        found = made(str(store.at(certificates.KEY)), identity, organization)
        if keep:
            files.write(store.state / REQUEST, found)
    return found


def drop(store: Store) -> None:
    """Forget it: the certificate is another one by now, or no tunnel needs one."""
    (store.state / REQUEST).unlink(missing_ok=True)
