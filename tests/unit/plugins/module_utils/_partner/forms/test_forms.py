# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What partners' administrators are shown in their gateways' own forms: golden texts in tests/unit/settings/.

UPDATE_GOLDEN=1 renews them: compare each line with the documents of its profile. docs/external.md says what was.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.intercloud.vpn.plugins.module_utils._intent.profiles.known import GATEWAYS
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.forms.cisco import word
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.forms.common import one_line, short
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.forms.hcl import quoted
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.forms.known import FORMS, files_of
from ansible_collections.intercloud.vpn.plugins.module_utils._partner.settings_text import settings_text
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._partner.forms import worlds

SETTINGS = Path(__file__).parents[4] / "settings"
TERRAFORM = ("aws", "azure", "gcp")
# What would end a string, a line, a comment or a block somewhere, or be read as a variable.
HOSTILE = 'a" }\nresource "x" "y" {}\n! no shutdown\r\n/system reset\n${file("/etc/passwd")}%{if true}\\$x;?[]{}#'


def text_of(found: dict[str, Any]) -> str:
    (tunnel,) = found["tunnels"]
    (text,) = tunnel["configuration"].values()
    return str(text)


def test_every_profile_has_a_form() -> None:
    assert set(FORMS) == set(GATEWAYS)


@pytest.mark.parametrize("gateway", [name for name in GATEWAYS if name != "libreswan"])
def test_the_administrator_is_shown_this(gateway: str) -> None:
    text = settings_text(worlds.shown(gateway))
    path = SETTINGS / f"{gateway}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_libreswan_is_shown_what_every_gateway_is_shown() -> None:
    (known,), (other,) = (worlds.shown(gateway)["tunnels"] for gateway in ("libreswan", None))
    assert known["libreswan"] == known["configuration"] == other["libreswan"]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_the_key_is_only_shown_to_who_asks(gateway: str) -> None:
    key = "1" + 63 * "a"
    files = worlds.shown(gateway)["tunnels"][0]["configuration"]
    assert "THE KEY: /state/psk/acme/edge-east--partner on vcc" in "\n".join(files.values()).replace(
        "THE-KEY", "THE KEY"
    )
    files = worlds.shown(gateway, key)["tunnels"][0]["configuration"]
    assert key in "\n".join(files.values())
    assert "THE KEY" not in "\n".join(files.values())


