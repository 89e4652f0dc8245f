# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package lacks, or says twice and differently, is named with its place, all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    archive,
    envelope,
    folder,
    load_all,
    nic,
    refusals,
    vm,
    whole,
)

ORG: dict[str, Any] = {"networks": {"lan": "org"}}
TWO = {"lan": "org", "san": "org"}


def said_of(tmp_path: Path, content: bytes, **options: Any) -> list[str]:
    said = refusals(folder(tmp_path, whole({"shop.ovf": content}, "shop")), **{**ORG, **options})
    return [one.removeprefix(f"{tmp_path}/") for one in said]


def connections(*connections: str) -> str:
    """What Cloud Director says of a VM's adapters."""
    each = "".join(
        f'<vcloud:NetworkConnection network="lan"><vcloud:NetworkConnectionIndex>{number}'
        f"</vcloud:NetworkConnectionIndex>{one}</vcloud:NetworkConnection>"
        for number, one in enumerate(connections)
    )
    return f"<vcloud:NetworkConnectionSection>{each}</vcloud:NetworkConnectionSection>"


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (vm("web", network="wan"), "Item: is connected to 'wan', which no NetworkSection names"),
        (vm("web", nics=""), "VirtualSystem[web]: has no adapter on an org network or a vApp's; say exclude for 'web'"),
        (vm("web", "10.10.0.256"), "VirtualSystem[web]: its property ip0: 10.10.0.256 is not an IP address"),
        (vm("web", "${autoIp:lan}"), "VirtualSystem[web]: its address is not said"),
        (
            vm("web", more=connections("<vcloud:IpAddress>10.10.0.22</vcloud:IpAddress>")),
            "has 10.10.0.22 by its adapter (",
        ),
        (
            vm("web", more=connections("", "")),
            "the VM has 2 network connections here, and 1 adapters in its hardware",
        ),
        (
            vm("web", nics=nic(connection=' vcloud:ipAddress="10.10.0.9"'),
               more=connections("<vcloud:IpAddress>10.10.0.8</vcloud:IpAddress>")),
            "has 10.10.0.8, and its adapter 10.10.0.9",
        ),
        (
            vm("web", nics=nic(more="<rasd:Address>02:00:00:00:00:01</rasd:Address>"),
               more=connections("<vcloud:MACAddress>02:00:00:00:00:02</vcloud:MACAddress>")),
            "has 02:00:00:00:00:02, and its adapter 02:00:00:00:00:01",
        ),
        (
            vm("web", more="<VirtualHardwareSection><Info/></VirtualHardwareSection>"),
            "VirtualHardwareSection[2]: has other network adapters than the VirtualHardwareSection in line",
        ),
        (
            vm("web", more='<ProductSection><Property ovf:key="ip0" ovf:value="10.10.0.23"/></ProductSection>'),
            "Property: ip0 is a property already in line 5",
        ),
        (vm("web", nics=nic(attributes=' ovf:configuration="big"')), "is of the configuration big, which no"),
        (
            vm("web", nics=nic() + "<Item><rasd:HostResource>ovf:/disk/d1</rasd:HostResource></Item>"),
            "Item[2]: names the disk d1, which the descriptor does not have",
        ),
        (
            vm("web", nics=f"{nic()}<Item><rasd:ResourceType>10</rasd:ResourceType></Item>"),
            "Item[2]: is a network adapter without a Connection",
        ),
        (vm("web") + vm("web"), "VirtualSystem[web]: 'web' is the VM in line 5, too"),
        (vm("Web 1"), "'Web 1' is not a name of a host"),
        (vm("localhost"), "'localhost' is not a name of a host"),
        (vm("127.0.0.1"), "'127.0.0.1' is not a name of a host"),
        (vm("org_edges"), "'org_edges' is not a name of a host"),
        (vm(""), "has neither a name nor an id"),
    ],
)  # fmt: skip
def test_it_is_named_with_its_place(system: str, message: str, tmp_path: Path) -> None:
    said = said_of(tmp_path, envelope(system))
    assert any(message in one for one in said), said
    assert all(one.startswith("shop.ovf, line ") for one in said)


