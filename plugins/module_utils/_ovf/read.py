# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: a descriptor's elements as data: its vApp, networks and VMs. Contradictions are noted with their places."""

from __future__ import annotations

from collections.abc import Iterator

from .._base.problems import Problems
from .active import Active
from .descriptor import OURS, Element
from .errors import PackageError
from .hardware import check_disks, read_nics
from .model import KINDS, Content, Network, Vm
from .names import checked
from .properties import read_product, read_properties
from .vcloud import read_network_configs

SYSTEM, COLLECTION = "VirtualSystem", "VirtualSystemCollection"
MOST_FILES = 100_000


def read_descriptor(envelope: Element, file: str, configuration: str | None, problems: Problems) -> Content:
    """What an Envelope says. ``file``: the descriptor, as messages show it."""
    active = Active(envelope, configuration, file, problems)
    content = Content(file)
    files = _read_files(envelope, content, file, problems)
    disks = _read_disks(envelope, files, file, problems)
    _read_networks(envelope, content, file, problems)
    systems = list(_systems(envelope, (), content, active, problems))
    # Networks are the whole package's, and Cloud Director says of them where it stands: in its vApp, or in its VM.
    for each in {id(one): one for _path, system in systems for one in (system, *_ancestors(system))}.values():
        read_network_configs(each, content.networks, file, problems)
    seen: dict[str, Element] = {}
    for path, system in systems:
        vm = _read_vm(path, system, content.networks, active, file, problems)
        check_disks(system, disks, files, active, file, problems)
        for what in {vm.name, vm.id} - {""}:
            if seen.setdefault(what, system) is not system:
                problems.add(vm.place, f"{what!r} is the VM in line {seen[what].line}, too")
        content.vms.append(vm)
    if not systems:
        problems.add(envelope.place(file), "has no VirtualSystem: there is no VM in it")
    return content


def chunks(name: str, size: int, chunk: int) -> list[str]:
    """The files that a file is cut into: ``disk.vmdk.000000000`` and so on."""
    return [f"{name}.{number:09}" for number in range(-(-size // chunk))] if chunk else [name]


def _read_files(envelope: Element, content: Content, file: str, problems: Problems) -> dict[str, str]:
    """The files that References names, by their ids."""
    found: dict[str, str] = {}
    references = envelope.one("References")
    for one in references.all("File") if references else ():
        identifier, name = one.ovf("id") or "", one.ovf("href") or ""
        place = one.place(file)
        if "://" in name:
            problems.add(place, f"{name[:80]} is elsewhere, and is not fetched: a package has its files beside it")
            continue
        try:
            name = checked(name, place)
            size, chunk = _number(one, "size", place), _number(one, "chunkSize", place)
        except PackageError as error:
            problems.extend([error])
            continue
        if len(content.references) + (-(-size // chunk) if chunk else 1) > MOST_FILES:
            problems.add(place, f"is one file too many, or has too many chunks: a package may have {MOST_FILES} files")
            return found
        if identifier in found:
            problems.add(place, f"{identifier} is the id of {found[identifier]}, too")
        found[identifier] = name
        content.references += chunks(name, size, chunk)
    return found


def _number(one: Element, name: str, place: str) -> int:
    text = one.ovf(name) or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise PackageError(place, f"the {name} {text[:40]!r} is not a number")
    return int(text)


def _read_disks(envelope: Element, files: dict[str, str], file: str, problems: Problems) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for section in envelope.all("DiskSection"):
        for disk in section.all("Disk"):
            identifier, reference = disk.ovf("diskId") or "", disk.ovf("fileRef")
            if identifier in found:
                problems.add(disk.place(file), f"{identifier} is the disk in line {found[identifier].line}, too")
            found.setdefault(identifier, disk)
            if reference and reference not in files:
                problems.add(disk.place(file), f"is in the file {reference}, which References does not have")
    return found


def _read_networks(envelope: Element, content: Content, file: str, problems: Problems) -> None:
    for section in envelope.all("NetworkSection"):
        for one in section.all("Network"):
            name = one.ovf("name") or ""
            if not name:
                problems.add(one.place(file), "has no name")
            elif name in content.networks:
                problems.add(one.place(file), f"{name} is a network already ({content.networks[name].place})")
            else:
                content.networks[name] = Network(name, one.place(file))
    for section in envelope.within(OURS, "VpnSection"):
        for one in section.within(OURS, "Network"):
            name, kind = one.attributes.get("name", ""), one.attributes.get("kind", "")
            if name not in content.networks or kind not in KINDS:
                problems.add(
                    one.place(file), f"{name!r} must be a network of the NetworkSection, and {', '.join(KINDS)}"
                )
            else:
                content.networks[name].kind = kind
        for one in section.within(OURS, "Vpn"):
            known = [key for key in ("organization", "pool", "topology", "blocks") if key in one.attributes]
            content.vpns[one.attributes.get("name", "")] = {key: one.attributes[key] for key in known}


def _systems(
    parent: Element, path: tuple[str, ...], content: Content, active: Active, problems: Problems
) -> Iterator[tuple[tuple[str, ...], Element]]:
    """Every VirtualSystem, with the names of the collections around it."""
    file = content.file
    for one in parent.all(SYSTEM, COLLECTION):
        if one.kind == SYSTEM:
            yield path, one
            continue
        inner = (*path, _name(one) or "")
        if not inner[-1]:
            problems.add(one.place(file), "has neither a name nor an id")
        elif inner in content.collections:
            problems.add(one.place(file), f"{inner[-1]} is the name of another collection beside it, too")
        content.collections[inner] = read_properties(one, active, file, problems)[0]
        yield from _systems(one, inner, content, active, problems)


def _ancestors(element: Element) -> Iterator[Element]:
    while element.parent is not None:
        element = element.parent
        yield element


def _read_vm(
    path: tuple[str, ...],
    system: Element,
    networks: dict[str, Network],
    active: Active,
    file: str,
    problems: Problems,
) -> Vm:
    properties, ours = read_properties(system, active, file, problems)
    nics = read_nics(system, networks, active, file, problems)
    about = read_product(system, active)
    vm = Vm(_name(system) or "", system.ovf("id") or "", system.place(file), path, nics, properties, about, ours)
    if not vm.name:
        problems.add(vm.place, "has neither a name nor an id")
    return vm


def _name(element: Element) -> str | None:
    """Its Name, where there is one: ids of vSphere and oVirt are ``vm``, or a UUID."""
    name = element.one("Name")
    return (name.text if name is not None else "") or element.ovf("id")
