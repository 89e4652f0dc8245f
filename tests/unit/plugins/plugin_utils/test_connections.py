# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two names that would lead to one machine are refused, before anything is written on the wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.connection.ssh import Connection as AnsibleSsh
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.connections import (
    SHOWN,
    Connection,
    check_connections,
    collisions,
    endpoint,
    logged_in,
    management,
)
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._reached import read_connections
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils.landscapes import PAYROLL, World, changed, lab

ROOT = Path(__file__).resolve().parents[4]
PERSIST = "-o ControlMaster=auto -o ControlPersist=60s"


def ssh(host: str = "172.16.0.2", after: str = "", **rest: Any) -> Connection:
    return Connection("ssh", host, before=rest.pop("before", PERSIST), after=after, **rest)


def alike(one: Connection, other: Connection) -> str | None:
    """Why two hosts cannot be told apart."""
    found = collisions({"edge-berlin": one, "edge-oslo": other})
    assert [(entry["host"], entry["other"]) for entry in found] == [("edge-oslo", "edge-berlin")][: len(found)]
    return ("socket" if found[0]["socket"] else "machine") if found else None


BERLIN, OSLO = "-o ProxyJump=root@192.0.2.10", "-o ProxyJump=root@198.51.100.10"


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        pytest.param(ssh("192.0.2.10"), ssh("192.0.2.11"), None, id="two addresses"),
        pytest.param(ssh(), ssh(), "machine", id="one address"),
        pytest.param(ssh("Gw.example"), ssh("gw.EXAMPLE"), "machine", id="one name"),
        pytest.param(ssh(), ssh(port="22"), "machine", id="the usual port, said and not said"),
        pytest.param(ssh(port="2201"), ssh(port="2202"), None, id="two ports"),
        pytest.param(
            ssh(after="-p 2201"), ssh(after="-o Port=2202"), "socket", id="two ports Ansible knows nothing of"
        ),
        pytest.param(ssh(user="root"), ssh(user="admin"), "machine", id="two users of one machine"),
        pytest.param(ssh(after=BERLIN), ssh(after=BERLIN), "machine", id="one jump"),
        pytest.param(ssh(after=BERLIN), ssh(after="-J admin@192.0.2.10"), "machine", id="one jump as two users"),
        pytest.param(ssh(after=BERLIN), ssh(after=OSLO), "socket", id="two jumps, Ansible's ControlPath"),
        pytest.param(
            ssh(after=BERLIN, user="a"), ssh(after=OSLO, user="b"), None, id="two jumps, two users: two paths"
        ),
        pytest.param(ssh(after=BERLIN, before="-C"), ssh(after=OSLO, before="-C"), None, id="no connection is kept"),
        pytest.param(
            ssh(after=f"{BERLIN} -o ControlPath=none"), ssh(after=f"{OSLO} -oControlPath=none"), None, id="none is kept"
        ),
        pytest.param(
            ssh(after=BERLIN, control_path="%(directory)s/berlin"),
            ssh(after=OSLO, control_path="%(directory)s/oslo"),
            None,
            id="a path each",
        ),
        pytest.param(
            ssh(after=BERLIN, control_path="%(directory)s/%%h-%%p-%%r"),
            ssh(after=OSLO, control_path="%(directory)s/%%h-%%p-%%r"),
            "socket",
            id="a path by address, port and user",
        ),
        pytest.param(
            ssh(after=f"{BERLIN} -S ~/%C -o HostKeyAlias=a"), ssh(after=f"{OSLO} -S ~/%C"), "socket", id="a path by %C"
        ),
        pytest.param(
            ssh(after=f"{BERLIN} -o HostKeyAlias=a -o 'ControlPath ~/%k'"),
            ssh(after=f"{OSLO} -o HostKeyAlias=b -o 'ControlPath ~/%k'"),
            None,
            id="a path by the host key's alias",
        ),
        pytest.param(
            ssh(before=f"{PERSIST} -o ControlPath=~/%h", after=BERLIN, control_path="a"),
            ssh(before=f"{PERSIST} -o ControlPath=~/%h", after=OSLO, control_path="b"),
            "socket",
            id="a path of ansible.cfg beats ansible_control_path",
        ),
        pytest.param(
            ssh(after="-F a -o ControlPath=~/%k-a"), ssh(after="-F b -o ControlPath=~/%k-b"), None, id="two ssh_configs"
        ),
        pytest.param(
            ssh("i-1", '-o ProxyCommand="ssm %h"'), ssh("i-2", '-o ProxyCommand="ssm %h"'), None, id="one ProxyCommand"
        ),
        pytest.param(Connection("local", "a"), Connection("local", "b"), "machine", id="the controller itself, twice"),
        pytest.param(Connection("podman", "a"), Connection("podman", "a"), None, id="of others, nothing is known"),
    ],
)
def test_two_hosts(one: Connection, other: Connection, why: str | None) -> None:
    assert alike(one, other) == why


