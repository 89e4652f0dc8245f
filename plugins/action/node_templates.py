# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a template to a VCC node: in pieces over the connection that is there, each piece where the last one ended."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._node.arguments import TEMPLATES
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.package import open_package
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.shown import size
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.transfer import Transfer
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import NodeAction

TURNS = 2
"""A run that published another version removes what others were sending. Then what is missing is sent once more."""
OFTEN = 10  # seconds between two lines about a transfer


class ActionModule(NodeAction):
    """Action plugin of M(intercloud.vpn.node_templates)."""

    ARGUMENTS: ClassVar = TEMPLATES
    HAS_AGENT: ClassVar = False  # a VCC node has none

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in self._task.args.items() if value is not None}
        if given.get("state", "present") != "present":
            return self.ask(given, task_vars)
        package = given.pop("package")
        sent = resumed = 0
        for turn in range(TURNS):
            answer = self.ask({**given, "state": "look"}, task_vars)
            if answer.get("failed") or not answer["changed"]:
                return {**answer, "sent": sent, "resumed": resumed}
            transfer = Transfer(open_package(str(package)), given["publication"]["files"], answer["missing"])
            resumed += 0 if turn else transfer.resumed
            if self._task.check_mode:
                return {"changed": True, "sent": 0, "resumed": resumed}
            answer = self._send(transfer, given, task_vars)
            sent += transfer.sent
            answer = answer or self.ask({**given, "state": "present"}, task_vars)
            if not answer.get("lacking"):
                break
        return {**answer, "sent": sent, "resumed": resumed}

    def _send(self, transfer: Transfer, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any] | None:
        """Send what is missing; the node's answer where that failed."""
        about = {key: given[key] for key in ("organization", "ledger", "template", "allow_older") if key in given}
        what = f"{task_vars['inventory_hostname']}: {given['organization']}/{given['template']}"
        begun = shown = time.monotonic()
        while True:
            pieces = transfer.pieces()
            if not pieces:
                break
            asked = {**about, "state": "receive", "pieces": pieces}
            answer = self.ask(asked, task_vars, transfer.data(pieces))
            if answer.get("failed"):
                return answer
            transfer.note(pieces, answer["have"])
            if time.monotonic() - shown > OFTEN:
                shown = time.monotonic()
                Display().display(f"{what}: {size(transfer.here)} of {size(transfer.total)}")
        seconds = time.monotonic() - begun
        if transfer.total:
            rate = f" in {seconds:.1f} s ({size(transfer.sent / seconds)}/s)" if transfer.sent else ""
            there = f", {size(transfer.resumed)} were there" if transfer.resumed else ""
            Display().display(f"{what}: {size(transfer.sent)} sent{rate}{there}")
        return None
