# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN, on the controller: hands the landscape to the module and leaves the documents where apply finds them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._awx.answers import describes_vpn
from ansible_collections.intercloud.vpn.plugins.module_utils._base.coerce import boolean, integer, tidy
from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors
from ansible_collections.intercloud.vpn.plugins.module_utils._base.names import NAME, NAME_RULE, refuse_booleans
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems, some
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.landscape.connections import (
    collisions,
    logged_in,
    management,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._intent.organizations import is_concerned
from ansible_collections.intercloud.vpn.plugins.module_utils._ledger.packing import unpack
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.observed import told
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.shown import shown
from ansible_collections.intercloud.vpn.plugins.module_utils._plan.survey_facts import read_facts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import (
    KINDS,
    PSK,
    UNREADABLE,
    check_server,
    match_members,
    read_inventory,
    who_runs,
)
from ansible_collections.intercloud.vpn.plugins.plugin_utils._neighbours import OBSERVED, macs_of
from ansible_collections.intercloud.vpn.plugins.plugin_utils._pairs import told_second
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import SLICES, keep
from ansible_collections.intercloud.vpn.plugins.plugin_utils._reached import read_connections
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import (
    concerned,
    note_concerned,
    note_more,
    run_directory,
)
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_variables import INTENT, find_unreadable, read_run
from ansible_collections.intercloud.vpn.plugins.plugin_utils._server_action import ServerAction

# Without these there is nothing to plan with.
NEEDED = ("vcc_ledger", "vcc_state_dir")
DAYS = "vcc_certificate_days"
DAYS_LEFT = "org_edge_certificate_days"
CANNOT = "__cannot_be_templated__"
BRIEF = 20  # lines of a VPN


class ActionModule(ServerAction):
    """Action plugin of M(intercloud.vpn.vpn_plan)."""

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, *rest: Any, **more: Any) -> Any:
        """Let an intent pass that cannot be templated, to refuse it with its path (from ansible-core 2.19 on)."""
        try:
            return super().finalize_task_arg(name, value, *rest, **more)
        except AnsibleError as error:
            if name not in INTENT:
                raise
            return {CANNOT: str(error)}

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        problems = Problems()
        run = read_run(task_vars, self._templar, problems)
        self._read_intent(arguments, task_vars, problems)
        organizations = arguments.get("organizations") or ()
        inventory = read_inventory(task_vars, organizations, run)
        problems.extend(inventory.problems)
        check_server(task_vars, run, problems)
        if any(error.path in NEEDED or error.message.startswith(UNREADABLE) for error in problems):
            return {"failed": True, "changed": False, "msg": IntentErrors(problems).report()}
        connections = read_connections(logged_in(inventory.hosts), task_vars)
        for host, connection in connections.items():
            inventory.hosts[host]["management"] = management(connection)
        ours = {host for host, facts in inventory.hosts.items() if is_concerned(facts, organizations)}
        arguments.update(
            hosts=inventory.hosts,
            answered=describes_vpn(task_vars),
            matches=match_members(arguments.get("vpns"), task_vars, self._loader, arguments.get("networks")),
            problems=[{"path": error.path, "message": error.message} for error in problems],
            who=who_runs(task_vars),
            certified_addresses=boolean(run.get("vcc_certified_addresses")) is True,
            observed=gather(task_vars),
            collisions=collisions(connections, ours),
        )
        for argument, variable in (("certificate_days", DAYS), ("renewed_with", DAYS_LEFT)):
            value = integer(run.get(variable, self._of_role(variable, task_vars)))
            if isinstance(value, int) and not isinstance(value, bool):
                arguments[argument] = value
        result = self.ask(arguments, task_vars)
        if result.get("failed"):
            return result
        groups = task_vars["groups"]
        if arguments.get("scope_only"):
            hosts = result["hosts"]
            note_concerned(groups, inventory.hosts if hosts is None else hosts)
            return result
        plan = result.pop("plan")
        nodes = result["nodes"] = sorted({document["node"] for document in plan["documents"].values()})
        result["vpns"] = [vpn["name"] for vpn in plan["vpns"]]
        result.update(_write(plan, arguments["observed"]))
        later = {*nodes} - ({*result["losing"]} - {*result["gaining"]})
        result["second"] = told_second(plan["documents"].values(), arguments["observed"])
        first = {*nodes} - ({*result["yielding"]} - {*plan["losing"]}) - {*result["second"]}
        note_concerned(groups, nodes, losing=result["losing"], later=later, first=first)
        with_psk = [name for name, facts in inventory.hosts.items() if PSK in facts["vars"]]
        yielding = result["yielding"]
        taking = [*(edge for edges in yielding.values() for edge in edges), *(concerned() or {}).get("anchors", ())]
        more = {key: result[key] for key in ("losing", "releasing")}
        twins = [*result["second"].values(), *(concerned() or {}).get("anchors", ())]
        note_more(with_psk=with_psk, yielding=yielding, taking=taking, second=result["second"], twins=twins, **more)
        if arguments["observed"]:
            result["notes"] = [*result["notes"], *_unasked(plan, task_vars)]
        lines = _shown(result, str(arguments.get("show") or "none"))
        if lines:
            Display().display("\n".join(lines))
        return result

    def _of_role(self, variable: str, task_vars: dict[str, Any]) -> Any:
        """A variable of a role, where it is the same for all hosts. What cannot be templated is of single hosts."""
        try:
            return self._templar.template(task_vars.get(variable))
        except AnsibleError:
            return None

    def _read_intent(self, arguments: dict[str, Any], task_vars: dict[str, Any], problems: Problems) -> None:
        """Tidy the intent among the arguments, or note what of it cannot be templated."""
        before = len(problems)
        # Always: a default takes the place of a variable that is there, and made of one that is not.
        find_unreadable(task_vars, self._templar, problems)
        noted = len(problems) > before
        for name, variable in INTENT.items():
            part = arguments.get(name)
            if isinstance(part, Mapping) and CANNOT in part:
                if not noted:  # it was not said where intents usually are
                    problems.add(variable, f"{UNREADABLE}: {part[CANNOT]}")
            elif part is not None:
                arguments[name] = tidy(part)
                if isinstance(part, Mapping):  # here: the module is given them as texts
                    refuse_booleans({f"{variable}.{key}": key for key in part}, problems)


