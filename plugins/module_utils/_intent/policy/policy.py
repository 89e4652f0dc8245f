# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: policies, which are mappings of sections, and the catalog of named ones.

What a section may say, and what it means, is in its own file, ``<section>.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..._base.coerce import like
from ..._base.names import BOOLEAN
from ..._base.problems import Problems, unknown_keys
from ..paths import of_policy
from .catalog import CATALOG
from .encryption import Encryption
from .logging import Logging
from .quota import Quota
from .rate import Rate
from .retries import Retries
from .rules import Rules
from .section import Section

SECTIONS: Mapping[str, type[Section]] = {
    "encryption": Encryption,
    "retries": Retries,
    "logging": Logging,
    "rules": Rules,
    "rate": Rate,
    "quota": Quota,
}


@dataclass(frozen=True)
class Policy:
    """A resolved policy: nothing in it refers to another. The fields are the names in ``SECTIONS``."""

    encryption: Encryption
    retries: Retries
    logging: Logging
    rules: Rules
    rate: Rate
    quota: Quota

    def record(self) -> dict[str, Any]:
        """The policy as plain data, as the ledger keeps it."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @property
    def limits(self) -> list[str]:
        """How much may pass, in words; empty where nothing is asked for."""
        return [*self.rate.lines(), *self.quota.lines()]

    def of_tunnel(self) -> tuple[object, ...]:
        """What every VPN that shares a tunnel has to agree on."""
        return tuple(getattr(self, name).of_tunnel() for name in SECTIONS)


def resolve_policy(wanted: object, policies: Mapping[str, Any], path: str, problems: Problems) -> Policy | None:
    """Turn a name in the catalog, or a mapping that extends one, into a :class:`Policy`.

    ``policies`` are the user's own (``vcc_policies``). A mapping extends the policy it names under ``extends``,
    ``standard`` when it names none. Errors go to ``problems``, under ``path`` or under the named policy they are in.
    """
    found = Problems()
    places: dict[str, dict[str, str]] = {}
    merged = _merge(wanted, policies, path, found, (), places)
    if merged is not None:
        for name, section in SECTIONS.items():
            section.check(merged[name], places[name], found)
    for error in found:
        problems.add(error.path, error.message)
    return None if merged is None or len(found) else policy_from_record(merged)


def check_policies(policies: Mapping[str, Any], problems: Problems) -> None:
    """Note what is wrong with the user's own policies, whether a VPN uses them or not."""
    for name, policy in policies.items():
        resolve_policy(name if isinstance(name, str) else policy, policies, of_policy(name), problems)


def policy_from_record(record: Mapping[str, Any]) -> Policy:
    """The inverse of :meth:`Policy.record`. A section that was not there yet when it was kept has its defaults."""
    read: dict[str, Any] = {
        name: section.read({**section.DEFAULTS, **record.get(name, {})}) for name, section in SECTIONS.items()
    }
    return Policy(**read)


def _merge(
    wanted: object,
    policies: Mapping[str, Any],
    path: str,
    problems: Problems,
    seen: tuple[str, ...],
    places: dict[str, dict[str, str]],
) -> dict[str, Any] | None:
    """The policy with all that it extends; ``places`` gets, by section, the path of each of its keys."""
    if isinstance(wanted, str):
        name = str(wanted)
        if name in seen:
            _note_circle(seen[seen.index(name) :], problems)
            return None
        if name in policies:
            return _merge(policies[name], policies, of_policy(name), problems, (*seen, name), places)
        if name in CATALOG:
            places.update(
                (section, {key: f"{path}.{section}.{key}" for key in reads.DEFAULTS})
                for section, reads in SECTIONS.items()
            )
            return {
                section: {**reads.DEFAULTS, **CATALOG[name].get(section, {})} for section, reads in SECTIONS.items()
            }
        known = ", ".join(sorted({*CATALOG, *map(str, policies)}))
        problems.add(path, f"there is no policy {name!r}; known are {known}")
        return None
    if isinstance(wanted, bool):
        problems.add(path, BOOLEAN)
        return None
    if not isinstance(wanted, Mapping):
        problems.add(path, "must be the name of a policy, or a mapping that extends one")
        return None
    unknown_keys(wanted, {"extends", *SECTIONS}, path, problems)
    base = _merge(wanted.get("extends", "standard"), policies, f"{path}.extends", problems, seen, places)
    if base is None:  # what it says itself can be checked all the same
        base = _merge("standard", {}, path, problems, (), places)
    for section, reads in SECTIONS.items():
        own = wanted.get(section, {})
        if not isinstance(own, Mapping):
            problems.add(f"{path}.{section}", "must be a mapping")
        else:
            unknown_keys(own, set(reads.DEFAULTS), f"{path}.{section}", problems)
            if base is not None:
                read = {key: like(reads.DEFAULTS.get(key), value) for key, value in own.items()}
                base[section] = {**base[section], **read}
                places[section].update((str(key), f"{path}.{section}.{key}") for key in own)
    return base


def _note_circle(names: tuple[str, ...], problems: Problems) -> None:
    """One circle is one mistake, whichever of its policies is read first."""
    start = names.index(min(names))
    circle = (*names[start:], *names[:start])
    problems.add(
        f"{of_policy(circle[-1])}.extends",
        f"policies extend each other in a circle: {' -> '.join((*circle, circle[0]))}",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value
