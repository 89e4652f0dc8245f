# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that the pages print could be pasted: its playbook, inventory, options, variables and program exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.variables import KNOWN
from ansible_collections.intercloud.vpn.plugins.module_utils._node.agent import COMMANDS as AGENT
from ansible_collections.intercloud.vpn.tests.docs.pages import (
    PAGES,
    ROOT,
    SHELL,
    Block,
    blocks,
    commands,
    every_command,
    spans,
    words,
)

BIN = Path(sys.executable).parent
EVERY = every_command()
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
OURS = "intercloud.vpn."
# An inventory of the reader's own.
FLEETS = re.compile(r"(my_fleet|inventory|fleet\.yml|part\d\.yml)$")
# Without an inventory there is nothing to say of the lab but what its own plays say.
WITHOUT_INVENTORY = {"lab_up", "lab_down"}
# Playbooks that a page prints. Here, test_address_plan.py runs it.
PRINTED = {"address_plan.yml"}
GROUPS = {"all", "vcc_server", "vcc_nodes", "org_edges", "vapp_edges", "members"}
HOST = re.compile(r"(cloud|node|edge|vapp\d?|vm\d?|web\d?|db|shop)[-_][a-z]+$")
# Programs, and the packages that bring them: what the roles or `make setup` install.
PACKAGES = {
    "bridge": "iproute2",
    "git": "git",
    "gpg": "gnupg",
    "ip": "iproute2",
    "make": "make",
    "nft": "nftables",
    "openssl": "openssl",
    "ping": "iputils-ping",
    "python3": "python3",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "swanctl": "strongswan-swanctl",
    "tcpdump": "tcpdump",
}
# What every Debian has that systemd runs on, and a controller with Ansible and `make setup`.
FILES = {"cat", "cd", "cp", "df", "grep", "install", "ls", "mkdir", "mv", "rm"}
BASE = FILES | {"date", "hostname", "journalctl", "pip", "sh", "ss", "sudo", "systemctl", "timedatectl", "."}
OF_THE_VENV = {
    "ansible",
    "ansible-doc",
    "ansible-galaxy",
    "ansible-inventory",
    "ansible-playbook",
    "ansible-vault",
    "molecule",
    "pytest",
}
# On a partner's gateway, whose administrator has another system (docs/external.md).
ELSEWHERE = {"ipsec"}
AGENT_PATH = "/usr/local/lib/intercloud-vpn/agent"
# Shell words, in a block that is a script.
SHELLS = re.compile(r"(for|do|done|then|fi|if)\b|[A-Z_]+=|\$\(")


def by_place(command: Block) -> str:
    return f"{command.where}: {command.text[:60]}"


def of(program: str) -> list[Block]:
    """The commands of a program, in blocks and in sentences."""
    return [
        *(command for command in EVERY if any(each[0] == program for each in words(command))),
        *(command for page in PAGES for command in spans(page, program)),
    ]


