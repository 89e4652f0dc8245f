# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is published: verified before a node is told, noted for each node, and read again by inventories."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import IntentErrors, VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf import catalog as _catalog
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.catalog import Catalog, Entry, Seen
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.errors import PackageError
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.facts import Hosts
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.holders import (
    nodes_of,
    nodes_to_clear,
    one_organization,
    stray_in,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.load import load_packages
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.package import open_package
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.publication import (
    Publication,
    name_of,
    read_publication,
    read_texts,
)
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.published import read_catalog
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.shown import catalog_lines, listing, noted
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.transfer import PATIENCE, Transfer

from .packages import DISK, TODAY, Signer, archive, envelope, folder, vm, whole

REFERENCE = '<File ovf:id="disk" ovf:href="disk.vmdk"/>'
FILES = whole({"web.ovf": envelope(vm("web"), references=REFERENCE), "disk.vmdk": DISK}, "web")


def publication(path: Path, trusted: Path | None = None) -> Publication:
    problems = Problems()
    found = read_publication(str(path), "/", str(trusted) if trusted else None, False, TODAY, problems)
    problems.raise_if_any()
    assert found is not None
    return found


def seen(found: Publication, serial: int = 5) -> Seen:
    return Seen(found.version, serial, "ann", "2026-03-01T00:00:00Z", found.files, dict(found.texts))


def store(state: Path, found: Publication, organization: str = "acme", template: str = "web") -> Catalog:
    catalog = Catalog(str(state))
    catalog.change(organization, template, lambda entry: _catalog.publish(entry, seen(found), ["node-east"]))
    return catalog


def inventory(state: Path, **said: Any) -> Hosts:
    problems = Problems()
    entry = {"organization": "acme", "directory": str(state), "cloud": "east", "networks": {"lan": "org"}, **said}
    published = read_catalog([entry], {}, "/", problems)
    found = load_packages([], {}, "/", TODAY, problems, published)
    problems.raise_if_any()
    return found


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises((IntentErrors, VccError)) as error:
        work()
    return str(error.value)


# --- a package is verified before anything is sent -------------------------------------------------------------------


def test_an_archive_and_a_folder_of_the_same_files_are_the_same_version(tmp_path: Path) -> None:
    ova = publication(archive(tmp_path / "web.ova", FILES))
    ovf = publication(folder(tmp_path / "web", FILES).parent)
    assert ova.version == ovf.version and ova.files == ovf.files
    assert [file["name"] for file in ova.files] == ["web.ovf", "disk.vmdk", "web.mf"]
    assert {file["size"] for file in ova.files} == {len(content) for content in FILES.values()}
    assert ova.texts == {name: FILES[name] for name in ("web.ovf", "web.mf")}
    other = publication(archive(tmp_path / "other.ova", {**FILES, "web.mf": FILES["web.mf"] + b"\n"}))
    assert other.version != ova.version


def test_nothing_that_fails_is_published(tmp_path: Path) -> None:
    damaged = archive(tmp_path / "a.ova", {**FILES, "disk.vmdk": DISK[::-1]})
    assert "disk.vmdk is not the file that the manifest was made of" in refused(lambda: publication(damaged))
    bare = archive(tmp_path / "b.ova", {name: FILES[name] for name in ("web.ovf", "disk.vmdk")})
    assert "has no manifest" in refused(lambda: publication(bare))
    evil = archive(tmp_path / "c.ova", {**FILES, "../x": b""})
    assert "leads elsewhere" in refused(lambda: publication(evil))
    both = whole({"web.ovf": envelope(vm("web"), references=REFERENCE), "disk.vmdk": DISK, "disk.vmdk/x": b""}, "web")
    assert "is a file of the package, and a folder" in refused(lambda: publication(archive(tmp_path / "d.ova", both)))
    folder(tmp_path / "two", FILES)
    folder(tmp_path / "two", whole({"mail.ovf": envelope(vm("mail"))}, "mail"))
    assert "has 2 packages" in refused(lambda: publication(tmp_path / "two"))


def test_a_certificate_is_published_too_and_asked_for_on_request(tmp_path: Path) -> None:
    signer = Signer("vendor")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(signer.pem)
    signed = archive(tmp_path / "web.ova", {**FILES, "web.cert": signer.sign("web.mf", FILES["web.mf"])})
    found = publication(signed, trusted)
    assert sorted(found.texts) == ["web.cert", "web.mf", "web.ovf"]
    assert "web.cert" in {file["name"] for file in found.files}
    plain = archive(tmp_path / "plain.ova", FILES)
    assert "is not signed" in refused(lambda: publication(plain, trusted))


def test_a_descriptor_that_is_changed_after_it_was_verified_is_not_noted(tmp_path: Path) -> None:
    path = folder(tmp_path / "web", FILES)
    found = publication(path)
    assert read_texts(found.path, found.files, sorted(found.texts)) == found.texts
    path.write_bytes(FILES["web.ovf"].replace(b"10.10.0.21", b"10.10.0.66"))
    assert "was changed while it was published" in refused(
        lambda: read_texts(found.path, found.files, sorted(found.texts))
    )


@pytest.mark.parametrize(
    ("path", "name"), [("a/payroll.ova", "payroll"), ("payroll.OVF", "payroll"), ("x/payroll/", "payroll")]
)
def test_a_template_is_named_after_its_package(path: str, name: str) -> None:
    assert name_of(path) == name


# --- the index -------------------------------------------------------------------------------------------------------


def test_what_was_noted_is_read_again(tmp_path: Path) -> None:
    found = publication(archive(tmp_path / "web.ova", FILES))
    catalog = store(tmp_path, found)
    assert catalog.read("acme", "web") == Entry(seen(found), {"node-east": found.version})
    assert catalog.organizations() == ["acme"] and catalog.templates("acme") == ["web"]
    assert catalog.templates("umbra") == [] and catalog.read("umbra", "web") == Entry()
    home = tmp_path / "published"
    assert [oct(path.stat().st_mode & 0o777) for path in (home, home / "acme", home / "acme/web.json")] == [
        "0o700",
        "0o700",
        "0o600",
    ]
    assert catalog.change("acme", "web", lambda entry: _catalog.publish(entry, seen(found), ["node-east"])) is False


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    catalog = Catalog(str(tmp_path / "state"))
    assert catalog.change("acme", "web", lambda entry: replace(entry, holders={"node": ""}), check=True) is True
    assert not (tmp_path / "state").exists()


def test_nodes_are_noted_before_they_are_told_and_forgotten_when_they_gave_it_up(tmp_path: Path) -> None:
    found = publication(archive(tmp_path / "web.ova", FILES))
    began = _catalog.reserve(Entry(), found.version, ["east", "west"], now=100)
    assert began.holders == {"east": "", "west": ""} and _catalog.serial_of(began, found.version) == 100
    done = _catalog.publish(began, seen(found, 100), ["east"])
    assert done.holders == {"east": found.version, "west": ""}
    # The same again: the same serial; another: a later one, also where the clock went back.
    again = _catalog.reserve(done, found.version, ["east", "west"], now=200)
    assert again == done and _catalog.serial_of(again, found.version) == 100
    assert _catalog.reserve(done, "other", [], now=50).reserved == 101
    # One that no node has is not to be seen by anybody.
    assert _catalog.publish(began, seen(found, 100), []) == began
    part = _catalog.withdraw(done, 150, ["east"], whole=False)
    assert part.seen == done.seen and part.holders == {"west": ""}
    rest = _catalog.withdraw(part, 150, [], whole=True)
    assert rest.seen is None and rest.holders == {"west": ""}
    assert _catalog.forget(rest, ["west"]).holders == {}


def test_of_two_publishers_the_later_one_is_noted_whoever_ends_first(tmp_path: Path) -> None:
    one = publication(archive(tmp_path / "one.ova", FILES))
    two = replace(one, version="2" * 64)
    entry = _catalog.reserve(Entry(), one.version, ["east"], now=100)
    mine = _catalog.serial_of(entry, one.version)
    entry = _catalog.reserve(entry, two.version, ["east"], now=100)
    other = _catalog.serial_of(entry, two.version)
    assert other == mine + 1
    entry = _catalog.publish(entry, seen(two, other), ["east"])
    assert "published another version" in refused(lambda: _catalog.publish(entry, seen(one, mine), ["east"]))
    assert "published it again" in refused(lambda: _catalog.withdraw(entry, mine, ["east"], True))


def test_the_published_version_is_published_again_after_a_run_of_the_next_one_that_died(tmp_path: Path) -> None:
    """A node may have the next version: it takes only what is later than that."""
    one = publication(archive(tmp_path / "one.ova", FILES))
    entry = _catalog.publish(Entry(reserved=100), seen(one, 100), ["east"])
    entry = _catalog.reserve(entry, "2" * 64, ["east"], now=100)
    died = _catalog.serial_of(entry, "2" * 64)
    entry = _catalog.reserve(entry, one.version, ["east"], now=100)
    serial = _catalog.serial_of(entry, one.version)
    assert serial > died and _catalog.kept(entry, one.version) is None
    again = replace(seen(one, serial), by="bob")
    entry = _catalog.publish(entry, again, ["east"])
    assert entry.seen == again and entry.holders == {"east": one.version}
    # The next run of the same version changes nothing any more.
    assert _catalog.reserve(entry, one.version, ["east"], now=900) == entry
    assert _catalog.serial_of(entry, one.version) == serial and _catalog.kept(entry, one.version) == again


def test_the_last_node_takes_the_entry_along(tmp_path: Path) -> None:
    catalog = store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    catalog.change("acme", "web", lambda entry: _catalog.withdraw(entry, 9, ["node-east"], True))
    assert [path.name for path in (tmp_path / "published").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".lock", "all", "x" * 129, "a\nb"])
