# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that run on nodes, as argument specifications. Their documentation is in the modules.

Here, because an action plugin validates them, too, when it asks the node's agent in place of a module.
"""

from __future__ import annotations

from typing import Any

Arguments = dict[str, dict[str, Any]]
Rules = dict[str, list[tuple[str, ...]]]

# Documented in plugins/doc_fragments/generation.py.
GENERATION: Arguments = {
    "allow_older": {"type": "bool", "default": False},
    "adopt": {"type": "list", "elements": "str", "default": []},
    "require": {"type": "list", "elements": "raw", "default": []},
}
COMMIT: Arguments = {
    "documents": {"type": "path"},  # for the action plugin, as templates and dhcp_require are
    "document": {"type": "dict"},
    "templates": {"type": "dict", "default": {}},
    "files": {"type": "dict", "default": {}},
    "backend": {"type": "str", "choices": ["xfrm", "libipsec", "none"], "default": "none"},
    "trap": {"type": "bool", "default": False},
    "certificates": {
        "type": "dict",
        "options": {"certificate": {"type": "str"}, "authority": {"type": "str"}, "crl": {"type": "str"}},
    },
    "secrets": {"type": "dict", "no_log": True},
    "confirm_timeout": {"type": "int", "default": 60},
    "lineage": {"type": "dict"},
    "dhcp_require": {"type": "list", "elements": "raw", "default": []},
    **GENERATION,
}
COMMIT_RULES: Rules = {"required_one_of": [("documents", "document")]}
CONFIRM: Arguments = {
    "state": {"type": "str", "choices": ["confirmed", "rolled_back"], "default": "confirmed"},
    "timeout": {"type": "int", "default": 30},
    "generation": {"type": "str", "default": ""},
    "pending": {"type": "bool", "default": False},
    "behind": {"type": "list", "elements": "str", "default": []},
    "lost": {"type": "dict", "default": {}},
    "needed": {"type": "bool", "default": True},  # for the action plugin
}
CRL: Arguments = {
    "organization": {"type": "str", "required": True},
    "crl": {"type": "str", "required": True},
}
ROTATE: Arguments = {
    "organization": {"type": "str", "required": True},
    "order": {"type": "dict"},  # for the action plugin
    "certificate": {"type": "str"},
    "authority": {"type": "str"},
    "crl": {"type": "str"},
    "secrets": {"type": "dict", "no_log": True},
    "settle": {"type": "int", "default": 0},
}
RENEWAL: Arguments = {
    "identity": {"type": "str", "required": True},
    "organization": {"type": "str", "required": True},
    "days": {"type": "int"},
    "certificate": {"type": "str"},
    "replaces": {"type": "str", "default": ""},
}
UNINSTALL: Arguments = {
    "ledger": {"type": "str", "default": ""},
    "vpns": {"type": "dict", "default": {}},
    "generations": {"type": "dict"},
    "allow_older": {"type": "bool", "default": False},
}
# Of a node's family, for the action plugin, which installs them; the node notes what was done.
PACKAGES: Arguments = {
    "packages": {"type": "list", "elements": "str", "required": True},
    "family": {"type": "str", "choices": ["Debian", "RedHat"], "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "links": {"type": "dict", "default": {}},
}
INFO: Arguments = {
    "packages": {"type": "list", "elements": "raw", "default": []},
    "links": {"type": "dict", "default": {}},
    "backend": {"type": "str", "choices": ["auto", "xfrm", "libipsec"], "default": "auto"},
    "days": {"type": "int"},
    "documents": {"type": "path"},  # for the action plugin, and so are the next
    "ssl_packages": {"type": "list", "elements": "raw", "default": []},
    "names_packages": {"type": "list", "elements": "raw", "default": []},
    "bgp_packages": {"type": "list", "elements": "raw", "default": []},
    "pair_packages": {"type": "list", "elements": "raw", "default": []},
}
DRAIN: Arguments = {"drained": {"type": "bool"}}
SLICES: Arguments = {
    "documents": {"type": "path"},
    "slices": {"type": "list", "elements": "dict"},
    "lineage": {"type": "dict", "default": {}},
    **GENERATION,
}
SLICES_RULES: Rules = {"required_one_of": [("documents", "slices")]}
TEMPLATES: Arguments = {
    "state": {"type": "str", "choices": ["present", "absent", "look", "receive", "listed"], "default": "present"},
    "organization": {"type": "str", "default": ""},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "ledger": {"type": "str", "default": ""},
    "template": {"type": "str", "default": ""},
    "serials": {"type": "dict", "default": {}},
    "publication": {"type": "dict"},
    "package": {"type": "path"},  # for the action plugin
    "pieces": {"type": "list", "elements": "dict", "default": []},  # from the action plugin, as is the next
    "source": {"type": "path"},
    "allow_older": {"type": "bool", "default": False},
}
_TARGET: Arguments = {
    "address": {"type": "str", "required": True},
    "source": {"type": "str"},
    "expect": {"type": "str", "choices": ["reachable", "unreachable"], "required": True},
    "vpn": {"type": "str"},
    "dst": {"type": "str"},
    "kind": {"type": "str"},
    "mtu": {"type": "int"},
    "port": {"type": "int"},
    "query": {"type": "str"},
    "found": {"type": "str"},
}
PROBE: Arguments = {  # documented in plugins/doc_fragments/probes.py
    "targets": {"type": "list", "elements": "dict", "options": _TARGET},
    "count": {"type": "int", "default": 3},
    "interval": {"type": "float", "default": 0.2},
    "timeout": {"type": "float", "default": 1.0},
    "settle": {"type": "float", "default": 5.0},
}
# The first two are the action plugin's.
OBSERVE: Arguments = {"look": {"type": "bool", "default": True}, "probes": {"type": "path"}, **PROBE}
OBSERVE_RULES: Rules = {"mutually_exclusive": [("probes", "targets")]}
