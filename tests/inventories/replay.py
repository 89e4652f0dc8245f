# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the clouds' inventory plugins: the same options, applied in the same order, to what a file says.

The file is REPLAY/<plugin>.json: a list of what the plugin would say of each instance. What is not known here of an
option's syntax is an error, never let pass.
"""

from __future__ import annotations

import collections
import fnmatch
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable

try:
    from ansible.template import trust_as_template as template
except ImportError:  # before ansible-core 2.19 every text is a template
    template = str

Vars = dict[str, Any]
Host = tuple[str, Vars, Vars]
"""Its name, what expressions see, and the variables that it gets."""


def first(names: Iterable[Any]) -> Any:
    """The first name that is one."""
    return next(filter(None, names), None)


class Replay(BaseInventoryPlugin, Constructable):
    """A plugin for all; a subclass per cloud says what differs."""

    NAME: str
    compose, groups, strict = "compose", "groups", "strict"
    """What the plugin's options are called."""
    compose_strict: bool | None = None
    """Whether a wrong expression is an error, where the option `strict` does not say so."""

    def hosts(self, found: list[Vars]) -> Iterator[Host]:
        raise NotImplementedError

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        text = Path(os.environ["REPLAY"], f"{self.NAME}.json").read_text(encoding="utf-8")
        strict = boolean(self.get_option(self.strict))
        composed = self.get_option(self.compose)
        for name, seen, variables in self.hosts(json.loads(text)):
            self.inventory.add_host(name)
            for key, value in variables.items():
                self.inventory.set_variable(name, key, value)
            self._set_composite_vars(
                composed, seen, name, strict=strict if self.compose_strict is None else self.compose_strict
            )
            self._add_host_to_composed_groups(self.get_option(self.groups), seen, name, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), seen, name, strict=strict)


class Aws(Replay):
    NAME = "amazon.aws.aws_ec2"

    def hosts(self, found: list[Vars]) -> Iterator[Host]:
        filters = self.get_option("filters")
        for one in sorted(found, key=lambda each: each["instance_id"]):
            if one["placement"]["region"] not in self.get_option("regions"):
                continue
            name = first(self._name(one, each) for each in self.get_option("hostnames"))
            if name and all(self._has(one, key, value) for key, value in filters.items()):
                variables = {self.get_option("hostvars_prefix") + key: value for key, value in one.items()}
                yield name, variables, variables

    def _has(self, one: Vars, key: str, wanted: Any) -> bool:
        wanted = wanted if isinstance(wanted, list) else [wanted]
        values = {"tag-key": list(one["tags"]), "instance-state-name": [one["state"]["name"]]}[key]
        return any(fnmatch.fnmatchcase(value, pattern) for value in values for pattern in wanted)

    def _name(self, one: Vars, preference: str) -> Any:
        kind, _colon, tag = preference.partition(":")
        return one["tags"].get(tag) if kind == "tag" else one[preference.replace("-", "_")]


class Azure(Replay):
    NAME = "azure.azcollection.azure_rm"
    compose, groups, strict = "hostvar_expressions", "conditional_groups", "fail_on_template_errors"

    def hosts(self, found: list[Vars]) -> Iterator[Host]:
        leaves_out = self.get_option("exclude_host_filters") + self.get_option("default_host_filters")
        for one in found:
            name = first(self._compose(each, one) for each in self.get_option("hostnames"))
            if not self._any(leaves_out, one) and self._any(self.get_option("include_host_filters"), one):
                address = next(iter(one["public_ipv4_address"] + one["private_ipv4_addresses"]), None)
                yield name, one, {"ansible_host": address, **one}

    def _any(self, conditions: list[str], one: Vars) -> bool:
        self.templar.available_variables = one
        texts = (f"{{% if {condition} %}}true{{% else %}}false{{% endif %}}" for condition in conditions)
        return any(boolean(self.templar.template(template(text))) for text in texts)


class Gcp(Replay):
    NAME = "google.cloud.gcp_compute"
    compose_strict = False

    def hosts(self, found: list[Vars]) -> Iterator[Host]:
        for one in found:
            if all(self._matches(text, one) for text in self.get_option("filters")):
                for preference in self.get_option("hostnames"):
                    kind, _dot, label = preference.partition(".")
                    name = one.get("labels", {}).get(label) if kind == "labels" else one[preference]
                    if name:
                        yield name, one, {self.get_option("vars_prefix") + key: value for key, value in one.items()}
                        break

    def _matches(self, text: str, one: Vars) -> bool:
        if not re.fullmatch(r"\(.*\)", text):
            raise AnsibleParserError(f"{text!r}: in brackets, or several filters would not be one")
        return any(self._is(part, one) for part in text[1:-1].split(" OR "))

    def _is(self, part: str, one: Vars) -> bool:
        if there := re.fullmatch(r"labels\.([a-z0-9_-]+):\*", part):
            return there[1] in one.get("labels", {})
        if differs := re.fullmatch(r"status != ([A-Z]+)", part):
            return bool(one["status"] != differs[1])
        raise AnsibleParserError(f"{part!r} is not a filter that is known here")


class Openstack(Replay):
    NAME = "openstack.cloud.openstack"
    compose_strict = True

    def hosts(self, found: list[Vars]) -> Iterator[Host]:
        assert self.get_option("inventory_hostname") == "name" and not self.get_option("legacy_groups")
        count = collections.Counter(one["name"] for one in found)
        for one in found:
            if self.get_option("show_all") or one["addresses"]:
                name = one["name"] if count[one["name"]] == 1 else one["id"]
                yield name, {"openstack": one}, {"openstack": one}


class Vmware(Replay):
    NAME = "vmware.vmware.vms"

    def hosts(self, found: list[Vars]) -> Iterator[Host]:
        seen: dict[str, Vars] = {}
        for one in found:
            name = first(self._compose(each, one) for each in self.get_option("hostnames"))
            if name in seen:
                raise AnsibleParserError(f"{seen[name]['moid']} and {one['moid']} have one name: {name}")
            if not any(self._compose(condition, one) for condition in self.get_option("filter_expressions")):
                seen[name] = one
                yield name, one, {"ansible_host": "", **{f"vmware_{key}": value for key, value in one.items()}}


PLUGINS = {each.NAME: each for each in (Aws, Azure, Gcp, Openstack, Vmware)}