def test_no_name_leads_out_of_the_catalog(tmp_path: Path, name: str) -> None:
    catalog = Catalog(str(tmp_path))
    assert "vcc_template" in refused(lambda: catalog.path("acme", name))
    if name != "all":
        assert "vcc_organization" in refused(lambda: catalog.templates(name))
    assert list(tmp_path.iterdir()) == []


# --- which nodes -----------------------------------------------------------------------------------------------------


def host(kind: str, cloud: str, **variables: Any) -> dict[str, Any]:
    return {"kinds": [kind], "clouds": [cloud], "vars": variables}


HOSTS = {
    "node-east": host("vcc_nodes", "east"),
    "node-west": host("vcc_nodes", "west"),
    "node-umbra": host("vcc_nodes", "west", vcc_org="umbra"),
    "node-north": host("vcc_nodes", "north"),
    "edge-east": host("org_edges", "east", vcc_org="acme"),
    "shop": host("vapp_edges", "west", vcc_org="acme"),
    "partner": host("org_edges", "north", vcc_org="acme", vcc_external=True),
    "edge-umbra": host("org_edges", "north", vcc_org="umbra"),
    "edge-south": host("org_edges", "south", vcc_org="acme"),
}


@pytest.mark.parametrize(
    ("organization", "clouds", "nodes"),
    [
        ("acme", [], ["node-east", "node-west"]),
        ("acme", ["west"], ["node-west"]),
        ("umbra", [], ["node-north"]),
    ],
)
def test_vcc_nodes_of_the_organizations_clouds_hold_it(organization: str, clouds: list[str], nodes: list[str]) -> None:
    problems = Problems()
    assert nodes_of(HOSTS, organization, clouds, problems) == nodes
    assert len(problems) == 0


