# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: the catalog as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .names import EVERY

UNKNOWN: Mapping[str, Any] = {"version": "", "size": 0, "files": 0, "by": "", "at": "", "holders": {}}
"""What the index says of a template that only nodes have."""
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(octets: float) -> str:
    """A number of octets: ``20.0 MiB``."""
    for unit in UNITS[:-1]:
        if octets < 1024:
            return f"{octets:.1f} {unit}" if unit != "B" else f"{int(octets)} B"
        octets /= 1024
    return f"{octets:.1f} {UNITS[-1]}"


def held(version: str, had: Mapping[str, Any] | None, told: str) -> str:
    """What is to be said of a node's copy. ``had``: what the node says; None where it did not. ``told``: what the index
    has.
    """
    if had is None:
        return f"not asked; {'has it' if told and told == version else 'may have a part of it'}, as the index says"
    if not had:
        return "has nothing of it; publish it again"
    if not had["version"]:
        return f"has a part of it ({size(had['parts'])}); publish it again, and the transfer goes on"
    if had["damaged"]:
        return f"damaged: {', '.join(had['damaged'][:3])}; publish it again"
    if had["version"] != version:
        return f"has another version, {had['version'][:12]}; publish it again"
    return "whole"


def catalog_lines(
    templates: Sequence[Mapping[str, Any]], organizations: Sequence[str] = (), wanted: str = EVERY
) -> list[str]:
    """A line per template, and one per node that holds it, or should.

    ``templates``: each with organization, template, version, size, files, by, at, and what ``held`` says by node;
    ``wrong``: why the index does not say it. ``organizations`` and ``wanted``: what was asked for.
    """
    lines: list[str] = []
    for one in templates:
        what = "not published: it is being published or taken back; run that again"
        if one.get("wrong"):
            what = one["wrong"]
        elif one["version"]:
            what = f"{size(one['size'])} in {one['files']} files, version {one['version'][:12]}"
            what += f", published {one['at']} by {one['by']}"
        lines.append(f"{one['organization']}/{one['template']}: {what}")
        lines += [f"  {node}: {said}" for node, said in sorted(one["nodes"].items())]
    lines = ["".join(sign if sign.isprintable() else "?" for sign in line) for line in lines]  # nodes said that
    whose = f" of {', '.join(organizations)}" if organizations else ""
    has = "is empty" if wanted == EVERY else f"has no template {wanted}"
    return lines or [f"The catalog{whose} {has}."]


def listing(
    templates: Sequence[Mapping[str, Any]],
    answers: Mapping[str, Mapping[str, Any]],
    targets: Sequence[str],
    wanted: str,
) -> list[dict[str, Any]]:
    """What there is of each template: by the index, and by the nodes that were asked and answered.

    ``wanted``: the name of the templates, or all. A template that only nodes know is among them.
    """
    index = {(one["organization"], one["template"]): one for one in templates}
    only = {
        (organization, template)
        for answer in answers.values()
        for organization, its in answer["templates"].items()
        for template in its
    }
    found = []
    for organization, template in sorted({*index, *only}):
        if wanted not in (EVERY, template):
            continue
        known = index.get((organization, template), UNKNOWN)
        nodes: dict[str, str] = {}
        for node in sorted({*known["holders"], *targets}):
            told = known["holders"].get(node)
            if node not in answers:
                if told is not None:
                    nodes[node] = held(known["version"], None, told)
                continue
            had = answers[node]["templates"].get(organization, {}).get(template)
            if had or told is not None:
                nodes[node] = held(known["version"], had or {}, told or "")
        said = {key: known[key] for key in ("version", "size", "files", "by", "at")}
        wrong = {"wrong": known["wrong"]} if known.get("wrong") else {}
        found.append({"organization": organization, "template": template, **said, **wrong, "nodes": nodes})
    return found


def noted(
    state: str,
    planned: Mapping[str, Any],
    holders: Mapping[str, Mapping[str, str]],
    check: bool,
    removed: Mapping[str, Any] | None = None,
) -> tuple[list[str], str]:
    """The lines that end a run, and why it fails; empty if it does not. ``holders``: by template, what nodes have.

    ``removed``: by node, the names of the templates that it says it removed.
    """
    whose = planned["organization"]
    again = (
        "run this again when they can be reached, or with -e vcc_forget=NODE for one that is in no inventory any more"
    )
    if state == "present":
        name, version = f"{whose}/{planned['template']}", planned["publication"]["version"]
        its = holders[planned["template"]]
        stray = set(planned.get("stray", ()))
        here = sorted(node for node in its if its[node] == version and node not in stray)
        left = sorted(set(its) - set(here) - stray)
        octets = size(sum(file["size"] for file in planned["publication"]["files"]))
        line = (
            f"{name}: {octets}, version {version[:12]}, {'would be ' if check else ''}on {', '.join(here) or 'no node'}"
        )
        does = "does" if len(left) == 1 else "do"
        wrong = [f"{name}: {', '.join(left)} {does} not have this version; {again}"] if left else []
        if stray & set(its):
            wrong.append(
                f"{name}: {', '.join(sorted(stray & set(its)))} may not hold it any more; take it back there, with "
                f"-e vcc_template={planned['template']} -e vcc_template_state=absent -e vcc_clouds=CLOUD"
            )
        return [line], "; ".join(wrong)
    lines, missing, told, unknown = [], [], removed or {}, planned.get("unknown", {})
    for template, its in sorted(holders.items()):
        name, left = f"{whose}/{template}", sorted(its)
        still, gone = ("would still be", "would be taken back") if check else ("still", "taken back")
        if left:
            lines.append(f"{name}: {still} on {', '.join(left)}")
        elif template in unknown and not any(isinstance(names, list) and template in names for names in told.values()):
            silent = sorted({*planned["targets"]} - {*told})
            where = f"is not in the index, and {', '.join(silent)} did not answer" if silent else "was nowhere"
            lines.append(f"{name}: {where}{unknown[template]}")
        else:
            lines.append(f"{name}: {gone}")
        if left and planned["whole"]:
            missing.append(f"{name}: {', '.join(left)} may still have it; {again}")
    return lines or [f"{whose} has no templates."], "; ".join(missing)
