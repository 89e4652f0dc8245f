# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action plugin that asks the node itself takes what its module documents."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._node import arguments, calls

PLUGINS = "ansible_collections.intercloud.vpn.plugins"


@pytest.mark.parametrize("name", [name for name in calls.CALLS if name != "member_probe"])  # asked by node_info's
def test_the_action_plugin_validates_what_the_module_documents(name: str) -> None:
    action = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    fragments = yaml.safe_load(module.DOCUMENTATION)["extends_documentation_fragment"]
    options = set(yaml.safe_load(module.DOCUMENTATION).get("options") or ())
    if "intercloud.vpn.generation" in fragments:
        options |= set(arguments.GENERATION)
    if "intercloud.vpn.probes" in fragments:
        options |= set(arguments.PROBE)
    assert set(action.ARGUMENTS) == options
    (spec,) = re.findall(r"argument_spec=(\w+),?", Path(str(module.__file__)).read_text(encoding="utf-8"))
    assert action.ARGUMENTS is getattr(arguments, spec)