def test_all_mistakes_of_all_packages_at_once(tmp_path: Path) -> None:
    wrong = envelope(vm("a", network="wan"), vm("b", nics=nic("can"), more="<ProductSection/>"))
    archive(tmp_path / "one.ova", whole({"one.ovf": wrong}, "one"))
    archive(tmp_path / "two.ova", whole({"two.ovf": b"<"}, "two"))
    archive(tmp_path / "three.ova", whole({"three.ovf": envelope(vm("c", ""))}, "three"))
    said = refusals([str(tmp_path)], **ORG)
    assert [one.removeprefix(f"{tmp_path}/").partition("(")[0] for one in said] == [
        "one.ova",
        "one.ova",
        "two.ova",
        "three.ova",
    ]


def test_two_adapters_on_networks_of_vpns(tmp_path: Path) -> None:
    content = envelope(vm("web", nics=nic("lan") + nic("san")), networks=("lan", "san"))
    (said,) = said_of(tmp_path, content, networks=TWO)
    assert "VirtualSystem[web]: has 2 adapters on networks of VPNs (lan, san)" in said
    assert said_of(tmp_path, content, networks={**TWO, "san": "none"}) == []
    primary = nic("lan") + nic("san", connection=' vcloud:primaryNetworkConnection="true"')
    assert said_of(tmp_path, envelope(vm("web", nics=primary), networks=("lan", "san")), networks=TWO,
                   addresses={"web": "10.10.0.5"}, address_properties=[]) == []  # fmt: skip


def test_a_vapp_has_one_network(tmp_path: Path) -> None:
    systems = (
        f'<VirtualSystemCollection ovf:id="shop">{vm("a")}{vm("b", "10.10.0.22", "san")}</VirtualSystemCollection>'
    )
    content = envelope(systems, networks=("lan", "san"))
    (said,) = said_of(tmp_path, content, networks={"lan": "vapp", "san": "vapp"})
    assert "the vApp shop has VMs on 2 networks (lan, san), and a vApp edge serves one" in said


def test_packages_may_share_a_vapp_edge_of_the_inventory(tmp_path: Path) -> None:
    for name in ("one", "two"):
        archive(tmp_path / f"{name}.ova", whole({f"{name}.ovf": envelope(vm(name))}, name))
    found = load_all([str(tmp_path)], networks={"lan": "vapp"}, vapp="shop-east", edge="edge-east")
    assert {name: host.kind for name, host in found.hosts.items()} == {
        "one": "members",
        "two": "members",
        "shop-east": "vapp_edges",
    }
    one = found.hosts["one"].variables
    assert (one["vcc_vapp"], one["vcc_edge"]) == ("shop-east", "edge-east")


def test_a_vm_that_is_left_out_needs_no_network(tmp_path: Path) -> None:
    content = envelope(vm("web"), vm("backup", nics=""))
    assert said_of(tmp_path, content, exclude="backup") == []


def test_a_vm_in_two_packages_names_both(tmp_path: Path) -> None:
    for name in ("one", "two"):
        archive(tmp_path / f"{name}.ova", whole({f"{name}.ovf": envelope(vm("web"))}, name))
    (said,) = refusals([f"{tmp_path}/*.ova"], **ORG)
    assert said == (
        f"{tmp_path}/two.ova(two.ovf), line 5, Envelope/VirtualSystem[web]: web is a host of "
        f"{tmp_path}/one.ova(one.ovf), line 5, Envelope/VirtualSystem[web], too; "
        "set names or suffix for one of the packages"
    )
    found = load_all([{"path": f"{tmp_path}/one.ova"}, {"path": f"{tmp_path}/two.ova", "suffix": "-2"}], **ORG)
    assert set(found.hosts) == {"web", "web-2"}


