"""What labctl makes of its options and of what the lab was before, with or without a lab."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True  # roles are read by Ansible and packed as they are
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "roles/lab/files"))

from lab import root, state, vm_image, wanted  # noqa: E402
from lab.shell import LabError  # noqa: E402

BEFORE = {
    "clouds": ["east", "west", "south"],
    "root": "/cache/host",
    "nat": ["edge-south", "edge-west"],
    "releases": {"edge-west": "trixie", "vm1-south": "sid"},
    "release_roots": {"trixie": "/cache/trixie", "sid": "/cache/sid"},
}
TWO = ("east", "west")


def test_what_is_not_said_stays_as_it_is_and_goes_with_its_cloud():
    assert wanted.nat(BEFORE, TWO, None) == ["edge-west"]
    assert wanted.releases(BEFORE, TWO, None) == {"edge-west": "trixie"}
    assert wanted.nat({}, TWO, None) == []
    assert wanted.releases({}, TWO, None) == {}
    assert wanted.tenants({"tenants": ["umbra"]}, None) == ["umbra"]
    assert wanted.pairs({"pairs": ["south", "west"]}, TWO, None) == ["west"]
    assert wanted.tenants({}, None) == []


def test_what_is_said_counts_and_the_hosts_own_release_is_nothing_special():
    assert wanted.nat(BEFORE, TWO, ["edge-east"]) == ["edge-east"]
    assert wanted.nat(BEFORE, TWO, []) == []
    assert wanted.releases(BEFORE, TWO, {"edge-east": "trixie", "edge-west": root.suite()}) == {"edge-east": "trixie"}
    assert wanted.tenants({"tenants": ["umbra"]}, ["zeta", "zeta"]) == ["zeta"]
    assert wanted.tenants({"tenants": ["umbra"]}, []) == []
    assert wanted.pairs({"pairs": ["west"]}, TWO, ["east"]) == ["east"]
    assert wanted.pairs({"pairs": ["west"]}, TWO, []) == []
    assert wanted.releases({}, TWO, {"vm1-umbra-east": "sid"}, ["umbra"]) == {"vm1-umbra-east": "sid"}


def test_a_machine_runs_on_the_root_of_its_release():
    roots = {name: state.root_of(BEFORE, name) for name in ("edge-west", "vm1-south", "edge-east")}
    assert roots == {"edge-west": "/cache/trixie", "vm1-south": "/cache/sid", "edge-east": "/cache/host"}


def test_a_release_without_root_is_said_by_name(monkeypatch, tmp_path):
    monkeypatch.setattr(root, "CACHE", tmp_path)
    with pytest.raises(LabError, match="no root of trixie has been built yet"):
        wanted.release_roots({"edge-west": "trixie"})


def _root(cache, name, release, used):
    os_release = cache / f"root-{name}" / "usr/lib/os-release"
    os_release.parent.mkdir(parents=True)
    os_release.write_text(f'NAME="Debian"\nVERSION_CODENAME={release}\n', encoding="utf-8")
    os.utime(cache / f"root-{name}", (used, used))


def test_the_cache_keeps_the_last_roots_of_every_release_and_those_in_use(monkeypatch, tmp_path):
    monkeypatch.setattr(root, "CACHE", tmp_path)
    for number in range(4):
        _root(tmp_path, f"book{number}", "bookworm", 1000 + number)
        _root(tmp_path, f"trix{number}", "trixie", 2000 + number)
    assert root.newest("trixie").name == "root-trix3"
    assert root.newest("sid") is None
    root.prune([str(tmp_path / "root-book0"), None])
    assert sorted(path.name for path in root.built()) == [
        "root-book0", "root-book2", "root-book3", "root-trix2", "root-trix3"
    ]  # fmt: skip


def test_sources_of_another_release_are_the_hosts_with_other_suites():
    own = root.suite()
    lines = f"deb [signed-by=/k.gpg] http://{own}.example/debian {own} main\nSuites: {own} {own}-updates {own}-security"
    assert root.of_release(lines, "trixie") == (
        f"deb [signed-by=/k.gpg] http://{own}.example/debian trixie main\nSuites: trixie trixie-updates trixie-security"
    )


def test_an_image_is_one_per_set_of_roots():
    one, both = vm_image.path_for(["/c/root-a"]), vm_image.path_for(["/c/root-a", "/c/root-b"])
    assert one != both == vm_image.path_for(["/c/root-b", "/c/root-a"])
