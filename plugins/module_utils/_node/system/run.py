# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs: always with a timeout, always in the C locale."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

# Daemons, and shells without a login, often lack the sbin directories.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# swanctl tells, on every call, of plugins that the distribution does not build.
NOISE = re.compile(r"plugin '.*failed to load")

FIRST, LAST = 4, 4  # lines of a long error that are told

# AppArmor knows programs by their paths, and Debian's profile of swanctl knows no file but those of the real daemon.
UNCONFINED = ("sh", "-c", '{ echo exec unconfined >/proc/self/attr/exec; } 2>/dev/null; exec "$@"', "sh")


class CommandError(Exception):
    """A program failed, or took too long; the message says which, and what it printed."""


def have(program: str) -> bool:
    """Whether `program` is installed."""
    return shutil.which(program, path=PATH) is not None


def environment(**extra: str) -> dict[str, str]:
    """The environment every program gets."""
    return {**os.environ, "PATH": PATH, "LC_ALL": "C", **extra}


def run(
    *argv: str,
    stdin: str | None = None,
    timeout: float = 30,
    env: dict[str, str] | None = None,
    unconfined: bool = False,
) -> str:
    """Run `argv` and return what it wrote to standard output; `unconfined`: without its AppArmor profile.

    Raises CommandError when it is missing, fails, or takes longer than `timeout` seconds.
    """
    try:
        # pylint: disable-next=ansible-bad-function  # the agent has no AnsibleModule
        done = subprocess.run(
            (*UNCONFINED, *argv) if unconfined else argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",  # a log may hold what strangers sent
            timeout=timeout,
            env=environment(**(env or {})),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(argv)}: no answer within {timeout:g} s") from error
    except OSError as error:
        raise CommandError(f"{argv[0]}: {error.strerror}") from error
    if done.returncode:
        said = _gist(done.stderr.strip() or done.stdout.strip())
        raise CommandError(f"{' '.join(argv)}: exit {done.returncode}: {'; '.join(said)}")
    return done.stdout


def _gist(text: str) -> list[str]:
    """The lines that say what went wrong: parsers tell the cause first, and most others last."""
    said = [line for line in text.splitlines() if line.strip(" ^~") and not NOISE.match(line)]
    return said if len(said) <= FIRST + LAST else [*said[:FIRST], "…", *said[-LAST:]]


def succeeds(*argv: str, timeout: float = 30) -> bool:
    """Whether `argv` runs and exits with 0."""
    try:
        run(*argv, timeout=timeout)
    except CommandError:
        return False
    return True
