# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run's result has of its findings: AWX keeps the artifacts of each job in its database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What of the findings is in the result. All of them are in the file.
MOST = 20
LONGEST = 500  # characters of a text


def brief(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The first findings, errors before warnings, and of each what fits into the artifacts of a job."""
    ranked = sorted(findings, key=lambda finding: finding["severity"] != "error")
    keys = ("severity", "subject", "expected", "seen")
    return [{key: str(finding[key])[:LONGEST] for key in keys} for finding in ranked[:MOST]]
