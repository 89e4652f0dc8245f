# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs this package on a machine that does not have it: out of what the controller sends, without a file.

The controller sends this file as it is and has it run (plugins/plugin_utils/_sent.py): it imports nothing of this
package. It reads three lines: its own files, packed; which module is asked for; with what. It prints a line
``{"sent": true}`` before it begins, and then a line ``{"result": …}``.
"""

from __future__ import annotations

import base64
import importlib
import importlib.abc
import importlib.machinery
import json
import sys
import zlib
from typing import Any

PACKAGE = "intercloud_vpn_node"


class Sources(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports modules from their texts, by name. Each is compiled when it is asked for, and not before."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def find_spec(self, fullname: str, _path: Any = None, _target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module of this package. None for all others, which Python looks for elsewhere."""
        if fullname not in self.texts:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=self.is_package(fullname))

    def is_package(self, fullname: str) -> bool:
        """Whether there are modules in it."""
        return any(name.startswith(f"{fullname}.") for name in self.texts)

    def get_code(self, fullname: str) -> Any:
        """With the module's name where a traceback has a file's."""
        return self.source_to_code(self.get_source(fullname), fullname)

    def get_source(self, fullname: str) -> str:
        """The agent is installed from what is told here."""
        return self.texts[fullname]


def main() -> None:
    """Do what was sent, and tell what came of it."""
    read = sys.stdin.buffer.readline
    texts = json.loads(zlib.decompress(base64.b64decode(read())))
    name, asked = read().decode().strip(), json.loads(read())
    sys.meta_path.insert(0, Sources(texts))
    calls = importlib.import_module(f"{PACKAGE}.calls")
    sys.stdout.write(f"\n{json.dumps({'sent': True})}\n")  # what greets may not end its line
    sys.stdout.flush()
    result = calls.result_of(name, asked)
    sys.stdout.write(f"{json.dumps({'result': result})}\n")


if __name__ == "__main__":
    main()
