# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong while a run is under way, or before it: each a function of the move whose run it disturbs."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab
from ansible_collections.intercloud.vpn.tests.faults.lab import controller
from ansible_collections.intercloud.vpn.tests.testinfra import lab, ledger, playbooks
from ansible_collections.intercloud.vpn.tests.testinfra.playbooks import SCRATCH

COPY, BACKUP, PASSWORD = SCRATCH / "ledger.copy", SCRATCH / "ledger.backup", SCRATCH / "password"
# Ansible's modules: every Python that is not in one of our own services. Waits for one.
KILL_MODULE = """
for _turn in $(seq 200); do
    for process in $(pidof python3); do
        grep -q intercloud-vpn /proc/$process/cgroup || kill -KILL $process && killed=yes
    done
    [ -n "$killed" ] && echo killed && exit
    sleep 0.02
done
"""
LATE = """#!/bin/sh
cd /root
if [ "$1" = down ]; then
    ip -o address show dev pub scope global | awk '{print $4}' > late.addresses
    ip -4 route show default > late.4
    ip -6 route show default > late.6
    ip address flush dev pub
    ip link set pub down
else
    ip link set pub up
    while read -r address; do ip address add "$address" dev pub nodad; done < late.addresses
    while read -r route; do ip -4 route replace $route; done < late.4
    while read -r route; do ip -6 route replace $route; done < late.6
fi
"""
LATE_UNIT = """[Unit]
DefaultDependencies=no
Before=network-pre.target intercloud-vpn-guard.service intercloud-vpn.service
[Service]
Type=oneshot
ExecStart=/root/late down
[Install]
WantedBy=sysinit.target
"""
NETWORK_COMES = "/root/late up; systemctl -q disable late; rm -f /root/late* /etc/systemd/system/late.service"
FLUSHES = (
    ("edge-east", "nft delete table inet intercloud_vpn"),
    (lab.INTERNET, "ip link set edge-west down; sleep 0.3; ip link set edge-west up"),
    ("edge-west", "ip -4 route flush proto 155; ip -6 route flush proto 155"),
    ("vapp1-west", "nft delete table inet intercloud_vpn"),
    ("vapp1-east", "ip -4 route flush proto 155; ip -6 route flush proto 155"),
)


def at(task, into, action, *arguments):
    """So many seconds into a task of the run, something happens; the run goes on as well as it can."""

    def fault(move):
        with controller.started(move.words()) as run:
            assert run.until_task(task), run.output[-2000:]
            time.sleep(into)
            action(*arguments)
            run.end(150)

    return fault


def kill_module(machine):
    assert "killed" in lab.sh(machine, KILL_MODULE)


def kill_sshd(machine):
    lab.sh(machine, "kill -KILL $(pidof sshd)", check=False)


def pull_plug(machine):
    lab.labctl("kill", machine)


def started(machine):
    """The machine is on, and can be logged in to."""
    lab.labctl("start", machine)
    lab.wait_for(f"{machine} can be logged in to", lambda: lab.sh(machine, "echo yes", check=False), 60)


def boot_without_network(machine, seconds=None):
    """It boots without its public network, and then comes the run. `seconds`: so long into that, the network comes."""

    def fault(move):
        lab.sh(machine, f"cat > /root/late <<'end'\n{LATE}end\nchmod +x /root/late")
        lab.sh(machine, f"cat > /etc/systemd/system/late.service <<'end'\n{LATE_UNIT}end\nsystemctl -q enable late")
        lab.labctl("reboot", machine)
        assert "state UP" not in lab.netns(machine, "ip", "link", "show", "pub")
        if seconds is not None:
            threading.Timer(seconds, network_comes, [machine]).start()
        move.run(succeeds=None)

    return fault


def network_comes(machine):
    lab.sh(machine, f"[ ! -e /root/late ] || {{ {NETWORK_COMES}; }}")


def beside(playbook, vpns=None, first=None, **variables):
    """Another controller begins at the same time. `first`: the VPNs of this one's run, if not all of the move's."""

    def fault(move):
        one = playbooks.command(move.playbook, **({**move.variables, "vpns": first} if first else move.variables))
        two = playbooks.command(playbook, vpns=vpns, **variables)
        with controller.started(one) as here, controller.started(two) as there:
            lab.at_once(lambda run: run.end(), (here, there))

    return fault


def old_ledger(move):
    """The ledger is set back to what it was before the run; the next one is refused by the nodes."""
    shutil.copy(ledger.FILE, COPY)
    move.run()
    shutil.copy(COPY, ledger.FILE)
    run = move.run(succeeds=False)
    assert "recover_ledger" in run.output


def truncated_ledger(move):
    """Half of the file is gone; nothing is planned from the rest."""
    PASSWORD.write_text("correct horse battery staple\n", encoding="utf-8")
    BACKUP.unlink(missing_ok=True)
    playbooks.run("backup_ledger", ("--vault-password-file", str(PASSWORD)), vcc_backup=str(BACKUP))
    with ledger.FILE.open("r+b") as file:
        file.truncate(ledger.FILE.stat().st_size // 2)
    run = move.run(succeeds=False)
    assert "damaged" in run.output and "restore_ledger" in run.output, run.output[-2000:]


def restore_ledger():
    options = {"vcc_backup": str(BACKUP), "vcc_restore_force": True}
    playbooks.run("restore_ledger", ("--vault-password-file", str(PASSWORD)), **options)
    for path in Path(_lab.STATE_DIR).glob("ledger.sqlite.damaged-*"):
        path.unlink()


def recover_ledger():
    playbooks.run("recover_ledger")


def locked_ledger(seconds=None):
    """Another program has it for itself, for so long, or for longer than the run waits: then it ends, and says so."""

    def fault(move):
        with closing(sqlite3.connect(ledger.FILE, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN EXCLUSIVE")
            timer = threading.Timer(seconds or 0, other.rollback)
            if seconds:
                timer.start()
            run = move.run(succeeds=bool(seconds))
            if seconds:
                timer.join()
        assert seconds or "locked" in run.output, run.output[-2000:]

    return fault


@contextmanager
def _flushing(pause):
    """One loss after the other. The agents have time in between: without firewall and routes a node guards nothing."""
    ended = threading.Event()
    lab.netns(lab.INTERNET, "sysctl", "-qw", "net.ipv6.conf.edge-west.keep_addr_on_down=1")

    def flush():
        while not ended.is_set():
            for machine, command in FLUSHES:
                lab.netns(machine, "sh", "-c", f"{{ {command}; }} 2>/dev/null", check=False)
                ended.wait(pause)

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        lab.netns(lab.INTERNET, "sysctl", "-qw", "net.ipv6.conf.edge-west.keep_addr_on_down=0")


def flushes(pause):
    def fault(move):
        with _flushing(pause):
            move.run(succeeds=None)

    return fault