def test_clouds_and_organizations_that_cannot_be_are_named() -> None:
    problems = Problems()
    nodes_of(HOSTS, "acme", ["north", "wst", "south"], problems)
    assert [str(one) for one in problems] == [
        "vcc_clouds: acme has no edge and no vApp in cloud north; did you mean south?",
        "vcc_clouds: acme has no edge and no vApp in cloud wst; did you mean west?",
        "vcc_clouds: cloud south has no VCC node in the inventory that could hold the template",
    ]
    problems = Problems()
    assert one_organization(HOSTS, ["acme"], problems) == "acme" and len(problems) == 0
    for named in ([], ["acme", "umbra"], ["acne"]):
        assert one_organization(HOSTS, named, problems) == ""
    assert len(problems) == 3


HELD = ["node-east", "node-west", "node-umbra", "node-north", "gone"]


def test_nodes_that_may_not_hold_it_any_more_are_named_and_not_told() -> None:
    """One that is another organization's now, one in a cloud that the organization has left."""
    assert stray_in(HOSTS, "acme", HELD) == ["node-north", "node-umbra"]
    assert stray_in(HOSTS, "acme", ["node-east", "gone", "shop"]) == []
    planned = {"organization": "acme", "template": "web", "stray": ["node-umbra"]}
    planned["publication"] = {"version": "ab" * 32, "files": [{"size": 10}]}
    for its in ("ab" * 32, "cd" * 32):
        lines, wrong = noted("present", planned, {"web": {"east": "ab" * 32, "node-umbra": its}}, False)
        assert lines == ["acme/web: 10 B, version abababababab, on east"]
        assert wrong.startswith("acme/web: node-umbra may not hold it any more; take it back there, with -e ")
    assert noted("present", planned, {"web": {"east": "ab" * 32}}, False)[1] == ""  # vcc_forget


