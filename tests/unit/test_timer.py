# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd takes the units that are shipped, and they start a playbook that is there."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "extensions/systemd").iterdir())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    for unit in UNITS:  # it looks whether the program is there; on a controller it is where pip or apt has put it
        text = unit.read_text(encoding="utf-8").replace("/usr/bin/ansible-playbook", "/usr/bin/env")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    words = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    said = [
        line for line in done.stderr.splitlines() if "intercloud-vpn" in line
    ]  # others of this machine do not count
    assert (done.returncode, said) == (0, []), done.stderr


def test_the_timer_starts_a_playbook_that_is_there() -> None:
    assert [unit.name for unit in UNITS] == ["intercloud-vpn-renew.service", "intercloud-vpn-renew.timer"]
    service, timer = (_read(unit) for unit in UNITS)
    (name,) = re.findall(r"intercloud\.vpn\.(\w+)", service["Service"]["ExecStart"])
    assert (ROOT / f"playbooks/{name}.yml").is_file()
    assert timer["Timer"]["Persistent"] == "true" and timer["Install"]["WantedBy"] == "timers.target"
    assert "Unit" not in timer["Timer"], "the service of the same name"


def test_the_documentation_tells_how_to_install_them() -> None:
    text = (ROOT / "docs/certificates.md").read_text(encoding="utf-8")
    assert "cp extensions/systemd/intercloud-vpn-renew.*" in text
    for name in ("FLEET", "WorkingDirectory", "User"):
        assert re.search(rf"^ *(Environment=)?{name}=", text, re.MULTILINE)
        assert f"{name}=" in UNITS[0].read_text(encoding="utf-8")


def _read(path: Path) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(path, encoding="utf-8")
    return found
