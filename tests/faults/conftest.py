# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is tried: all of it, or with FAULTS=short a sample that is the same every time."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterable
from typing import Any

import pytest

SHORT = os.environ.get("FAULTS") == "short"
TRIED = subprocess.run(["unshare", "-n", "-m", "nft", "--version"], capture_output=True, check=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without root there are no namespaces."""
    if TRIED.returncode:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root and nft"))


@pytest.fixture
def some() -> Callable[[Iterable[Any], int], list[Any]]:
    """Of a test's cases all, or in the short form so many."""

    def choose(cases: Iterable[Any], number: int) -> list[Any]:
        every = list(cases)
        return every if not SHORT else sorted(random.Random(9).sample(every, min(number, len(every))))

    return choose


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure, also when the test passes."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\nfaults: {text}")

    return say
