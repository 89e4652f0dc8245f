# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member sent outside before the rules were there has its private address no longer once they are: an edge, a
host of the internet and a member, in network namespaces."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.kernel.test_unpublished import NETWORKS
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render

MEMBER, LEASED = "192.168.1.12", "100.64.0.18"
SCRIPT = """
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.kernel import flows
empty, full, generation = json.load(sys.stdin)
enter("client")
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.bind(("203.0.113.1", 7))
client.settimeout(0.6)
enter("member")
member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
member.bind(("192.168.1.12", 7))
enter(None)

def seen():
    member.sendto(b"x", ("203.0.113.1", 7))
    try:
        return client.recvfrom(1)[1][0]
    except OSError:
        return None

load(empty)
found = [seen()]
load(full)
found.append(seen())
flows.forget(Generation(generation))
print(json.dumps([*found, seen(), flows.forget(Generation(generation))]))
"""


@pytest.mark.skipif(not NAMESPACE, reason="needs root and nft")
@pytest.mark.parametrize(
    ("role", "members", "fill", "public"),
    [
        ("org_edge", [MEMBER], 'outside4 { "pub" }', "203.0.113.2"),
        ("vapp_edge", [{"inside": MEMBER, "outside": LEASED}], "uplinks4 { 203.0.113.1 }", LEASED),
    ],
)
def test_what_was_bound_to_a_private_address_is_refused_and_then_forgotten(
    document: dict[str, Any], role: str, members: list[Any], fill: str, public: str
) -> None:
    document["neighbours"] = [one for one in document["neighbours"] if "uplink" not in one]
    told = copy.deepcopy(document)
    told["vpns"][0]["outside"] = {"members": members}
    texts = [render(role, "nftables.nft.j2", {**one, "role": role}, "xfrm") for one in (document, told)]
    texts[1] += f"\nadd element inet intercloud_vpn {fill}\n"
    root = Path(__file__).parents[6] / ".collections"
    done = subprocess.run(
        ["unshare", "-n", "-m", sys.executable, "-c", NETWORKS + SCRIPT],
        env={**os.environ, "PYTHONPATH": str(root)},
        input=json.dumps([*texts, told]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == [MEMBER, None, public, 0]
