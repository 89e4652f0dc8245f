# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node says is shown, and does nothing else to a terminal."""

from __future__ import annotations

from ansible_collections.intercloud.vpn.plugins.callback.progress import _lines


def test_a_node_cannot_write_over_what_the_run_says() -> None:
    assert _lines("no route\x1b[2K\x1b[1A\x08\x9b1A\rdone\n\n") == [
        r"no route\x1b[2K\x1b[1A\x08\x9b1A",
        "done",
    ]
    assert _lines(["über …\tall", None]) == ["über …\tall"]
