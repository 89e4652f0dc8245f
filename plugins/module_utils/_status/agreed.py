# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STATUS: what VPNs that share a tunnel have to agree on, as a digest that can be compared without the settings."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from typing import Any

from .._intent.policy.policy import Policy, policy_from_record
from .._intent.tunnel import KINDS as OPTIONS
from .._plan.tunnel.kinds import KINDS


def agreements(policy: Policy) -> dict[str, str]:
    """By kind of tunnel and the values of its options, ``"ipsec"``, ``"ssl tcp"``: the digest for this policy."""
    found = {}
    for kind, options in OPTIONS.items():
        for values in itertools.product(*options.values()):
            found[" ".join((kind, *values))] = _digest(policy, kind, dict(zip(options, values)))
    return found


def agreed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Of a VPN's record in the ledger: its digest, and whether its policy requires a PPK."""
    kind = str(record["tunnel"])
    first = {key: values[0] for key, values in OPTIONS[kind].items()}
    policy = policy_from_record(record["policy"])
    digest = _digest(policy, kind, {**first, **record.get("tunnel_options", {})})
    return {"agreed": digest, "ppk": policy.encryption.ppk == "required"}


def _digest(policy: Policy, kind: str, options: Mapping[str, str]) -> str:
    return hashlib.sha256(repr((kind, KINDS[kind].agreed(policy, options))).encode()).hexdigest()[:16]
