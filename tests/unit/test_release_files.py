# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ecosystem reads of the repository says the same everywhere: versions, workflows, the lock file, commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROGRAMS = {"apt-get", "git", "make"}


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def pairs() -> list[tuple[str, str]]:
    """The ansible-core and the Python of each pair of tests/matrix.txt."""
    rows = [line.split() for line in read("tests/matrix.txt").splitlines() if not line.startswith("#")]
    return [(row[0], python) for row in rows for python in row[1:]]


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


CORES = sorted({core for core, _python in pairs()}, key=number)


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def commands(path: Path) -> Iterator[str]:
    """Every command that a workflow runs, with what stands in its matrix."""
    for job in jobs(path).values():
        for step in job["steps"]:
            for command in re.split(r"&&|\n", step["run"]) if "run" in step else []:
                variable = command.strip()
                if not variable.startswith("$"):
                    yield variable
                    continue
                name = re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", step["env"][variable[1:]])
                assert name
                yield from job["strategy"]["matrix"][name[1]]


# Versions


def test_the_oldest_core_is_the_one_that_is_required() -> None:
    required = yaml.safe_load(read("meta/runtime.yml"))["requires_ansible"]
    assert required == f">={CORES[0]}.0"
    assert f"ansible-core>={CORES[0]}\n" in read("requirements.txt")


def test_antsibull_nox_tests_the_same_cores() -> None:
    for kind in ("sanity", "units"):
        section = f'[sessions.ansible_test_{kind}]\nmin_version = "{CORES[0]}"\nmax_version = "{CORES[-1]}"\n'
        assert section in read("antsibull-nox.toml")


def test_the_workflow_tests_the_same_pairs() -> None:
    matrix = jobs(ROOT / ".github/workflows/ci.yml")["matrix"]["strategy"]["matrix"]["include"]
    assert [(entry["core"], entry["python"]) for entry in matrix] == pairs()


@pytest.mark.parametrize("page", ["README.md", "docs/testing.md"])
def test_the_table_says_the_same_pairs(page: str) -> None:
    rows = re.findall(r"^\| (2\.\d+) \| ([\d., ]+) \|", read(page), re.MULTILINE)
    assert [(core, python) for core, pythons in rows for python in pythons.split(", ")] == pairs()


def test_the_oldest_core_forgives_what_rooms_say_of_themselves() -> None:
    """`empty-init` of ansible-core 2.17 asks for packages without a docstring: each new one is a line of that file."""
    rooms = {
        str(path.relative_to(ROOT)) for path in (ROOT / "plugins/module_utils").rglob("__init__.py") if path.read_text()
    }
    ignored = [line.split()[:2] for line in read("tests/sanity/ignore-2.17.txt").splitlines()]
    assert {path for path, test in ignored if test == "empty-init"} == rooms
    assert len(ignored) == len(rooms), "nothing else is ignored"


def test_the_changelog_has_the_version() -> None:
    """If not: scripts/cut.sh. Fragments of what comes next may be there."""
    version = yaml.safe_load(read("galaxy.yml"))["version"]
    newest = re.findall(r"^v(\S+)\n=+$", read("CHANGELOG.rst"), re.MULTILINE)[0]
    assert newest == version
    assert version in yaml.safe_load(read("changelogs/changelog.yaml"))["releases"]


def test_the_first_page_installs_this_version() -> None:
    """cut.sh writes it. The scenario own_fleet runs the page's commands as they are printed."""
    version = yaml.safe_load(read("galaxy.yml"))["version"]
    assert re.findall(r"intercloud-vpn-(\S+)\.tar\.gz", read("docs/own_fleet.md")) == [version]


def test_a_tag_that_is_another_version_is_not_rebuilt() -> None:
    """The workflow *Release* gives the tag's name to rebuild.sh."""
    assert 'scripts/rebuild.sh --version "$TAG"' in read(".github/workflows/release.yml")


