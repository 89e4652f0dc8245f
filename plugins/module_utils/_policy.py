# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: what a VPN's policy may say about encryption, and the catalog of named policies.

Only what is on the allow-lists below can be negotiated. DES, 3DES, MD5, SHA-1 and MODP groups of 1536 bits or less
are on none of them (NIST SP 800-77r1, section 4; RFC 8247).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ._problems import Problems, unknown_keys

AEAD = frozenset({"aes128gcm16", "aes192gcm16", "aes256gcm16", "chacha20poly1305"})
CIPHER = frozenset({"aes128", "aes192", "aes256"})
INTEGRITY = frozenset({"sha256", "sha384", "sha512"})
PRF = frozenset({"prfsha256", "prfsha384", "prfsha512"})
GROUP = frozenset(
    {"ecp256", "ecp384", "ecp521", "curve25519", "x25519", "modp2048", "modp3072", "modp4096", "modp6144", "modp8192"}
)

# NIST SP 800-77r1 allows IKE_SAs 24 h and CHILD_SAs 8 h. Anything shorter than a minute only burns CPU.
LONGEST = {"ike_rekey": 24 * 3600, "esp_rekey": 8 * 3600}
SHORTEST_REKEY = 60


@dataclass(frozen=True)
class Encryption:
    """What IKE_SA and CHILD_SA of a VPN use. Times in seconds, replay window in packets."""

    ike: tuple[str, ...]
    esp: tuple[str, ...]
    ike_rekey: int
    esp_rekey: int
    dpd_delay: int
    replay_window: int

    def of_ike(self) -> tuple[object, ...]:
        """What belongs to the IKE_SA, and so to every VPN that shares the tunnel."""
        return self.ike, self.ike_rekey, self.dpd_delay


@dataclass(frozen=True)
class Policy:
    """A resolved policy: nothing in it refers to another."""

    encryption: Encryption

    def record(self) -> dict[str, Any]:
        """The policy as plain data, as the ledger keeps it."""
        encryption = {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self.encryption).items()
        }
        return {"encryption": encryption}


# A probe every 5 s is what lets a crashed edge be replaced in seconds rather than minutes; it is sent on idle tunnels
# only. Replay window as AWS Site-to-Site VPN has it: 32, strongSwan's default, drops packets on fast reordering paths.
CATALOG: Mapping[str, Mapping[str, Any]] = {
    "standard": {
        "encryption": {
            "ike": ["aes256gcm16-prfsha384-ecp384"],
            "esp": ["aes256gcm16-ecp384"],
            "ike_rekey": 14400,
            "esp_rekey": 3600,
            "dpd_delay": 5,
            "replay_window": 1024,
        },
    },
}


def check_proposal(proposal: str, *, ike: bool) -> str | None:
    """Say what is wrong with a swanctl proposal such as ``aes256gcm16-prfsha384-ecp384``, or None."""
    words = proposal.split("-")
    for word in words:
        if word not in AEAD | CIPHER | INTEGRITY | PRF | GROUP:
            return f"{word!r} is not an algorithm we allow"
    ciphers = [word for word in words if word in AEAD | CIPHER]
    if len(ciphers) != 1:
        return "names not exactly one encryption algorithm"
    integrity = [word for word in words if word in INTEGRITY]
    if ciphers[0] in AEAD and integrity:
        return f"{ciphers[0]} authenticates by itself; leave {integrity[0]} out"
    if ciphers[0] in CIPHER and len(integrity) != 1:
        return f"{ciphers[0]} needs exactly one of {', '.join(sorted(INTEGRITY))}"
    prfs = [word for word in words if word in PRF]
    if ike and ciphers[0] in AEAD and len(prfs) != 1:
        return f"needs exactly one of {', '.join(sorted(PRF))}"
    if not ike and prfs:
        return f"{prfs[0]} has no place in an ESP proposal"
    if len([word for word in words if word in GROUP]) != 1:
        return "needs exactly one key exchange group" + ("" if ike else " (perfect forward secrecy)")
    return None