def literals(value: Any) -> list[str]:
    """All string literals of a file that python-hcl2 read."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in literals(one)]
    if isinstance(value, list):
        return [text for one in value for text in literals(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("gateway", TERRAFORM)
def test_terraform_reads_what_is_meant(gateway: str) -> None:
    hcl2 = pytest.importorskip("hcl2")
    found = worlds.shown(gateway, "a" * 64)
    read = hcl2.loads(text_of(found))
    read.pop("__comments__")
    said = {text.strip('"') for text in literals(read)}
    assert {"203.0.113.2", "a" * 64} <= said
    resources = [kind.strip('"') for block in read["resource"] for kind in block]
    assert (
        resources
        == {
            "aws": ["aws_customer_gateway", "aws_vpn_connection", "aws_vpn_connection_route"],
            "azure": ["azurerm_local_network_gateway", "azurerm_virtual_network_gateway_connection"],
            "gcp": ["google_compute_vpn_tunnel", "google_compute_route"],
        }[gateway]
    )
    # What is read and written again means the same.
    assert hcl2.loads(hcl2.dumps(read)) == read


@pytest.mark.skipif(not shutil.which("terraform"), reason="needs Terraform")
@pytest.mark.parametrize("gateway", TERRAFORM)
def test_terraform_would_write_it_the_same_way(gateway: str, tmp_path: Path) -> None:
    """`terraform fmt` parses, and leaves it as it is, hostile values and all."""
    for number, text in enumerate((text_of(worlds.shown(gateway)), text_of(hostile(gateway)))):
        file = tmp_path / f"{number}.tf"
        file.write_text(text, encoding="utf-8")
        command = ["terraform", "fmt", "-check", "-diff", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout) == (0, "")


def hostile(gateway: str) -> dict[str, Any]:
    """Settings in which all that others wrote is hostile, as if nothing had been checked before."""
    found = worlds.shown(gateway)
    (tunnel,) = found["tunnels"]
    tunnel["initiator"] = tunnel["edge"] = HOSTILE
    for end in ("local", "remote"):
        tunnel[end]["identity"] = tunnel[end]["address"] = HOSTILE
    for vpn in tunnel["vpns"]:
        vpn["name"] = vpn["child"] = HOSTILE
    return {**found, "tunnels": [{**tunnel, "configuration": files_of(tunnel, HOSTILE)}]}


@pytest.mark.parametrize("gateway", [name for name in GATEWAYS if name != "libreswan"])
def test_hostile_values_add_no_line(gateway: str) -> None:
    """Nor do they end a string: what is left without quoted strings and comments has none of their words."""
    plain, text = text_of(worlds.shown(gateway, "a" * 64)), text_of(hostile(gateway))
    assert len(text.splitlines()) == len(plain.splitlines())
    assert "\r" not in text
    starts = [line.split(maxsplit=1)[0] for line in text.splitlines() if line.strip()]
    assert starts == [line.split(maxsplit=1)[0] for line in plain.splitlines() if line.strip()]


def test_hostile_values_add_no_line_to_libreswans_files() -> None:
    plain = worlds.shown("libreswan", "a" * 64)["tunnels"][0]["configuration"]
    texts = hostile("libreswan")["tunnels"][0]["configuration"]
    assert {file: len(text.splitlines()) for file, text in texts.items()} == {
        file: len(text.splitlines()) for file, text in plain.items()
    }
    assert texts["ipsec.secrets"].count('"') == 2


@pytest.mark.parametrize("gateway", TERRAFORM)
def test_hostile_values_are_no_templates(gateway: str) -> None:
    hcl2 = pytest.importorskip("hcl2")
    text = text_of(hostile(gateway))
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert "$${file(" in code and "%%{if" in code
    assert "${file(" not in code.replace("$${file(", "")
    assert "%{if" not in code.replace("%%{if", "")
    plain, read = hcl2.loads(text_of(worlds.shown(gateway))), hcl2.loads(text)
    assert [list(block) for block in read["resource"]] == [list(block) for block in plain["resource"]]


@given(st.text())
def test_a_quoted_text_is_one_literal(text: str) -> None:
    inner = quoted(text)[1:-1]
    assert inner == "" or (inner.isascii() and inner.isprintable())
    assert '"' not in inner.replace("\\\\", "").replace('\\"', "")
    assert not inner.replace("\\\\", "").endswith("\\")


@given(st.text())
def test_a_word_and_a_line_stay_one(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert not {*word(text)} & {*' ?"\n\r\t'}
    assert not word(text).startswith("!")


def test_a_name_does_not_end_with_a_hyphen() -> None:
    """Google and Azure refuse it."""
    assert not re.search(r"[-_]$", short("east--west-", 80))
    assert short("east--west-", 80) != short("east--west", 80)


def test_long_names_stay_different() -> None:
    names = [short(f"edge-of-the-east-{number}--partner", 12) for number in range(100)]
    assert len(set(names)) == 100
    assert all(len(name) <= 12 for name in names)
    assert short("east--west", 12) == "east--west"


@pytest.mark.parametrize("gateway", ["fortigate", "pfsense", "mikrotik", "cisco", "libreswan"])
def test_two_vpns_share_a_tunnel(gateway: str) -> None:
    audit = {**worlds.ORDERS, "name": "audit"}
    (tunnel,) = worlds.shown(gateway, vpns=(worlds.ORDERS, audit))["tunnels"]
    text = "\n".join(tunnel["configuration"].values())
    for vpn in tunnel["vpns"]:
        address = vpn["local_ts"][0].partition("/")[0]
        assert address in text


def text(gateway: str, **policy: Any) -> str:
    """What is printed with another policy."""
    encryption = {**worlds.POLICY["encryption"], **policy}
    return text_of(worlds.shown(gateway, vpns=({**worlds.ORDERS, "policy": {"encryption": encryption}},)))


def number(printed: str, key: str) -> int:
    """The first value of a key."""
    found = re.search(rf"{re.escape(key)}[ =]+(\d+)", printed)
    assert found, key
    return int(found[1])


@pytest.mark.parametrize(("ike", "esp"), [(900, 3600), (60, 60), (3600, 3600), (86400, 28800)])
def test_phase_2_is_shorter_than_phase_1_for_aws(ike: int, esp: int) -> None:
    printed = text("aws", ike_rekey=ike, esp_rekey=esp)
    phases = [number(printed, f"tunnel1_phase{phase}_lifetime_seconds") for phase in (1, 2)]
    assert phases[1] < phases[0] <= 28800
    assert 900 <= phases[1] <= 3600


def test_pfsense_rekeys_after_our_edge() -> None:
    """Left empty, Rekey Time is 90 % of Life Time less a random part: before 14400 and 3600 s."""
    printed = text("pfsense")
    first, second = printed.split("Add P2")
    for part, asked in ((first, 14400), (second, 3600)):
        assert asked < number(part, "  Rekey Time") < number(part, "  Life Time")
        assert number(part, "  Rand Time") == 0


def test_mikrotik_rekeys_after_our_edge() -> None:
    """It does so after four fifths of a lifetime."""
    profile, proposal = text("mikrotik").split("/ip ipsec proposal")
    assert number(profile, " lifetime") * 4 // 5 > 14400
    assert number(proposal, " lifetime") * 4 // 5 > 3600


def sequence(*vpns: str) -> dict[str, int]:
    """The numbers in Cisco's crypto map, by VPN."""
    printed = text_of(worlds.shown("cisco", vpns=tuple({**worlds.ORDERS, "name": vpn} for vpn in vpns)))
    entries = re.findall(r"^crypto map \S+ (\d+) .*?^ match address \S+-(\w+)$", printed, re.MULTILINE | re.DOTALL)
    return {vpn: int(entry) for entry, vpn in entries}


