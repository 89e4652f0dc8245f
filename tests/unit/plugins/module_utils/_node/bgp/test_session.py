# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of a session for real, in their own networks: BIRD with our file, FRR with what external_settings shows.

Between them is a wire with the name of the tunnel's device: no IPsec.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.bgp import sessions
from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.secrets import FILE
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.bgp.test_bird import KEY, TUNNEL, speaking
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import NAMESPACE, render
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._partner.forms.test_bgp import shown
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._plan.test_bgp import SECOND, TWICE

DEVICES = ("vpn5377", "vpn5633")  # the partner's, of both tunnels
FRR = Path("/usr/lib/frr")
HERE = NAMESPACE and bool(shutil.which("bird")) and (FRR / "bgpd").exists()
pytestmark = [
    pytest.mark.skipif(not HERE, reason="needs root, BIRD and FRR"),
    pytest.mark.thorough(
        "test_bird.py and forms/test_bgp.py, that both files are right, without anybody who reads them"
    ),
]
OURS, THEIRS, INSIDE = "vccbgp-ours", "vccbgp-theirs", "vccbgp-inside"
# A member (its vApp edge has its address here), somebody beside it, the partner's VM, its server, and what is not ours.
MEMBER, STRANGER, VM, SERVER, ELSEWHERE = "100.64.0.17", "100.64.0.30", "100.64.0.66", "172.20.0.7", "10.99.0.1"
CONNECT = """\
import socket, sys
source, target, port = sys.argv[1:]
socket.create_connection((target, int(port)), timeout=1, source_address=(source, 0))
"""
LISTEN = """\
import socket
for port in (443, 444):
    one = socket.socket(); one.bind(("0.0.0.0", port)); one.listen(9); globals()[f"s{port}"] = one
while True:
    s443.accept()
"""


def sh(command: str, *, check: bool = True) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def answers(target: str, own: str, space: str = INSIDE) -> bool:
    return " 0% packet loss" in sh(f"ip netns exec {space} ping -n -c2 -i0.2 -W1 -I {own} {target}", check=False)