# Workflows


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_command_of_a_workflow_exists(path: Path) -> None:
    made = {f".venv/bin/{name}" for name in ("python", "nox")}
    for command in commands(path):
        words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
        assert words[0] in PROGRAMS | made or (ROOT / words[0]).is_file(), command
        for word in words[1:]:
            assert not re.match(r"(tests|scripts)/", word) or (ROOT / word).exists(), command
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", read("Makefile"), re.MULTILINE), command


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_knows_no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["permissions"] == {}
    assert [job["permissions"] for job in jobs(path).values()] == [{"contents": "read"}] * len(jobs(path))
    assert "secrets." not in text
    for job in jobs(path).values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")  # an expression in a script is text that strangers may write


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_that_hangs_ends(path: Path) -> None:
    """GitHub's own limit is six hours."""
    assert {name: 10 <= job.get("timeout-minutes", 0) <= 120 for name, job in jobs(path).items()} == dict.fromkeys(
        jobs(path), True
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_named_by_their_digest(path: Path) -> None:
    for job in jobs(path).values():
        for step in job["steps"]:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}"))


def test_pre_commit_and_the_devcontainer_run_what_there_is() -> None:
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    programs = [hook["entry"].split()[0] for hook in repository["hooks"]]
    wanted = read("requirements-dev.txt")
    for program in programs:
        assert re.search(rf"^{Path(program).name}[>=]", wanted, re.MULTILINE) or (ROOT / program).is_file(), program
    assert "make setup" in json.loads(read(".devcontainer/devcontainer.json"))["postCreateCommand"]


# The lock file


def requirements(path: str) -> Iterator[str]:
    for line in read(path).splitlines():
        if line.startswith("-r "):
            yield from requirements(str(Path(path).parent / line[3:]) if "/" not in line else line[3:])
        elif line and not line.startswith("#"):
            yield line.partition("  #")[0]


def test_the_lock_file_has_what_is_asked_for() -> None:
    """If not: scripts/lock.sh."""
    locked: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", read("requirements-dev.lock"), re.MULTILINE):
        locked.setdefault(name, []).append(version)
    for wanted in requirements("requirements-dev.txt"):
        asked = Requirement(wanted)
        versions = locked[asked.name.lower()]
        assert [version for version in versions if version not in asked.specifier] == [], wanted


def test_every_file_of_the_lock_has_a_digest() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", read("requirements-dev.lock"))[1:]
    assert len(blocks) > 50
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in read("requirements-dev.lock")


# Commands


def test_contributing_names_every_script() -> None:
    """One command for each check, and for each thing that a maintainer does."""
    told = read("CONTRIBUTING.md") + read("docs/testing.md") + read("docs/project/releasing.md") + read("Makefile")
    inner = {"ansible_test.sh", "get_pip.py", "prometheus.sh", "repack.py", "sbom.py", "test.sh", "version_added.py"}
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file()}
    assert {name for name in scripts - inner if name not in told} == set()


def test_urls_are_those_of_the_repository() -> None:
    """Placeholders that were never replaced."""
    galaxy = yaml.safe_load(read("galaxy.yml"))
    assert {galaxy[key].startswith(galaxy["repository"]) for key in ("documentation", "homepage", "issues")} == {True}
    for path in (*ROOT.glob("*.md"), *(ROOT / ".github").rglob("*.*")):
        assert not re.search(r"example\.(com|org)/(intercloud|vpn)|TODO|FIXME", path.read_text(encoding="utf-8")), path


HIDDEN = re.compile(
    r"^(?:from|import) ansible\.(?:errors|inventory|parsing|playbook|plugins|template|utils)\b", re.MULTILINE
)
OURS = re.compile(
    r"^from ansible_collections\.intercloud\.vpn\.plugins\.(action|plugin_utils)(?:\.(\w+))? import (\w+)", re.MULTILINE
)


def needs_the_controller(text: str) -> bool:
    """Whether a file imports the controller's code, itself or by a file of ours that it imports."""
    ours = (ROOT / "plugins" / folder / f"{module or name}.py" for folder, module, name in OURS.findall(text))
    return bool(HIDDEN.search(text)) or any(needs_the_controller(path.read_text(encoding="utf-8")) for path in ours)


@pytest.mark.parametrize("folder", ["modules", "module_utils"])
def test_what_ansible_test_hides_is_not_imported(folder: str) -> None:
    """ansible-test runs these tests without the controller's code, as modules run on a node."""
    files = sorted((ROOT / "tests/unit/plugins" / folder).rglob("*.py"))
    assert [path.name for path in files if needs_the_controller(path.read_text(encoding="utf-8"))] == []
