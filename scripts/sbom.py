# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the software bill of materials of a release, CycloneDX 1.6 as JSON.

    sbom.py TARBALL SECONDS_SINCE_1970

It lists:

- the software of others in the tarball (elkjs)
- the files that report_vpn puts into a page
- the Python packages that requirements.txt asks for, with what those need, in the versions that the release was tested
  with (requirements-dev.lock)
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = "plugins/plugin_utils/page"
LICENCE = [{"license": {"id": "GPL-3.0-or-later"}}]


class Locked(NamedTuple):
    """A package of the lock file: its version, the marker that it is for, and the packages and files that want it."""

    name: str
    version: str
    marker: str
    via: frozenset[str]

    @property
    def ref(self) -> str:
        """Its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(text: str) -> list[Locked]:
    """The packages of a lock file that uv wrote with hashes."""
    found = []
    for block in re.split(r"\n(?=[a-z0-9])", text):
        if match := re.match(r"([a-z0-9.-]+)(?:\[[^]]*\])?==(\S+)(?: ; ([^\\]+))?", block):
            via = re.search(r"# via(.*)\Z", block, re.DOTALL)
            wanted = (
                frozenset(re.sub(r"\[.*", "", w) for w in via.group(1).replace("#", " ").split())
                if via
                else frozenset()
            )
            found.append(Locked(match[1], match[2], (match[3] or "").strip(), wanted))
    return found


def needed(packages: list[Locked]) -> list[Locked]:
    """The packages that requirements.txt asks for, and what those need."""
    names: set[str] = set()
    while True:
        more = {one.name for one in packages if "requirements.txt" in one.via or one.via & names}
        if more <= names:
            return [one for one in packages if one.name in names]
        names |= more


def digest(content: bytes) -> list[dict[str, str]]:
    """As CycloneDX has it."""
    return [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]


def elkjs(files: dict[str, bytes]) -> dict[str, Any]:
    """The layout library; its file VERSION says what it is."""
    facts = dict(re.findall(r"^([\w.-]+): (.*)$", files[f"{PAGE}/elkjs/VERSION"].decode(), re.MULTILINE))
    ref = f"pkg:npm/{facts['name']}@{facts['version']}"
    return {
        "type": "library",
        "bom-ref": ref,
        "name": facts["name"],
        "version": facts["version"],
        "purl": ref,
        "licenses": [{"expression": facts["licence"]}],
        "hashes": digest(files[f"{PAGE}/elkjs/elk-worker.min.js"]),
        "externalReferences": [{"type": "vcs", "url": facts["source"]}],
        "properties": [{"name": "intercloud.vpn:file", "value": f"{PAGE}/elkjs/elk-worker.min.js"}],
    }


def sbom(tarball: Path, when: int) -> dict[str, Any]:
    """The document; equal for equal tarballs and times."""
    with tarfile.open(tarball) as tar:
        files = {i.name: f.read() for i in tar.getmembers() if i.isfile() and (f := tar.extractfile(i)) is not None}
    about = json.loads(files["MANIFEST.json"])["collection_info"]
    name = f"{about['namespace']}.{about['name']}"
    ref = f"pkg:generic/{name}@{about['version']}"
    packages = needed(locked((ROOT / "requirements-dev.lock").read_text(encoding="utf-8")))
    page = [path for path in sorted(files) if path.startswith(f"{PAGE}/") and "/elkjs/" not in path]
    library = elkjs(files)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(tarball.read_bytes()).hexdigest())}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(when, timezone.utc).isoformat(),
            "component": {
                "type": "application",
                "bom-ref": ref,
                "name": name,
                "version": about["version"],
                "description": about["description"],
                "licenses": LICENCE,
                "hashes": digest(tarball.read_bytes()),
                "externalReferences": [{"type": "vcs", "url": about["repository"]}],
            },
        },
        "components": [
            library,
            *(
                {"type": "file", "bom-ref": path, "name": path, "licenses": LICENCE, "hashes": digest(files[path])}
                for path in page
            ),
            *(
                {
                    "type": "library",
                    "bom-ref": one.ref,
                    "name": one.name,
                    "version": one.version,
                    "purl": one.ref,
                    "scope": "required",
                    **({"properties": [{"name": "intercloud.vpn:marker", "value": one.marker}]} if one.marker else {}),
                }
                for one in packages
            ),
        ],
        "dependencies": [
            {
                "ref": ref,
                "dependsOn": sorted(
                    [library["bom-ref"], *page, *(one.ref for one in packages if "requirements.txt" in one.via)]
                ),
            },
            *(
                {"ref": one.ref, "dependsOn": sorted({o.ref for o in packages if one.name in o.via})}
                for one in packages
            ),
        ],
    }


if __name__ == "__main__":
    print(json.dumps(sbom(Path(sys.argv[1]), int(sys.argv[2])), indent=2))
