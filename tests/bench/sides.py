# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench_peers.py compares: for each side, the playbook that makes the configuration of a mesh, and nothing else.

A peer's role is read from a checkout of it. Its templates, defaults, variables and filters are linked to. Of its tasks
those are kept that compute or write configuration, and paths in /etc become paths in a temporary folder.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import POOLS, Hosts, lab

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "roles/org_edge/templates"
COMMIT = {
    "templates": {name: str(TEMPLATES / f"{name}.j2") for name in ("nftables.nft", "swanctl.conf")},
    "backend": "xfrm",
    "trap": True,
}
KEY = "4bEyvgBTYGZ0Nx2m1lYd5CHEbuSbxyzVcGmvEnRl1Hk="  # for all that a peer wants keys for: they are made in advance


@dataclass(frozen=True)
class Side:
    """``prepare`` writes hosts.json and play.yml to a folder; a run leaves in ``out``, as often as there are ends of
    tunnels, the text ``end``."""

    name: str
    end: str
    prepare: Callable[[Path, int], None]


def landscape(sites: int) -> Hosts:
    """So many clouds, each of a VCC node, an org edge and a VM."""
    return lab(sites, vapps=0, vms=0, org_vms=1)


def intent(hosts: Hosts) -> dict[str, Any]:
    """One VPN, a mesh of all VMs."""
    members = [name for name, facts in hosts.items() if "members" in facts["kinds"]]
    return {"name": "mesh", "pool": "internal", "members": members, "topology": "mesh"}


def ours(by_module: bool = False) -> Side:
    """Plan, from an empty ledger, and render what edge_commit would send.

    One task renders for all edges, or a task per edge, which has a module write the files.
    """

    def prepare(folder: Path, sites: int) -> None:
        hosts = landscape(sites)
        groups: dict[str, dict[str, dict[str, None]]] = {}
        for name, facts in hosts.items():
            for group in (*facts["kinds"], *(f"cloud_{cloud}" for cloud in facts["clouds"])):
                groups.setdefault(group, {"hosts": {}})["hosts"][name] = None
        variables = {
            # Hosts that share an address are refused.
            name: {**facts["vars"], "ansible_host": f"127.1.{number // 250}.{number % 250 + 1}"}
            for number, (name, facts) in enumerate(hosts.items())
        }
        shared = {
            "vcc_pools": POOLS,
            "vcc_vpns": [intent(hosts)],
            "vcc_state_dir": str(folder / "state"),
            "bench_by_module": by_module,
        }
        render = {
            "bench_render": {"documents": "{{ vcc_server_plan.documents_dir }}", **COMMIT},
            "run_once": not by_module,
        }
        # As in playbooks/stages/plan.yml, but for the survey: there is no machine to ask.
        plan = {"import_role": {"name": "intercloud.vpn.vcc_server", "tasks_from": "plan", "rolespec_validate": False}}
        plays = [
            {"hosts": "org_edges", "gather_facts": False, "connection": "local", "tasks": [task]}
            for task in (plan, render)
        ]
        _write(folder, {"hosts": variables, "children": groups}, shared, plays)

    return Side("ours by module" if by_module else "ours", "remote_addrs = ", prepare)


def system_roles(checkout: Path) -> Side:
    """linux-system-roles/vpn: one tunnel of all hosts, with a given pre-shared key."""

    def prepare(folder: Path, sites: int) -> None:
        names = [f"host{number}" for number in range(sites)]
        kept = ("Controller tasks", "Set psks for hosts", "Build host-to-host tunnels")
        (folder / "out").mkdir()
        _role(checkout, folder, kept, {"/etc/ipsec.d": str(folder / "out")})
        shared = {
            "vpn_connections": [{"hosts": {name: {} for name in names}, "shared_key_content": KEY}],
            "vpn_ensure_openssl": False,
        }
        hosts = {name: {"ansible_host": _address(number)} for number, name in enumerate(names)}
        _write(folder, {"hosts": hosts}, shared, [_play("peer")])

    return Side("linux-system-roles/vpn", "\nconn ", prepare)


def wireguard(checkout: Path) -> Side:
    """githubixx/ansible-role-wireguard: a configuration file for each host, with given keys."""

    def prepare(folder: Path, sites: int) -> None:
        kept = ("Create WireGuard configuration directory", "Generate WireGuard configuration file")
        (folder / "out").mkdir()
        _role(checkout, folder, kept, {})
        shared = {
            "wireguard_remote_directory": f"{folder}/out/{{{{ inventory_hostname }}}}",
            "wireguard_private_key": KEY,
            "wireguard__fact_public_key": KEY,
            "wireguard_conf_owner": str(os.getuid()),
            "wireguard_conf_group": str(os.getgid()),
        }
        hosts = {
            f"host{number}": {
                "ansible_host": _address(number),
                "wireguard_endpoint": _address(number),
                "wireguard_address": f"10.8.{number // 250}.{number % 250 + 1}/16",
            }
            for number in range(sites)
        }
        _write(folder, {"hosts": hosts}, shared, [_play("peer")])

    return Side("githubixx/ansible-role-wireguard", "[Peer]", prepare)


def command(folder: Path) -> tuple[list[str], dict[str, str]]:
    """How a side is run, and in which environment: the same for all."""
    program = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "hosts.json", "play.yml"]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "tests/bench/plugins"),
        "ANSIBLE_LIBRARY": str(ROOT / "tests/bench/plugins"),
        "ANSIBLE_ROLES_PATH": str(folder / "roles"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_ERROR_ON_MISSING_HANDLER": "false",  # what they notify was left out
    }
    return program, environment


def _address(number: int) -> str:
    return f"203.0.{number // 250}.{number % 250 + 1}"


def _play(role: str) -> dict[str, Any]:
    return {"hosts": "all", "gather_facts": False, "connection": "local", "roles": [role]}


def _write(folder: Path, inventory: Mapping[str, Any], shared: Mapping[str, Any], plays: Sequence[Any]) -> None:
    given = {**shared, "ansible_python_interpreter": sys.executable, "bench_folder": str(folder / "out")}
    (folder / "hosts.json").write_text(json.dumps({"all": {**inventory, "vars": given}}))
    (folder / "play.yml").write_text(json.dumps(plays))


def _role(checkout: Path, folder: Path, kept: Sequence[str], paths: Mapping[str, str]) -> None:
    """The peer's role with only so many of its tasks, by name, and with other paths."""
    role = folder / "roles/peer"
    (role / "tasks").mkdir(parents=True)
    for name in ("defaults", "filter_plugins", "templates", "vars"):
        if (checkout / name).is_dir():
            (role / name).symlink_to(checkout / name)
    for file in (checkout / "tasks").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        for path, other in paths.items():
            text = text.replace(path, other)
        if file.name == "main.yml":
            tasks = [task for task in yaml.safe_load(text) if task["name"] in kept]
            assert len(tasks) == len(kept), f"{file} has other tasks than this was written for"
            text = json.dumps(tasks)
        (role / "tasks" / file.name).write_text(text, encoding="utf-8")
