# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: an external edge's end of a tunnel in libreswan's words (ipsec.conf(5), ipsec.secrets(5), `ipsec algparse`).

*left* is the external edge, *right* is ours. One connection per VPN; libreswan lets them share the IKE_SA.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._intent.policy.encryption import AEAD, CIPHER, GROUP, INTEGRITY, PRF

Section = Mapping[str, Any]
_CIPHERS = {
    "aes128gcm16": "aes_gcm128",
    "aes192gcm16": "aes_gcm192",
    "aes256gcm16": "aes_gcm256",
    "chacha20poly1305": "chacha20_poly1305",
}
_HASHES = {"sha256": "sha2_256", "sha384": "sha2_384", "sha512": "sha2_512"}
# IANA's numbers (IKEv2 Transform Type 4), which every version of libreswan knows.
_GROUPS = {
    "modp2048": "dh14",
    "modp3072": "dh15",
    "modp4096": "dh16",
    "modp6144": "dh17",
    "modp8192": "dh18",
    "ecp256": "dh19",
    "ecp384": "dh20",
    "ecp521": "dh21",
    "curve25519": "dh31",
    "x25519": "dh31",
}
LONGEST_LIFETIME = 86400  # seconds; libreswan accepts no more
_INDENT = "    "


def algorithms(proposal: str, *, ike: bool) -> str | None:
    """A swanctl proposal in libreswan's spelling, such as ``aes_gcm256-sha2_384;dh20``.

    None for the one thing it cannot say: a PRF of another hash than the integrity's.
    """
    words = proposal.split("-")
    cipher = next(word for word in words if word in AEAD | CIPHER)
    integrity = [word for word in words if word in INTEGRITY]
    prfs = [word.removeprefix("prf") for word in words if word in PRF]
    group = next(word for word in words if word in GROUP)
    if ike and integrity and prfs and prfs != integrity:
        return None
    hashes = integrity or (prfs if ike else [])
    return "-".join([_CIPHERS.get(cipher, cipher), *(_HASHES[name] for name in hashes)]) + f";{_GROUPS[group]}"


def ipsec_conf(tunnel: Section) -> str:
    """The connections of a tunnel, as they are put into /etc/ipsec.d/<name>.conf."""
    lines = [
        f"# {tunnel['local']['identity']} is left, {tunnel['remote']['edge']} is right.",
        f"# {tunnel['initiator']} initiates and rekeys; this side answers.",
    ]
    for vpn in tunnel["vpns"]:
        lines += ["", f"conn {tunnel['name']}-{vpn['child']}", *(f"{_INDENT}{line}" for line in _conn(tunnel, vpn))]
    return "\n".join(lines) + "\n"


def ipsec_secrets(tunnel: Section, psk: str | None) -> str:
    """The tunnel's line of ipsec.secrets; without the key, one that says where the key is."""
    if tunnel["authentication"] != "psk":
        return "# None: the private key is in libreswan's NSS database.\n"
    local, remote = (_identity(tunnel[end]["identity"]) for end in ("local", "remote"))
    key = f'"{psk}"' if psk else f'"THE KEY: {tunnel["psk"]}"'
    return f"{local} {remote} : PSK {key}\n"


def _conn(tunnel: Section, vpn: Section) -> list[str]:
    local, remote, ike, esp = tunnel["local"], tunnel["remote"], tunnel["ike"], vpn["esp"]
    certificate = tunnel["authentication"] == "certificate"
    return [
        "ikev2=insist",
        "auto=add",
        *_ends("left", local, vpn["local_ts"], [f"leftcert={local['identity']}", "leftsendcert=always"] * certificate),
        *_ends("right", remote, vpn["remote_ts"], ["rightca=%same"] * certificate),
        # Of what kind the keys are is the same on both sides for libreswan, and ours are ECDSA.
        "authby=ecdsa" if certificate else "authby=secret",
        *_proposals("ike", ike["proposals"]),
        *_proposals("esp", esp["proposals"]),
        "pfs=yes",
        # Ours rekeys at its time; theirs only ends what nobody rekeyed, a tenth later, as strongSwan does it.
        "rekey=no",
        f"ikelifetime={_lifetime(ike['rekey_time'])}s",
        f"salifetime={_lifetime(esp['rekey_time'])}s",
        f"dpddelay={ike['dpd_delay']}",
        f"dpdtimeout={max(30, 3 * ike['dpd_delay'])}",
        "dpdaction=clear",
        f"replay-window={esp['replay_window']}",
        "encapsulation=auto",
        "mobike=no",
        f"mtu={vpn['mtu']}",
    ]


def _ends(side: str, end: Section, selectors: Sequence[str], more: Sequence[str]) -> list[str]:
    if len(selectors) == 1:
        networks = [f"{side}subnet={selectors[0]}"]
    else:
        networks = [
            "# libreswan 4 makes a CHILD_SA of every pair of these, and not one for all of them.",
            f'{side}subnets="{{{" ".join(selectors)}}}"',
        ]
    # Behind a NAT, or with an address that changes, it is to find its own address by its default route.
    address = "%defaultroute" if end.get("behind_nat") or end.get("by_name") else end["address"]
    return [f"{side}={address}", f"{side}id={_identity(end['identity'])}", *networks, *more]


def _proposals(kind: str, proposals: Sequence[str]) -> list[str]:
    said: list[str] = []
    usable: list[str] = []
    for proposal in proposals:
        text = algorithms(proposal, ike=kind == "ike")
        if text is None:
            said.append(f"# libreswan has no word for {proposal}: its PRF is always the integrity's hash.")
        elif kind == "esp" and usable and text.partition(";")[2] != usable[0].partition(";")[2]:
            said.append(f"# libreswan takes one group in esp=, so not {proposal}.")
        else:
            usable.append(text)
    return [*said, *([f"{kind}={','.join(usable)}"] if usable else [])]


def _identity(identity: str) -> str:
    """A name is taken literally with @; an address is an address."""
    return identity if identity.replace(".", "").isdigit() or ":" in identity else f"@{identity}"


def _lifetime(rekey_time: int) -> int:
    return min(LONGEST_LIFETIME, rekey_time + rekey_time // 10)
