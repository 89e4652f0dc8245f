# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What external_settings and sign_certificate say, run for real: no host is contacted, and none could be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

INVENTORY = """
all:
  vars:
    ansible_host: "127.0.0.{{ groups['all'].index(inventory_hostname) + 1 }}"
    ansible_port: 1
    ansible_python_interpreter: /usr/bin/python3
    vcc_org: acme
vcc_server:
  hosts:
    localhost: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
vcc_nodes:
  hosts: {node-east: }
org_edges:
  hosts:
    edge-east: {vcc_public_address: [203.0.113.2], vcc_org_address: [10.10.0.1], vcc_org_network: [10.10.0.0/24]}
    partner: {vcc_public_address: [198.51.100.20], vcc_external: true}
    shop: {vcc_public_address: [198.51.100.21], vcc_external: true, vcc_psk: agreed upon with the shop}
    bank: {vcc_public_address: [192.0.2.33], vcc_external: true, vcc_authentication: certificate}
members:
  hosts:
    vm1-east: {vcc_address: [10.10.0.11]}
    vm-partner: {vcc_edge: partner}
    vm-shop: {vcc_edge: shop}
    vm-bank: {}
cloud_east:
  hosts: {node-east: , edge-east: , vm1-east: }
cloud_partner:
  hosts: {partner: , vm-partner: , shop: , vm-shop: }
cloud_bank:
  hosts: {bank: , vm-bank: }
"""
VPNS = [
    {"name": name, "pool": "internal", "members": ["vm1-east", f"vm-{name}"]} for name in ("partner", "shop", "bank")
]
OTHER = pytest.mark.thorough("another reason, told in the same way")
KEY = "psk/acme/edge-east--partner"


