# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: one mistake in a package, and where it is."""

from __future__ import annotations

from .._base.errors import IntentError


class PackageError(IntentError):
    """A package, or a part of it, that cannot be read, or must not be trusted. ``path``: file, line and element."""