@pytest.mark.parametrize(
    ("clouds", "holders", "nodes"),
    [
        ([], HELD, ["node-east", "node-north", "node-umbra", "node-west"]),
        (["north"], HELD, ["node-north"]),
        (["west"], ["node-umbra"], ["node-umbra", "node-west"]),
        (["south"], [], []),
        (["north", "eas"], ["node-east"], None),
    ],
)
def test_it_is_taken_back_from_those_that_hold_it(
    clouds: list[str], holders: list[str], nodes: list[str] | None
) -> None:
    problems = Problems()
    found = nodes_to_clear(HOSTS, "acme", clouds, holders, problems)
    if nodes is not None:
        assert found == nodes and len(problems) == 0
        return
    assert [str(one) for one in problems] == [
        "vcc_clouds: acme has no edge and no vApp in cloud north, and no template; did you mean south?",
        "vcc_clouds: acme has no edge and no vApp in cloud eas, and no template; did you mean east?",
    ]


def test_it_is_taken_back_when_the_last_node_is_gone() -> None:
    hosts = {name: facts for name, facts in HOSTS.items() if "vcc_nodes" not in facts["kinds"]}
    problems = Problems()
    assert nodes_to_clear(hosts, "acme", [], ["gone"], problems) == [] and len(problems) == 0


# --- inventories -----------------------------------------------------------------------------------------------------


def test_an_inventory_reads_what_was_published_without_disks(tmp_path: Path) -> None:
    store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    for templates in ("web", ["web"], "all", None):
        web = inventory(tmp_path, templates=templates).hosts["web"]
        assert (web.variables["vcc_address"], web.variables["vcc_org"]) == (["10.10.0.21"], "acme")
    assert "has not published 'wep'; did you mean web?" in refused(lambda: inventory(tmp_path, templates="wep"))