def test_one_package_twice(tmp_path: Path) -> None:
    path = str(archive(tmp_path / "one.ova", whole({"one.ovf": envelope(vm("web"))}, "one")))
    (said,) = refusals([path, str(tmp_path)], **ORG)
    assert "web is a host of" in said
    found = load_all(
        [{"path": path, "suffix": "-a", "cloud": "east"}, {"path": path, "suffix": "-b", "cloud": "west"}], **ORG
    )
    assert {name: host.cloud for name, host in found.hosts.items()} == {"web-a": "east", "web-b": "west"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": {"wbe": "web-1"}}, "names.wbe: is the name of nothing in its packages"),
        ({"exclude": ["mail"]}, "exclude.mail: is the name of nothing in its packages"),
        ({"networks": {"lan": "org", "wan": "org"}}, "networks.wan: is the name of nothing in its packages"),
        ({"networks": {"lan": "vpn"}}, "networks.lan: must be one of org, vapp, none, not 'vpn'"),
        ({"cloud": None}, "packages[0]: needs a cloud: a package does not say which cloud it runs in"),
        ({"cloud": "../x"}, "cloud: '../x' must be letters"),
        ({"verify": "no"}, "verify: must be one of signed, required, if_present, not 'no'"),
        ({"addresses": ["10.10.0.1"]}, "addresses: must be a mapping"),
        (
            {"addresses": {"web": "10.10.0.99"}},
            "VirtualSystem[web]: has 10.10.0.99 by addresses, in the inventory, and",
        ),
    ],
)
def test_options_that_are_wrong(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, envelope(vm("web")), **options)
    assert message in said


def test_a_name_is_in_one_of_its_packages(tmp_path: Path) -> None:
    """What is said for all packages need not be in each of them; what is said for one has to be in this one."""
    for name, network in (("one", "lan"), ("two", "san")):
        content = envelope(vm(name, network=network), networks=(network,))
        archive(tmp_path / f"{name}.ova", whole({f"{name}.ovf": content}, name))
    assert set(load_all([str(tmp_path)], networks={"lan": "org", "san": "org"}).hosts) == {"one", "two"}
    packages = [{"path": f"{tmp_path}/one.ova", "networks": {"lan": "org", "san": "org"}}, f"{tmp_path}/two.ova"]
    assert refusals(packages, networks={"san": "org"}) == [
        "packages[0].networks.san: is the name of nothing in its packages"
    ]


def test_an_unknown_option_of_a_package(tmp_path: Path) -> None:
    path = str(folder(tmp_path, whole({"shop.ovf": envelope(vm("web"))}, "shop")))
    assert refusals([{"path": path, "clod": "east"}], **ORG) == [
        "packages[0].clod: is not known here; did you mean cloud?"
    ]


@pytest.mark.parametrize("key", ["vcc_org", "vcc_psk", "vcc_public_address", "vcc_external"])
def test_a_package_does_not_say_what_is_not_its_own(key: str, tmp_path: Path) -> None:
    ours = f'<ProductSection ovf:class="intercloud.vpn"><Property ovf:key="{key}" ovf:value="x"/></ProductSection>'
    (said,) = said_of(tmp_path, envelope(vm("web", more=ours)))
    assert f"VirtualSystem[web]: a package cannot say {key}" in said


def test_a_vapp_is_not_the_group_of_all_vapp_edges(tmp_path: Path) -> None:
    content = envelope(f'<VirtualSystemCollection ovf:id="edges">{vm("web")}</VirtualSystemCollection>')
    (said,) = said_of(tmp_path, content)
    assert said.startswith("shop.ovf: the vApp edges would be the group vapp_edges, the group of all vApp edges")
    assert said_of(tmp_path, content, names={"edges": "rims"}) == []


@pytest.mark.parametrize("group", ["org_edges", "vcc-nodes", "cloud_west", "all", "vapp_shop"])
def test_a_package_does_not_choose_groups_that_say_what_a_host_is(group: str, tmp_path: Path) -> None:
    """`keyed_groups` of `ovf_groups` would put the host in it, with `_` for signs such as `-`."""
    ours = (
        '<ProductSection ovf:class="intercloud.vpn"><Property ovf:key="groups" ovf:value="web, {}"/></ProductSection>'
    )
    (said,) = said_of(tmp_path, envelope(vm("web", more=ours.format(group))))
    assert f"VirtualSystem[web]: a package cannot put a host in the group '{group}'" in said