@pytest.mark.parametrize("port", ["", "2222"])
@pytest.mark.parametrize("user", ["", "admin"])
def test_the_default_control_path_is_ansibles(user: str, port: str) -> None:
    ansibles = AnsibleSsh._create_control_path("172.16.0.2", port or None, user or None)
    ours = endpoint(ssh(user=user, port=port, control_path_dir="%(directory)s"))
    assert ours is not None
    assert ours.socket == ansibles


def test_the_plan_says_all_that_collide_and_how_to_correct_it() -> None:
    world = World()
    found = [
        {"host": "edge-west", "other": "edge-east", "address": "172.16.0.2", "socket": "x"},
        {"host": "vm1-west", "other": "vm1-east", "address": "172.16.0.11", "socket": ""},
    ]
    with pytest.raises(IntentErrors) as errors:
        world.plan({**PAYROLL, "pool": "nothing"}, collisions=found)
    lines = str(errors.value).splitlines()
    assert lines[0] == (
        "hosts.vm1-west.ansible_host: 172.16.0.11 is reached over the same connection as vm1-east: by its address and "
        "jump, one machine has two names; give each host its own ansible_host, or the jump that leads to it, as "
        "inventories/example does"
    )
    assert lines[1] == (
        "hosts.edge-west.ansible_host: 172.16.0.2 is reached over the same connection as edge-east, whatever the jumps "
        "are: SSH's ControlPath is the same; give each host its own ansible_control_path, as inventories/example does"
    )
    assert len(lines) == 3, "and what else is wrong"


def test_a_mistake_of_a_whole_cloud_is_said_shortly() -> None:
    world = World()
    names = sorted(world.hosts)[1:]
    found = [{"host": name, "other": sorted(world.hosts)[0], "address": "a", "socket": "x"} for name in names]
    with pytest.raises(IntentErrors) as errors:
        world.plan(PAYROLL, collisions=found)
    lines = str(errors.value).splitlines()
    assert len(lines) == SHOWN + 1
    assert lines[-1].startswith(f"hosts: {len(names) - SHOWN} more hosts")


def test_of_another_organizations_hosts_nothing_is_said() -> None:
    world = World()
    found = [{"host": "edge-of-others", "other": "edge-east", "address": "172.16.0.2", "socket": "x"}]
    world.plan(PAYROLL, collisions=found)


def inventory(*sources: str) -> dict[str, Any]:
    """The variables that an action plugin is given."""
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=list(sources))
    variables = VariableManager(loader=loader, inventory=manager)
    hostvars = HostVars(manager, variables, loader)
    return {"groups": manager.get_groups_dict(), "hostvars": hostvars}


def found_in(*sources: str) -> list[tuple[str, str]]:
    task_vars = inventory(*sources)
    connections = read_connections(logged_in(read_hosts(task_vars)), task_vars)
    return [(one["host"], one["other"]) for one in collisions(connections)]


def test_the_example_is_in_order() -> None:
    assert found_in(str(ROOT / "inventories/example")) == []


def test_nothing_is_asked_of_external_edges_and_what_is_behind_them() -> None:
    asked = logged_in(read_hosts(inventory(str(ROOT / "inventories/example"))))
    assert {"edge-berlin", "node-oslo", "db-oslo"} <= set(asked)
    assert not {"edge-partner", "orders-partner"} & set(asked)


