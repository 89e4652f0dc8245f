# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own directory of this run, and whom the run concerns. Every fork sees it; it goes when the run ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants as C

from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import KINDS
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import keep, kept


def run_directory() -> Path:
    """The directory, which nobody else may read."""
    directory = Path(C.DEFAULT_LOCAL_TMP) / "intercloud-vpn"
    make_directory(directory, 0o700)
    return directory


def note_concerned(groups: Mapping[str, Iterable[str]], hosts: Iterable[str], **more: Iterable[str]) -> None:
    """Note the hosts that plays are about, by kind: ``members``; and ``members_losing`` with ``losing=…``."""
    found = {}
    for suffix, some in {"": hosts, **{f"_{name}": listed for name, listed in more.items()}}.items():
        chosen = {*some}
        found.update((f"{kind}{suffix}", [host for host in groups.get(kind, ()) if host in chosen]) for kind in KINDS)
    _note({**found, "anchors": [*found["org_edges"][:2], *found["vcc_nodes"][:2]]})


def note_more(**more: Iterable[str]) -> None:
    """Note more lists of hosts."""
    _note({**(concerned() or {}), **{name: [*hosts] for name, hosts in more.items()}})


def concerned() -> dict[str, list[str]] | None:
    """What was noted; None before there was a plan."""
    found: dict[str, list[str]] | None = kept(_path())
    return found


def _note(content: Mapping[str, Any]) -> None:
    run_directory()
    keep(_path(), content)


def _path() -> Path:
    return Path(C.DEFAULT_LOCAL_TMP) / "intercloud-vpn" / "concerned.json"
