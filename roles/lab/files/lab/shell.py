"""Running commands, and the one error that labctl shows to people."""

from __future__ import annotations

import subprocess


class LabError(Exception):
    """Something a person can mend; the message says what and how."""


def run(*command, stdin=None, check=True):
    """Run a command and return its standard output; LabError with its standard error when it fails."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise LabError(f"{command[0]} is not installed (`make setup` installs what the lab needs)") from error
    if check and done.returncode:
        raise LabError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def succeeds(*command):
    """Whether a command exits 0."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def batch(namespace, lines):
    """Feed `lines` to one `ip -batch` in a namespace (None: the host's own)."""
    where = ("-n", namespace) if namespace else ()
    run("ip", *where, "-batch", "-", stdin="\n".join(lines) + "\n")
