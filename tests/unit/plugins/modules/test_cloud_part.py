# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves the VCC server for a cloud, and what it signs."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Any, NoReturn

import pytest

pytest.importorskip("cryptography")

from cryptography import x509

from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.ledger import Ledger
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import ca, keys
from ansible_collections.intercloud.vpn.plugins.modules import cloud_part
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._pki.test_ca import request
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

PARTNER = """
partner: {kinds: [org_edges], clouds: [partner], vcc_external: true, vcc_public_address: [198.51.100.20]}
vm-partner: {kinds: [members], clouds: [partner]}
"""
EAST = {"acme": ["edge-east", "node-east", "vapp1-east", "vm1-east"]}


class Done(Exception):
    """How a module ends."""


class Module:
    """As much of an AnsibleModule as it uses."""

    def __init__(self, check: bool, **params: Any) -> None:
        self.params, self.check_mode = {"who": "test", "requests": {}, "days": 30, "given": [], **params}, check
        self.params.setdefault("certified_addresses", False)

    def exit_json(self, **result: Any) -> NoReturn:
        raise Done(result)

    def fail_json(self, msg: str) -> NoReturn:
        raise Done({"msg": msg})


@pytest.fixture
def server(tmp_path: Path) -> dict[str, str]:
    """A VCC server with a VPN whose tunnels have PPKs, and an authority that has revoked nothing."""
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    world = World(lab(2))
    world.ledger = Ledger(url)
    world.plan({**PAYROLL, "policy": "quantum"}, policies={"quantum": {"encryption": {"ppk": "required"}}})
    ca.ensure_authority(tmp_path, "acme")
    return {"ledger": url, "state_dir": str(tmp_path)}


def take(server: dict[str, str], check: bool = False, **more: Any) -> Any:
    with pytest.raises(Done) as done:
        cloud_part.run(Module(check, **{"hosts": EAST, **server, **more}))  # type: ignore[arg-type]
    return done.value.args[0]


def test_the_authoritys_key_stays(server: dict[str, str]) -> None:
    (Path(server["state_dir"]) / "ca/acme/.ca.key-k1ll3d").write_text("PRIVATE KEY")  # of one that was killed
    files = take(server)["files"]
    assert "ca/acme/ca.pem" in files
    private = (Path(server["state_dir"]) / "ca/acme/ca.key").read_bytes()
    for name, content in files.items():
        assert not name.endswith("ca.key")
        assert private not in b64decode(content)
        assert b"PRIVATE KEY" not in b64decode(content)


def test_both_clouds_get_the_same_key_of_their_tunnel(server: dict[str, str]) -> None:
    before = take(server, check=True)
    assert [name for name in before["files"] if name.startswith("ppk/")] == [], "--check makes none"
    east = take(server)["files"]
    (name,) = (name for name in east if name.startswith("ppk/"))
    kept = keys.read_psks(server["state_dir"], "acme", [name.rpartition("/")[2]], keys.PPK)
    assert [b64decode(east[name]).decode().strip()] == [*kept.values()]


def test_it_signs_for_edges_of_this_cloud_by_the_name_in_the_ledger(server: dict[str, str]) -> None:
    mine, other = request(cn="edge-east.acme"), request(cn="edge-west.acme")
    signed = take(server, requests={"edge-east": mine, "edge-west": other, "vm1-east": mine})["signed"]
    assert [*signed] == ["edge-east"]
    certificate = x509.load_pem_x509_certificate(signed["edge-east"]["certificate"].encode())
    assert "edge-east.acme" in certificate.subject.rfc4514_string()
    assert "edge-east.acme" in take(server, requests={"edge-east": other})["msg"], "not for another's name"
    assert take(server, check=True, requests={"edge-east": mine})["signed"] == {}


def test_another_organization_of_the_same_names_is_another(server: dict[str, str]) -> None:
    """Seen: with two edge-east in one ledger, the authority of one organization signed for the node of the other."""
    asked = take(server, requests={"edge-east": request(cn="edge-east.acme")}, hosts={"umbra": EAST["acme"]})
    assert asked["signed"] == {}
    assert [*asked["files"]] == ["ledger.sqlite"]


def test_keys_that_the_inventory_has_are_not_made(server: dict[str, str]) -> None:
    world = World(changed(lab(2), PARTNER))
    world.ledger = Ledger(server["ledger"])
    world.plan({**PAYROLL, "members": ["vm1-east", "vm3-west", "vm-partner"]})
    kept = Path(server["state_dir"]) / "psk/acme"
    given = take(server, given=["partner"])
    (name,) = given["psk"]
    assert (given["psk"][name], name in given["files"], kept.exists()) == ("partner", False, False)
    made = take(server)
    assert made["psk"] == {}
    assert b64decode(made["files"][name]).decode().strip() == (kept / Path(name).name).read_text().strip()


def test_without_a_ledger_there_is_nothing_to_take(server: dict[str, str], tmp_path: Path) -> None:
    said = take({**server, "ledger": f"sqlite:///{tmp_path}/other.sqlite"})
    assert "there is no ledger" in said["msg"]
    assert not (tmp_path / "other.sqlite").exists()
