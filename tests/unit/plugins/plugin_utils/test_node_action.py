# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node is asked once: its agent, or else code that is sent along, or else a module; and nothing is done twice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.intercloud.vpn.plugins.action import edge_info, node_info, node_packages, node_slices
from ansible_collections.intercloud.vpn.plugins.module_utils._node import identity, slices
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.supplied import noted, supplied
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import install, packages
from ansible_collections.intercloud.vpn.plugins.plugin_utils import _action, _plan_file

VERSION = install.code_version(install.sources())
AGENT = f'\n{{"version": "{VERSION}"}}\n'
SENT = '\n{"sent": true}\n'
RESULT = '{"result": {"changed": false, "generation": 3}}\n'
NOT_FOUND = {"rc": 127, "stdout": "", "stderr": "not found"}
HOST: dict[str, Any] = {"inventory_hostname": "edge-east", "ansible_python_interpreter": "/usr/bin/python3"}


def said(*lines: str, rc: int = 0) -> dict[str, Any]:
    return {"rc": rc, "stdout": "".join(lines), "stderr": ""}


class Node:
    """What is run on it, and what it says to that."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.commands: list[str] = []
        self.modules: list[str] = []

    def __call__(self, command: str, in_data: bytes) -> dict[str, Any]:
        assert in_data
        self.commands.append(command)
        return self.answers.pop(0)


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def make(kind: Any, node: Node, **arguments: Any) -> Any:
        one = kind.__new__(kind)
        name = kind.__module__.rpartition(".")[2]
        one._task = SimpleNamespace(action=f"intercloud.vpn.{name}", args=arguments, check_mode=False, async_val=0)
        one._templar = SimpleNamespace(template=lambda text: text)
        one._low_level_execute_command = node
        one._is_pipelining_enabled = lambda _style: True
        one._compute_environment_string = lambda: ""
        monkeypatch.setattr(
            _action.Action, "ask", lambda self, *_: node.modules.append(self.module) or {"by": "module"}
        )
        return one

    return make


def test_the_agent_answers(action: Callable[..., Any]) -> None:
    node = Node(said("Welcome", AGENT, RESULT))
    assert action(edge_info.ActionModule, node).act(HOST) == {"changed": False, "generation": 3}
    assert [command.split()[1] for command in node.commands] == ["call"]


def test_without_it_its_code_comes_along(action: Callable[..., Any]) -> None:
    node = Node(NOT_FOUND, said("Welcome", SENT, RESULT))
    assert action(edge_info.ActionModule, node).act(HOST) == {"changed": False, "generation": 3}
    assert len(node.commands) == 2 and node.commands[1].startswith("/usr/bin/python3 -c ")
    assert node.modules == []


def test_a_node_cannot_have_ansible_act_for_it(action: Callable[..., Any]) -> None:
    obeyed = {
        "_ansible_delegated_vars": {},
        "add_host": {"host_name": "x"},
        "add_group": "x",
        "ansible_facts": {"x": 1},
        "ansible_stats": {"data": {"requests": {"edge-west": "x"}}, "per_host": False},
    }
    answer = json.dumps({"result": {"generation": 3, **obeyed}}) + "\n"
    assert action(edge_info.ActionModule, Node(said(AGENT, answer))).act(HOST) == {"generation": 3}


def test_nor_by_what_its_module_returns(action: Callable[..., Any]) -> None:
    """A node without a Python that can be started is asked by a module: it may only pretend."""
    returned = {
        "generation": 3,
        "ansible_facts": {"vcc_org": "umbra", "discovered_interpreter_python": "/usr/bin/python3"},
        "ansible_stats": {"data": {"requests": {"edge-west": "x"}}, "per_host": False},
    }
    ask = _action.Action.ask
    task = action(edge_info.ActionModule, Node())
    task._execute_module = lambda **_given: returned
    assert ask(task, {}, HOST) == {
        "generation": 3,
        "ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3"},
    }


@pytest.mark.parametrize("family", ["Debian", "RedHat"])
def test_nor_by_what_its_package_manager_returns(action: Callable[..., Any], family: str) -> None:
    """Statistics of a run are variables of the jobs that follow in AWX."""
    returned = {
        "changed": True,
        "ansible_facts": {"vcc_org": "umbra"},
        "ansible_stats": {"data": {"vcc_delete": ["payroll"]}, "per_host": False},
    }
    asked: list[Any] = []
    node = Node(*[said(AGENT, RESULT)] * 3)
    task = action(node_packages.ActionModule, node, packages=["openvpn"], family=family)
    task._connection = task._play_context = task._loader = None
    task._task.copy = SimpleNamespace
    task._execute_module = lambda **given: asked.append(given["module_name"]) or dict(returned)
    dnf = SimpleNamespace(run=lambda **_given: dict(returned))
    get = SimpleNamespace(get=lambda name, **_given: asked.append(name) or dnf)
    task._shared_loader_obj = SimpleNamespace(action_loader=get)
    task.validate_argument_spec = lambda argument_spec: (
        None,
        {"packages": ["openvpn"], "family": family, "state": "present", "links": {}},
    )
    assert task.act(HOST) == {"changed": True, "generation": 3}
    assert asked == [f"ansible.builtin.{'apt' if family == 'Debian' else 'dnf'}"]
    returned["failed"] = True
    assert task.act(HOST) == {"changed": True, "failed": True}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A node's memory."""
    return Store(str(tmp_path))