def test_an_index_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong directory, a misspelt organization: no inventory is empty without a word."""
    store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    said = refused(lambda: inventory(tmp_path / "elsewhere", templates="all"))
    assert f"catalog[0]: there is no index in {tmp_path}/elsewhere/published/acme: acme has published nothing" in said
    said = refused(lambda: inventory(tmp_path, organization="acne"))
    assert f"no index in {tmp_path}/published/acne:" in said and "did you mean acme?" in said


def test_no_template_is_not_all(tmp_path: Path) -> None:
    store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    for templates in ([], "", [""]):
        said = refused(lambda templates=templates: inventory(tmp_path, templates=templates))  # type: ignore[misc]
        assert "catalog[0].templates: names no template; say all" in said


def altered(state: Path, change: Callable[[dict[str, Any]], None], name: str = "web") -> None:
    path = state / f"published/acme/{name}.json"
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


def test_a_descriptor_that_was_altered_on_the_server_is_refused(tmp_path: Path) -> None:
    store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    evil = FILES["web.ovf"].replace(b"10.10.0.21", b"10.10.0.66")

    def descriptor(said: dict[str, Any]) -> None:
        said["seen"]["texts"]["web.ovf"] = base64.b64encode(evil).decode()

    altered(tmp_path, descriptor)
    assert "web.ovf): is not the file that was published" in refused(lambda: inventory(tmp_path))
    altered(tmp_path, lambda said: said["seen"]["files"][0].update(sha256=hashlib.sha256(evil).hexdigest()))
    assert "web.ovf is not the file that the manifest was made of" in refused(lambda: inventory(tmp_path))


def test_with_a_signature_nobody_alters_descriptor_and_manifest_together(tmp_path: Path) -> None:
    signer, thief = Signer("vendor"), Signer("thief")
    (tmp_path / "trusted.pem").write_bytes(signer.pem)
    given = {"verify": "signed", "trusted": str(tmp_path / "trusted.pem")}
    store(
        tmp_path,
        publication(archive(tmp_path / "web.ova", {**FILES, "web.cert": signer.sign("web.mf", FILES["web.mf"])})),
    )
    assert "web" in inventory(tmp_path, **given).hosts
    evil = whole({"web.ovf": envelope(vm("web", "10.10.0.66"), references=REFERENCE), "disk.vmdk": DISK}, "web")
    forged = archive(tmp_path / "evil.ova", {**evil, "web.cert": thief.sign("web.mf", evil["web.mf"])})
    store(tmp_path / "other", publication(forged))
    (tmp_path / "published/acme/web.json").write_bytes((tmp_path / "other/published/acme/web.json").read_bytes())
    assert "web" in inventory(tmp_path).hosts
    assert "trusted" in refused(lambda: inventory(tmp_path, **given))


def test_an_inventory_reads_only_what_its_organization_published(tmp_path: Path) -> None:
    found = publication(archive(tmp_path / "web.ova", FILES))
    store(tmp_path, found, "umbra")
    assert "acme has not published 'web'" in refused(lambda: inventory(tmp_path, templates="web"))
    assert "there is no index" in refused(lambda: inventory(tmp_path))
    assert "of its own organization" in refused(lambda: inventory(tmp_path, organization="umbra", org="acme"))
    assert "of its own organization" in refused(lambda: inventory(tmp_path, organization="umbra", path="/etc"))
    for name in ("../umbra", "umbra/../umbra", ""):
        assert "must be" in refused(lambda name=name: inventory(tmp_path, organization=name))  # type: ignore[misc]
    for name in ("../umbra/web", "/etc/passwd"):
        assert "has not published" in refused(lambda name=name: inventory(tmp_path, templates=name))  # type: ignore[misc]
    # A link to another organization's folder, and its file under another name.
    (tmp_path / "published/acme").symlink_to(tmp_path / "published/umbra")
    assert "is a symbolic link" in refused(lambda: inventory(tmp_path))
    (tmp_path / "published/acme").unlink()
    (tmp_path / "published/acme").mkdir()
    (tmp_path / "published/acme/web.json").symlink_to(tmp_path / "published/umbra/web.json")
    assert "has not published" in refused(lambda: inventory(tmp_path, templates="web"))
    (tmp_path / "published/acme/web.json").unlink()
    (tmp_path / "published/acme/web.json").write_bytes((tmp_path / "published/umbra/web.json").read_bytes())
    assert "is not an entry of the catalog, or was changed" in refused(lambda: inventory(tmp_path))


def test_what_is_being_taken_back_is_not_read(tmp_path: Path) -> None:
    catalog = store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    catalog.change("acme", "web", lambda entry: _catalog.withdraw(entry, 9, [], True))
    assert catalog.templates("acme") == ["web"]
    assert inventory(tmp_path).hosts == {}
    assert "has not published" in refused(lambda: inventory(tmp_path, templates="web"))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 2}', "[" * 100_000, "\xff"])
def test_an_index_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    (tmp_path / "published/acme/web.json").write_text(text, encoding="latin-1")
    assert "web.json: is not an entry of the catalog" in refused(lambda: inventory(tmp_path))


def test_an_entry_that_cannot_be_read_harms_no_inventory_of_others(tmp_path: Path) -> None:
    catalog = store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)))
    store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)), template="wep")
    path = catalog.path("acme", "wep")
    path.write_text("{")
    assert "web" in inventory(tmp_path, templates="web").hosts
    for templates in ("wep", "all"):
        said = refused(lambda templates=templates: inventory(tmp_path, templates=templates))  # type: ignore[misc]
        assert f"catalog[0]: {path}: is not an entry of the catalog" in said and "remove the file, and publish" in said
    assert "did you mean web?" in refused(lambda: inventory(tmp_path, templates="weq"))
    path.unlink()  # as the message says
    store(tmp_path, publication(archive(tmp_path / "web.ova", FILES)), template="wep")
    assert "web" in inventory(tmp_path, templates="wep").hosts


# --- transfers -------------------------------------------------------------------------------------------------------


def missing(found: Publication) -> list[dict[str, Any]]:
    return [{"sha256": one["sha256"], "size": one["size"], "have": 0, "digest": ""} for one in found.files]


def test_a_node_that_asks_for_something_else_gets_nothing(tmp_path: Path) -> None:
    found = publication(archive(tmp_path / "web.ova", FILES))
    package = open_package(found.path)
    asked = [{"sha256": "0" * 64, "size": 9, "have": 0, "digest": ""}]
    assert "not the package's" in refused(lambda: Transfer(package, found.files, asked))
    # It does not decide how much is sent either.
    big = [{**one, "size": 10**12} for one in missing(found)]
    assert Transfer(package, found.files, big).total == sum(map(len, FILES.values()))


def test_a_transfer_that_gets_nowhere_ends(tmp_path: Path) -> None:
    found = publication(archive(tmp_path / "web.ova", FILES))
    going = Transfer(open_package(found.path), found.files, missing(found))
    with pytest.raises(VccError, match="another run is sending"):
        for _turn in range(PATIENCE):
            pieces = going.pieces()
            going.note(pieces, dict.fromkeys((piece["sha256"] for piece in pieces), 1))


def test_a_package_that_becomes_shorter_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path / "web", FILES)
    found = publication(path)
    going = Transfer(open_package(found.path), found.files, missing(found))
    (tmp_path / "web/disk.vmdk").write_bytes(b"")
    with pytest.raises((VccError, PackageError), match="was changed while it was sent"):
        going.data(going.pieces())


# --- what people read ------------------------------------------------------------------------------------------------


def test_the_list_says_of_each_node_what_is_wrong_and_what_to_do() -> None:
    version = "ab" * 32
    index = {"organization": "acme", "template": "payroll", "version": version, "size": 20 << 20, "files": 3}
    index |= {"by": "ann", "at": "2026-03-01T00:00:00Z"}
    index["holders"] = dict.fromkeys(("a", "b", "c", "d", "e", "gone"), version) | {"new": ""}
    good = {"version": version, "serial": 5, "size": 20 << 20, "damaged": [], "parts": 0}
    copies: dict[str, Any] = {
        "a": {"payroll": good},
        "b": {"payroll": {**good, "damaged": ["disk.vmdk\n\x1b[2J"]}},
        "c": {"payroll": {**good, "version": "cd" * 32}},
        "d": {},
        "e": {"payroll": {**good, "version": "", "parts": 1 << 20}},
        "f": {"old": good},
    }
    answers = {node: {"templates": {"acme": its}} for node, its in copies.items()}
    lines = catalog_lines(listing([index], answers, [*copies, "other"], "all"))
    assert lines == [
        "acme/old: not published: it is being published or taken back; run that again",
        "  f: has another version, abababababab; publish it again",
        "acme/payroll: 20.0 MiB in 3 files, version abababababab, published 2026-03-01T00:00:00Z by ann",
        "  a: whole",
        "  b: damaged: disk.vmdk??[2J; publish it again",
        "  c: has another version, cdcdcdcdcdcd; publish it again",
        "  d: has nothing of it; publish it again",
        "  e: has a part of it (1.0 MiB); publish it again, and the transfer goes on",
        "  gone: not asked; has it, as the index says",
        "  new: not asked; may have a part of it, as the index says",
    ]
    none = listing([index], answers, [*copies], "none")
    assert catalog_lines(none, ["acme"], "none") == ["The catalog of acme has no template none."]
    assert catalog_lines([], ["acme", "umbra"]) == ["The catalog of acme, umbra is empty."]


def test_a_template_that_was_nowhere_was_not_taken_back() -> None:
    planned = {"organization": "acme", "whole": True, "targets": ["east", "west"]}
    planned["unknown"] = {"wep": "; did you mean web?"}

    def lines(removed: dict[str, Any]) -> list[str]:
        return noted("absent", planned, {"wep": {}}, False, removed)[0]

    assert lines({"east": [], "west": []}) == ["acme/wep: was nowhere; did you mean web?"]
    assert lines({"east": 5}) == ["acme/wep: is not in the index, and west did not answer; did you mean web?"]
    assert lines({"east": ["wep"], "west": []}) == ["acme/wep: taken back"]  # the index was lost


def test_a_run_fails_for_nodes_that_lack_the_version_and_names_them() -> None:
    planned = {"organization": "acme", "template": "web", "whole": True, "serials": {"web": 9}}
    planned["publication"] = {"version": "ab" * 32, "files": [{"size": 10}]}
    lines, wrong = noted("present", planned, {"web": {"east": "ab" * 32, "west": ""}}, False)
    assert lines == ["acme/web: 10 B, version abababababab, on east"]
    assert "west does not have this version" in wrong and "-e vcc_forget=NODE" in wrong
    lines, wrong = noted("absent", planned, {"web": {"west": ""}}, True)
    assert lines == ["acme/web: would still be on west"] and "-e vcc_forget=NODE" in wrong
    assert noted("absent", planned, {"web": {}}, False) == (["acme/web: taken back"], "")
    assert noted("absent", planned, {}, False) == (["acme has no templates."], "")