def test_a_vpn_that_comes_leaves_the_numbers_of_ciscos_crypto_map_as_they_are() -> None:
    one, three = sequence("orders"), sequence("audit", "orders", "payroll")
    assert three["orders"] == one["orders"]
    assert len(set(three.values())) == 3
    assert all(0 < entry < 65536 for entry in three.values())


def test_ciscos_crypto_map_has_narrow_selectors_first() -> None:
    found = worlds.shown("cisco")["tunnels"][0]
    (vpn,) = found["vpns"]
    wide = {**vpn, "child": "a", "local_ts": ["0.0.0.0/0"], "remote_ts": ["0.0.0.0/0"]}
    narrow = {**vpn, "child": "z", "local_ts": ["100.64.0.66/32"]}
    printed = files_of({**found, "vpns": [wide, vpn, narrow]}, None)["ios-xe.txt"]
    numbers = [int(one) for one in re.findall(r"^crypto map \S+ (\d+)", printed, re.MULTILINE)]
    assert numbers == sorted(numbers, reverse=True)
    assert max(numbers) < 65536


def test_mikrotik_is_told_to_place_a_rule_before_one_that_is_there() -> None:
    """On a router without a rule, place-before names nothing, and the rule would be missing."""
    (line,) = (line for line in text("mikrotik").splitlines() if "chain=srcnat" in line)
    found = re.fullmatch(r":if \(\[:len (\[.*?\])\] = 0\) do=\{ (.*?) \} else=\{ (.*?) \}", line)
    assert found
    rules, alone, before = found.groups()
    assert before == f"{alone} place-before=[:pick {rules} 0]"


def test_cisco_rekeys_for_no_volume() -> None:
    assert " set security-association lifetime kilobytes disable\n" in text("cisco")


@pytest.mark.parametrize(("gateway", "said"), [("gcp", True), ("cisco", True), ("fortigate", False), ("aws", False)])
def test_it_is_said_which_gateways_may_initiate_as_well(gateway: str, said: bool) -> None:
    (line,) = [one for one in settings_text(worlds.shown(gateway)).splitlines() if "who initiates" in one]
    assert ("may initiate as well" in line) is said
    assert ("only that side" in line) is not said


@pytest.mark.parametrize(
    ("gateway", "mark"),
    [("fortigate", '    edit "edge-eas-'), ("cisco", "ip access-list extended "), ("mikrotik", "add name=")],
)
def test_a_vpn_that_comes_leaves_the_names_of_others_as_they_are(gateway: str, mark: str) -> None:
    """Settings are pasted again: the access list of one VPN must not get the lines of another."""

    def names(*vpns: Any) -> dict[str, str]:
        """What follows each name, which has the prefix that tells the VPNs apart."""
        lines = text_of(worlds.shown(gateway, vpns=vpns)).splitlines()
        found = {line: "\n".join(lines[at : at + 14]) for at, line in enumerate(lines) if line.startswith(mark)}
        return {line: after for line, after in found.items() if "orders" in line or "audit" in line}

    audit = {**worlds.ORDERS, "name": "audit"}
    (orders,) = names(worlds.ORDERS)
    both = names(worlds.ORDERS, audit)
    assert orders in both
    assert len(both) == 2


def test_an_address_is_the_gateways_where_its_pair_has_it() -> None:
    found = worlds.shown("libreswan")
    (vpn,) = found["tunnels"][0]["vpns"]
    found["tunnels"][0]["vpns"] = [vpn, {**vpn, "local_ts": ["100.64.9.0/26"]}]
    mine, other = (line for line in settings_text(found).splitlines() if line.startswith("    this side"))
    assert mine.endswith("100.64.0.64/26 (of these, 100.64.0.65 is the gateway's own)")
    assert other.endswith("100.64.9.0/26")
