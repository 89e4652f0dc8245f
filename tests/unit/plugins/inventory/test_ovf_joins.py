# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package cannot join what other sources of an inventory have, and chooses neither how nor as whom hosts are reached.

If any of it is refused, nothing of the source is in the inventory.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader

from ansible_collections.intercloud.vpn.plugins.inventory import ovf
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    archive,
    envelope,
    vm,
    whole,
)

OPTIONS: dict[str, Any] = yaml.safe_load(ovf.DOCUMENTATION)["options"]
FRAGMENT = {"strict": False, "compose": {}, "groups": {}, "keyed_groups": [], "use_extra_vars": False}
FRAGMENT["leading_separator"] = True
SHOP = f'<VirtualSystemCollection ovf:id="shop">{vm("web", "192.168.1.11")}</VirtualSystemCollection>'


class Plugin(ovf.InventoryModule):  # type: ignore[misc]
    """With the options of a file, without a loader of plugins."""

    _redirected_names: tuple[str, ...] = ()
    _options: tuple[str, ...] = ()

    def set_options(self, direct: Any = None, **_rest: Any) -> None:
        self.said = {**FRAGMENT, **{name: one.get("default") for name, one in OPTIONS.items()}, **direct}

    def get_option(self, option: str, *_rest: Any) -> Any:
        return self.said[option]


def inventory(groups: dict[str, dict[str, dict[str, Any]]] | None = None) -> InventoryData:
    """What a source before has: variables by host, by group."""
    found = InventoryData()
    for group, hosts in (groups or {}).items():
        found.add_group(group)
        for host, variables in hosts.items():
            found.current_source = "hosts.yml"
            found.add_host(host, group)
            for name, value in variables.items():
                found.set_variable(host, name, value)
    return found


def parse(tmp_path: Path, there: InventoryData, options: str = "", *systems: str) -> InventoryData:
    archive(tmp_path / "shop.ova", whole({"shop.ovf": envelope(*(systems or (vm("web"),)))}, "shop"))
    source = tmp_path / "shop.ovf.yml"
    networks = "" if "networks" in options else "networks: {lan: org}\n"
    source.write_text(f"plugin: intercloud.vpn.ovf\ncloud: east\npackages: [shop.ova]\n{networks}{options}\n")
    Plugin().parse(there, DataLoader(), str(source))
    return there


def state(there: InventoryData) -> dict[str, Any]:
    groups = {name: sorted(host.name for host in group.hosts) for name, group in there.groups.items()}
    return {"groups": groups, "hosts": {name: dict(host.vars) for name, host in there.hosts.items()}}


def refusal(tmp_path: Path, there: InventoryData, options: str = "", *systems: str) -> str:
    before = state(there)
    with pytest.raises(AnsibleParserError) as caught:
        parse(tmp_path, there, options, *systems)
    assert state(there) == before
    return str(caught.value)


def said(key: str, value: str) -> str:
    return f'<ProductSection><Property ovf:key="{key}" ovf:value="{value}"/></ProductSection>'


def test_a_vm_is_no_host_that_another_source_has(tmp_path: Path) -> None:
    there = inventory({"members": {"web": {}}, "payroll": {"web": {}}})
    message = "VirtualSystem[web]: web is a host of hosts.yml already; set names or suffix, or say joins: [web]"
    assert message in refusal(tmp_path, there)
    assert parse(tmp_path, there, "joins: [web]").hosts["web"].vars["vcc_address"] == ["10.10.0.21"]


def test_a_host_in_joins_stays_in_the_groups_around_its_own(tmp_path: Path) -> None:
    there = inventory({"payroll": {"web": {}}, "audit": {}})
    there.add_group("finance")
    there.add_child("finance", "payroll")
    options = "joins: [web]\ngroups: {audit: \"'finance' in group_names\"}"
    groups = state(parse(tmp_path, there, options))["groups"]
    assert (groups["payroll"], groups["finance"], groups["audit"]) == (["web"], [], ["web"])


