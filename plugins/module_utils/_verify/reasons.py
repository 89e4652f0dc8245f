# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: why a tunnel is down, out of what charon logged at both ends.

The end that refuses knows why; the other one hears that it was refused. So the lines are ranked by how much they tell,
and those that only people who know charon understand are put into words that say whose fault it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .ssl_reasons import RANKED

Section = Mapping[str, Any]
SHOWN = 2  # lines in a finding; all of them are in the JSON
_SUBJECT = re.compile(r'received end entity cert "(?P<name>.+)"')

# From the most telling to the least. {peer} and {own}: identities; groups of the pattern by name. Where charon's words
# are plain enough, they stand for themselves.
_RANKED: tuple[tuple[str, str], ...] = (
    (
        r"certificate was revoked on (?P<when>.+?)(?:, reason.*)?",
        "refuses {peer}: its certificate was revoked on {when}",
    ),
    (
        r"(?:subject|issuer) certificate invalid \(valid from (?P<begin>.+) to (?P<end>.+)\)",
        "refuses {peer}: its certificate is not valid now, only from {begin} to {end} (expired, or a clock is wrong)",
    ),
    (
        r"no issuer certificate found for .*",
        "refuses {peer}: its certificate is signed by an authority that is not trusted here",
    ),
    (r"no private key found for .*", "has no private key for {own}"),
    (r"no shared key found for .*", "has no pre-shared key for {peer}"),
    (r"tried \d+ shared keys? for .*MAC mismatched", "refuses {peer}: the pre-shared keys differ"),
    (r"PPK required but no PPK found for .*", "has no PPK for {peer}"),
    (
        r"PPK required but .*|received PPK_ID .*|peer didn't use PPK .*",
        "refuses {peer}: it does not use the PPK that is required",
    ),
    (r"received proposals unacceptable", "refuses {peer}: no IKE proposal in common"),
    (r"no acceptable (?:proposal|ENCRYPTION|INTEGRITY|DIFFIE|PSEUDO).*", "refuses {peer}: no ESP proposal in common"),
    (
        r"(?:no acceptable traffic selectors|traffic selectors .* unacceptable).*",
        "refuses {peer}: other traffic selectors",
    ),
    (r"no matching peer config found", "refuses {peer}: it has no connection for the identities that were sent"),
    (r"no IKE config found for .*", "refuses {peer}: it has no connection for these addresses"),
    (
        r"no trusted .*public key found for '(?P<id>.+)'",
        "refuses {peer}: it showed no certificate for {id} that is trusted here{shown}",
    ),
    (r"signature validation failed.*", "{unsigned}"),
    (r"constraint check failed.*", ""),
    (r"received NO_PROPOSAL_CHOSEN notify.*", "was refused by {peer}: no proposal in common"),
    (r".*TS_UNACCEPTABLE.*", "was refused by {peer}: other traffic selectors"),
    (r"received AUTHENTICATION_FAILED notify.*|parsed INFORMATIONAL .*N\(AUTH_FAILED\).*", "was refused by {peer}"),
    (r"(?:giving up after|.*peer not responding).*", "gets no answer from {peer}"),
    (r"error writing to socket.*", "cannot send to {peer}"),
    (r"received \w+ notify.*", ""),
    (r"failed to establish.*|unable to.*|.*authentication of .*failed", ""),
    (r"received DELETE for IKE_SA.*", "was told by {peer} to end the tunnel"),
)
_PATTERNS = [(re.compile(pattern), words) for pattern, words in (*_RANKED, *RANKED)]


def why(ends: Mapping[str, Section], observed: Mapping[str, Section], name: str) -> str:
    """Why the tunnel `name` is down: at most two lines of its ends' logs, the most telling ones; "" if they are silent.

    `ends`: node -> the tunnel in its document. `observed`: node -> what node_info returned.
    """
    found: list[tuple[int, str, str]] = []
    for node, tunnel in sorted(ends.items()):
        lines = observed.get(node, {}).get("reasons", {}).get(name, [])
        found += [(rank, node, text) for rank, text in _told([str(line["text"]) for line in lines], tunnel)]
    best = sorted(found, key=lambda item: item[0])
    chosen = best[:1] + [item for item in best[1:] if item[1] != best[0][1]][: SHOWN - 1]
    return "; ".join(f"{node} {text}" for _rank, node, text in chosen)


def _told(lines: list[str], tunnel: Section) -> Iterator[tuple[int, str]]:
    """One end's lines as (rank, words), each with charon's own in parentheses."""
    shown = next((m for line in reversed(lines) if (m := _SUBJECT.match(line))), None)
    names = {"peer": str(tunnel["remote_id"]), "own": str(tunnel["local_id"])}
    other = shown and f"CN={names['peer']}" not in re.split(r", |,", shown["name"])
    names["shown"] = f", but that of {shown['name']}" if shown and other else ""
    # A PPK is part of what is signed (RFC 8784, section 3): charon cannot tell which of the two it is.
    ppk = f"refuses {names['peer']}: the PPKs of the two ends differ, or its key is not its certificate's"
    names["unsigned"] = ppk if tunnel.get("ike", {}).get("ppk") else ""
    for line in lines:
        for rank, (pattern, words) in enumerate(_PATTERNS):
            match = pattern.fullmatch(line)
            if match:
                text = words.format(**{**names, **match.groupdict()})
                yield rank, f"{text} ({line})" if text else f"says: {line}"
                break
