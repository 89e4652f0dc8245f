# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The short form, which `make test` runs (THOROUGH=0): without the tests that are marked `thorough`.

Such a test shows with another parameter, address family, backend or kind of tunnel what a test of the short form shows.
`make test-thorough`, and pytest by hand, run all. What is left out is appended to the file that LEFT_OUT names.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Tests read what Ansible itself says of each task and host; those of the callback say so.
os.environ["ANSIBLE_STDOUT_CALLBACK"] = "default"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "thorough(reason): left to make test-thorough; what shows the same without it")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = {item: mark for item in items if (mark := item.get_closest_marker("thorough"))}
    for item, mark in marked.items():
        if not mark.args:
            raise pytest.UsageError(f"{item.nodeid}: thorough() has to say what shows the same in the short form")
    if marked and os.environ.get("THOROUGH") == "0":
        items[:] = [item for item in items if item not in marked]
        config.hook.pytest_deselected(items=list(marked))
        if where := os.environ.get("LEFT_OUT"):
            with Path(where).open("a", encoding="utf-8") as file:
                file.writelines(f"{item.nodeid}: {mark.args[0]}\n" for item, mark in marked.items())
