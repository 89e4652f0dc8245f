# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plugins' pages name of Ansible's own documentation: found without asking the network for its index."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

DOCS = "https://docs.ansible.com/ansible/latest/"
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
BUILTIN = re.compile(r"ansible_collections\.ansible\.builtin\.([a-z_]+)$")


def address(label: str) -> str | None:
    """Where a label of Ansible's documentation leads; None for one that is not known, about which Sphinx warns."""
    builtin = BUILTIN.match(label)
    page = f"collections/ansible/builtin/{builtin[1]}.html" if builtin else LABELS.get(label)
    return page and DOCS + page


def resolve(_app: Any, _env: Any, node: Any, text: Any) -> nodes.reference | None:
    """Sphinx's event ``missing-reference``."""
    found = address(node.get("reftarget", "")) if node.get("reftype") == "ref" else None
    return found and nodes.reference("", "", text, internal=False, refuri=found)


def setup(app: Any) -> dict[str, bool]:
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
