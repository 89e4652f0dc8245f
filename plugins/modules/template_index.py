#!/usr/bin/python
# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the index of the catalog on the VCC server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: template_index
short_description: Keep the index of published packages
version_added: 1.0.0
author: The intercloud.vpn developers (@intercloud)
description:
  - The index says which packages each organization published, which VCC nodes hold them, and has their descriptors,
    manifests and certificates. The inventory plugin P(intercloud.vpn.ovf#inventory) reads it.
  - O(step=plan) verifies a package on the controller, finds the VCC nodes for it, and notes that they may hold it.
    O(step=note) notes what became of it, after M(intercloud.vpn.node_templates) has run on the nodes.
  - Runs on the VCC server, usually by C(delegate_to).
extends_documentation_fragment:
  - intercloud.vpn.ledger
  - intercloud.vpn.ledger.state_dir
  - intercloud.vpn.attributes
options:
  step:
    description: Before the nodes are told, V(plan), or after it, V(note).
    type: str
    choices: [plan, note]
    required: true
  state:
    description: Whether a template is published, V(present), or taken back, V(absent). V(listed) changes nothing.
    type: str
    choices: [present, absent, listed]
    default: listed
  organizations:
    description:
      - The organization whose the template is. With O(state=listed), those to list. All of the inventory when empty.
    type: list
    elements: str
    default: []
  template:
    description:
      - The template's name. With O(state=present), the package's name without its ending when it is not given.
      - With O(state=absent), V(all) stands for all templates of the organization.
    type: str
    default: ""
  package:
    description: The package, a file C(*.ova) or C(*.ovf), or a folder with one, on the controller.
    type: path
  clouds:
    description: The clouds whose VCC nodes are meant. All that the organization has an edge or a vApp in when empty.
    type: list
    elements: str
    default: []
  trusted:
    description:
      - A file on the controller with authorities, PEM. The package must be signed, and one of them must vouch for it.
    type: path
  sha1:
    description: Whether digests and signatures with SHA-1 are enough.
    type: bool
    default: false
  forget:
    description: VCC nodes that will never come back. The index forgets that they hold anything.
    type: list
    elements: str
    default: []
  planned:
    description: With O(step=note), what O(step=plan) returned.
    type: dict
  variable:
    description:
      - With O(step=note), under which name the nodes registered what M(intercloud.vpn.node_templates) returned.
    type: str
    default: vcc_node_template
  asked:
    description: What the action plugin asks the VCC server. Filled in by it.
    type: dict
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: intercloud.vpn.node_templates
  - plugin: intercloud.vpn.ovf
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Verify a package, and find the VCC nodes for it
  intercloud.vpn.template_index:
    step: plan
    state: present
    organizations: [acme]
    package: payroll.ova
  delegate_to: "{{ groups.vcc_server | first }}"
  run_once: true
  register: vcc_server_template
"""

RETURN = r"""
state:
  description: As it was given.
  type: str
  returned: success
targets:
  description: The VCC nodes that are told.
  type: list
  elements: str
  returned: with O(step=plan)
stray:
  description: VCC nodes that hold the template, and may not any more. They are not told.
  type: list
  elements: str
  returned: with O(step=plan) and O(state=present)
may:
  description: Of which organizations each VCC node may hold templates. What it says of others is left out.
  type: dict
  returned: with O(step=plan) and O(state=listed)
ledger:
  description: The ledger's id; empty where there is no ledger yet.
  type: str
  returned: with O(step=plan)
publication:
  description: The version, serial, files, who published it and when.
  type: dict
  returned: with O(step=plan)
serials:
  description: The templates to remove, each with the serial of the removal.
  type: dict
  returned: with O(step=plan)
unknown:
  description: Of the templates to remove, those that the index does not have, each with what may have been meant.
  type: dict
  returned: with O(step=plan) and O(state=absent)
templates:
  description: What the index has, a list of templates.
  type: list
  elements: dict
  returned: with O(state=listed)
"""

import base64
import datetime
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import did_you_mean
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf import catalog as _catalog
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.names import EVERY
from ansible_collections.intercloud.vpn.plugins.module_utils._server import (
    LEDGER_ARGUMENTS,
    STATE_DIR_ARGUMENT,
    ledger_is_missing,
    read_ledger,
)

ARGUMENTS = {
    **LEDGER_ARGUMENTS,
    **STATE_DIR_ARGUMENT,
    "step": {"type": "str", "choices": ["plan", "note"], "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "listed"], "default": "listed"},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "template": {"type": "str", "default": ""},
    "package": {"type": "path"},  # these are the action plugin's
    "clouds": {"type": "list", "elements": "str", "default": []},
    "trusted": {"type": "path"},
    "sha1": {"type": "bool", "default": False},
    "forget": {"type": "list", "elements": "str", "default": []},
    "planned": {"type": "dict"},
    "variable": {"type": "str", "default": "vcc_node_template"},
    "asked": {"type": "dict"},  # and this is from it
}


def run(module: AnsibleModule) -> None:
    """The module's work."""
    given, catalog = module.params, _catalog.Catalog(module.params["state_dir"])
    asked = given["asked"] or {}
    ledger = "" if ledger_is_missing(module) else read_ledger(module, lambda ledger: ledger.ledger_id())
    work = {
        ("plan", "present"): _plan_present,
        ("plan", "absent"): _plan_absent,
        ("plan", "listed"): _list,
        ("note", "present"): _note_present,
        ("note", "absent"): _note_absent,
    }.get((given["step"], given["state"]))
    try:
        result = work(catalog, asked, given, module.check_mode) if work else {}
    except (VccError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**{"changed": False, "ledger": ledger, **result})


def _plan_present(
    catalog: _catalog.Catalog, asked: dict[str, Any], given: dict[str, Any], check: bool
) -> dict[str, Any]:
    """The serial of a publication; that its nodes may hold something from now on is written before they are told."""
    whose, template, version = asked["organization"], asked["template"], asked["version"]
    found: list[_catalog.Entry] = []

    def work(entry: _catalog.Entry) -> _catalog.Entry:
        found.append(_catalog.reserve(entry, version, asked["nodes"]))
        return found[0]

    catalog.change(whose, template, work, check)
    (entry,) = found
    seen = _catalog.kept(entry, version)
    return {
        "serial": _catalog.serial_of(entry, version),
        "by": seen.by if seen else given["who"],
        "at": seen.at if seen else f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "holders": dict(entry.holders),
    }


def _plan_absent(
    catalog: _catalog.Catalog, asked: dict[str, Any], given: dict[str, Any], check: bool
) -> dict[str, Any]:
    """Of each template its serial and its holders; of one that the index does not have, what may have been meant."""
    whose, named = asked["organization"], asked["template"]
    serials: dict[str, int] = {}
    unknown: dict[str, str] = {}
    known = catalog.templates(whose)
    holders: set[str] = set()

    def work(entry: _catalog.Entry) -> _catalog.Entry:
        serials[template] = _catalog.next_serial(entry)
        holders.update(entry.holders)
        there = entry.seen is not None or entry.holders
        if not there:
            unknown[template] = did_you_mean(template, known)
        return replace(entry, reserved=serials[template]) if there else entry

    for template in known if named == EVERY else [named]:
        catalog.change(whose, template, work, check)
    return {"serials": serials, "holders": sorted(holders), "unknown": unknown}


def _list(catalog: _catalog.Catalog, asked: dict[str, Any], given: dict[str, Any], check: bool) -> dict[str, Any]:
    found = []
    for organization in asked["organizations"]:
        for template in catalog.templates(organization):
            entry, wrong = _catalog.Entry(), ""
            try:
                entry = catalog.read(organization, template)
            except VccError as error:  # others are listed
                wrong = str(error)
            seen = entry.seen
            found.append(
                {
                    "organization": organization,
                    "template": template,
                    "version": seen.version if seen else "",
                    "size": seen.size if seen else 0,
                    "files": len(seen.files) if seen else 0,
                    "by": seen.by if seen else "",
                    "at": seen.at if seen else "",
                    "holders": dict(entry.holders),
                    "wrong": wrong,
                }
            )
    return {"templates": found}


def _note_present(
    catalog: _catalog.Catalog, asked: dict[str, Any], given: dict[str, Any], check: bool
) -> dict[str, Any]:
    said = asked["publication"]
    texts = {name: base64.b64decode(text) for name, text in asked["texts"].items()}
    seen = _catalog.Seen(said["version"], int(said["serial"]), said["by"], said["at"], said["files"], texts)

    def work(entry: _catalog.Entry) -> _catalog.Entry:
        return _catalog.forget(_catalog.publish(entry, seen, asked["done"]), asked["forget"])

    changed = catalog.change(asked["organization"], asked["template"], work, check)
    return {"changed": changed, "holders": _holders(catalog, asked, [asked["template"]], work if check else None)}


def _note_absent(
    catalog: _catalog.Catalog, asked: dict[str, Any], given: dict[str, Any], check: bool
) -> dict[str, Any]:
    changed, left = False, {}
    for template, serial in asked["serials"].items():

        def work(entry: _catalog.Entry, serial: int = int(serial)) -> _catalog.Entry:
            return _catalog.forget(
                _catalog.withdraw(entry, serial, asked["done"], bool(asked["whole"])), asked["forget"]
            )

        changed |= catalog.change(asked["organization"], template, work, check)
        left.update(_holders(catalog, asked, [template], work if check else None))
    return {"changed": changed, "holders": left}


def _holders(catalog: _catalog.Catalog, asked: dict[str, Any], templates: list[str], work: Any) -> dict[str, Any]:
    """Which nodes hold a template afterwards, by template."""
    found = {}
    for template in templates:
        entry = catalog.read(asked["organization"], template)
        found[template] = dict((work(entry) if work else entry).holders)
    return found


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
