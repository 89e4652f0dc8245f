# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""INTENT: what a run is told beside its intent: where the ledger is, how long to wait, what is allowed.

The roles hand these values on under names of their own, which no user wrote. So they are checked here, once, and under
the names that users know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .._base.coerce import boolean, integer
from .._base.lifetime import LONGEST, SHORTEST
from .._base.problems import Problems

ROTATED = ("certificates", "keys", "authority", "ppk", "psk", "tls_crypt")
CREATE_TUNNELS = ("always", "never", "ask")
# As YAML and people say them.
_CREATE = {True: "always", False: "never"}
_ABSOLUTE = re.compile(r"[/~$]")
TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z?)?")
_WEB = re.compile(r"https?://[^\s/]\S*")
_DURATION = re.compile(r"(\d{1,6})\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DAY = 86400


def check_run(values: Mapping[str, Any], problems: Problems, place: str = "") -> None:
    """Note what is wrong with the variables of a run; ``place`` is what goes before their names in paths."""
    for variable, value in values.items():
        wrong = CHECKS[variable](value) if variable in CHECKS else None
        if wrong:
            problems.add(f"{place}{variable}", wrong)


def create_tunnels(value: Any) -> str:
    """What ``vcc_create_tunnels`` means: YAML reads a bare ``no`` as a boolean."""
    said = boolean(value)
    return _CREATE[said] if isinstance(said, bool) else str(value).strip().lower()


def _ledger(value: Any) -> str | None:
    example = "write sqlite:////var/lib/intercloud-vpn/ledger.sqlite, or postgresql://user@host/database"
    if not isinstance(value, str) or "://" not in value:
        return f"must be a URL: {example}"  # the value is not repeated: it may hold a password
    scheme, _colon, rest = value.strip().partition("://")
    database = scheme.partition("+")[0]
    if database not in ("sqlite", "postgres", "postgresql"):
        return f"must begin with sqlite: or postgresql:, the ledgers there are; {example}"
    if database != "sqlite":
        return None
    path = rest.partition("?")[0]
    if path in ("", "/", "/:memory:"):
        return f"names no file, so that the ledger would be gone after the run; {example}"
    if not path.startswith("/"):
        return f"has a host in it; SQLite's URLs have three slashes and then the path: {example}"
    if not _ABSOLUTE.match(path[1:]):
        return (
            f"{path[1:]} is relative, and depends on the directory that a run is started in; write the whole path "
            f"after {scheme}:///, such as {scheme}:////var/lib/intercloud-vpn/ledger.sqlite"
        )
    return None


def _directory(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return f"must be a directory on the VCC server, not {value!r}"
    if not _ABSOLUTE.match(value.strip()):
        return f"{value} is relative, and depends on the directory that a run is started in; write the whole path"
    return None


def _whole(low: int, high: int, unit: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        number = integer(value)
        if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
            return None
        duration = _DURATION.fullmatch(value.strip()) if isinstance(value, str) and unit == "seconds" else None
        hint = f": write {int(duration[1]) * _SECONDS[duration[2][0].lower()]}" if duration else ""
        return f"must be a whole number of {unit} from {low} to {high}, not {value!r}{hint}"

    return check


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"must be one of {', '.join(words)}, not {value!r}"


def _create_tunnels(value: Any) -> str | None:
    return (
        None
        if create_tunnels(value) in CREATE_TUNNELS
        else f"must be one of {', '.join(CREATE_TUNNELS)}, not {value!r}"
    )


def _truth(value: Any) -> str | None:
    return None if isinstance(boolean(value), bool) else f"must be true or false, not {value!r}"


def _names(value: Any) -> str | None:
    entries = value if isinstance(value, (list, tuple)) else [value]
    if all(isinstance(entry, str) and entry.strip() for entry in entries):
        return None
    return f"must be a name, or a list of names, not {value!r}"


def _some_names(value: Any) -> str | None:
    return "names nothing; leave it out, or say what is meant" if value in ([], ()) else _names(value)


def _rotate(value: Any) -> str | None:
    entries = value if isinstance(value, (list, tuple)) else [value]
    words = [word.strip() for entry in entries for word in str(entry).split(",")]
    if words and all(word in ROTATED for word in words):
        return None
    return f"must name what to rotate, of {', '.join(ROTATED)}, not {value!r}"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else f"must be a text, not {value!r}"


def _url(value: Any) -> str | None:
    if isinstance(value, str) and _WEB.fullmatch(value.strip()):
        return None
    return f"must be an address such as https://awx.example/#/templates/job_template/7, not {value!r}"


def _time(value: Any) -> str | None:
    if TIME.fullmatch(str(value).strip()):
        return None
    return f"must be a time in UTC, such as 2026-01-31 or 2026-01-31T12:00, not {value!r}"


CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "vcc_adopt": _names,
    "vcc_allow_older": _truth,
    "vcc_allow_renumber": _truth,
    "vcc_as_approved": _truth,
    "vcc_as_verified": _truth,
    "vcc_awx_url": _url,
    "vcc_awx_write": _text,
    "vcc_backup": _text,
    "vcc_backend": _one_of("auto", "xfrm", "libipsec"),
    "vcc_certificate": _text,
    "vcc_certificate_days": _whole(SHORTEST, LONGEST, "days"),
    "vcc_certified_addresses": _truth,
    "vcc_clouds": _names,
    # A node that waits longer than a day to roll back has no deadline.
    "vcc_confirm_timeout": _whole(0, DAY, "seconds"),
    "vcc_create_tunnels": _create_tunnels,
    "vcc_csr": _text,
    "vcc_delete": _some_names,
    "vcc_events": _whole(0, 1_000_000, "events"),
    "vcc_export": _one_of("hosts", "inventory", "netbox"),
    "vcc_export_dir": _text,
    "vcc_export_file": _text,
    "vcc_export_vapp": _some_names,
    "vcc_drain": _text,
    "vcc_external_edge": _text,
    "vcc_forget": _names,
    "vcc_generation": _whole(1, 2**31 - 1, "generations"),
    "vcc_json": _text,
    "vcc_ledger": _ledger,
    "vcc_link_timeout": _whole(0, DAY, "seconds"),
    "vcc_move": _some_names,
    "vcc_new_ledger": _truth,
    "vcc_only": _text,
    "vcc_organization": _names,
    "vcc_package": _text,
    "vcc_package_sha1": _truth,
    "vcc_package_trusted": _text,
    "vcc_packages": _truth,
    "vcc_plan_fails": _truth,
    "vcc_report_file": _text,
    "vcc_restore_force": _truth,
    "vcc_result": _text,
    "vcc_revoke": _text,
    "vcc_rotate": _rotate,
    "vcc_rotate_abandon": _truth,
    "vcc_rotate_at_once": _truth,
    "vcc_rotate_edges": _some_names,
    "vcc_rotate_finish": _truth,
    "vcc_rotate_partners": _some_names,
    "vcc_settings": _text,
    "vcc_since": _time,
    "vcc_show_secrets": _truth,
    "vcc_state_dir": _directory,
    "vcc_status_fails": _truth,
    "vcc_template": _text,
    "vcc_template_state": _one_of("present", "absent"),
    "vcc_to": _text,
    "vcc_undrain": _text,
    "vcc_uninstall": _some_names,
    "vcc_verify": _one_of("auto", "all", "sample"),
    "vcc_verify_certificate_days": _whole(0, 3650, "days"),
    "vcc_verify_nonmembers": _whole(0, 1000, "VMs"),
}
"""What is wrong with a value, by variable; None if nothing is."""