def test_the_example_as_it_was_is_refused(tmp_path: Path) -> None:
    """ansible_host is the same in both clouds, with another ProxyJump, and nothing was said of the ControlPath."""
    hosts = yaml.safe_load((ROOT / "inventories/example/hosts.yml").read_text(encoding="utf-8"))
    del hosts["behind_a_node"]
    for cloud, address in (("berlin", "192.0.2.10"), ("oslo", "198.51.100.10")):
        jump = f"-o ProxyJump=root@{address} -o HostKeyAlias=%n.{cloud}"
        hosts[f"behind_node_{cloud}"]["vars"] = {"ansible_ssh_common_args": jump}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    assert found_in(str(tmp_path)) == [
        *(("edge-oslo", "edge-berlin"), ("shop-oslo", "shop-berlin"), ("web-oslo", "web-berlin")),
    ]


def test_values_of_an_ini_file_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(
        "[org_edges]\n"
        "edge-a ansible_host=192.0.2.1 ansible_port=2201\nedge-b ansible_host=192.0.2.1 ansible_port=2201\n"
        "edge-c ansible_host=192.0.2.1 ansible_port=2202\nedge-d ansible_ssh_host=192.0.2.1 ansible_ssh_port=2202\n",
        encoding="utf-8",
    )
    assert found_in(str(tmp_path / "hosts")) == [("edge-b", "edge-a"), ("edge-d", "edge-c")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ssh("2001:db8::1"), ssh("2001:db8:0::1")),
        (ssh("EDGE.example"), ssh("edge.example.")),
        (ssh(after="-J j1,[2001:db8::1]:22"), ssh(after="-o ProxyJump=root@J1:22,ssh://admin@[2001:db8:0::1]")),
    ],
)
def test_an_address_has_several_spellings(one: Connection, other: Connection) -> None:
    assert alike(one, other) == "machine"


def test_a_host_of_others_does_not_hide_that_two_of_ours_are_one() -> None:
    ours = {"edge-b": {}, "edge-c": {}}
    problems = Problems()
    check_connections(collisions({"a-of-others": ssh(), "edge-b": ssh(), "edge-c": ssh()}, ours), ours, problems)
    assert [(error.path, "as edge-b:" in error.message) for error in problems] == [("hosts.edge-c.ansible_host", True)]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ansible_host": "172.16.0.2"}, {"ansible_host": ["172.16.0.2"]}),
        ({"ansible_ssh_host": "172.16.0.2"}, {"ansible_host": ["172.16.0.2"]}),
        ({"ansible_host": "fe80::1%eth0"}, {"ansible_host": ["fe80::1"]}),
        ({"ansible_host": "2001:db8:0::1"}, {"ansible_host": ["2001:db8::1"]}),
        ({"ansible_host": "edge.example"}, {}),
        (
            {"jump": "198.51.100.10", "ansible_ssh_common_args": "-o ProxyJump=root@{{ jump }}"},
            {"ansible_ssh_common_args": ["198.51.100.10"]},
        ),
        (
            {"ansible_ssh_args": "-J [2001:db8::10]:22", "ansible_ssh_extra_args": "-o ProxyCommand='ssh 192.0.2.1'"},
            {"ansible_ssh_args": ["2001:db8::10"], "ansible_ssh_extra_args": ["192.0.2.1"]},
        ),
    ],
)
def test_at_which_addresses_a_host_is_reached(tmp_path: Path, variables: Any, expected: Any) -> None:
    hosts = {"org_edges": {"hosts": {"edge": variables}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    task_vars = inventory(str(tmp_path / "hosts.yml"))
    assert management(read_connections(["edge"], task_vars)["edge"]) == expected


def test_a_scope_that_the_ledger_remembers_stops_no_plan() -> None:
    assert World(changed(lab(), "edge-east: {management: {ansible_host: ['fe80::1%eth0']}}")).plan(PAYROLL).changed
