"""What the lab's landscape promises, with or without a lab."""

from __future__ import annotations

import ipaddress
import sys
from itertools import combinations
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab

sys.dont_write_bytecode = True  # roles are read by Ansible and packed as they are
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "roles/lab/files"))

from lab import network  # noqa: E402

TENANTS = ("umbra", "zeta")
ALL = _lab.machines(_lab.CLOUDS, tenants=TENANTS, pairs=_lab.CLOUDS)


def test_every_cloud_uses_the_same_private_addresses():
    def private(cloud):
        return [
            interface.addresses
            for machine in _lab.machines_of(cloud, tenants=TENANTS, pairs=(cloud,))
            for interface in machine.interfaces
            if interface.network not in ("public", "controller")
        ]

    assert len({repr(private(cloud)) for cloud in _lab.CLOUDS}) == 1


def test_no_two_edges_or_nodes_share_an_address():
    for kind in ("public", "controller"):
        addresses = [a for m in ALL.values() for i in m.interfaces if i.network == kind for a in i.addresses]
        assert len(addresses) == len(set(addresses))
    networks = [ipaddress.ip_interface(a).network for m in ALL.values() for i in m.interfaces for a in i.gateway]
    assert not [
        pair for pair in combinations(networks, 2) if pair[0].version == pair[1].version and pair[0].overlaps(pair[1])
    ]


def test_every_gateway_is_on_a_network_of_its_machine():
    for machine in ALL.values():
        networks = [ipaddress.ip_interface(a).network for i in machine.interfaces for a in i.addresses]
        for gateway in machine.gateways:
            assert any(ipaddress.ip_address(gateway) in network for network in networks), machine.name


def test_device_names_fit_the_kernel():
    assert all(len(interface.name) <= 15 for machine in ALL.values() for interface in machine.interfaces)
    assert all(len(network._other_end(machine, i)[1]) <= 15 for machine in ALL.values() for i in machine.interfaces)


def test_no_two_wires_end_in_one_device():
    ends = [network._other_end(machine, i) for machine in ALL.values() for i in machine.interfaces]
    assert len(ends) == len(set(ends))


def test_a_tenant_has_networks_of_its_own_with_the_same_addresses():
    for cloud in _lab.CLOUDS:
        used = {}
        for machine in _lab.machines_of(cloud, tenants=TENANTS):
            for i in machine.interfaces:
                if i.network.startswith("org"):
                    used.setdefault(i.network, {}).setdefault(machine.organization, set()).update(i.addresses)
        assert {bridge: list(owners) for bridge, owners in used.items()} == {
            "org": ["acme"], "org-umbra": ["umbra"], "org-zeta": ["zeta"]
        }  # fmt: skip
        assert used["org-umbra"]["umbra"] == used["org-zeta"]["zeta"]
        assert {"10.10.0.1/24", "10.10.0.13/24"} <= used["org"]["acme"] & used["org-umbra"]["umbra"]


def test_machines_of_acme_are_the_same_with_tenants_beside_them_and_nodes_are_shared():
    alone = _lab.machines(_lab.CLOUDS, pairs=_lab.CLOUDS)
    assert [name for name in alone if ALL[name] != alone[name]] == [f"node-{cloud}" for cloud in _lab.CLOUDS]
    assert {machine.organization for machine in ALL.values() if machine.kind == "vcc_node"} == {None}


def test_a_machine_is_known_by_its_name():
    assert all(_lab.machine_named(name).name == name for name in ALL)
    others = ("internet", "cloud-east", "edge-umbra", "vm1-umbra-nowhere", "vapp1-umbra-east", "edge-acme-east", "east")
    others += ("edge-east-3", "vm1-east-2")
    assert [name for name in others if _lab.machine_named(name)] == []


@pytest.mark.parametrize("names", [["acme"], ["edge"], ["umbrella"], ["Umbra"], ["a1"], [""], "umbra"])
def test_a_tenant_that_cannot_be_named_so_is_refused(names):
    with pytest.raises(ValueError, match="lab_tenants: "):
        _lab.tenants_named(names)


@pytest.mark.parametrize("count", [0, -1, 9])
def test_a_number_of_clouds_that_cannot_be_is_refused(count):
    with pytest.raises(ValueError, match="lab_clouds"):
        _lab.cloud_names(count)


def test_an_edge_behind_the_nat_has_no_address_that_others_reach():
    nat = ["edge-east", "edge-south"]
    behind, ordinary = _lab.machines(_lab.CLOUDS, nat), _lab.machines(_lab.CLOUDS)
    assert [name for name in ordinary if behind[name] != ordinary[name]] == nat
    for name in nat:
        (uplink,) = [i for i in behind[name].interfaces if i.network == "public"]
        (inside,) = [ipaddress.ip_interface(address) for address in uplink.addresses]
        assert str(inside.network) == behind[name].nat.inside
        assert behind[name].variables["vcc_behind_nat"] is True
        assert behind[name].variables["vcc_public_address"] == [behind[name].nat.outside]
        assert ordinary[name].variables["vcc_public_address"][0] == behind[name].nat.outside
    networks = [ipaddress.ip_network(machine.nat.inside) for machine in behind.values() if machine.nat]
    assert not networks[0].overlaps(networks[1])


@pytest.mark.parametrize("name", ["edge-south", "vm1-east", "edge"])
def test_what_is_no_edge_cannot_be_behind_a_nat(name):
    with pytest.raises(ValueError, match=f"lab_nat: {name} is not an org edge of the lab; it has edge-east, edge-west"):
        _lab.edges_behind_nat([name], ["east", "west"])


def test_a_pair_shares_the_gateway_address_which_neither_boots_with():
    machines, alone = _lab.machines(("east", "west"), pairs=("east",)), _lab.machines(("east", "west"))
    assert machines.keys() - alone.keys() == {"edge-east-2"}
    assert [name for name in alone if machines[name] != alone[name]] == ["edge-east"]
    pair = [machines["edge-east"], machines["edge-east-2"]]
    for one in pair:
        assert one.variables["vcc_org_address"] == ["10.10.0.1", "fd10:10::1"]
        assert one.variables["vcc_site"] == "east"
        booted = {address for interface in one.interfaces for address in interface.addresses}
        assert {f"{one.variables['vcc_own_org_address'][0]}/24"} <= booted
        assert not {"10.10.0.1/24", "fd10:10::1/64"} & booted
    assert len({one.variables["vcc_own_org_address"][0] for one in pair}) == 2
    assert len({one.variables["vcc_public_address"][0] for one in pair}) == 2


@pytest.mark.parametrize("names", [["south"], ["edge-east"], "east"])
def test_a_cloud_that_is_not_there_has_no_pair(names):
    with pytest.raises(ValueError, match="lab_pairs: "):
        _lab.clouds_with_pairs(names, ["east", "west"])


def test_what_is_no_machine_has_no_release():
    with pytest.raises(ValueError, match="lab_releases: vm9-east is not a machine of the lab; it has node-east, "):
        _lab.machines_of_release({"vm9-east": "trixie"}, ["east", "west"])
