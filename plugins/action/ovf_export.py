# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write vApps as OVF packages, on the controller."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, ClassVar

from ansible.utils.display import Display

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory, write_whole
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.certificate import check_signature, sign_manifest
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.errors import PackageError
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.package import CERT, MF, OVF
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.vapp import Hardware, find_vapp
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.write import VERSIONS, descriptor, manifest
from ansible_collections.intercloud.vpn.plugins.plugin_utils._action import LocalAction
from ansible_collections.intercloud.vpn.plugins.plugin_utils._inventory import read_hosts
from ansible_collections.intercloud.vpn.plugins.plugin_utils._plan_file import load_plan


class ActionModule(LocalAction):
    """Action plugin of M(intercloud.vpn.ovf_export)."""

    ARGUMENTS: ClassVar = {
        "plan": {"type": "path", "required": True},
        "vapps": {"type": "list", "elements": "str", "required": True},
        "dest": {"type": "path", "default": "."},
        "version": {"type": "str", "choices": [*VERSIONS], "default": "1.1"},
        "cpus": {"type": "int", "default": 1},
        "memory": {"type": "int", "default": 1024},
        "key": {"type": "path"},
        "certificate": {"type": "path"},
    }

    def work(self, given: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """One that would write what is there already changes nothing."""
        if (given["key"] is None) != (given["certificate"] is None):
            raise VccError("key and certificate go together")
        plan = load_plan(given["plan"])[0]
        hosts, hardware = read_hosts(task_vars), Hardware(given["cpus"], given["memory"])
        folder = Path(given["dest"]).expanduser()
        wanted: dict[Path, bytes] = {}
        problems = Problems()
        for name in dict.fromkeys(given["vapps"]):
            try:
                vapp = find_vapp(name, hosts, plan["vpns"], task_vars["groups"], hardware)
            except PackageError as error:
                problems.extend([error])
                continue
            content = descriptor(vapp, given["version"])
            summed = manifest(f"{name}{OVF}", content)
            wanted.update({folder / f"{name}{OVF}": content, folder / f"{name}{MF}": summed})
            signature = folder / f"{name}{CERT}"
            if given["key"]:
                wanted[signature] = _signature(signature, summed, given)
            elif signature.exists() and _content(folder / f"{name}{MF}") != summed:
                problems.add(
                    str(signature),
                    "signs what was written before, and would not fit; give key and certificate, or remove the file",
                )
        problems.raise_if_any()
        changed = [path for path, content in wanted.items() if not path.exists() or path.read_bytes() != content]
        if changed and not self._task.check_mode:
            make_directory(folder, 0o755)
            for path in changed:
                write_whole(path, wanted[path], 0o644)
        files = [str(path) for path in wanted]
        Display().display("\n".join(file for file in files if file.endswith(OVF)))
        return {"changed": bool(changed), "files": files}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _signature(path: Path, summed: bytes, given: dict[str, Any]) -> bytes:
    """A signature of the manifest: the one that is there, if it is right. With ECDSA a new one would differ."""
    name, today = f"{path.stem}{MF}", datetime.datetime.now(datetime.timezone.utc)
    certificates = Path(given["certificate"]).expanduser().read_bytes()
    fresh = sign_manifest(name, summed, Path(given["key"]).expanduser().read_bytes(), certificates)
    # Nobody would take it with a certificate that has expired, and each run would write another one.
    check_signature(fresh, summed, name, None, sha1=False, today=today, place="certificate")
    chain = fresh.partition(b"\n")[2]
    try:
        there = path.read_bytes()
        check_signature(there, summed, name, None, sha1=False, today=today, place=str(path))
    except (OSError, VccError):
        return fresh
    return there if there.partition(b"\n")[2] == chain else fresh