def test_a_vapp_is_none_that_another_source_has(tmp_path: Path) -> None:
    """Its VMs would be in every VPN that has the vApp among its members."""
    there = inventory({"vapp_edges": {"shop": {}}})
    options = "networks: {lan: vapp}"
    assert "shop is a host of hosts.yml already" in refusal(tmp_path, there, options, SHOP)
    found = parse(tmp_path, there, f"{options}\nvapp: shop", SHOP)
    assert found.hosts["web"].vars["vcc_vapp"] == "shop"


def test_the_group_of_a_vapp_is_none_that_another_source_has(tmp_path: Path) -> None:
    there = inventory({"vapp_shop": {"db": {}}})
    message = "the group vapp_shop of a vApp is a group of the inventory already; set names or suffix, or say joins: "
    assert message in refusal(tmp_path, there, "", SHOP)
    assert state(parse(tmp_path, there, "joins: [vapp_shop]", SHOP))["groups"]["vapp_shop"] == ["db", "web"]


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("payroll", "web: payroll is a group of the inventory already; give keyed_groups a prefix, or say joins: [pay"),
        ("org_edges", "web: packages cannot put hosts in the group org_edges; give keyed_groups a prefix"),
        ("cloud_east", None),  # where it is
        ("cloud-west", "web: packages cannot put hosts in the group cloud_west"),
        ("db", "web: the group db has the name of a host; give keyed_groups a prefix"),
        ("new", None),
    ],
)
def test_groups_that_a_package_chooses(group: str, message: str | None, tmp_path: Path) -> None:
    there = inventory({"payroll": {"db": {}}})
    options = "keyed_groups: [{key: ovf_properties.group, prefix: '', separator: ''}]"
    system = vm("web", more=said("group", group))
    if message is None:
        assert "web" in state(parse(tmp_path, there, options, system))["groups"][group]
    else:
        assert message in refusal(tmp_path, there, options, system)


def test_groups_that_a_package_may_choose(tmp_path: Path) -> None:
    options = "joins: [payroll]\nkeyed_groups: [{key: ovf_properties.group, prefix: '', separator: ''}]"
    there = inventory({"payroll": {"db": {}}})
    found = parse(tmp_path, there, options, vm("web", more=said("group", "payroll")))
    assert state(found)["groups"]["payroll"] == ["db", "web"]


def test_a_group_of_the_administrators_template_has_any_name(tmp_path: Path) -> None:
    options = "groups: {payroll: ovf_properties.owner == 'acme'}"
    found = parse(tmp_path, inventory({"payroll": {"db": {}}}), options, vm("web", more=said("owner", "acme")))
    assert state(found)["groups"]["payroll"] == ["db", "web"]


def in_group(owner: str, *groups: str) -> str:
    """A VM that a package describes, with an owner, and with groups as ovf_export writes them."""
    ours = said("groups", ",".join(groups)).replace("<ProductSection", '<ProductSection ovf:class="intercloud.vpn"')
    return vm("web", more=said("owner", owner) + ours)


@pytest.mark.parametrize(
    "options",
    [
        "groups: {payroll: ovf_properties.owner == 'acme'}\nkeyed_groups: [PAGE]",
        "groups: {pay-roll: ovf_properties.owner == 'acme'}\nkeyed_groups: [PAGE]",
        "keyed_groups: [{key: ovf_properties.owner, prefix: owner, parent_group: payroll}, PAGE]",
        "keyed_groups: [PAGE, {key: ovf_properties.owner, prefix: owner, parent_group: payroll}]",
    ],
)
def test_a_package_gets_into_no_group_because_a_template_has_its_name(options: str, tmp_path: Path) -> None:
    name = "pay_roll" if "pay-roll" in options else "payroll"
    there = inventory({name: {"db": {}}})
    options = options.replace("PAGE", "{key: ovf_groups, prefix: '', separator: ''}")
    system = in_group("umbrella", name)
    assert f"web: {name} is a group of the inventory already; give keyed_g" in refusal(tmp_path, there, options, system)
    found = parse(tmp_path, there, options, in_group("acme", "new"))
    members = {host.name for host in found.groups[name].get_hosts()}
    assert members == {"db", "web"}, "by the administrator's template"
    assert state(found)["groups"]["new"] == ["web"]


