# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-shared keys out of files: one that a partner's gateway does not take is refused before anybody gets it."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.action.edge_psk import refuse_wrong
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError

TUNNELS = [{"name": "edge-east--cloud", "gateway": "aws"}, {"name": "edge-east--partner"}]
FILES = {"edge-east--cloud": "/state/psk/acme/edge-east--cloud"}


def test_a_key_for_aws_has_no_blanks() -> None:
    with pytest.raises(VccError) as caught:
        refuse_wrong(TUNNELS, {"secrets": {"edge-east--cloud": "agreed upon by phone"}, "files": FILES})
    assert str(caught.value).startswith(
        "the pre-shared key of edge-east--cloud (/state/psk/acme/edge-east--cloud): AWS Site-to-Site VPN takes letters"
    )
    assert "by phone" not in str(caught.value)


def test_other_gateways_take_it_and_a_check_has_none() -> None:
    refuse_wrong(TUNNELS, {"secrets": {"edge-east--partner": "agreed upon by phone"}, "files": {}})
    refuse_wrong(TUNNELS, {"changed": False})


def test_of_two_keys_both_have_to_do() -> None:
    """While a key is rotated, an edge gets both."""
    both = f"{'a' * 64}\ngeneration 2\nalso 1 agreed upon by phone"
    with pytest.raises(VccError, match="edge-east--cloud"):
        refuse_wrong(TUNNELS, {"secrets": {"edge-east--cloud": both}, "files": FILES})
    refuse_wrong(TUNNELS, {"secrets": {"edge-east--cloud": f"{'a' * 64}\ngeneration 2"}, "files": FILES})
