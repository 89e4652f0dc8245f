# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PLAN: a policy's section ``logging``: which packets that were refused are written down, and where to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..._base.coerce import integer
from ..._base.problems import Problems
from .section import Places, Section, check_integer

NONE = "none"
_RATE = re.compile(r"([1-9]\d{0,5})/(second|minute|hour|day)", re.ASCII)


@dataclass(frozen=True)
class Logging(Section):
    """``refused``: at most so many packets per time, or ``none``. ``group``: of nflog; None: the kernel's log."""

    refused: str
    group: int | None

    # Silent: a scan of a large block would fill the log of a gateway whose administrator never asked for one.
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"refused": NONE, "group": None}

    @classmethod
    def check(cls, raw: Mapping[str, Any], places: Places, problems: Problems) -> None:
        """Note what is wrong with the section's values."""
        refused = raw["refused"]
        if refused != NONE and not (isinstance(refused, str) and _RATE.fullmatch(refused)):
            problems.add(
                places["refused"],
                f"must be {NONE}, or so many per second, minute, hour or day, such as 10/minute, not {refused!r}",
            )
        if raw["group"] is not None:
            # NFLOG's number has 16 bits; 0 is what kernels of old hand to every listener of none.
            check_integer(integer(raw["group"]), 1, 65535, places["group"], "an nflog group", problems)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Logging:
        """The section, of values that were checked."""
        return cls(str(raw["refused"]), integer(raw["group"]))

    def document(self) -> dict[str, Any]:
        """What a node is told; nothing where nothing is logged."""
        if self.refused == NONE:
            return {}
        return {"log": {"rate": self.refused, **({} if self.group is None else {"group": self.group})}}
