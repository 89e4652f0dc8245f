# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that a machine is sent over one SSH command, without a file. A module costs both sides much more."""

from __future__ import annotations

import base64
import functools
import json
import shlex
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

from ansible import constants as C

from ansible_collections.intercloud.vpn.plugins.module_utils._node.system.install import HOME, sources

# Begins with its name, for logs. It imports nothing from the directory it begins in. The first lines run with every
# Python: one that is too old for the rest at least says which it is.
_PROGRAM = """\
import sys;n="{name}";sys.path=[p for p in sys.path if p]
import base64,json,zlib
v=sys.version_info
if v<(3,7):print(json.dumps({{"survey":{{"python":".".join(map(str,v[:3]))}}}}));sys.exit()
exec(compile(zlib.decompress(base64.b64decode("{code}")),n,"exec"))
"""


@functools.cache
def program(module: ModuleType) -> str:
    """A whole module that imports nothing of ours, as a program of some lines."""
    path = Path(str(module.__file__))
    code = zlib.compress(path.read_bytes(), 9)
    return _PROGRAM.format(code=base64.b64encode(code).decode(), name=f"intercloud_vpn_{path.stem}")


@functools.cache
def packed() -> str:
    """The package that runs on nodes, as `_node/sent.py` reads it."""
    texts = {}
    for path, text in sources().items():
        if path.endswith(".py"):
            parts = PurePath(path).relative_to(HOME).with_suffix("").parts
            texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = text
    return base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode()


def asking(module: str, asked: str) -> bytes:
    """What `_node/sent.py` reads."""
    return f"{packed()}\n{module}\n{asked}\n".encode()


def command(python: str, module: ModuleType) -> str:
    """The shell's words for a program."""
    return f"{python} -c {shlex.quote(program(module))}"


def python_of(variables: Mapping[str, Any], templar: Any) -> str:
    """The shell's word for a machine's Python."""
    configured = C.config.get_config_value("INTERPRETER_PYTHON")
    named = str(templar.template(variables.get("ansible_python_interpreter") or configured or "auto"))
    return interpreter(named, C.config.get_config_value("INTERPRETER_PYTHON_FALLBACK", variables=dict(variables)))


def interpreter(named: str, known: Sequence[str]) -> str:
    """The shell's word for the Python that the inventory names, else for what Ansible will discover among the known."""
    if not named.startswith("auto"):
        return shlex.quote(named)
    return f'"$(for python in {shlex.join([*known, "python3"])}; do command -v "$python" && break; done)"'
