# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a run leaves on machines and in the ledger, as comparable lines: no numbers of generations, no keys."""

from __future__ import annotations

import json
import re

from ansible_collections.intercloud.vpn.tests.testinfra import ledger, snapshot

OURS = re.compile(r"intercloud|swanctl|strongswan|charon|openvpn")
SHARED = ("files", "contents", "units", "processes")  # where the machine has things of its own that change
# Keys and certificates are made anew. What was ever guarded, and what was used, outlasts a generation.
LASTING = re.compile(
    r"/swanctl/(private|x509|x509crl|x509ca)/|intercloud-vpn-secrets\.conf$|guarded\.json|/usage\.json"
)
NUMBERS = (
    (re.compile(r"generations/\d+-[0-9a-f]+"), "generations/N"),
    # The kernel gives a tunnel device another one each time.
    (re.compile(r"fe80::[0-9a-f:]+(?=.* (ipsec0|stable-privacy) )|(?<= ipsec0    inet6 )fe80::[0-9a-f:]+"), "fe80::"),
    (re.compile(r"(?<=/ipsec0/stable_secret:).*"), ""),
    (re.compile(r"^\d+: "), ""),
    (re.compile(r"@if\d+"), "@if"),  # the other end of a wire, which is another one after a boot
    (re.compile(r"(valid_lft|preferred_lft|expires) \d+sec"), r"\1"),
)
PASSING = {"generation", "ledger", "chain", "lineage", "hash"}


def of_all():
    """{machine: {subject: lines}}, for snapshot.differences; the ledger is one of the machines."""
    found = {name: {key: _some(key, machine[key]) for key in machine} for name, machine in snapshot.of_all().items()}
    return {**found, "ledger": _ledger()}


def _some(subject, lines):
    return {_plain(line) for line in lines if _counts(subject, line)}


def _counts(subject, line):
    if subject not in SHARED:
        return True
    return bool(OURS.search(line)) and not (subject == "contents" and LASTING.search(line)) and "/previous " not in line


def _plain(line):
    for pattern, word in NUMBERS:
        line = pattern.sub(word, line)
    return line.rstrip()


def _ledger():
    documents = {row["node"]: _without(json.loads(row["document"])) for row in ledger.rows("documents")}
    return {
        "documents": {f"{node} {json.dumps(document, sort_keys=True)}" for node, document in documents.items()},
        "leases": {f"{row['kind']} {row['key']} {row['first']}" for row in ledger.rows("leases")},
        "vpns": {f"{row['name']} {row['state']}" for row in ledger.rows("vpns")},
        "tunnels": {str(len(ledger.rows("tunnels")))},
    }


def _without(value):
    if isinstance(value, dict):
        return {key: _without(inner) for key, inner in value.items() if key not in PASSING}
    return [_without(inner) for inner in value] if isinstance(value, list) else value
