# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first lesson, as its reader goes through it: each command of docs/tutorial/lab.md, as printed and in order.

What the page prints below a command is in what the command prints. From before the first VPN until after the last one,
the internet between the clouds is listened to. The lab is gone afterwards, as at the end of the lesson.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.tests.docs.pages import ROOT, blocks, commands
from ansible_collections.intercloud.vpn.tests.lesson.shown import lacking
from ansible_collections.intercloud.vpn.tests.testinfra import lab

PAGE = ROOT / "docs/tutorial/lab.md"
SSH = "ssh -F /var/lib/intercloud-vpn/lab/ssh/config "
# The checkout is there, and its environment is active.
DONE_BEFORE = re.compile(r"git clone|make setup$|\. \.venv/bin/activate$")
ENCRYPTED = "udp port 500 or udp port 4500"
INNER = " or ".join(f"net {net}" for net in ("100.64.0.0/10", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))

# The kernel hands captured packets to tcpdump at least once a second; what it still has is lost at the end.
HANDED_OVER = 1.5


@dataclass(frozen=True)
class Step:
    """A command of the page, and what the page shows of its output."""

    line: int
    command: str
    shown: str


def steps() -> list[Step]:
    found: list[Step] = []
    for block in blocks(PAGE):
        if block.language == "console":
            found += [Step(one.line, one.text, "") for one in commands(block) if not DONE_BEFORE.match(one.text)]
        elif block.language == "text":
            found[-1] = Step(found[-1].line, found[-1].command, block.text)
    return found


def environment() -> dict[str, str]:
    """The reader's shell. Ansible is configured by the checkout."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**own, "PATH": f"{ROOT / '.venv/bin'}:{own['PATH']}", "PYTHONUNBUFFERED": "1"}


def run(command: str, code: int = 0) -> str:
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment(), text=True, check=False, timeout=300,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout[-3000:]}"
    return done.stdout


@contextmanager
def listening(command: str, seen: Path) -> Iterator[None]:
    """A tcpdump, which Ctrl-C ends."""
    with seen.open("w") as file:
        listener = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], stdout=file, stderr=subprocess.PIPE, text=True, env=environment()
        )
        assert listener.stderr
        assert any("listening on" in line for line in listener.stderr)
        yield
        time.sleep(HANDED_OVER)
        listener.send_signal(2)
        listener.communicate(timeout=10)


def unanswered(step: Step, _folder: Path) -> None:
    """The ping of a non-member."""
    assert "100% packet loss" in run(step.command, code=1)


def looked_at(step: Step, folder: Path) -> None:
    """The second shell pings; all that the first one shows between public addresses is IKE or ESP, in UDP 4500."""
    seen = folder / "seen"
    with listening(step.command, seen):
        run(f"{SSH}vm1-east ping -c 3 -i 0.2 -q 100.64.0.81")
    packets = [line for line in seen.read_text().splitlines() if re.search(r" IP6? ", line)]
    assert len([line for line in packets if "ESP" in line]) >= 6
    assert [line for line in packets if ".4500 > " not in line and "ICMP6" not in line] == []


def repaired(step: Step, _folder: Path) -> None:
    """The journal tells it within a second; a busy machine gets some more."""
    end = time.monotonic() + 10
    while "lost: " not in (said := run(step.command)) and time.monotonic() < end:
        time.sleep(0.2)
    assert "lost: " in said, said


def has_one_tunnel(links: int) -> None:
    """One IKE_SA, with a CHILD_SA for each VPN."""
    said = run(f"{SSH}edge-east swanctl --list-sas 2>/dev/null")
    found = [
        len(re.findall(pattern, said, re.MULTILINE)) for pattern in (r"^\S+: #.* ESTABLISHED", r"^ +\S+: #.* INSTALLED")
    ]
    assert found == [1, links], said


def looked_up(step: Step, _folder: Path) -> None:
    """ "One tunnel, with one link in it for this VPN"."""
    run(step.command)
    has_one_tunnel(links=1)


def created(step: Step, folder: Path) -> None:
    """Then "run the same command again". A second VPN has a link of its own in the same tunnel."""
    prints_what_is_shown(step, folder)
    has_one_tunnel(links=2 if "audit" in step.command else 1)
    if "audit" not in step.command and lab.thorough("the scenario default creates again"):
        again = run(step.command)
        assert re.search(r"^\d+ hosts: 0 changed", again, re.MULTILINE), again[-2000:]
        assert "Everything is as planned." in again


def prints_what_is_shown(step: Step, _folder: Path) -> None:
    assert lacking(step.shown, run(step.command)) == []


CHECKS: tuple[tuple[str, Callable[[Step, Path], None]], ...] = (
    (r".* vm2-east ping ", unanswered),
    (r".* tcpdump ", looked_at),
    (r".* journalctl ", repaired),
    (r".* swanctl ", looked_up),
    (r".* create_vpn\.yml", created),
    (r"", prints_what_is_shown),
)


class Internet:
    """All that the network between the clouds gets to see, from when the lab is there."""

    def __init__(self, file: Path) -> None:
        self.file, self.listener = file, None

    def listen(self) -> None:
        words = "ip netns exec internet tcpdump -i any -n -U -Z root -w"
        self.listener = subprocess.Popen([*words.split(), str(self.file)], stderr=subprocess.DEVNULL)
        while not self.file.exists() or not self.file.stat().st_size:
            assert self.listener.poll() is None
            time.sleep(0.05)

    def stop(self) -> None:
        if self.listener and self.listener.poll() is None:
            time.sleep(HANDED_OVER)
            self.listener.terminate()
            self.listener.wait(10)

    def packets(self, expression: str) -> list[str]:
        words = ["tcpdump", "-n", "-r", str(self.file), expression]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    internet = Internet(tmp_path_factory.mktemp("lesson") / "life.pcap")
    yield internet
    internet.stop()
    run("make lab-down")


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.command[:80])
def test_a_step_does_what_the_page_says(internet: Internet, step: Step, tmp_path: Path) -> None:
    if step.command == "make lab-down":
        internet.stop()
    next(check for form, check in CHECKS if re.match(form, step.command))(step, tmp_path)
    if "lab_up" in step.command:
        internet.listen()


def test_the_internet_saw_nothing_in_clear(internet: Internet) -> None:
    internet.stop()
    assert len(internet.packets(ENCRYPTED)) > 100
    assert internet.packets(f"{INNER} or ip6 net fc00::/7") == []