def resolve_policy(wanted: object, policies: Mapping[str, Any], path: str, problems: Problems) -> Policy | None:
    """Turn a name in the catalog, or a mapping that extends one, into a :class:`Policy`.

    ``policies`` are the user's own (``vcc_policies``). A mapping extends the policy it names under ``extends``,
    ``standard`` when it names none. Errors go to ``problems``, under ``path`` or under the named policy they are in.
    """
    found = Problems()
    places: dict[str, str] = {}
    merged = _merge(wanted, policies, path, found, (), places)
    if merged is not None:
        encryption = merged["encryption"]
        for kind in ("ike", "esp"):
            _check_proposals(encryption[kind], places[kind], found, ike=kind == "ike")
        for key, longest in LONGEST.items():
            _check_int(encryption[key], SHORTEST_REKEY, longest, places[key], "seconds", found)
        _check_int(encryption["dpd_delay"], 1, 3600, places["dpd_delay"], "seconds", found)
        _check_int(encryption["replay_window"], 32, 4096, places["replay_window"], "packets", found)
    for error in found:
        problems.add(error.path, error.message)
    return None if merged is None or len(found) else policy_from_record(merged)


def policy_from_record(record: Mapping[str, Any]) -> Policy:
    """The inverse of :meth:`Policy.record`."""
    encryption: dict[str, Any] = {
        key: tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else value
        for key, value in record["encryption"].items()
    }
    return Policy(Encryption(**encryption))


def _merge(
    wanted: object,
    policies: Mapping[str, Any],
    path: str,
    problems: Problems,
    seen: tuple[str, ...],
    places: dict[str, str],
) -> dict[str, Any] | None:
    """The policy with all that it extends; ``places`` gets the path of each of its settings."""
    if isinstance(wanted, str):
        name = str(wanted)
        if name in seen:
            problems.add(path, f"policies extend each other in a circle: {' -> '.join((*seen, name))}")
            return None
        if name in policies:
            return _merge(policies[name], policies, f"policies.{name}", problems, (*seen, name), places)
        if name in CATALOG:
            places.update((key, f"{path}.{section}.{key}") for section, body in CATALOG[name].items() for key in body)
            return {section: dict(body) for section, body in CATALOG[name].items()}
        known = ", ".join(sorted({*CATALOG, *map(str, policies)}))
        problems.add(path, f"there is no policy {name!r}; known are {known}")
        return None
    if not isinstance(wanted, Mapping):
        problems.add(path, "must be the name of a policy, or a mapping that extends one")
        return None
    before = len(problems)
    unknown_keys(wanted, {"extends", *CATALOG["standard"]}, path, problems)
    base = _merge(wanted.get("extends", "standard"), policies, f"{path}.extends", problems, seen, places)
    for section, known in CATALOG["standard"].items():
        own = wanted.get(section, {})
        if not isinstance(own, Mapping):
            problems.add(f"{path}.{section}", "must be a mapping")
        else:
            unknown_keys(own, set(known), f"{path}.{section}", problems)
            if base is not None:
                base[section] = {**base[section], **own}
                places.update((str(key), f"{path}.{section}.{key}") for key in own)
    return base if len(problems) == before else None


def _check_proposals(value: object, path: str, problems: Problems, *, ike: bool) -> None:
    if not isinstance(value, (list, tuple)) or not value:
        problems.add(
            path,
            "must be a list of proposals such as " + ("aes256gcm16-prfsha384-ecp384" if ike else "aes256gcm16-ecp384"),
        )
        return
    for index, proposal in enumerate(value):
        wrong = check_proposal(str(proposal), ike=ike)
        if wrong:
            problems.add(f"{path}[{index}]", f"{proposal}: {wrong}")


def _check_int(value: object, low: int, high: int, path: str, unit: str, problems: Problems) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        problems.add(path, f"must be a whole number of {unit} from {low} to {high}, not {value!r}")
