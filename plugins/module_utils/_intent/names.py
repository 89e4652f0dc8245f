# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: a VPN's ``names``: the domain in which its members have names.

What may be a name: RFC 1035, 2.3.4 for lengths, RFC 2181, 11 for what is in a label. An underscore is in no host name
(RFC 952), and yet inventories have it; DNS carries it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .._base.coerce import boolean
from .._base.problems import Problems, unknown_keys

ROOT = "vpn.internal"
"""Above the domain of a VPN that names none. ``internal`` is reserved for private use (ICANN, 2024)."""

_KEYS = ("domain",)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_LONGEST = 253
# What resolvers take for something else: RFC 6762 (multicast DNS), RFC 6761, and the reverse of addresses.
_TAKEN = ("local", "localhost", "arpa", "invalid", "onion")


def parse_names(raw: object, vpn: str | None, path: str, problems: Problems) -> str | None:
    """The domain, in lower case; None where no names are asked for. Errors go to ``problems``.

    ``raw``: true, false, or ``{domain: ...}``. ``vpn``: the VPN's name, if that is known.
    """
    given = raw if isinstance(raw, Mapping) else boolean(raw)
    if given is None or given is False:
        return None
    if given is not True and not isinstance(given, Mapping):
        problems.add(path, f"must be true, false or a mapping with domain, not {raw!r}")
        return None
    domain: object = None
    if isinstance(given, Mapping):
        unknown_keys(given, _KEYS, path, problems)
        domain = given.get("domain")
    if domain is None:
        default = f"{vpn}.{ROOT}".lower() if vpn else None
        if default and wrong_domain(default):  # of a VPN's name, only the end can be wrong
            problems.add(path, f"{vpn} makes no DNS name ('-' at its end); say names: {{domain: ...}}")
            return None
        return default
    wrong = wrong_domain(domain)
    if wrong:
        problems.add(f"{path}.domain", f"{domain!r} {wrong}")
        return None
    return str(domain).rstrip(".").lower()


def wrong_domain(domain: object) -> str | None:
    """What is wrong with a domain; None if nothing is."""
    labels = domain.removesuffix(".").split(".") if isinstance(domain, str) else []
    if not labels or not all(map(_LABEL.fullmatch, labels)) or sum(map(len, labels)) + len(labels) - 1 > _LONGEST:
        return "is not a DNS name: labels of letters, digits, '-' and '_', at most 63 each, with dots between them"
    if len(labels) == 1 or labels[-1].isdigit():
        return f"must have two labels or more, and the last one is not a number; such as payroll.{ROOT}"
    if labels[-1].lower() in _TAKEN:
        return f"ends in {labels[-1]}, for which resolvers ask no server; take another one, such as payroll.{ROOT}"
    return None


def wrong_name(name: str, domain: str) -> str | None:
    """What is wrong with a name below a domain; None if nothing is. A dot makes further labels."""
    long = next((label for label in name.split(".") if not _LABEL.fullmatch(label)), None)
    if long is not None:
        return f"{long!r} is not a DNS label (letters, digits, '-' and '_', none of them '-' at an end, at most 63)"
    full = f"{name}.{domain}"
    return f"{full} has {len(full)} characters, and a DNS name has at most {_LONGEST}" if len(full) > _LONGEST else None
