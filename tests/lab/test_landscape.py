"""What the lab's landscape promises, with or without a lab."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _lab

ALL = _lab.machines(_lab.CLOUDS)


def test_every_cloud_uses_the_same_private_addresses():
    def private(cloud):
        return [
            interface.addresses
            for machine in _lab.machines_of(cloud)
            for interface in machine.interfaces
            if interface.network not in ("public", "controller")
        ]

    assert len({repr(private(cloud)) for cloud in _lab.CLOUDS}) == 1


def test_no_two_edges_or_nodes_share_an_address():
    for network in ("public", "controller"):
        addresses = [a for m in ALL.values() for i in m.interfaces if i.network == network for a in i.addresses]
        assert len(addresses) == len(set(addresses))


def test_every_gateway_is_on_a_network_of_its_machine():
    for machine in ALL.values():
        networks = [ipaddress.ip_interface(a).network for i in machine.interfaces for a in i.addresses]
        for gateway in machine.gateways:
            assert any(ipaddress.ip_address(gateway) in network for network in networks), machine.name


def test_device_names_fit_the_kernel():
    assert all(len(interface.name) <= 15 for machine in ALL.values() for interface in machine.interfaces)
    assert all(len(name) <= 15 for name in ALL)  # an edge's name is its device in the internet's namespace


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
    with pytest.raises(ValueError, match=f"lab_nat: {name} is no org edge of the lab; it has edge-east, edge-west"):
        _lab.edges_behind_nat([name], ["east", "west"])


def test_what_is_no_machine_has_no_release():
    with pytest.raises(ValueError, match="lab_releases: vm9-east is no machine of the lab; it has node-east, "):
        _lab.machines_of_release({"vm9-east": "trixie"}, ["east", "west"])
