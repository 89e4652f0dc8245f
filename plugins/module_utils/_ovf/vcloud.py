# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: what VMware Cloud Director adds: how networks are reached (NetworkConfigSection), and the VMs' addresses
(NetworkConnectionSection)."""

from __future__ import annotations

from collections.abc import Iterator

from .._base.prefix import Prefix, parse_address
from .._base.problems import Problems
from .descriptor import VCLOUD, Element
from .model import ORG, VAPP, Network, Nic

FENCES = {"bridged": ORG, "natRouted": VAPP, "isolated": VAPP}


def read_network_configs(system: Element, networks: dict[str, Network], file: str, problems: Problems) -> None:
    """Complete the networks with what a NetworkConfigSection says of them."""
    for section in system.within(VCLOUD, "NetworkConfigSection"):
        for config in section.within(VCLOUD, "NetworkConfig"):
            name = config.attributes.get("networkName", "")
            network = networks.get(name)
            if network is None:
                if name != "none":
                    problems.add(config.place(file), f"is of the network {name!r}, which no NetworkSection names")
                continue
            for configuration in config.within(VCLOUD, "Configuration"):
                _complete(network, configuration, file, problems)


def _complete(network: Network, configuration: Element, file: str, problems: Problems) -> None:
    fence = _text(configuration, "FenceMode")
    if fence and fence not in FENCES:
        problems.add(configuration.place(file), f"the FenceMode {fence} is not known; known are {', '.join(FENCES)}")
    network.kind = FENCES.get(fence)
    if network.kind != VAPP:
        return
    gateways: list[str] = []
    prefixes: list[str] = []
    for scope in _scopes(configuration):
        gateway, mask = _text(scope, "Gateway"), _text(scope, "Netmask") or _text(scope, "SubnetPrefixLength")
        if not gateway or not mask:
            problems.add(scope.place(file), "needs both a Gateway and a Netmask")
            continue
        try:
            address = parse_address(gateway)
            prefixes.append(str(Prefix.around(address.family, address.first, _length(mask, address.length))))
            gateways.append(address.address())
        except ValueError as error:
            problems.add(scope.place(file), str(error))
    network.gateway, network.prefix = tuple(gateways), tuple(prefixes)
    for router in configuration.within(VCLOUD, "RouterInfo"):
        outside = _text(router, "ExternalIp")
        if outside:
            network.outside = read_addresses([outside], router, file, problems)


def read_connections(system: Element, file: str, problems: Problems) -> list[Nic]:
    """The NICs that a NetworkConnectionSection lists, by their index."""
    found: list[tuple[int, Nic]] = []
    for section in system.within(VCLOUD, "NetworkConnectionSection"):
        primary = _text(section, "PrimaryNetworkConnectionIndex")
        for one in section.within(VCLOUD, "NetworkConnection"):
            index = _text(one, "NetworkConnectionIndex")
            if not (index.isascii() and index.isdigit()) or len(index) > 4:
                problems.add(one.place(file), "needs a NetworkConnectionIndex")
                continue
            name = one.attributes.get("network", "")
            connected = _text(one, "IsConnected") != "false" and name != "none"
            addresses = [_text(one, "IpAddress"), _text(one, "SecondaryIpAddress")]
            nic = Nic(
                name if connected else "",
                one.place(file),
                _text(one, "MACAddress").lower(),
                read_addresses([text for text in addresses if text], one, file, problems),
                index == primary,
            )
            found.append((int(index), nic))
    return [nic for _index, nic in sorted(found, key=lambda pair: pair[0])]


def read_addresses(texts: list[str], element: Element, file: str, problems: Problems) -> tuple[str, ...]:
    """IP addresses; a prefix length after one is left out."""
    found = []
    for text in texts:
        try:
            found.append(parse_address(text.partition("/")[0]).address())
        except ValueError as error:
            problems.add(element.place(file), str(error))
    return tuple(found)


def _scopes(configuration: Element) -> Iterator[Element]:
    for scopes in configuration.within(VCLOUD, "IpScopes"):
        yield from scopes.within(VCLOUD, "IpScope")
    yield from configuration.within(VCLOUD, "IpScope")


def _length(mask: str, bits: int) -> int:
    """A prefix length of a netmask, or of one that is one already."""
    if mask.isascii() and mask.isdigit() and len(mask) < 4 and int(mask) <= bits:
        return int(mask)
    number = parse_address(mask)
    length = bin(number.first).count("1")
    if number.length != bits or number.first != ((1 << length) - 1) << (bits - length):
        raise ValueError(f"{mask} is not a netmask")
    return length


def _text(element: Element, name: str) -> str:
    return next((one.text for one in element.within(VCLOUD, name)), "")
