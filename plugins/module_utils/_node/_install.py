# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: this very package, installed on the node, so that it can restore and roll back by itself."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from . import _files
from ._document import Change
from ._part import Part

HOME = "/usr/local/lib/intercloud-vpn"
PACKAGE = "intercloud_vpn_node"
AGENT = f"{HOME}/agent"
MODULES = (
    *("__init__", "_addresses", "_agent", "_certificates", "_charon", "_commit", "_confirm", "_connections"),
    *("_document", "_duplicates", "_files", "_install", "_ip", "_links", "_nftables", "_observe", "_part", "_reasons"),
    *("_renew", "_revocations", "_routes", "_run", "_scratch", "_secrets", "_setups", "_state", "_swanctl", "_sysctl"),
    *("_systemd", "_units", "_usage", "_vici", "_x509", "_xfrm"),
)

_LAUNCHER = f"""\
#!/usr/bin/env python3
# Installed by intercloud.vpn; changes are lost. `agent --help` tells what it does.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "{HOME}")
from {PACKAGE}._agent import main

sys.exit(main())
"""


def sources() -> dict[str, str]:
    """The files of the agent by path, read from wherever this package was loaded from (a module's zip file, too)."""
    found = {AGENT: _LAUNCHER}
    for module in MODULES:
        name = __package__ if module == "__init__" else f"{__package__}.{module}"
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{name} was not shipped")
        text = spec.loader.get_source(name)  # type: ignore[attr-defined]
        found[f"{HOME}/{PACKAGE}/{module}.py"] = text or ""
    return found


class Agent(Part):
    """The agent's files. The agent itself, when it commits, finds itself as it is."""

    name = "agent"

    def _installed(self) -> set[str]:
        home = self.store.at(HOME)
        return {f"/{path.relative_to(self.store.root)}" for path in home.rglob("*") if path.is_file()}

    def changes(self) -> list[Change]:
        """Install, update or remove."""
        installed = self._installed()
        if self.want.empty:
            return [Change(self.name, f"remove {HOME}")] if installed else []
        wanted = sources()
        if set(wanted) == installed and all(_files.read(self.store.at(p)) == text for p, text in wanted.items()):
            return []
        return [Change(self.name, f"{'update' if installed else 'install'} {HOME}")]

    def build(self) -> None:
        """Write the files that differ, the launcher last."""
        if self.want.empty or not self.changes():
            return
        wanted = sources()
        for path in sorted(wanted, key=lambda name: name == AGENT):
            if _files.read(self.store.at(path)) != wanted[path]:
                _files.write(self.store.at(path), wanted[path], 0o755 if path == AGENT else 0o644)
        for path in self._installed() - set(wanted):
            Path(self.store.at(path)).unlink()

    def clear(self) -> None:
        """Remove the files."""
        if self.want.empty:
            shutil.rmtree(self.store.at(HOME), ignore_errors=True)