def gather(task_vars: Mapping[str, Any], name: str = "vcc_survey") -> dict[str, dict[str, Any]]:
    """What M(intercloud.vpn.node_survey) learned of each host that was asked."""
    hostvars, hosts = task_vars["hostvars"], {host for kind in KINDS for host in task_vars["groups"].get(kind, [])}
    asked = concerned()
    if asked is not None:  # an answer to an earlier plan of this run may be too old
        hosts &= {host for kind in KINDS for host in asked.get(kind, ())}
    found = {}
    for host in sorted(hosts):
        facts = hostvars.raw_get(host).get(name)  # not templated: it is data that came from hosts
        if isinstance(facts, Mapping) and ("silent" in facts or "python" in facts):
            found[str(host)] = read_facts(facts)
    return found


def _shown(result: Mapping[str, Any], how: str) -> list[str]:
    """What is shown of a plan, by the option `show`."""
    if how == "none":
        return []
    notes = [f"Note: {note}" for note in result["notes"]]
    if how == "notes":
        return notes
    most = None if how == "all" else BRIEF
    plan = shown(result["summary"], result["changed_nodes"], result["node_count"], most)
    return [*notes, *plan, *result["also_touched"], *result["external"]]


def _unasked(plan: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Iterator[str]:
    """A note of the nodes that were not asked because of --limit: whether they contradict the plan is not known."""
    needed = {document["node"] for document in plan["documents"].values() if told(document)}
    left = sorted(needed - set(task_vars["ansible_play_hosts_all"]))
    if left and task_vars.get("ansible_limit"):
        what = "1 host was" if len(left) == 1 else f"{len(left)} hosts were"
        yield f"{what} not asked, because of --limit: {some(left, 3)}"


def _write(plan: dict[str, Any], facts: Mapping[str, Any]) -> dict[str, str]:
    directory = run_directory()
    documents = directory / "documents"
    losing = directory / "losing"
    lineage = directory / "lineage"
    for folder, contents in ((documents, plan["documents"]), (losing, plan["losing"]), (lineage, plan["lineage"])):
        shutil.rmtree(folder, ignore_errors=True)
        make_directory(folder, 0o700)
        for name, content in contents.items():
            # The planner has checked the names. This is the place that would write whatever a name says.
            *organization, node = name.split("/")
            if len(organization) > 1 or not all(NAME.fullmatch(part) for part in (*organization, node)):
                raise AnsibleError(
                    f"the plan has a document for {name!r}, no name of a host, which must be {NAME_RULE}"
                )
            for part in organization:
                make_directory(folder / part, 0o700)
            keep(folder / f"{name}.json", unpack(content))
    path = directory / "plan.json"
    known = {"documents_dir": str(documents), "vpns": plan["vpns"], "members": plan["members"]}
    keep(path, known)
    keep(directory / OBSERVED, macs_of(facts))
    keep(directory / SLICES, {host: facts[host].get("slice_digests") or {} for host in facts})
    return {"path": str(path), "documents_dir": str(documents), "losing_dir": str(losing)}