class Controller:
    """A VCC server with three VPNs in its ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "state"
        (folder / "hosts.yml").write_text(INVENTORY, encoding="utf-8")

    def run(self, playbook: str, *options: str, **variables: Any) -> tuple[int, str]:
        """A playbook's exit code, and all that it said."""
        extra = {"vcc_state_dir": str(self.state), "vcc_pools": {"internal": "100.64.0.0/10"}, **variables}
        (self.folder / "vars.json").write_text(json.dumps(extra), encoding="utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_RETRIES": "0",
            "PWD": str(self.folder),  # as a shell has it
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "-e", "@vars.json"]
        done = subprocess.run(
            [*command, *options, str(ROOT / "playbooks" / playbook)], cwd=self.folder, env=environment,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert "unreachable=1" not in done.stdout, done.stdout
        return done.returncode, done.stdout + done.stderr

    def settings(self, edge: str, *options: str, **variables: Any) -> tuple[dict[str, Any], str]:
        """The settings as data and as text."""
        file = self.folder / "settings.json"
        code, said = self.run(
            "external_settings.yml", *options, vcc_external_edge=edge, vcc_settings=str(file), **variables
        )
        assert code == 0, said
        assert file.stat().st_mode & 0o777 == 0o600
        return json.loads(file.read_text(encoding="utf-8")), said


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    made = Controller(tmp_path_factory.mktemp("controller"))
    code, said = made.run("stages/plan.yml", vcc_vpns=VPNS)
    assert code == 0, said
    return made


def test_an_edge_without_a_tunnel_is_told_in_spite_of_the_secrets(controller: Controller) -> None:
    code, said = controller.run("external_settings.yml", vcc_external_edge="partnr")
    assert code == 2 and "vcc_external_edge: partnr: no tunnel of the ledger leads to an external edge" in said, said
    assert "did you mean partner?" in said and "reason is hidden" not in said


def test_the_settings_say_where_the_key_is_and_only_show_it_when_asked(controller: Controller) -> None:
    found, said = controller.settings("partner", "-vvv")
    key = (controller.state / KEY).read_text(encoding="utf-8").strip()
    (tunnel,) = found["tunnels"]
    assert tunnel["psk"] == f"{controller.state / KEY} on localhost"
    assert [(member["name"], member["vpn"]) for member in found["members"]] == [("vm-partner", "partner")]
    assert "conn edge-east--partner-partner\n" in said
    assert key not in said + json.dumps(found)
    shown, said = controller.settings("partner", vcc_show_secrets=True)
    line = f'@partner.acme @edge-east.acme : PSK "{key}"\n'
    assert shown["tunnels"][0]["libreswan"]["ipsec.secrets"] == line
    assert line in said


def test_a_key_that_was_removed_is_made_anew_and_not_by_check(controller: Controller) -> None:
    path = controller.state / KEY
    controller.settings("partner")
    before = path.read_text(encoding="utf-8")
    path.unlink()
    controller.run("external_settings.yml", "--check", vcc_external_edge="partner")
    assert not path.exists()
    controller.settings("partner")
    assert path.read_text(encoding="utf-8") not in ("", before)


def test_a_key_of_the_inventory_is_nowhere_else(controller: Controller) -> None:
    found, said = controller.settings("shop", "-vvv")
    assert found["tunnels"][0]["psk"] == "vcc_psk of shop in the inventory"
    assert "agreed upon with the shop" not in said + json.dumps(found)
    for path in controller.state.rglob("*"):
        assert path.is_dir() or b"agreed upon with the shop" not in path.read_bytes()


def test_a_key_that_is_too_short_is_a_mistake_of_the_inventory(controller: Controller) -> None:
    inventory = yaml.safe_load(INVENTORY)
    inventory["org_edges"]["hosts"]["shop"]["vcc_psk"] = "open sesame"
    inventory["org_edges"]["hosts"]["partner"].update(vcc_gateway="aws", vcc_psk="one with blanks, 20 or more")
    (controller.folder / "short.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    code, said = controller.run("plan_vpn.yml", "-i", "short.yml", vcc_vpns=VPNS)
    assert code != 0
    assert "hosts.shop.vcc_psk: must have at least 20 characters, and has 11" in said
    wrong = "hosts.partner.vcc_psk: AWS Site-to-Site VPN takes letters, digits, '.' and '_' in keys only"
    assert wrong in said
    assert "open sesame" not in said and "with blanks" not in said


def request(folder: Path, name: str) -> str:
    """A file with a certificate signing request for a name."""
    csr = folder / f"{name}.csr"
    words = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout"
    command = [*words.split(), str(folder / "key.pem"), "-subj", f"/CN={name}", "-out", str(csr)]
    subprocess.run(command, check=True, capture_output=True)
    return str(csr)


@pytest.mark.parametrize(
    ("edge", "name", "complaint"),
    [
        ("bank", "edge-east.acme", "only CN=bank.acme and O=acme are allowed"),
        ("edge-east", "edge-east.acme", "edge-east is an edge of ours, not external"),
        pytest.param("bnak", "bank.acme", "did you mean bank?", marks=OTHER),
        pytest.param("partner", "partner.acme", "partner authenticates with a psk", marks=OTHER),
    ],
)
def test_nobody_gets_a_certificate_for_another(controller: Controller, edge: str, name: str, complaint: str) -> None:
    target = controller.folder / "refused.pem"
    names = {"vcc_external_edge": edge, "vcc_csr": request(controller.folder, name), "vcc_certificate": str(target)}
    code, said = controller.run("sign_certificate.yml", **names)
    assert code != 0
    assert complaint in " ".join(said.split())
    assert not target.exists()


def test_an_external_edge_gets_its_certificate(controller: Controller) -> None:
    target = controller.folder / "bank.pem"
    csr = request(controller.folder, "bank.acme")
    code, said = controller.run(
        "sign_certificate.yml", vcc_external_edge="bank", vcc_csr=Path(csr).name, vcc_certificate=target.name
    )
    assert code == 0, said
    authority = controller.state / "ca/acme/ca.pem"
    assert str(authority) in "".join(said.split())
    checked = ["openssl", "verify", "-CAfile", str(authority), str(target)]
    assert subprocess.run(checked, capture_output=True, check=False).returncode == 0
