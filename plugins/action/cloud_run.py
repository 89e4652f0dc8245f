# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook on a VCC node for the hosts of its cloud, by ansible-runner, over the one connection to the node."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.clouds import hosts_by_node
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._cloud_events import Events
from ansible_collections.intercloud.vpn.plugins.plugin_utils._cloud_files import lay_out, say
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import keep, kept
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import run_directory

try:
    from ansible_runner import interface
except ImportError:
    interface = None

IDENT = "cloud"
ROOM = "/tmp/intercloud-vpn"


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.cloud_run): transmit here, work there, process here."""

    _requires_connection = True
    ARGUMENTS: ClassVar = {
        "playbook": {"type": "str", "required": True},
        "part": {"type": "path"},
        "probes": {"type": "path"},
        "nodes": {"type": "list", "elements": "str", "default": []},
        "organizations": {"type": "list", "elements": "str", "default": []},
        "variables": {"type": "dict", "default": {}},
        "runner": {"type": "str", "default": "ansible-runner"},
    }

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if interface is None:
            raise VccError("ansible-runner is missing on the controller: pip install ansible-runner")
        node = str(task_vars["inventory_hostname"])
        parts = hosts_by_node(read_hosts(task_vars), given["organizations"]).get(node, {})
        hosts = frozenset(host for some in parts.values() for host in some)
        if not hosts:  # another node of its cloud has them
            return {"skipped": True}
        with tempfile.TemporaryDirectory(dir=run_directory()) as name:
            directory = Path(name)
            lay_out(directory, node, hosts, task_vars)
            room = f"{ROOM}-{secrets.token_hex(16)}"
            self._say(directory, f"{room}/run", node, {**given, "hosts": hosts})
            sent = _transmitted(directory, given["playbook"])
            answer = self._low_level_execute_command(_command(given["runner"], room), in_data=sent)
        try:
            events = processed(str(answer["stdout"]))
            result = _result(events, hosts)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise VccError(f"{node}: what came back cannot be read: {error}") from error
        Display().vv("\n".join([f"What ran on {node}:", *events.lines]), host=node)
        if not events.ended:
            lines = [*events.output, *str(answer["stderr"]).splitlines()]
            text = "\n".join(line for line in lines if line.strip())[-2000:]
            raise VccError(f"{node}: ansible-runner did not finish: {text or 'it printed nothing'}")
        return {"changed": bool(events.changed & hosts), **result}

    def _say(self, directory: Path, there: str, node: str, given: dict[str, Any]) -> None:
        """What the run is told. Paths are those on the VCC node."""
        variables = {**given["variables"], "vcc_server_host": node, "vcc_server_packages": []}
        if given["part"]:
            part = Path(given["part"])
            part.rename(directory / "project/part")
            variables.update(
                vcc_state_dir=f"{there}/project/part",
                vcc_ledger=f"sqlite:///{there}/project/part/ledger.sqlite",
                vcc_server_part=True,
                org_edge_signed=kept(directory / "project/part/signed.json"),
            )
        if given["probes"]:
            names = {host for host in given["hosts"] if (Path(given["probes"]) / f"{host}.json").is_file()}
            probes = directory / "project/probes"
            probes.mkdir(0o700)
            for host in names:
                keep(probes / f"{host}.json", kept(Path(given["probes"]) / f"{host}.json"))
            variables.update(
                vcc_cloud_probes=f"{there}/project/probes",
                vcc_cloud_probing=sorted(names),
                vcc_cloud_nodes=sorted({*given["nodes"]} & given["hosts"]),
            )
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": f"{there}/project/collections",
            "ANSIBLE_CONFIG": f"{there}/project/ansible.cfg",  # not whatever the node has
            "ANSIBLE_PIPELINING": "true",
            "MAX_EVENT_RES": str(1 << 30),  # octets of a result: what a large edge reports comes whole
        }
        say(directory, variables, ["--check"] if self._task.check_mode else [], environment)


def _command(runner: str, room: str) -> str:
    """What is run on the node, in a directory that was not there before. With a virtual environment, its other programs
    are found, too. What a run left that was killed goes after a day."""
    folder = os.path.dirname(runner)
    path = f"PATH={quote(folder)}:$PATH; export PATH; " if folder else ""
    old = f"find {os.path.dirname(ROOM)} -maxdepth 1 -name '{os.path.basename(ROOM)}-*' -user \"$(id -u)\" -mmin +1440"
    return (
        f"umask 077; {old} -exec rm -rf {{}} + 2>/dev/null; mkdir {room} || exit; trap 'rm -rf {room}' EXIT; {path}"
        f"{quote(runner)} worker --private-data-dir {room}/run --delete"
    )


def _transmitted(directory: Path, playbook: str) -> bytes:
    with tempfile.TemporaryFile() as stream:
        interface.init_runner(
            streamer="transmit", _output=stream, private_data_dir=str(directory), playbook=playbook, ident=IDENT
        ).run()
        stream.seek(0)
        return stream.read()


def processed(stream: str) -> Events:
    """The events of a run that came back, a line each, as ansible-runner's Processor reads them.

    It would unpack the archive that follows them, too, wherever that says. Nothing in there is needed.
    """
    events = Events()
    for line in stream.splitlines():
        if not line.startswith("{"):  # what the machine greets with
            continue
        data = json.loads(line)
        if "zipfile" in data or "eof" in data:
            break
        if "status" in data:
            events.state(data)
        else:
            events.take(data)
    return events


def _result(events: Events, hosts: frozenset[str]) -> dict[str, Any]:
    """What counts of what came back: a VCC node speaks for the hosts of its own cloud, and for no other."""
    folder = run_directory() / "seen"
    folder.mkdir(0o700, exist_ok=True)
    for host in events.seen.keys() & hosts:
        keep(folder / f"{host}.json", events.seen[host])
    said = {name: hosts & {*map(str, events.said.get(name) or ())} for name in ("applied", "given_up", "held_back")}
    requests = events.said.get("requests") or {}
    return {
        **{name: sorted(some) for name, some in said.items()},
        "requests": {host: str(requests[host]) for host in sorted(hosts & {*requests})},
        "failures": {host: events.failed[host] for host in sorted(hosts & {*events.failed})},
        "touched": sorted(hosts & events.changed),
        "seen_dir": str(folder),
    }
