# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the tests import the checkout as ansible_collections.intercloud.vpn, and sets how hard hypothesis tries."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / ".collections"


def _find_collection() -> None:
    """What `make setup` does as well: a git-ignored tree in which the checkout has its full name."""
    link = TREE / "ansible_collections" / "intercloud" / "vpn"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(ROOT, target_is_directory=True)
    if str(TREE) not in sys.path:
        sys.path.insert(0, str(TREE))
    importlib.invalidate_caches()
    # The PyPI package `ansible` brings an ansible_collections of its own, which would hide ours.
    namespace = importlib.import_module("ansible_collections")
    ours = str(TREE / "ansible_collections")
    if ours not in list(namespace.__path__):
        namespace.__path__ = [ours, *namespace.__path__]


_find_collection()

# HYPOTHESIS_PROFILE=thorough for a long search; the usual run is short, and never fails for a busy machine. `make test`
# is shorter still, and tries the same examples each time: it fails for what a change did. The others look for new ones.
settings.register_profile(
    "short", max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short" if os.environ.get("THOROUGH") == "0" else "quick"))
