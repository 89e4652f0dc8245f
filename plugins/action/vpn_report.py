# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge what all hosts reported, on the controller, in one pass over them."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._verify import readable
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.blame import blamed, runnable
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.finding import Result
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.readable import without
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.table import table
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.verify import judge
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.which_pairs import Choice
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._artifacts import brief
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import kept, load_plan
from ansible_collections.intercloud.vpn.plugins.plugin_utils._registered import registered, trust, write

# Of a host whose cloud's own run brought nothing of it.
SILENT = {"failed": True, "unreachable": True, "msg": "nothing came from its VCC node"}


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.vpn_report): judges, writes, shows; fails if there is anything to fail for."""

    ARGUMENTS: ClassVar = {
        "plan": {"type": "path", "required": True},
        "variables": {"type": "list", "elements": "str", "default": ["vcc_probed", "vcc_observed"]},
        "seen": {"type": "path"},
        "choice": {"type": "dict", "required": True},
        "hosts": {"type": "list", "elements": "str"},
        "authorities": {"type": "dict"},
        "revocations": {"type": "dict"},
        "rotations": {"type": "dict"},
        "certificate_days": {"type": "int"},
        "dest": {"type": "path"},
        "fail": {"type": "bool", "default": True},
    }

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        choice = Choice(**given["choice"])
        plan, documents = load_plan(given["plan"])
        every = dict(documents)
        hostvars = task_vars["hostvars"]
        targets = probe_targets(plan, every, choice)
        hosts = {*every, *targets}
        if given["seen"]:
            states = kept_by(Path(given["seen"]), hosts & hostvars.keys())
        else:
            states = registered(hostvars, hosts, given["variables"])
        observed = {host: state for host, state in states.items() if host in every}
        probes = {host: state for host, state in states.items() if host in targets}
        now = datetime.datetime.now(datetime.timezone.utc)
        asked = given["hosts"] and frozenset(given["hosts"])
        # Clouds that look by themselves do not wait for each other.
        in_turn = not given["seen"]
        held_against = trust(given, now, given["certificate_days"])
        inventories = [shortest(str(path)) for path in task_vars.get("ansible_inventory_sources") or []]

        def look(senseless: Collection[str]) -> tuple[Result, dict[str, Any], str]:
            answers = without(observed, senseless), without(probes, senseless)
            found = judge(plan, every, *answers, choice, asked, held_against, in_turn)
            found.findings = [runnable(finding, inventories) for finding in found.findings]
            return found, result_json(found, plan, now.strftime("%Y-%m-%dT%H:%M:%SZ")), table(found, plan)

        judged, content, text = readable.judged(look, states)
        if given["dest"] and not self._task.check_mode:
            write(Path(given["dest"]), content)
        Display().display(text)
        errors = [finding for finding in content["findings"] if finding["severity"] == "error"]
        here = [str(host) for host in task_vars.get("ansible_play_hosts") or []]
        result = {
            "ok": judged.ok,
            "error_count": len(errors),
            "warning_count": len(content["findings"]) - len(errors),
            "dest": given["dest"],
            "findings": brief(content["findings"]),
            "blamed": blamed(judged.findings, here, [host for host in given["hosts"] or [] if host not in here]),
        }
        if not judged.ok and given["fail"]:
            first = errors[0]
            count = "1 finding" if len(errors) == 1 else f"{len(errors)} findings, the first"
            result.update(
                failed=True, msg=f"{count}: {first['subject']}: expected {first['expected']}: {first['seen']}"
            )
        return result


def shortest(path: str) -> str:
    """A path as a user would type it here."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return min(path, relative, key=len)


def kept_by(directory: Path, hosts: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """What M(intercloud.vpn.cloud_run) brought back of the hosts, else why there is nothing."""
    return {host: kept(directory / f"{host}.json") or SILENT for host in hosts}