def test_a_parent_that_a_package_chooses_is_checked_beside_one_that_the_administrator_names(tmp_path: Path) -> None:
    there = inventory({"payroll": {"db": {}}})
    own = "{key: ovf_properties.owner, prefix: owner, parent_group: payroll}"
    chosen = "{key: ovf_id, prefix: id, parent_group: '{{ ovf_groups[0] }}'}"
    message = "id_web: payroll is a group of the inventory already"
    for options in (f"[{own}, {chosen}]", f"[{chosen}, {own}]"):
        assert message in refusal(tmp_path, there, f"keyed_groups: {options}", in_group("acme", "payroll"))


@pytest.mark.parametrize(
    ("compose", "value", "message"),
    [
        ("ansible_connection: ovf_properties.x", "local", "and a package cannot choose ansible_connection; give it in"),
        ("ansible_connection: ovf_properties.x | default('ssh')", "local", "cannot choose ansible_connection"),
        ("ansible_connection: ovf_properties.y | default('ssh')", "local", None),
        ("ansible_connection: \"'local' if ovf_properties.x == '1' else 'ssh'\"", "1", "cannot choose ansible_conn"),
        ("ansible_connection: \"'ssh'\"", "local", None),
        ("ansible_ssh_common_args: ovf_properties.x", "-oProxyCommand=id", "cannot choose ansible_ssh_common_args"),
        ("ansible_host: ovf_properties.x", "-oProxyCommand=id", "'-oProxyCommand=id' is not an address or the name of"),
        ("ansible_host: ovf_properties.x", "web.example.com", None),
        ("ansible_host: vcc_address[0]", "", None),
        ("ansible_host: ovf_properties.x", "10.10.0.127", None),
        ("ansible_host: ovf_properties.x", "web.localhost.example.com", None),
        *[
            ("ansible_host: ovf_properties.x", own, f"{own!r} is the controller itself")
            for own in (
                *("localhost", "LocalHost", "db.localhost", "localhost.localdomain", "localhost6", "ip6-loopback"),
                *("127.0.0.1", "127.8.9.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0.0.0.0", "0"),
                *("::1", "::", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0:0"),
            )
        ],
        ('vcc_address: "[ovf_properties.x]"', "127.0.0.1", "127.0.0.1 is an address that each machine has for"),
        ("ansible_port: ovf_properties.x", "0x16", "'0x16' is not a port"),
        ("ansible_port: ovf_properties.x", "2222", None),
        ("vcc_edge: ovf_properties.x", "edge-west", "cannot choose vcc_edge; give it in group_vars"),
        ("vcc_org: ovf_properties.x", "umbrella", "cannot choose vcc_org"),
        ("vcc_member_mode: ovf_properties.x", "nat", None),
        ("owner: ovf_properties.x", "acme", None),
    ],
)
def test_variables_that_a_package_chooses(compose: str, value: str, message: str | None, tmp_path: Path) -> None:
    options, system = f"compose:\n  {compose}", vm("web", more=said("x", value))
    name = compose.partition(":")[0]
    if message is None:
        assert parse(tmp_path, inventory(), options, system).hosts["web"].vars[name]
    else:
        assert f"compose.{name}: web: " in (found := refusal(tmp_path, inventory(), options, system))
        assert message in found


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1"])
def test_a_package_gives_no_address_of_the_controller(address: str, tmp_path: Path) -> None:
    """Templates read the address, as that of the page does, and group_vars can."""
    assert "is an address that each machine has for itself; correct it" in refusal(
        tmp_path, inventory(), "compose:\n  ansible_host: vcc_address[0]", vm("web", address)
    )


@pytest.mark.parametrize("name", ["127.0.0.2", "127.1", "localhost", "ip6-localhost"])
def test_a_vm_is_not_named_like_the_controller(name: str, tmp_path: Path) -> None:
    """Ansible connects to a host's name where it has no other."""
    assert f"{name!r} is not a name of a host" in refusal(tmp_path, inventory(), "", vm(name))


@pytest.mark.parametrize(
    ("compose", "there", "message"),
    [
        ("ansible_host: vcc_address[0]", "10.10.0.9", "has another ansible_host for web: 10.10.0.9, and not"),
        (
            "ansible_host: vcc_address[0]",
            "10.10.0.9",
            "correct one, or keep it: compose: {ansible_host: ansible_host | d",
        ),
        ("ansible_host: ansible_host | default(vcc_address[0])", "10.10.0.9", None),
        ("ansible_host: vcc_address[0]", "10.10.0.21", None),
        ("ansible_port: \"'22'\"", 22, None),
        ("ansible_port: \"'2222'\"", 22, "has another ansible_port for web: 22, and not 2222"),
        ("ansible_password: \"'new'\"", "secret", "has another ansible_password for web; correct one"),
    ],
)
def test_how_a_host_in_joins_is_reached_stays(compose: str, there: Any, message: str | None, tmp_path: Path) -> None:
    name = compose.partition(":")[0]
    found, options = inventory({"members": {"web": {name: there}}}), f"joins: [web]\ncompose:\n  {compose}"
    if message is None:
        assert str(parse(tmp_path, found, options).hosts["web"].vars[name]) == str(there)
    else:
        assert message in (text := refusal(tmp_path, found, options))
        assert "secret" not in text


@pytest.mark.parametrize(
    ("group", "variables", "message"),
    [
        (
            "payroll",
            {"vcc_member_mode": "route"},
            "has another vcc_member_mode for web: route, and not nat; correct one",
        ),
        ("finance", {"vcc_member_mode": "route"}, "has another vcc_member_mode for web: route, and not nat"),
        ("all", {"vcc_member_mode": "route"}, "has another vcc_member_mode for web: route, and not nat"),
        ("payroll", {"vcc_member_mode": "nat"}, None),
        ("others", {"vcc_member_mode": "route"}, None),
        ("payroll", {"vcc_org": "acme"}, None),
        ("payroll", {"ansible_host": "10.10.0.9"}, "has another ansible_host for web: 10.10.0.9, and not 10.10.0.21"),
    ],
)
def test_what_groups_of_a_host_in_joins_say_stays(
    group: str, variables: dict[str, str], message: str | None, tmp_path: Path
) -> None:
    """A host's variable beats that of its group."""
    there = inventory({"payroll": {"web": {}}, "others": {"db": {}}})
    there.add_group("finance")
    there.add_child("finance", "payroll")
    for name, value in variables.items():
        there.set_variable(group, name, value)
    ours = said("vcc_member_mode", "nat").replace("<ProductSection", '<ProductSection ovf:class="intercloud.vpn"')
    options, system = "joins: [web]\ncompose:\n  ansible_host: vcc_address[0]", vm("web", more=ours)
    if message is None:
        assert parse(tmp_path, there, options, system).hosts["web"].vars["vcc_member_mode"] == "nat"
    else:
        assert message in refusal(tmp_path, there, options, system)
        there.set_variable("web", "vcc_member_mode", "nat")
        there.set_variable("web", "ansible_host", "10.10.0.21")
        assert parse(tmp_path, there, options, system), "a host's own word counts before its groups'"


def test_what_a_filter_makes_of_a_package_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before ansible-core 2.19, what is not marked would be evaluated."""
    evil = "{{ lookup('pipe', 'id') }}"
    marked: list[Any] = []
    monkeypatch.setattr(ovf, "wrap_var", lambda value: marked.append(value) or value)
    system = vm("web", more=said("motd", base64.b64encode(evil.encode()).decode()))
    found = parse(tmp_path, inventory(), "compose: {motd: ovf_properties.motd | b64decode}", system)
    assert found.hosts["web"].vars["motd"] == evil and marked == [evil]


@pytest.mark.parametrize(
    "options",
    [
        "compose: {owner: ovf_properties.owner}",
        "groups: {acme: ovf_properties.owner == 'acme'}",
        "keyed_groups: [{key: ovf_properties.owner}]",
    ],
)
def test_a_template_that_fails_leaves_nothing_of_the_source(options: str, tmp_path: Path) -> None:
    systems = vm("web", more=said("owner", "acme")), vm("zoo", "10.10.0.22")
    assert "zoo" in refusal(tmp_path, inventory(), f"strict: true\n{options}", *systems)
