# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories of docs/ovf.md and of the plugin's examples are read; messages on the page are those of the code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.intercloud.vpn.plugins.module_utils._base.problems import Problems
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.catalog import Catalog, Seen, publish
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.choice import OF_PACKAGES
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.descriptor import OURS
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.load import load_packages
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.publication import read_publication
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.published import read_catalog
from ansible_collections.intercloud.vpn.plugins.module_utils._ovf.shown import catalog_lines, listing
from ansible_collections.intercloud.vpn.tests.docs.pages import ROOT, blocks
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._ovf.packages import (
    TODAY,
    Signer,
    archive,
    envelope,
    refusals,
    vm,
    whole,
)

PAGE = ROOT / "docs/ovf.md"
CONSTRUCTED = {"plugin", "packages", "catalog", "compose", "groups", "keyed_groups", "strict"}
NETWORK = "VM Network"
SIGNER = Signer("vendor")


def inventories() -> list[Any]:
    """Those of the page, and those of the plugin's own documentation."""
    tree = ast.parse((ROOT / "plugins/inventory/ovf.py").read_text(encoding="utf-8"))
    examples = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES"
    )
    texts = [block.text for block in blocks(PAGE) if block.language == "yaml" and "plugin:" in block.text]
    texts += [f"plugin:{part}" for part in examples.split("plugin:")[1:]]
    return [yaml.safe_load(text) for text in texts]


def made(name: str, path: Path) -> None:
    """A package with one VM, and a signature."""
    path.parent.mkdir(exist_ok=True)
    networks = (NETWORK, "Management") if name == "mail" else ("org",) if name == "shop" else (NETWORK,)
    ours = f'<VpnSection xmlns="{OURS}"><Network name="org" kind="org"/></VpnSection>' if name == "shop" else ""
    address = "" if name == "web" else "10.10.0.31"
    files = whole({f"{name}.ovf": envelope(vm(name, address, networks[0]), networks=networks, more=ours)}, name)
    signature = {f"{name}.cert": SIGNER.sign(f"{name}.mf", files[f"{name}.mf"])}
    archive(path, {**files, **signature})


def published(state: Path, organization: str, name: str) -> None:
    made(name, state / f"{name}.ova")
    problems = Problems()
    found = read_publication(str(state / f"{name}.ova"), "/", None, False, TODAY, problems)
    assert found is not None, list(problems)
    seen = Seen(found.version, 1, "ann", "today", found.files, dict(found.texts))
    Catalog(str(state)).change(organization, name, lambda entry: publish(entry, seen, ["node-east"]))


@pytest.mark.parametrize("content", inventories())
def test_it_is_read(content: dict[str, Any], tmp_path: Path) -> None:
    common = {key: value for key, value in content.items() if key not in CONSTRUCTED}
    assert set(common) <= set(OF_PACKAGES)
    fleet = tmp_path / "my_fleet"
    fleet.mkdir()
    for place in (tmp_path, fleet):
        made("shop", place / "shop.ova")
        made("shop", place / "packages/shop.ova")
        made("mail", place / "catalog/mail.ova")
        for path in (place / "web.ova", place / "packages/web.ova"):
            made("web", path)
        (place / "authorities.pem").write_bytes(SIGNER.pem)
    problems = Problems()
    catalog = [{**entry, "directory": str(tmp_path)} for entry in content.get("catalog", ())]
    for entry in catalog:
        published(tmp_path, entry["organization"], entry["templates"])
    published_ones = read_catalog(catalog, common, str(fleet), problems)
    found = load_packages(content.get("packages", ()), common, str(fleet), TODAY, problems, published_ones)
    problems.raise_if_any()
    assert len(found.hosts) == len([*content.get("packages", ()), *catalog]) > 0


def test_the_mistakes_are_those_that_are_reported(tmp_path: Path) -> None:
    quoted = next(block.text for block in blocks(PAGE) if block.language == "text").splitlines()[1:]
    archive(tmp_path / "web.ova", whole({"web.ovf": envelope(vm("web", network=NETWORK), networks=(NETWORK,))}, "web"))
    db = f'<VirtualSystemCollection ovf:id="shop">{vm("db", "")}</VirtualSystemCollection>'
    archive(tmp_path / "shop.ova", whole({"shop.ovf": envelope(db)}, "shop"))
    said = [
        *refusals(tmp_path / "web.ova"),
        *refusals(tmp_path / "shop.ova", networks={"lan": "org"}),
    ]
    # Their lines and their places differ with the package.
    assert [one.split(": ", 1)[1] for one in said] == [one.split(": ", 1)[1] for one in quoted]
    assert all("Envelope/" in one.split(": ", 1)[0] for one in (*said, *quoted))


def test_the_catalog_is_shown_as_on_the_page() -> None:
    quoted = next(block.text for block in blocks(PAGE) if block.language == "text" and "node-east" in block.text)
    index: dict[str, Any] = {"organization": "acme", "template": "payroll", "version": "7ddb6a5dcb5d" + "0" * 52}
    index |= {"size": 20 << 20, "files": 3, "by": "ann", "at": "2026-03-01T09:20:11Z"}
    index["holders"] = dict.fromkeys(("node-east", "node-west"), index["version"])
    copies = {
        node: {"version": index["version"], "damaged": damaged, "parts": 0}
        for node, damaged in (("node-east", []), ("node-west", ["disk.vmdk"]))
    }
    answers = {node: {"templates": {"acme": {"payroll": copy}}} for node, copy in copies.items()}
    assert catalog_lines(listing([index], answers, [*copies], "all")) == quoted.splitlines()
