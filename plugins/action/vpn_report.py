# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge what all hosts reported, on the controller, in one pass over them."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.blame import blamed, runnable
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.certificates import DAYS, Trust
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.report import result_json, table
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.targets import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.verify import judge
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import load_plan

ARGUMENTS = {
    "plan": {"type": "path", "required": True},
    "observed_var": {"type": "str", "default": "vcc_observed"},
    "probes_var": {"type": "str", "default": "vcc_probes"},
    "nonmembers_per_network": {"type": "int", "default": 1},
    "hosts": {"type": "list", "elements": "str"},
    "authorities": {"type": "dict"},
    "revocations": {"type": "dict"},
    "certificate_days": {"type": "int", "default": DAYS},
    "dest": {"type": "path"},
    "fail": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """See the module's documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Judge, write, show; fail if there is anything to fail for."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _dummy, given = self.validate_argument_spec(argument_spec=ARGUMENTS)
        per_network = given["nonmembers_per_network"]
        try:
            plan, documents = load_plan(given["plan"])
            every = dict(documents)
            hostvars = (task_vars or {})["hostvars"]
            observed = registered(hostvars, every, given["observed_var"])
            probing = probe_targets(plan, every, per_network)
            probes = registered(hostvars, probing, given["probes_var"])
            now = datetime.datetime.now(datetime.timezone.utc)
            asked = given["hosts"] and frozenset(given["hosts"])
            judged = judge(plan, every, observed, probes, per_network, asked, trust(given, now))
            inventories = [str(path) for path in (task_vars or {}).get("ansible_inventory_sources") or []]
            judged.findings = [runnable(finding, list(map(shortest, inventories))) for finding in judged.findings]
            content = result_json(judged, plan, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
            if given["dest"] and not self._task.check_mode:
                write(Path(given["dest"]), content)
        except (VccError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        Display().display(table(judged, plan))
        errors = [finding for finding in content["findings"] if finding["severity"] == "error"]
        result.update(
            changed=False, ok=judged.ok, error_count=len(errors), warning_count=len(content["findings"]) - len(errors)
        )
        result["dest"] = given["dest"]
        here = [str(host) for host in (task_vars or {}).get("ansible_play_hosts") or []]
        result["blamed"] = blamed(judged.findings, here, [host for host in given["hosts"] or [] if host not in here])
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


def trust(given: Mapping[str, Any], now: datetime.datetime) -> Trust | None:
    """What certificates are held against, if the task says."""
    if given["authorities"] is None:
        return None
    revoked = {
        str(name): frozenset(str(serial) for serial in one["serials"])
        for name, one in (given["revocations"] or {}).items()
    }
    return Trust(given["authorities"], revoked, now, given["certificate_days"])


def registered(hostvars: Any, hosts: Iterable[str], name: str) -> dict[str, Mapping[str, Any]]:
    """What the hosts registered under a name, else why they did not. A host that is in no inventory is left out."""
    found = {}
    for host in hosts:
        if host in hostvars:
            variables = hostvars.raw_get(host)  # not templated: it is data that came from hosts
            value = variables.get(name)
            if isinstance(value, Mapping) and not value.get("skipped"):
                found[host] = value
            else:
                failure = last_failure(variables)
                if failure:
                    found[host] = failure
    return found


def last_failure(variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a host registered last of a task that failed there; after that, it took part in nothing."""
    failures = [
        value
        for value in variables.values()
        if isinstance(value, Mapping) and (value.get("failed") or value.get("unreachable")) and "msg" in value
    ]
    return failures[-1] if failures else None


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all, for its owner only."""
    make_directory(path.parent, 0o700)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
