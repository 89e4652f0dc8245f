# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VERIFY: whom a run's recap counts as failed, and commands that run as they are printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace

from .finding import ERROR, Finding

_COMMAND = re.compile(r"\b(ansible(?:-playbook)?) (?=[\w-])")


def blamed(findings: Iterable[Finding], hosts: Sequence[str], lost: Iterable[str] = ()) -> dict[str, list[str]]:
    """What is not as planned, by the host of this run that it is about.

    That is where its cause is, if that is known; else the hosts that its subject names, else those that are named in
    what was seen. One that names none of this run is the first host's, so that the run fails. Ansible has counted the
    ``lost`` hosts already, those that failed or were unreachable before: no other host takes the blame for them.
    """
    known = [*hosts, *lost]
    found: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity != ERROR:
            continue
        named = [host for host in known if host in finding.hosts]
        named = named or _named(finding.subject, known) or _named(finding.seen, known) or list(hosts[:1])
        for host in named:
            found.setdefault(host, []).append(f"{finding.subject}: expected {finding.expected}: {finding.seen}")
    return found


def _named(text: str, hosts: Iterable[str]) -> list[str]:
    words = set(re.findall(r"[\w.-]+", text.replace("--", " "))) | set(re.findall(r"[\w.-]+", text))
    words |= {word.rstrip(".") for word in words}
    return [host for host in hosts if host in words]


def runnable(finding: Finding, inventories: Sequence[str]) -> Finding:
    """The finding, with the inventories of this run in the commands that it prints."""
    options = "".join(f"-i {shlex.quote(path)} " for path in inventories)
    return replace(finding, look=_COMMAND.sub(rf"\1 {options}", finding.look)) if options else finding