@pytest.fixture
def supply(action: Callable[..., Any], store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Has a node install packages: ``there`` are those that it has, which ``apt`` changes, or fails to."""

    def run(there: set[str], apt: Callable[[], dict[str, Any]], check: bool = False, **arguments: Any) -> Any:
        monkeypatch.setattr(packages, "installed", lambda names: {name: "" for name in names if name in there})
        given = {"packages": ["openvpn", "nftables"], "family": "Debian", "state": "present", "links": {}, **arguments}

        def answer(_command: str, in_data: bytes) -> dict[str, Any]:
            asked = json.loads(in_data)
            return said(AGENT, json.dumps({"result": supplied(asked["params"], store, asked["check"])}) + "\n")

        task = action(node_packages.ActionModule, answer, **given)
        task._task.check_mode = check
        task._execute_module = lambda **_given: apt()
        task.validate_argument_spec = lambda argument_spec: (None, given)
        return task.act(HOST)

    return run


def test_packages_are_noted_before_they_are_installed(supply: Callable[..., Any], store: Store) -> None:
    """The connection may break in between, and uninstall takes only what is noted."""

    def breaks() -> dict[str, Any]:
        raise AnsibleConnectionFailure("the connection broke")

    with pytest.raises(AnsibleConnectionFailure):
        supply(set(), breaks)
    assert noted(store) == ["nftables", "openvpn"]


def test_nothing_is_installed_that_cannot_be_noted(supply: Callable[..., Any], store: Store) -> None:
    store.state.parent.mkdir(parents=True, exist_ok=True)
    store.state.write_text("as on a disk that is full")
    done = supply(set(), lambda: pytest.fail("apt ran"))
    assert done["failed"] and done["msg"].startswith("not noted which packages are installed: ")


def test_what_could_not_be_installed_is_forgotten_and_what_was_is_not(supply: Callable[..., Any], store: Store) -> None:
    """The administrator may install it by hand then."""
    there: set[str] = set()

    def half() -> dict[str, Any]:
        there.add("openvpn")
        return {"failed": True, "msg": "no space left on device"}

    assert supply(there, half) == {"failed": True, "msg": "no space left on device"}
    assert noted(store) == ["openvpn"]
    there.clear()
    assert supply(there, lambda: {"failed": True, "msg": "no mirror"})["msg"] == "no mirror"
    assert not store.state.exists()


def test_what_is_installed_and_noted_is_said_as_check_mode_predicts(supply: Callable[..., Any], store: Store) -> None:
    there: set[str] = set()
    links = {"/etc/swanctl": "/etc/strongswan/swanctl"}
    place = store.at("/etc/swanctl")
    place.parent.mkdir(parents=True, exist_ok=True)

    def apt() -> dict[str, Any]:
        assert not place.is_symlink(), "a package may bring what a link is in"
        new = {"openvpn", "nftables"} - there
        there.update(new)
        return {"changed": bool(new)}

    predicted = supply(set(), lambda: {"changed": True}, check=True, links=links)
    assert not store.state.exists()
    done = supply(there, apt, links=links)
    assert done == predicted
    assert {name: entry["actions"] for name, entry in done["subsystems"].items()} == {
        "packages": ["note nftables openvpn"],
        "links": ["link /etc/swanctl to /etc/strongswan/swanctl"],
    }
    place.unlink()
    assert supply(there, apt)["changed"] is False


def test_nothing_else_runs_on_a_node() -> None:
    """What a module of Ansible's returns, Ansible acts upon; a node is asked by our action plugins only."""
    root = Path(_action.__file__).parents[2]
    plain = {path.stem for path in (root / "plugins/modules").glob("*.py")}
    plain -= {path.stem for path in (root / "plugins/action").glob("*.py")}
    assert plain == {"member_probe"}, "which node_info asks for"
    here = ("assert", "debug", "fail", "import_tasks", "include_role", "include_tasks", "meta", "set_fact", "set_stats")
    tasks = [
        path
        for role in ("vcc_node", "org_edge", "vapp_edge", "member")
        for path in (root / "roles" / role).rglob("tasks/*")
    ]
    used = {name for path in tasks for name in re.findall(r"^ *ansible\.\w+\.(\w+):", path.read_text(), re.MULTILINE)}
    assert len(tasks) > 15 and used <= {*here}


def test_where_no_python_starts_the_module_says_why(action: Callable[..., Any]) -> None:
    node = Node(NOT_FOUND, NOT_FOUND)
    assert action(edge_info.ActionModule, node).act(HOST) == {"by": "module"}
    assert node.modules == ["edge_info"]


@pytest.mark.parametrize("answers", [[said(AGENT, rc=1)], [NOT_FOUND, said(SENT, rc=1)], [NOT_FOUND, said(SENT)]])
def test_what_began_and_did_not_end_is_a_failure_and_not_tried_again(
    action: Callable[..., Any], answers: list[dict[str, Any]]
) -> None:
    node = Node(*answers)
    with pytest.raises(AnsibleActionFail, match="the node's code failed"):
        action(edge_info.ActionModule, node).act(HOST)
    assert (node.answers, node.modules) == ([], [])


def test_who_only_probes_is_not_sent_what_looks(action: Callable[..., Any]) -> None:
    target = {"address": "100.64.0.1", "expect": "reachable"}
    node = Node(NOT_FOUND, NOT_FOUND)
    action(node_info.ActionModule, node, look=False, targets=[target]).act(HOST)
    assert node.modules == ["member_probe"]
    node = Node()
    assert action(node_info.ActionModule, node, look="no").act(HOST)["skipped"]


def test_the_configured_python_is_asked_where_the_inventory_names_none(
    action: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_PYTHON_INTERPRETER", "/opt/python/bin/python3")
    node = Node(NOT_FOUND, said(SENT, RESULT))
    action(edge_info.ActionModule, node).act({"inventory_hostname": "edge-east"})
    assert node.commands[1].startswith("/opt/python/bin/python3 -c ")


# VCC nodes

SLICE = {
    "format": 1,
    "node": "node-east",
    "role": "vcc_node",
    "organization": "acme",
    "generation": 3,
    "slice": {"x": {}},
}
LINEAGE = {"ledger": "ours", "hash": "ab", "ancestors": {}}


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    for folder, content in (("documents", SLICE), ("lineage", LINEAGE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "node-east.json").write_text(json.dumps(content))
    return tmp_path / "documents"


def found(documents: Path, digests: dict[str, str]) -> None:
    _plan_file.keep(documents.parent / _plan_file.SLICES, {"node-east": digests})


@pytest.mark.parametrize(
    ("digests", "packages", "asked"),
    [
        ({"acme": "same"}, ["python3"], False),
        ({"acme": "same"}, {"Debian": ["python3"], "RedHat": ["python3"]}, False),
        ({"acme": "same"}, {"Debian": ["python3"], "RedHat": ["python3", "htop"]}, True),
        ({"acme": "same", "umbra": "another organization's"}, [], False),
        ({"acme": "other"}, [], True),
        ({}, [], True),
        ({"acme": "same"}, ["python3", "htop"], True),  # whether it has that, nobody saw
    ],
)
def test_a_vcc_node_that_has_its_slices_is_not_asked(
    action: Callable[..., Any], documents: Path, digests: dict[str, str], packages: Any, asked: bool
) -> None:
    same = slices.digest(SLICE, LINEAGE)
    assert identity.stored(LINEAGE)
    found(documents, {name: same if one == "same" else one for name, one in digests.items()})
    node = Node(said(SENT, RESULT))
    task = action(node_slices.ActionModule, node, documents=str(documents), require=packages)
    assert task.act({**HOST, "inventory_hostname": "node-east"})["changed"] is False
    assert len(node.commands) == int(asked)  # and it has no agent that could be asked first


# Org edges


def test_packages_by_family_reach_the_node_as_they_are(action: Callable[..., Any], tmp_path: Path) -> None:
    """Also together with those of a kind of tunnel, and with a list that the administrator gives instead."""
    tunnel = {"kind": "ssl", "peer": "b", "local_id": "a.acme", "ike": {"auth": "pubkey"}}
    (tmp_path / "edge-east.json").write_text(json.dumps({"organization": "acme", "tunnels": [tunnel], "vpns": []}))
    node = Node(said(AGENT, RESULT))
    sent: list[dict[str, Any]] = []
    task = action(
        edge_info.ActionModule,
        lambda command, in_data: sent.append(json.loads(in_data)) or node(command, in_data),
        documents=str(tmp_path),
        packages={"Debian": ["iproute2"], "RedHat": ["iproute"]},
        ssl_packages=["openvpn"],
        names_packages={"Debian": ["dnsmasq-base"]},
        pair_packages=["keepalived"],
    )
    task.act(HOST)
    assert sent[0]["params"]["packages"] == [{"Debian": ["iproute2"], "RedHat": ["iproute"]}, "openvpn"]


def test_what_a_document_asks_of_an_edge() -> None:
    links = [{"local_ts": ["100.64.0.0/26"]}]
    certificate = {"peer": "b", "local_id": "a.acme", "ike": {"auth": "pubkey"}, "links": links}
    psk = {"peer": "c", "local_id": "a.acme", "ike": {"auth": "psk"}}
    ppk = {"peer": "d", "local_id": "a.acme", "ike": {"auth": "pubkey", "ppk": "x"}}
    ssl = {"peer": "e", "local_id": "a.acme", "kind": "ssl", "ssl": {"tls_crypt": "a"}}
    asked = {
        name: edge_info.asked_of({"organization": "acme", "tunnels": tunnels})
        for name, tunnels in {"both": [certificate, psk], "psk": [psk], "ppk": [ppk], "ssl": [ssl], "none": []}.items()
    }
    assert {name: (one["needs_certificate"], one["needs_keys"]) for name, one in asked.items()} == {
        "both": (True, True),
        "psk": (False, True),
        "ppk": (True, True),
        "ssl": (True, True),
        "none": (False, False),
    }
    assert asked["both"] == {
        "organization": "acme",
        "identity": "a.acme",
        "needs_certificate": True,
        "needs_keys": True,
        "addresses": ["100.64.0.0/26"],
        "peers": ["b", "c"],
    }
