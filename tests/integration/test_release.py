# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/release.sh: what it refuses, what it makes, and that a user can verify that."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]
VERSION = "9.0.0-test"
NAME = f"intercloud-vpn-{VERSION}"


def sh(*words: str, where: Path, **environment: str) -> tuple[int, str]:
    """The exit code, and all that was printed."""
    done = subprocess.run(
        words,
        check=False,
        cwd=where,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def checkout(where: Path) -> Path:
    """A clone of what is committed here, with the tools of this checkout."""
    assert (
        sh("git", "clone", "-q", "--no-local", "--depth", "1", f"file://{ROOT}", str(where), where=where.parent)[0] == 0
    )
    (where / ".venv").mkdir()  # a link would be a change: .gitignore names the directory
    (where / ".venv/bin").symlink_to(ROOT / ".venv/bin")
    write_fragment(where, "9.0.0", "A release for a test.")
    for words in (("user.name", "A maintainer"), ("user.email", "maintainer@example.com")):
        sh("git", "config", *words, where=where)
    commit(where)
    return where


def write_fragment(tree: Path, name: str, text: str) -> None:
    (tree / f"changelogs/fragments/{name}.yml").write_text(f"minor_changes:\n  - lab_up - {text}\n", encoding="utf-8")


def commit(tree: Path) -> None:
    assert sh("git", "add", "--all", where=tree)[0] == 0
    assert sh("git", "commit", "-q", "-m", "A commit", where=tree)[0] == 0


class Keys:
    """A keyring of gpg with keys that are made for the test."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        self.home = home

    def make(self, who: str) -> Path:
        """A key; its public half is in the file that is returned."""
        options = ("--batch", "--quiet", "--passphrase", "", "--quick-generate-key", who, "ed25519", "sign", "never")
        assert sh("gpg", *options, where=self.home, GNUPGHOME=str(self.home))[0] == 0
        file = self.home / f"{who}.gpg"
        assert sh("gpg", "--export", "--output", str(file), who, where=self.home, GNUPGHOME=str(self.home))[0] == 0
        return file

    def stop(self) -> None:
        """gpg leaves an agent behind."""
        sh("gpgconf", "--kill", "all", where=self.home, GNUPGHOME=str(self.home))


@pytest.fixture(scope="module")
def keys() -> object:
    # The path of gpg's sockets must be short.
    home = Path(f"/tmp/intercloud-keys-{os.getpid()}")
    made = Keys(home)
    yield made
    made.stop()
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("release") / "checkout")


def test_all_that_stands_in_the_way_is_said_at_once(tree: Path) -> None:
    (tree / "README.md").write_text("changed")
    sh("git", "tag", VERSION, where=tree)
    code, said = sh("scripts/release.sh", VERSION, "--key", "nobody@example.com", where=tree)
    sh("git", "checkout", "-q", "README.md", where=tree)
    sh("git", "tag", "-d", VERSION, where=tree)
    assert code == 1
    assert [line.removeprefix("release: refused: ").rstrip() for line in said.splitlines()] == [
        "the tree has changes that are not committed:  M README.md",
        f"the tag {VERSION} exists",
        "gpg has no secret key nobody@example.com",
    ]
    assert not (tree / "build").exists()


def test_a_release_is_signed(tree: Path) -> None:
    assert sh("scripts/release.sh", VERSION, "--commit", where=tree) == (
        1,
        "release: refused: --commit needs --key: a release is signed\n",
    )


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0 ", "01.0.0"])
def test_a_version_is_one(tree: Path, version: str) -> None:
    assert sh("scripts/release.sh", version, where=tree)[1].startswith(f"release: '{version}' is not a version")


@pytest.mark.thorough("test_what_is_packed_again_is_the_same_whatever_the_order; the whole takes a minute")
def test_a_release_and_what_a_user_verifies(tree: Path, keys: Keys, tmp_path: Path) -> None:
    ring, stranger = keys.make("maintainer"), keys.make("stranger")
    home = {"GNUPGHOME": str(keys.home)}
    code, said = sh("scripts/release.sh", VERSION, "--key", "maintainer", "--commit", where=tree, **home)
    assert code == 0, said
    assert sh("git", "log", "-1", "--format=%s", VERSION, where=tree) == (0, f"Release {VERSION}\n")
    assert sh("git", "verify-tag", VERSION, where=tree, **home)[0] == 0
    assert sh("git", "status", "--porcelain", where=tree) == (0, "")
    assert (tree / "extensions/molecule/upgrade/previous").read_text() == f"{VERSION}\n"
    made = tree / "build/release" / VERSION
    assert {path.name for path in made.iterdir()} == {
        f"{NAME}.tar.gz",
        f"{NAME}.cdx.json",
        f"{NAME}.MANIFEST.json.asc",
        "SHA256SUMS",
        "SHA256SUMS.asc",
    }

    with tarfile.open(made / f"{NAME}.tar.gz") as tar:
        changes = tar.extractfile("CHANGELOG.rst").read().decode()  # type: ignore[union-attr]
        assert json.load(tar.extractfile("MANIFEST.json"))["collection_info"]["version"] == VERSION  # type: ignore[arg-type]
    assert f"\nv{VERSION}\n" in changes

    bill = (made / f"{NAME}.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    listed = {component["name"]: component for component in json.loads(bill)["components"]}
    assert {"elkjs", "netaddr", "sqlalchemy", "cryptography", "cffi", "plugins/plugin_utils/page/page.html"} <= set(
        listed
    )
    assert "pytest" not in listed

    verify = str(ROOT / "scripts/verify_release.sh")
    assert sh(verify, str(made), str(ring), where=tmp_path)[0] == 0
    assert "SHA256SUMS: no valid signature" in sh(verify, str(made), str(stranger), where=tmp_path)[1]

    galaxy = ("ansible-galaxy", "collection")
    (tmp_path / "home").mkdir(mode=0o700)  # a user has none of these keys
    where = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "GNUPGHOME": str(tmp_path / "home")}
    signature = f"file://{made}/{NAME}.MANIFEST.json.asc"
    code, said = sh(*galaxy, "install", str(made / f"{NAME}.tar.gz"), where=tmp_path, **where)
    assert code == 0, said
    ask = (*galaxy, "verify", "--offline", "intercloud.vpn", "--signature", signature, "--keyring")
    code, said = sh(*ask, str(ring), where=tmp_path, **where)
    assert (code, "Successfully verified" in said) == (0, True), said
    assert sh(*ask, str(stranger), where=tmp_path, **where)[0] != 0
    (tmp_path / "collections/ansible_collections/intercloud/vpn/plugins/filter/carve.py").write_text("")
    assert "plugins/filter/carve.py" in sh(*ask, str(ring), where=tmp_path, **where)[1]

    other = tmp_path / "other"
    shutil.copytree(made, other)
    (other / f"{NAME}.cdx.json").write_text(bill.replace("elkjs", "elkjz"), encoding="utf-8")
    code, said = sh(verify, str(other), str(ring), where=tmp_path)
    assert code != 0 and "WARNING: 1 computed checksum did NOT match" in said


def test_signed_digests_of_other_files_do_not_verify_a_tarball(keys: Keys, tmp_path: Path) -> None:
    """Maintainers sign more than this. A tarball with the MANIFEST.json of a release, and other files, is not one."""
    ring, home = keys.make("signer"), {"GNUPGHOME": str(keys.home)}
    sign = ("gpg", "--batch", "--quiet", "--armor", "--detach-sign", "--local-user", "signer", "--output")
    made = tmp_path / "made"
    made.mkdir()
    (made / "MANIFEST.json").write_text("{}")
    (made / "other.txt").write_text("of another project")
    with tarfile.open(made / f"{NAME}.tar.gz", "w:gz") as tar:
        tar.add(made / "MANIFEST.json", "MANIFEST.json")
    assert sh(*sign, f"{NAME}.MANIFEST.json.asc", "MANIFEST.json", where=made, **home)[0] == 0
    verify = str(ROOT / "scripts/verify_release.sh")
    for listed, code in (("other.txt", 1), (f"{NAME}.tar.gz", 0)):
        (made / "SHA256SUMS").write_text(sh("sha256sum", listed, where=made)[1])
        (made / "SHA256SUMS.asc").unlink(missing_ok=True)
        assert sh(*sign, "SHA256SUMS.asc", "SHA256SUMS", where=made, **home)[0] == 0
        found, said = sh(verify, str(made), str(ring), where=tmp_path)
        assert found == code, said
        assert (f"SHA256SUMS does not list {NAME}.tar.gz" in said) == (code != 0), said


@pytest.mark.thorough("test_version_added, and what release.sh does; takes half a minute")
def test_a_version_that_is_cut_takes_late_fragments_in(tmp_path: Path) -> None:
    """Until it has a tag."""
    tree = checkout(tmp_path / "checkout")
    module = tree / "plugins/modules/vpn_plan.py"
    module.write_text(re.sub("version_added: .*", "version_added: 7.7.7", module.read_text()), encoding="utf-8")
    for late in ("", "came late."):
        if late:
            write_fragment(tree, "late", late)
            commit(tree)
            assert f"changes that {VERSION} does not have yet" in sh("scripts/release.sh", VERSION, where=tree)[1]
        code, said = sh("scripts/cut.sh", VERSION, where=tree)
        assert code == 0, said
        commit(tree)
    assert list((tree / "changelogs/fragments").glob("*.yml")) == []
    changes = re.split(r"\nv(?=\d)", (tree / "CHANGELOG.rst").read_text(encoding="utf-8"))[1]
    assert changes.startswith(f"{VERSION}\n")
    assert "lab_up - A release for a test." in changes and "lab_up - came late." in changes
    assert f"version: {VERSION}\n" in (tree / "galaxy.yml").read_text(encoding="utf-8")
    assert f"version_added: {VERSION}\n" in module.read_text(encoding="utf-8")

    code, said = sh("scripts/rebuild.sh", "--version", VERSION, str(tmp_path), where=tree)
    assert (code, f"{NAME}.tar.gz" in said) == (0, True), said
    code, said = sh("scripts/rebuild.sh", "--version", "9.0.1", str(tmp_path), where=tree)
    assert (code, said) == (1, f"rebuild: 9.0.1 is asked for, and galaxy.yml has {VERSION}\n")
    sh("git", "tag", VERSION, where=tree)
    assert f"the tag {VERSION} exists" in sh("scripts/cut.sh", VERSION, where=tree)[1]


def test_who_verifies_is_told_how(tmp_path: Path) -> None:
    verify = str(ROOT / "scripts/verify_release.sh")
    assert sh(verify, where=tmp_path)[1].startswith("usage: verify_release.sh DIRECTORY KEYRING")
    (tmp_path / "ring").write_text("")
    code, said = sh(verify, str(tmp_path), str(tmp_path / "ring"), where=tmp_path)
    assert (code, said) == (1, f"verify_release: {tmp_path} has no intercloud-vpn-*.tar.gz\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("matrix.sh", "2.17/3.10", "2.99", "3.1"), ["tests/matrix.txt has no 2.99", "tests/matrix.txt has no 3.1"]),
        (("release_checks.sh", "reuse", "nothing"), ["nothing is none of reuse, python"]),
        (("molecule.sh", "default", "nothing"), ["there is no scenario nothing"]),
        (("cut.sh", "1.0"), ["'1.0' is not a version"]),
    ],
)
def test_a_script_refuses_what_it_does_not_know_before_it_runs_anything(
    words: tuple[str, ...], told: list[str]
) -> None:
    code, said = sh(str(ROOT / "scripts" / words[0]), *words[1:], where=ROOT)
    assert code != 0
    assert [line for line in told if line not in said] == []


def test_what_runs_in_an_execution_environment() -> None:
    """antsibull-nox runs it in an image; here the controller is the image."""
    code, said = sh("ansible-playbook", "-i", "localhost,", str(ROOT / "tests/ee/all.yml"), where=ROOT)
    assert code == 0, said
