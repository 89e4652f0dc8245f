# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is told: restore at boot, put back what restarts of other services take away, keep tunnels up."""

from __future__ import annotations

import os

from .. import part
from ..bgp import sessions as bgp
from ..bgp import units as bgp_units
from ..dhcp import server as dhcp
from ..dhcp import units as dhcp_units
from ..document import Change
from ..kernel import usage
from ..lanes import noted as lanes
from ..lanes import units as lanes_units
from ..metrics import units as metrics_units
from ..metrics.places import FILE as METRICS
from ..names import servers
from ..names import units as names_units
from ..part import Part
from ..ssl import units
from ..state import RUN, STATE, Store
from ..vrrp import config as vrrp
from ..vrrp import units as vrrp_units
from . import files, systemd
from .install import AGENT, digest, sources

DIRECTORY = "/etc/systemd/system"
RESTORE = "intercloud-vpn.service"
GUARD = "intercloud-vpn-guard.service"
USAGE = "intercloud-vpn-usage.service"
WATCHDOG = 30  # seconds until an agent that says nothing is killed and started anew
RESTORED = f"{RUN}/restored"  # since the machine has booted
RUNNING = f"{RUN}/agent"  # the version that runs
NETWORKD = "/etc/systemd/networkd.conf.d/intercloud-vpn.conf"

_RESTORE = f"""\
# Made by intercloud.vpn; changes are lost.
[Unit]
Description=Private networks of this node (intercloud.vpn)
After=network.target network-online.target systemd-networkd.service networking.service NetworkManager.service
After=nftables.service systemd-sysctl.service
Before=strongswan.service
ConditionPathExists={AGENT}
StartLimitIntervalSec=0

[Service]
# Ready when what a boot takes away is restored; from then on it holds the node to its generation.
Type=notify
ExecStart={AGENT} run
Restart=always
RestartSec=100ms
WatchdogSec={WATCHDOG}s
TimeoutStartSec=150s
TimeoutStopSec=10s
KillMode=mixed
OOMScoreAdjust=-900

[Install]
WantedBy=multi-user.target
"""
_GUARD = f"""\
# Made by intercloud.vpn; changes are lost. A gateway that forwards by itself does so as soon as it has networks, and
# would forward members' packets in clear until {RESTORE} has come to them.
[Unit]
Description=Refuse what has no tunnel yet (intercloud.vpn)
DefaultDependencies=no
RequiresMountsFor={AGENT} {STATE}
After=nftables.service systemd-modules-load.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionPathExists={AGENT}

[Service]
Type=oneshot
ExecStart=-{AGENT} guard
TimeoutStartSec=60

[Install]
WantedBy=sysinit.target
"""
# A charon that has no connections yet says no to its peers, who then give up. Until it has them it is deaf to requests
# for new IKE_SAs: no responder's SPI yet (RFC 7296, 3.1; on port 4500 after four zero octets, 2.23). Whatever becomes
# of us, it hears again after a minute.
_DEAF = "intercloud_vpn_starting"
_NO_TABLE = f"add table inet {_DEAF}; delete table inet {_DEAF}"  # no mistake if there is none
_HEARS = f"-/usr/sbin/nft '{_NO_TABLE}'"
_HEARS_NOT = "-/usr/sbin/nft '" + "; ".join(
    (
        _NO_TABLE,
        f"add table inet {_DEAF}",
        f"add set inet {_DEAF} deaf {{ type inet_proto; flags timeout; elements = {{ udp timeout 1m }}; }}",
        f"add chain inet {_DEAF} ike {{ type filter hook input priority -10; }}",
        f"add rule inet {_DEAF} ike meta l4proto @deaf udp dport 500 @th,128,64 0 drop",
        f"add rule inet {_DEAF} ike meta l4proto @deaf udp dport 4500 @th,64,32 0 @th,160,64 0 drop'",
    )
)
_STRONGSWAN = f"""\
# Made by intercloud.vpn; changes are lost.
[Service]
ExecStartPre={_HEARS_NOT}
ExecStartPost={_HEARS}
ExecStopPost={_HEARS}
# The userspace backend's device goes with the daemon, and takes the routes into it along. A route that cannot be put
# back, because a network is down, is not a reason to stop the daemon and everybody's tunnels: hence the hyphen.
ExecStartPost=-{AGENT} started
Restart=always
RestartSec=200ms
# It takes a second. When the peer ends the tunnel at the same moment, charon (5.9.8) has been seen to loop for ever.
TimeoutStopSec=10s
"""
_NFTABLES = f"""\
# Made by intercloud.vpn; changes are lost. nftables.service flushes every table, ours too.
[Service]
ExecStartPost=-{AGENT} firewall
ExecReload=-{AGENT} firewall
ExecStopPost=-{AGENT} firewall
"""
_USAGE = f"""\
# Made by intercloud.vpn; changes are lost. What is stopped is stopped in reverse order: first strongSwan, then we write
# down what was used of quotas, then nftables.service flushes the table that has counted it.
[Unit]
Description=Remember what is used of quotas (intercloud.vpn)
After=nftables.service
PartOf=nftables.service
Before=strongswan.service
ConditionPathExists={AGENT}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=-{AGENT} save

[Install]
WantedBy=multi-user.target
"""
_NETWORKD = """\
# Made by intercloud.vpn; changes are lost. Without this, a restart of systemd-networkd flushes our routes.
[Network]
ManageForeignRoutes=no
ManageForeignRoutingPolicyRules=no
"""
OWN = {
    **units.OWN,
    **names_units.OWN,
    **bgp_units.OWN,
    **dhcp_units.OWN,
    **vrrp_units.OWN,
    f"{DIRECTORY}/{RESTORE}": _RESTORE,
    f"{DIRECTORY}/{GUARD}": _GUARD,
    f"{DIRECTORY}/strongswan.service.d/intercloud-vpn.conf": _STRONGSWAN,
    f"{DIRECTORY}/nftables.service.d/intercloud-vpn.conf": _NFTABLES,
    f"{DIRECTORY}/{USAGE}": _USAGE,
    **metrics_units.own(AGENT),
    **lanes_units.own(AGENT),
    NETWORKD: _NETWORKD,
}
LINKS = {
    **units.LINKS,
    **vrrp_units.LINKS,
    f"{DIRECTORY}/sysinit.target.wants/{GUARD}": f"{DIRECTORY}/{GUARD}",
    f"{DIRECTORY}/multi-user.target.wants/{RESTORE}": f"{DIRECTORY}/{RESTORE}",
    f"{DIRECTORY}/multi-user.target.wants/{USAGE}": f"{DIRECTORY}/{USAGE}",
    **metrics_units.LINKS,
    **lanes_units.LINKS,
}

