# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that bench_render calls: writes an edge's files to a folder."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Write the files."""
    module = AnsibleModule({"folder": {"type": "path"}, "files": {"type": "dict", "no_log": False}})
    folder = Path(module.params["folder"])
    folder.mkdir(parents=True)
    for name, content in module.params["files"].items():
        (folder / name).write_text(content, encoding="utf-8")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