def opens(port: int, target: str, own: str) -> bool:
    words = ["ip", "netns", "exec", INSIDE, sys.executable, "-c", CONNECT, own, target, str(port)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def wait(what: str, done: Callable[[], object], seconds: float = 20) -> float:
    begun = time.monotonic()
    while not done():
        assert time.monotonic() - begun < seconds, f"no {what} after {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - begun


def routes() -> str:
    return sh(f"ip -n {OURS} route show table {sessions.TABLE}", check=False)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both ends of two tunnels, up. A member is behind our edge; a VM and a server are the partner's gateway itself."""
    place = tmp_path_factory.mktemp("bgp")
    generation = speaking(second=SECOND)
    pairs = list(zip(sessions.sessions(generation), shown(None, KEY, TWICE)["tunnels"], DEVICES))
    leave()
    for words in (
        f"netns add {OURS}", f"netns add {THEIRS}", f"netns add {INSIDE}",
        f"-n {OURS} link add org type veth peer name out netns {INSIDE}",
        f"-n {OURS} link set org up", f"-n {INSIDE} link set out up", f"-n {INSIDE} link set lo up",
        f"-n {OURS} address add 10.10.0.1/24 dev org", f"-n {INSIDE} address add 10.10.0.11/24 dev out",
        f"-n {INSIDE} address add {MEMBER}/32 dev lo", f"-n {INSIDE} address add {STRANGER}/32 dev lo",
        f"-n {INSIDE} route add default via 10.10.0.1",
        f"-n {OURS} link set lo up", f"-n {THEIRS} link set lo up",
        f"-n {OURS} address add 100.64.0.1/32 dev lo", f"-n {OURS} route add 100.64.0.16/28 via 10.10.0.11",
        *(f"-n {THEIRS} address add {address}/32 dev lo" for address in (SERVER, VM, ELSEWHERE)),
        f"-n {OURS} rule add priority {sessions.PRIORITY} lookup {sessions.TABLE}",
        *(f"-n {OURS} route add blackhole {prefix} metric 9999" for prefix in pairs[0][0].accept),
    ):  # fmt: skip
        sh(f"ip {words}")
    sh(f"ip netns exec {OURS} sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.default.rp_filter=0")
    frr = ""
    for one, tunnel, device in pairs:
        files = tunnel["configuration"]
        assert f"ip link add {device} type xfrm " in files["device.sh"]
        sh(f"ip -n {OURS} link add {one.device} type veth peer name {device} netns {THEIRS}")
        sh(f"ip -n {OURS} link set {one.device} up; ip -n {THEIRS} link set {device} up")
        sh(f"ip -n {OURS} address add {one.local}/{one.length} dev {one.device}")
        sh(f"ip netns exec {OURS} sysctl -qw net.ipv4.conf.{one.device}.rp_filter=2")
        for line in files["device.sh"].splitlines()[2:]:
            sh(f"ip netns exec {THEIRS} {line}")
        # What the administrator was not asked for.
        frr += f"ip prefix-list {device}-out seq 99 permit 10.99.0.0/16\n{files['frr.conf']}"
    (place / "frr.conf").write_text(frr.replace("  network ", "  network 10.99.0.0/16\n  network "), encoding="utf-8")
    table = render("org_edge", "nftables.nft.j2", generation.document, "xfrm")
    (place / "table.nft").write_text(table, encoding="utf-8")
    sh(f"ip netns exec {OURS} nft -f {place}/table.nft")
    keys = {FILE: json.dumps({TUNNEL: KEY, f"{TUNNEL}--2": KEY[::-1]})}
    config = sessions.config(Generation(generation.document, keys, "xfrm"))
    (place / "bird.conf").write_text(config, encoding="utf-8")
    for folder in (place.parent.parent, place.parent, place):
        folder.chmod(0o755)
    home = place / "frr"
    home.mkdir()
    shutil.chown(home, "frr", "frr")
    options = f"-N vccbgp -f {place}/frr.conf -z {home}/zserv.api --vty_socket {home} -P 0"
    for daemon in ("zebra", "bfdd", "bgpd"):
        more = f" --bfdctl {home}/bfdd.sock" if daemon == "bfdd" else ""
        sh(f"ip netns exec {THEIRS} {FRR}/{daemon} -d {options} -i {home}/{daemon}.pid{more} 2>&1")
    bird = subprocess.Popen(
        ["ip", "netns", "exec", OURS, "bird", "-f", "-c", f"{place}/bird.conf", "-s", f"{place}/bird.ctl"],
        stderr=subprocess.DEVNULL,
    )
    listener = subprocess.Popen(["ip", "netns", "exec", THEIRS, sys.executable, "-c", LISTEN])
    try:
        wait("both sessions", lambda: both(place))
        yield place
    finally:
        for process in (bird, listener):
            process.terminate()
            process.wait(10)
        leave(home)


def both(place: Path) -> bool:
    """Whether both tunnels' BFD is up and both have told their prefixes."""
    up = sh(f"birdc -s {place}/bird.ctl show bfd sessions", check=False).count(" Up ")
    heard = sh(f"birdc -s {place}/bird.ctl show route all 172.20.0.0/22", check=False).count("via 169.254.2")
    return (up, heard) == (2, 2)


def leave(home: Path | None = None) -> None:
    for file in home.glob("*.pid") if home else ():
        sh(f"kill {file.read_text().strip()}", check=False)
    sh(f"ip netns delete {OURS}; ip netns delete {THEIRS}; ip netns delete {INSIDE}", check=False)


def test_what_the_plan_has_is_routed_and_nothing_else(session: Path) -> None:
    found = routes()
    assert set(re.findall(r"^(\S+) via 169.254.2[12].1", found, re.MULTILINE)) == {
        "172.20.0.0/22", "172.21.4.9", "100.64.0.64/26"
    }  # fmt: skip
    assert "10.99.0.0/16" in sh(f"birdc -s {session}/bird.ctl show route filtered")
    theirs = sh(f"ip -n {THEIRS} route show proto bgp")
    assert "100.64.0.0/26" in theirs


def test_members_packets_pass_and_others_do_not(session: Path) -> None:
    assert answers(VM, MEMBER)
    assert answers(MEMBER, VM, THEIRS)
    assert opens(443, SERVER, MEMBER) and not opens(444, SERVER, MEMBER)
    assert answers("169.254.21.1", "169.254.21.2", OURS)
    assert not answers(VM, STRANGER)
    assert not answers(MEMBER, SERVER, THEIRS)  # the network is a destination, and opens nothing


def test_the_partner_reaches_nothing_else_whatever_its_tunnel_carries(session: Path) -> None:
    """The org network is no member, and no VPN's: elsewhere, IPsec's selectors keep the partner from it."""
    for space, words in ((THEIRS, "10.10.0.0/24 via 169.254.21.2"), (OURS, f"{ELSEWHERE}/32 via 169.254.21.1")):
        sh(f"ip -n {space} route add {words}")
    assert not answers("10.10.0.11", VM, THEIRS)
    assert not answers("10.10.0.1", VM, THEIRS)
    assert not answers("10.10.0.11", ELSEWHERE, THEIRS)
    assert not answers(MEMBER, ELSEWHERE, THEIRS)
    assert not answers(ELSEWHERE, "10.10.0.11")
    sh(f"ip netns exec {OURS} nft delete table inet intercloud_vpn")
    assert answers("10.10.0.11", ELSEWHERE, THEIRS)  # so it was the firewall
    sh(f"ip netns exec {OURS} nft -f {session}/table.nft")


def test_a_tunnel_that_fails_is_left_at_once(session: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All wires stay up: only BFD can know. Without both tunnels, packets are refused. Then all comes back."""
    (carries,) = set(re.findall(r"^172.20.0.0/22 via 169.254.2([12]).1", routes(), re.MULTILINE))
    first, second = DEVICES if carries == "1" else DEVICES[::-1]
    hook = "add chain inet cut in { type filter hook prerouting priority -450; }"
    sh(f"ip netns exec {THEIRS} nft 'add table inet cut; {hook}'")
    words = ["ip", "netns", "exec", INSIDE, "ping", "-n", "-i0.01", "-c400", "-W1", "-I", MEMBER, VM]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ping:
        time.sleep(1)
        sh(f"ip netns exec {THEIRS} nft add rule inet cut in iifname {first} drop")
        said = ping.communicate(timeout=30)[0]
    lost = 400 - int(re.findall(r"(\d+) received", said)[0])
    with capsys.disabled():
        print(f"\n    outage {lost * 10} ms, load {os.getloadavg()[0]:.0f}", end=" ")
    assert 0 < lost < 100  # at 100 probes per second
    sh(f"ip netns exec {THEIRS} nft add rule inet cut in iifname {second} drop")
    wait("end", lambda: "172.20.0.0/22" not in routes(), 5)
    refused = sh(f"ip -n {OURS} route get {SERVER} 2>&1", check=False)
    assert "Invalid argument" in refused or "blackhole" in refused
    sh(f"ip netns exec {THEIRS} nft delete table inet cut")
    wait("both sessions", lambda: both(session), 60)