ITSELF = (f"{DIRECTORY}/multi-user.target.wants/{RESTORE}", f"{DIRECTORY}/{RESTORE}")  # in the order of removal


class Units(Part):
    """Unit files, drop-ins and what is enabled."""

    name = "units"

    def _wanted(self) -> set[str]:
        if self.want.empty:
            return set()
        names = [RESTORE]
        if self.want.listed("vpns"):
            names += [GUARD, "nftables.service.d", metrics_units.NAME]
        if self.want.tunnels("ipsec"):
            names.append("strongswan.service.d")
        if self.want.tunnels("ssl"):
            names.append("intercloud-vpn-ssl")
        if servers.servers(self.want):
            names.append(servers.UNIT)
        if dhcp.served(self.want):
            names.append(dhcp.UNIT)
        if bgp.sessions(self.want):
            names.append(bgp.UNIT)
        if self.want.pair:
            names.append(vrrp.UNIT)
        if usage.quotas(self.want):
            names.append(USAGE)
        if self.want.hellos:
            names.append(lanes.UNIT)
        if self.store.at(NETWORKD).exists() or systemd.active("systemd-networkd.service"):
            names.append(NETWORKD)
        return {path for path in (*OWN, *LINKS) if any(name in path for name in names)}

    def _right(self, path: str) -> bool:
        real = self.store.at(path)
        if path in LINKS:
            return real.is_symlink() and os.readlink(real) == LINKS[path]
        return files.read(real) == OWN.get(path, "")

    def _compare(self) -> tuple[list[str], list[str]]:
        if not systemd.here():
            return [], []
        wanted = self._wanted()
        over = [
            p
            for p in (*OWN, *LINKS)
            if p not in wanted
            and not (part.RESIDENT and p in ITSELF)  # last of all: see resident/departure.py
            and (self.store.at(p).exists() or self.store.at(p).is_symlink())
        ]
        return [path for path in (*OWN, *LINKS) if path in wanted and not self._right(path)], over

    def changes(self) -> list[Change]:
        """Files to write and to remove."""
        write, over = self._compare()
        found = [Change(self.name, f"write {p}", *self._differing(p)) for p in write]
        found += [Change(self.name, f"{verb} {RESTORE}") for verb in self._start(write)]
        found += [Change(self.name, f"start {lanes.UNIT}")] if self._silent(write) else []
        found += [Change(self.name, f"remove {p}", p) for p in over]
        return found or ([Change(self.name, f"forget {RESTORE}")] if self._remembered() else [])

    def _differing(self, path: str) -> tuple[str, str]:
        """What a diff shows of a file: of one that comes its name, which says all; else how it differs."""
        before = files.read(self.store.at(path))
        return (before, OWN.get(path, "")) if before else ("", path)

    def _remembered(self) -> bool:
        """Whether systemd still knows the agent's unit, whose file is gone: who removed that was killed."""
        return self.want.empty and not part.RESIDENT and systemd.outdated(RESTORE)

    def _silent(self, write: list[str]) -> bool:
        """Whether what says hello to other edges has to be started. It restarts by itself for other code."""
        return (
            bool(self.want.hellos)
            and systemd.here()
            and (any(lanes.UNIT in path for path in write) or not systemd.alive(lanes.UNIT))
        )

    def _start(self, write: list[str]) -> list[str]:
        """Whether the agent has to be started, or restarted: it has to run, as it is installed and as its unit says."""
        if not systemd.here() or self.want.empty or part.RESIDENT:
            return []
        if not systemd.active(RESTORE):
            return ["start"]
        stale = files.read(self.store.at(RUNNING)) != digest(sources())
        return ["restart"] if stale or f"{DIRECTORY}/{RESTORE}" in write else []

    def build(self) -> None:
        """Write, and have systemd read them."""
        write, _over = self._compare()
        start, silent = self._start(write), self._silent(write)
        for path in write:
            if path in LINKS:
                files.link(self.store.at(path), LINKS[path])
            else:
                files.write(self.store.at(path), OWN.get(path, ""))
        if write:
            systemd.systemctl("daemon-reload")
        if start:
            # It is not to take this for a boot, and wait for the lock that we hold.
            files.write(self.store.at(RESTORED), "", 0o600)
            systemd.systemctl(*start, RESTORE)
        if silent:
            systemd.systemctl("restart", lanes.UNIT)
        if any(USAGE in path for path in write):
            systemd.systemctl("start", USAGE)
        if any(units.ARRIVED in path for path in write):
            systemd.systemctl("restart", f"{units.ARRIVED}.path")
        if any(metrics_units.NAME in path for path in write):
            systemd.systemctl("restart", metrics_units.TIMER)

    def clear(self) -> None:
        """Remove, and have systemd forget them."""
        _write, over = self._compare()
        used = any(USAGE in path for path in over) and systemd.active(USAGE)
        if any(units.ARRIVED in path for path in over):
            systemd.systemctl("stop", f"{units.ARRIVED}.path")
        if any(metrics_units.NAME in path for path in over):
            systemd.systemctl("stop", metrics_units.TIMER, f"{metrics_units.NAME}.service")
            files.remove(self.store.at(METRICS))
        if f"{DIRECTORY}/{RESTORE}" in over and systemd.alive(RESTORE):
            systemd.systemctl("stop", RESTORE)
        if any(lanes.UNIT in path for path in over):
            systemd.systemctl("stop", lanes.UNIT)
            for path in (lanes.FILE, lanes.TRACK):
                files.remove(self.store.at(path))
        for path in over:
            files.remove(self.store.at(path))
        if over or self._remembered():
            systemd.systemctl("daemon-reload")
        if used:  # without waiting: it waits for us
            systemd.systemctl("stop", "--no-block", USAGE)


def armed(store: Store) -> bool:
    """Whether a roll-back is pending, and the agent runs that does it."""
    return store.pending is not None and systemd.active(RESTORE)
