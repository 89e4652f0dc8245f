# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run whose tags would skip steps is refused before it does anything; one whose tags skip nothing is a usual run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFUSED = "--tags and --skip-tags would leave out steps that others rely on: nothing was done"
WRAPPED = "- ansible.builtin.import_playbook: intercloud.vpn.plan_vpn\n  tags: network\n"


def run(playbook: str, *arguments: str) -> tuple[int, str]:
    """The exit code, and the output without line ends."""
    given = ["-e", "vcc_ledger=sqlite:////nonexistent/ledger.sqlite", "-e", "vcc_server_survey=false", *arguments]
    done = subprocess.run(
        ["ansible-playbook", "-i", str(ROOT / "inventories/example"), playbook, *given],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "default"},
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    return done.returncode, " ".join(done.stdout.split())


OTHER = pytest.mark.thorough("another tag or playbook; a unit test finds the same task first in every playbook")


@pytest.mark.parametrize(
    "tags",
    [
        ("--tags", "edges"),
        pytest.param(("--tags", "always"), marks=OTHER),
        pytest.param(("--skip-tags", "untagged"), marks=OTHER),
    ],
)
def test_a_run_of_some_tasks_is_refused(tags: tuple[str, str]) -> None:
    status, output = run("intercloud.vpn.create_vpn", *tags)
    assert status == 2 and REFUSED in output
    assert "TASK [Find whom" not in output and "Plan: " not in output


@pytest.mark.parametrize("playbook", ["history_vpn", pytest.param("uninstall", marks=OTHER)])
def test_so_it_is_with_playbooks_that_plan_nothing(playbook: str) -> None:
    status, output = run(f"intercloud.vpn.{playbook}", "--tags", "edges")
    assert status == 2 and REFUSED in output


def test_tags_that_skip_nothing_are_no_matter(tmp_path: Path) -> None:
    """A playbook of the user's may import ours with a tag."""
    wrapper = tmp_path / "site.yml"
    wrapper.write_text(WRAPPED, encoding="utf-8")
    status, output = run(str(wrapper), "--tags", "network", "--skip-tags", "other")
    assert (status, REFUSED in output) == (0, False), output
    assert "Plan: " in output
