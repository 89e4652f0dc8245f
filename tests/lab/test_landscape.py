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
