# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of ansible-runner, laid out as AWX does: a project that is a checkout, and a private data directory.

No host of the inventory is contacted. The container of a job is an overlay over this machine's root, with podman's
marker and with /tmp mounted into it, for which the tests need root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
STATE = "/var/lib/intercloud-vpn"
CONTAINER = f"""
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/root
for folder in /proc /dev /sys /tmp {ROOT} {sys.prefix}; do
    mkdir -p "/mnt/root$folder"
    mount --rbind "$folder" "/mnt/root$folder"
done
touch /mnt/root/run/.containerenv
exec chroot /mnt/root "$@"
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems")
LOST = "The VCC server is this job's container, and is deleted after the job. No host was touched."


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What AWX has of the project: what is under version control, without .collections."""
    folder = tmp_path_factory.mktemp("project") / "project"
    listed = subprocess.check_output(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT)
    copy = ["rsync", "-a", "--from0", "--files-from=-", "--ignore-missing-args", f"{ROOT}/", f"{folder}/"]
    subprocess.run(copy, input=listed, check=True)
    return folder


@dataclass(frozen=True)
class Job:
    """What came of a job."""

    code: int
    output: str
    artifacts: dict[str, Any]


def environment() -> dict[str, str]:
    """Without what would find the collection anywhere else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**kept, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"}


def run(folder: Path, project: Path, playbook: str, container: bool = False, **variables: Any) -> Job:
    """A job, in a container or on the machine itself."""
    data = folder / "data"
    for name in ("env", "inventory"):
        (data / name).mkdir(parents=True, exist_ok=True)
    if not (data / "project").exists():
        shutil.copytree(project, data / "project", symlinks=True)
        shutil.copytree(project / "inventories/example", data / "inventory", dirs_exist_ok=True)
    state = {"vcc_state_dir": STATE, "vcc_ledger": f"sqlite:///{STATE}/ledger.sqlite", "vcc_server_survey": False}
    (data / "env/extravars").write_text(json.dumps({**state, **variables}))
    # As AWX has it for a project with an ansible.cfg.
    paths = "/runner/requirements_collections:~/.ansible/collections:/usr/share/ansible/collections"
    (data / "env/envvars").write_text(json.dumps({"ANSIBLE_COLLECTIONS_PATH": paths, "HOME": str(folder)}))
    words = ["timeout", "100", "ansible-runner", "run", str(data), "-p", playbook, "--ident", "job"]
    if container:
        words = ["unshare", "--mount", "sh", "-ec", CONTAINER, "job", *words]
    shutil.rmtree(data / "artifacts", ignore_errors=True)
    done = subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL
    )
    return Job(done.returncode, done.stdout + done.stderr, stats(data))


def stats(data: Path) -> dict[str, Any]:
    """What the job leaves for the jobs after it."""
    for file in sorted((data / "artifacts/job/job_events").glob("*.json")):
        event = json.loads(file.read_text())
        if event["event"] == "playbook_on_stats":
            found: dict[str, Any] = event["event_data"].get("artifact_data") or {}
            return found
    return {}


OTHERS = pytest.mark.thorough("another folder with a link; other tests here run playbooks in it")


@pytest.mark.parametrize("playbook", ["create_vpn.yml", pytest.param("playbooks/create_vpn.yml", marks=OTHERS)])
def test_a_job_runs_from_the_checkout_alone_and_asks_nothing(tmp_path: Path, project: Path, playbook: str) -> None:
    """ansible-runner gives each job a terminal. A question would wait for ever."""
    # AWX's project update installs what these files name, and fails where it cannot.
    assert not [*project.glob("*/requirements.y*ml"), *project.glob("requirements.y*ml")]
    job = run(tmp_path, project, playbook, vcc_create_tunnels="ask", **in_folder(tmp_path))
    assert job.code == 2 and "do not exist yet: edge-berlin--edge-oslo" in job.output, job.output
    assert "set vcc_create_tunnels to always" in job.output and not (tmp_path / "state").exists()


@needs_root
def test_a_job_in_a_container_refuses_to_lose_what_it_keeps(tmp_path: Path, project: Path) -> None:
    job = run(tmp_path, project, "create_vpn.yml", container=True)
    assert job.code == 2 and LOST in job.output, job.output
    assert f"vcc_state_dir: {STATE} is on the container's own file system." in job.output
    assert f"vcc_ledger: {STATE}/ledger.sqlite is on the container's own file system." in job.output


@needs_root
def test_a_job_in_a_container_keeps_what_is_mounted_and_leaves_its_result(tmp_path: Path, project: Path) -> None:
    job = run(tmp_path, project, "playbooks/prepare_vpn.yml", container=True, **in_folder(tmp_path))
    assert job.code == 0 and (tmp_path / "state/ledger.sqlite").exists(), job.output
    left = job.artifacts["intercloud_vpn_plan"]
    assert left["vpns"] == ["payroll"] and left["generations"] == {"acme": 1}
    assert left["changed_nodes"] == left["nodes"] > 0 and left["new_tunnels"] == 1 and left["summary"]
    job = run(tmp_path, project, "playbooks/delete_vpn.yml", **in_folder(tmp_path))
    assert job.code == 2 and "set vcc_delete to payroll" in job.output, job.output


def in_folder(folder: Path) -> dict[str, str]:
    return {"vcc_state_dir": f"{folder}/state", "vcc_ledger": f"sqlite:///{folder}/state/ledger.sqlite"}
