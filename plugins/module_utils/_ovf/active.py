# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OVF: deployment options: which parts of a descriptor hold in the configuration that is asked for."""

from __future__ import annotations

from .._base.problems import Problems, did_you_mean
from .descriptor import Element


class Active:
    """Whether an element is part of a configuration. ``asked``: its name, else the descriptor's default."""

    def __init__(self, envelope: Element, asked: str | None, file: str, problems: Problems) -> None:
        section = envelope.one("DeploymentOptionSection")
        options = list(section.all("Configuration")) if section else []
        self._known = dict.fromkeys(option.ovf("id") or "" for option in options)
        self._file, self._problems = file, problems
        if asked and asked not in self._known:
            place = (section or envelope).place(file)
            problems.add(place, f"has no configuration {asked}{did_you_mean(asked, self._known)}")
        by_default = [option.ovf("id") or "" for option in options if option.ovf("default") in ("true", "1")]
        if len(by_default) > 1 and section:
            problems.add(section.place(file), f"has several defaults: {', '.join(by_default)}; say configuration")
        self.chosen = asked or next(iter([*by_default, *self._known]), "")

    def __call__(self, element: Element) -> bool:
        """An element without a configuration is part of all. What is only a bound (min, max) of a range is none."""
        named = (element.ovf("configuration") or "").split()
        for name in named:
            if name not in self._known:
                self._problems.add(
                    element.place(self._file), f"is of the configuration {name}, which no DeploymentOptionSection has"
                )
        return element.ovf("bound") in (None, "normal") and (not named or self.chosen in named)