@cache
def options(program: str) -> frozenset[str]:
    """The options that a program knows, as its help has them."""
    run = subprocess.run(
        [BIN / program, "--help"], check=True, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    return frozenset(re.findall(r"(?<![\w-])--?[\w-]+", run.stdout))


@cache
def of_the_lab() -> frozenset[str]:
    specification = yaml.safe_load((ROOT / "roles/lab/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return frozenset(name for entry in specification["argument_specs"].values() for name in entry["options"])


def variables(text: str) -> set[str]:
    """The names that an argument of ``-e`` sets."""
    if text.startswith("@"):
        return set()
    if text.startswith("{"):
        return set(json.loads(text))
    return {pair.partition("=")[0] for pair in text.split()}


@cache
def installed() -> str:
    """What names the packages that roles and `make setup` install."""
    roles = [file.read_text(encoding="utf-8") for file in sorted(ROOT.glob("roles/*/vars/main.yml"))]
    return "\n".join((*roles, (ROOT / "bindep.txt").read_text(encoding="utf-8")))


def is_there(program: str) -> bool:
    """Whether a reader has this program, after what the pages have them install."""
    if program in PACKAGES:
        return bool(re.search(rf"^(?:\s*- )?{re.escape(PACKAGES[program])}\b", installed(), re.MULTILINE))
    if program in OF_THE_VENV:
        return (BIN / program).exists()
    if SHELLS.match(program) or program in BASE | ELSEWHERE | {AGENT_PATH}:
        return True
    return "/" in program and os.access(ROOT / program, os.X_OK)


def is_a_pattern(pattern: str) -> bool:
    return all(part in GROUPS or HOST.match(part) for part in re.split(r"[:,]!?", pattern) if part)


def read(arguments: list[str], program: str) -> tuple[dict[str, list[str]], list[str]]:
    """Options with their values, and the rest. Fails on an option that the program does not know."""
    with_value = {
        "-i",
        "-e",
        "-m",
        "-a",
        "-t",
        "--limit",
        "-l",
        "--tags",
        "--skip-tags",
        "--vault-id",
        "--vault-password-file",
        "-f",
        "--forks",
    }
    found: dict[str, list[str]] = {}
    rest = []
    given = iter(arguments)
    for word in given:
        if not word.startswith("-"):
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        assert name in options(program), f"{program} has no option {name}"
        found.setdefault(name, []).append(value if equals else next(given) if name in with_value else "")
    return found, rest


def test_there_are_commands() -> None:
    assert len(EVERY) > 60
    assert {page.name for page in PAGES} > {"README.md", "own_fleet.md", "lab.md", "troubleshooting.md"}


@pytest.mark.parametrize("command", of("ansible-playbook"), ids=by_place)
def test_a_playbook_is_run_as_it_can_be(command: Block) -> None:
    for name, *arguments in words(command):
        if name != "ansible-playbook":
            continue
        given, playbooks = read(arguments, name)
        assert playbooks, "no playbook"
        for playbook in (one for one in playbooks if one not in PRINTED):
            stem = playbook.removeprefix(OURS) if playbook.startswith(OURS) else Path(playbook).stem
            # docs/clouds.md has a folder of the examples copied.
            places = [ROOT / playbook, ROOT / "inventories/examples" / playbook]
            file = ROOT / f"playbooks/{stem}.yml" if playbook.startswith(OURS) else max(places, key=Path.is_file)
            assert file.is_file(), f"there is no {playbook}"
            if stem not in WITHOUT_INVENTORY:
                assert given.get("-i"), "no inventory: the command does not run as it is printed"
        for inventory in given.get("-i", []):
            assert FLEETS.match(inventory) or (ROOT / inventory).exists(), f"there is no inventory {inventory}"
        unknown = {name for text in given.get("-e", []) for name in variables(text)} - KNOWN - of_the_lab()
        assert unknown <= {"host_keys"}, unknown
        for pattern in (*given.get("--limit", []), *given.get("-l", [])):
            assert is_a_pattern(pattern), f"no such hosts: {pattern}"
        assert not {"--tags", "--skip-tags", "-t"} & set(given), "tasks have no tags"


@pytest.mark.parametrize("command", of("ansible"), ids=by_place)
def test_a_module_is_run_as_it_can_be(command: Block) -> None:
    for name, *arguments in words(command):
        if name == "ansible":
            given, patterns = read(arguments, name)
            assert given.get("-i"), "no inventory: the command does not run as it is printed"
            assert [pattern for pattern in patterns if not is_a_pattern(pattern)] == []
            for module in given["-m"]:
                assert (
                    module in ("ping", "command", "shell")
                    or (ROOT / f"plugins/modules/{module.removeprefix(OURS)}.py").is_file()
                )
            for text in given.get("-a", []):
                if given["-m"] == ["command"]:
                    inner = Block(command.page, command.line, "bash", text)
                    assert [program for program, *_rest in words(inner) if not is_there(program)] == []
                else:
                    assert not text.startswith("{") or json.loads(text)


@pytest.mark.parametrize("command", EVERY, ids=by_place)
def test_the_program_is_there(command: Block) -> None:
    for program, *arguments in words(command):
        assert is_there(program), f"{program} is not a program that this test knows; say in PACKAGES what brings it"
        if program == AGENT_PATH:
            assert arguments[0] in AGENT


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = {
        (command.where, each[1])
        for command in of("make")
        for each in words(command)
        if each[0] == "make" and len(each) > 1
    }
    assert len(asked) > 5
    assert {pair for pair in asked if pair[1] not in targets} == set()


def test_units_are_those_that_the_collection_has() -> None:
    """Those of the collection, as the node's code names them or as they are shipped, and those of the packages."""
    known = {"strongswan", "nftables", "systemd-networkd", *(one.name for one in ROOT.glob("extensions/systemd/*"))}
    source = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "plugins/module_utils/_node").rglob("*.py"))
    asked = set()
    for command in EVERY:
        for program, *arguments in words(command):
            if program in ("systemctl", "journalctl"):
                given = [
                    word
                    for word in arguments
                    if not word.startswith("-")
                    and word
                    not in (
                        "enable",
                        "disable",
                        "restart",
                        "start",
                        "stop",
                        "status",
                        "list-units",
                        "daemon-reload",
                        "is-active",
                    )
                ]
                asked |= {word for word in given if not word.isdigit()}
    assert asked
    wrong = {
        unit
        for unit in asked
        if unit not in known
        and unit.partition("@")[0].removesuffix("*").removesuffix(".service").removesuffix(".path") not in source
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "block", [b for page in PAGES for b in blocks(page) if b.language in SHELL], ids=lambda block: block.where
)
def test_the_shell_can_read_it(block: Block) -> None:
    text = "\n".join(command.text for command in commands(block))
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_playbook_can_be_read() -> None:
    """One call for all: Ansible takes most of the time to start."""
    run = subprocess.run(
        [BIN / "ansible-playbook", "--syntax-check", "-i", "inventories/example", "create_vpn.yml", *PLAYBOOKS],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-4000:]
    assert all(str(playbook) in run.stdout for playbook in PLAYBOOKS)
