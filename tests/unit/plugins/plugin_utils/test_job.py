# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a job outlive its container, by lines of /proc/self/mountinfo as container engines make them."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.intercloud.vpn.plugins.plugin_utils._job import (
    in_container,
    is_job,
    read_mounts,
    require_lasting,
    why_lost,
)

MOUNTS = """\
812 640 0:89 / / rw,relatime - overlay overlay rw,lowerdir=/l/AB:/l/CD,upperdir=/diff,workdir=/work
813 812 0:92 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
820 812 0:95 / /run rw,nosuid,nodev - tmpfs tmpfs rw,size=64k
830 812 8:1 /tmp/awx_41_x1 /runner rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw
840 812 8:1 /srv/intercloud-vpn /srv/state rw,relatime shared:1 - ext4 /dev/sda1 rw
841 840 0:96 / /srv/state/scratch rw,relatime - tmpfs none rw
842 812 8:1 /srv/a\\040b /srv/a\\040b rw,relatime - xfs /dev/sda1 rw
850 812 0:97 / /etc/vpn rw,relatime - overlay overlay rw,lowerdir=/etc/vpn,upperdir=/u,workdir=/w
860 812 8:1 /var/lib/kubelet/pods/6f/volumes/kubernetes.io~empty-dir/work /work rw,relatime - xfs /dev/sda1 rw
861 812 8:16 / /claim rw,relatime - ext4 /dev/sdb rw
870 812 8:1 /var/lib/containers/storage/volumes/UNNAMED/_data /unnamed rw,relatime - ext4 /dev/sda1 rw
871 812 8:1 /var/lib/containers/storage/volumes/vpn-state/_data /named rw,relatime - ext4 /dev/sda1 rw
""".replace("UNNAMED", "0123456789abcdef" * 4)

STAYS = ("/srv/state", "/srv/state/ca/acme", "/srv/a b/c", "/claim", "/named")
LOST = {
    "/var/lib/intercloud-vpn": "the container's own file system",
    "/srv/stately": "the container's own file system",
    "/run/vpn": "the memory file system at /run",
    "/srv/state/scratch/x": "the memory file system at /srv/state/scratch",
    "/etc/vpn": "the overlay at /etc/vpn (is it mounted with :O?)",
    "/work/state": "the emptyDir volume at /work",
    "/unnamed": "the unnamed volume at /unnamed",
    "/runner/project/state": "the job's private data directory /runner",
}


@pytest.mark.parametrize("path", STAYS)
def test_what_is_mounted_stays(path: str) -> None:
    assert why_lost(path, read_mounts(MOUNTS), "/runner") is None


@pytest.mark.parametrize("path", LOST)
def test_what_goes_with_the_container_is_lost(path: str) -> None:
    assert why_lost(path, read_mounts(MOUNTS), "/runner") == LOST[path]


def test_a_disk_of_its_own_makes_a_machine_whatever_it_was_made_from() -> None:
    disk = read_mounts("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n")
    assert not in_container(disk, {})
    assert in_container(disk, {"KUBERNETES_SERVICE_HOST": "10.96.0.1"})


# Kubernetes stands for a container: what else says so is not ours to make here.
JOB = {"AWX_ISOLATED_DATA_DIR": "/runner/artifacts/41", "KUBERNETES_SERVICE_HOST": "10.96.0.1"}


def test_only_a_job_on_a_vcc_server_of_its_own_is_refused() -> None:
    assert is_job(JOB) and not is_job({})
    root = {"state_dir": "/nonexistent/vpn", "ledger": "postgresql://vpn@db/vpn"}
    require_lasting(root, "ssh", JOB)
    require_lasting(root, "local", {**JOB, "AWX_ISOLATED_DATA_DIR": ""})
    require_lasting(root, "local", {key: JOB[key] for key in list(JOB)[:1]}, part=True)
    require_lasting({}, "local", JOB)
    with pytest.raises(AnsibleActionFail) as caught:
        require_lasting(root, "local", JOB)
    assert "vcc_state_dir: /nonexistent/vpn is on the container's own file system" in str(caught.value)
    assert "vcc_ledger" not in str(caught.value).partition("Do one of these")[0]


def test_a_ledger_beside_the_state_directory_is_looked_for_where_it_is() -> None:
    with pytest.raises(AnsibleActionFail, match=r"vcc_ledger: /nonexistent/l\.sqlite is on the container's own"):
        require_lasting({"ledger": "sqlite:////nonexistent/l.sqlite?timeout=5"}, "local", JOB)


@pytest.mark.parametrize("action", ["ledger_nodes", "vpn_history"])
def test_actions_that_only_read_refuse_too(action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty ledger knows no VPN: uninstall would say that the ledger is lost, and how to go on all the same."""

    def lost(*_given: Any) -> None:
        raise AnsibleActionFail("lost")

    module = importlib.import_module(f"ansible_collections.intercloud.vpn.plugins.action.{action}")
    monkeypatch.setattr(module, "require_sound_run", lambda *_given: None)
    monkeypatch.setattr(module.ActionModule, "require_lasting", lost)
    plugin = object.__new__(module.ActionModule)
    plugin._templar = None
    with pytest.raises(AnsibleActionFail, match="lost"):
        plugin.check({})
