# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose who probes whom, on the controller, once for all hosts: each finds its own probes in a file."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.intercloud.vpn.plugins.module_utils._verify.probes import probe_targets
from ansible_collections.intercloud.vpn.plugins.module_utils._verify.which_pairs import ALL, AUTO, DAY, SAMPLE, Choice
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import keep, load_plan
from ansible_collections.intercloud.vpn.plugins.plugin_utils._run_directory import note_more


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.vpn_probes): writes a file per host that a probe starts at."""

    ARGUMENTS: ClassVar = {
        "plan": {"type": "path", "required": True},
        "verify": {"type": "str", "choices": [AUTO, ALL, SAMPLE], "default": AUTO},
        "nonmembers_per_network": {"type": "int", "default": 1},
    }

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Whoever verifies twice a day asks the same pairs twice: what failed is not left out the next time."""
        plan, documents = load_plan(given["plan"])
        choice = Choice(given["verify"], int(time.time()) // DAY, given["nonmembers_per_network"])
        targets = probe_targets(plan, documents, choice)
        directory = Path(given["plan"]).parent / "probes"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700)
        for host, probes in targets.items():
            keep(directory / f"{host}.json", probes)
        note_more(probing=targets)
        return {
            "probes_dir": str(directory),
            "hosts": sorted(targets),
            "count": sum(map(len, targets.values())),
            "choice": asdict(choice),
        }
