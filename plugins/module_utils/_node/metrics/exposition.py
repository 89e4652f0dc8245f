# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus's text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Union

PREFIX = "intercloud_vpn_"
Number = Union[int, float]


class Sample(NamedTuple):
    """One value, and which of its family it is."""

    value: Number
    labels: Mapping[str, str] = {}


class Family(NamedTuple):
    """A metric. `kind`: `gauge` or `counter`, whose name ends in `_total`."""

    name: str
    kind: str
    help: str
    samples: Iterable[Sample]


def text(families: Iterable[Family]) -> str:
    """All of them. A family without samples is left out."""
    lines: list[str] = []
    for family in families:
        name = f"{PREFIX}{family.name}"
        samples = [f"{name}{_labels(sample.labels)} {sample.value}" for sample in family.samples]
        if samples:
            lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}", *samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
