# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a VPN could leave behind on a machine, as comparable lines."""

from __future__ import annotations

import re

from ansible_collections.intercloud.vpn.tests.testinfra import lab

# What comes and goes on an idle machine: logs, sessions, and what systemd notes of its own doings.
PASSING = (
    # Ours: which generation took all away, remembered until the next boot.
    r"/run/intercloud-vpn\.left|/run/(log|user|utmp|sshd|lock|motd\S*|initctl)\b|/run/systemd/(sessions|users|units|journal|transient|inaccessible"
    r"|propagate|incoming|unit-root|ask-password|notify|timers|dynamic-uid|netif|private|io\S*)\b|/run/dbus\b"
    # The copies that useradd and userdel leave of what they change.
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/etc/\.pwd\.lock"
    r"|/var/lib/(apt|dpkg|systemd/(timers|random-seed|catalog|timesync|coredump|pstore|linger))\b"
)
FILES = r"find /etc /usr/local /var/lib /run -xdev -printf '%p %y %m %u %l\n' 2>/dev/null"
# The agent takes it for each look: a trace only if it stays.
LOCK = "/run/intercloud-vpn.lock"
CONTENTS = "find /etc /usr/local -xdev -type f ! -name '*-' ! -name .pwd.lock -exec sha256sum {} +"
# Units that run for a moment, now and then.
BUSY = r"user|session|ssh@|run-"
# What is enabled is in `files`: links. (`systemctl list-unit-files` takes its time.)
UNITS = "systemctl list-units --no-legend --plain --all --type=service,timer,socket,path | awk '{print $1, $2, $3}'"
# Not what looks at the machine just now, what greets who logs in (update-motd(5)), and workers that come and go.
PROCESSES = (
    r"ps -eo comm= | grep -vxE 'sshd.*|python3|swanctl|ps|sh|bash|sort|grep|awk|find|systemctl|systemd-.*|\(.*"
    r"|env|run-parts|[0-9]{2}-.*|uname'"
)
NETWORK = (
    ("nft", "-s", "list", "ruleset"),
    ("ip", "-o", "link"),
    ("ip", "-o", "address"),
    ("ip", "-4", "neigh", "show", "nud", "permanent"),
    ("ip", "-6", "neigh", "show", "nud", "permanent"),
    ("ip", "rule"),
    ("ip", "-6", "rule"),
    ("ip", "route", "show", "table", "all"),
    ("ip", "-6", "route", "show", "table", "all"),
    ("ip", "xfrm", "policy"),
    ("ip", "xfrm", "state"),
    ("grep", "-r", ".", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv6/conf"),
)


def of(name):
    """{subject: set of lines} of a machine."""
    found = {" ".join(tool[:4]): set(lab.netns(name, *tool, check=False).splitlines()) for tool in NETWORK}
    files = _lines(lab.sh(name, FILES, check=False))
    found["files"] = {line for line in files if not line.startswith(LOCK) or _stays(name)}
    found["contents"] = _lines(lab.sh(name, CONTENTS))
    found["units"] = {line for line in _lines(lab.sh(name, UNITS)) if not re.match(BUSY, line)}
    found["processes"] = set(lab.sh(name, PROCESSES, check=False).split("\n"))
    return found


def of_all(names=None):
    """{machine: of(machine)}, of those named or of all."""
    names = list(names or lab.machines())
    return dict(zip(names, lab.at_once(of, names)))


def differences(before, after):
    """What came (+) and went (-), one line each; [] when nothing did."""
    return [
        f"{name}: {subject}: {sign} {line}"
        for name, subjects in before.items()
        for subject, lines in subjects.items()
        for sign, some in (("-", lines - after[name][subject]), ("+", after[name][subject] - lines))
        for line in sorted(some)
    ]


def _stays(name):
    """Whether the lock that was seen is there for 10 seconds without a break."""
    wait = f"for turn in $(seq 100); do test -e {LOCK} || exit; sleep 0.1; done; echo stays"
    return lab.sh(name, wait, check=False) != ""


def _lines(text):
    return {line for line in text.splitlines() if not re.match(PASSING, line)}
