# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify: why a tunnel is down, out of what both ends' charons logged. The lines are those of strongSwan 5.9.8."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._verify.world import TUNNEL, World

REFUSED = "parsed INFORMATIONAL request 2 [ N(AUTH_FAILED) ]"
ENDED = f"received DELETE for IKE_SA {TUNNEL}[2]"
UNTRUSTED = "no trusted ECDSA public key found for 'edge-west.acme'"
SHOWN = 'received end entity cert "O=acme, CN=edge-west.acme"'


@pytest.fixture
def world() -> World:
    made = World()
    for node in ("edge-east", "edge-west"):
        made.observed[node]["sas"] = []
    return made


def say(world: World, node: str, *lines: str) -> None:
    world.observed[node]["reasons"] = {TUNNEL: [{"text": line, "time": "2026-01-31T12:00:00Z"} for line in lines]}


def seen(world: World) -> str:
    return next(f.seen for f in world.judge().findings if f.subject == f"tunnel {TUNNEL}")


@pytest.mark.parametrize(
    ("east", "west", "said"),
    [
        pytest.param(
            (
                SHOWN,
                "subject certificate invalid (valid from Oct 24 03:17:03 2026 to Nov 22 03:27:03 2026)",
                UNTRUSTED,
            ),
            (REFUSED, ENDED),
            "edge-east refuses edge-west.acme: its certificate is not valid now, only from Oct 24 03:17:03 2026 to "
            "Nov 22 03:27:03 2026 (expired, or a clock is wrong) (subject certificate invalid",
            id="expired",
        ),
        pytest.param(
            (SHOWN, 'no issuer certificate found for "O=acme, CN=edge-west.acme"', UNTRUSTED),
            (REFUSED, ENDED),
            "edge-east refuses edge-west.acme: its certificate is signed by an authority that is not trusted here (no",
            id="another authority",
        ),
        pytest.param(
            ('received end entity cert "O=acme, CN=edge-south.acme"', UNTRUSTED),
            (REFUSED, ENDED),
            "edge-east refuses edge-west.acme: it showed no certificate for edge-west.acme that is trusted here, but "
            "that of O=acme, CN=edge-south.acme (no trusted",
            id="another's name",
        ),
        pytest.param(
            (SHOWN, "certificate was revoked on Nov 23 03:27:34 UTC 2026, reason: unspecified", UNTRUSTED),
            (REFUSED, ENDED),
            "edge-east refuses edge-west.acme: its certificate was revoked on Nov 23 03:27:34 UTC 2026 (certificate",
            id="revoked",
        ),
        pytest.param(
            ("received AUTHENTICATION_FAILED notify error",),
            ("tried 1 shared key for 'edge-west.acme' - 'edge-east.acme', but MAC mismatched",),
            "edge-west refuses edge-east.acme: the pre-shared keys differ (tried 1 shared key",
            id="wrong PSK",
        ),
        pytest.param(
            ("received AUTHENTICATION_FAILED notify error",),
            ("no shared key found for 'edge-west.acme' - 'edge-east.acme'",),
            "edge-west has no pre-shared key for edge-east.acme (no shared key",
            id="no PSK",
        ),
        pytest.param(
            ("received NO_PROPOSAL_CHOSEN notify error",),
            (
                "received proposals: IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384",
                "configured proposals: IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/ECP_256",
                "received proposals unacceptable",
            ),
            "edge-west refuses edge-east.acme: no IKE proposal in common (received proposals",
            id="proposals",
        ),
        pytest.param(
            ("received AUTHENTICATION_FAILED notify error",),
            ("no matching peer config found",),
            "edge-west refuses edge-east.acme: it has no connection for the identities that were sent (no matching",
            id="identities",
        ),
        pytest.param(
            ("giving up after 4 retransmits", "establishing IKE_SA failed, peer not responding"),
            (),
            "edge-east gets no answer from edge-west.acme (giving up after 4 retransmits)",
            id="no answer",
        ),
    ],
)
def test_the_end_that_knows_says_why(world: World, east: tuple[str, ...], west: tuple[str, ...], said: str) -> None:
    say(world, "edge-east", *east)
    say(world, "edge-west", *west)
    assert seen(world).startswith(f"edge-east: none, edge-west: none. {said}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "signature validation failed, looking for another key",
            "edge-west refuses edge-east.acme: the PPKs of the two ends differ, or its key is not its certificate's (",
        ),
        ("PPK required but no PPK found for 'edge-east--edge-west'", "edge-west has no PPK for edge-east.acme (PPK"),
        (
            "PPK required but peer does not support PPK",
            "edge-west refuses edge-east.acme: it does not use the PPK that is required (PPK",
        ),
    ],
)
def test_a_ppk_that_is_wrong_or_missing(world: World, line: str, said: str) -> None:
    for node in ("edge-east", "edge-west"):
        world.documents[node]["tunnels"][0]["ike"]["ppk"] = True
    say(world, "edge-west", line)
    say(world, "edge-east", "received AUTHENTICATION_FAILED notify error")
    assert seen(world).startswith(f"edge-east: none, edge-west: none. {said}")


def test_without_a_ppk_a_wrong_signature_speaks_for_itself(world: World) -> None:
    say(world, "edge-west", "signature validation failed, looking for another key")
    assert seen(world).endswith("edge-west says: signature validation failed, looking for another key")


def test_the_other_end_has_the_second_word_and_there_is_no_third(world: World) -> None:
    say(world, "edge-east", SHOWN, "certificate was revoked on Nov 23, reason: unspecified", UNTRUSTED)
    say(world, "edge-west", REFUSED, ENDED)
    assert seen(world).count("; ") == 1
    assert seen(world).endswith(f"; edge-west was refused by edge-east.acme ({REFUSED})")


def test_silent_logs_add_nothing(world: World) -> None:
    assert seen(world) == "edge-east: none, edge-west: none"


def test_a_link_that_is_missing_in_a_tunnel_that_is_up(world: World) -> None:
    made = World()
    made.sa("edge-east")["children"], made.sa("edge-west")["children"] = [], []
    say(made, "edge-east", "received TS_UNACCEPTABLE notify, no CHILD_SA built")
    found = next(f.seen for f in made.judge().findings if f.subject.startswith("link payroll"))
    assert "edge-east was refused by edge-west.acme: other traffic selectors (received TS_UNACCEPTABLE" in found


def test_all_of_it_is_in_the_json(world: World) -> None:
    say(world, "edge-east", UNTRUSTED)
    (link,) = result_json(world.judge(), world.plan)["links"]
    assert link["reasons"] == {"edge-east": [{"text": UNTRUSTED, "time": "2026-01-31T12:00:00Z"}]}
