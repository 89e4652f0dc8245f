# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The sessions of antsibull-nox.toml, and sessions that run this repository's own checks as CI does.

# /// script
# dependencies = ["nox>=2025.02.09", "antsibull-nox"]
# ///

import os
import sys
from pathlib import Path

import nox

try:
    import antsibull_nox
except ImportError:
    print("You need to install antsibull-nox in the same Python environment as nox.")
    sys.exit(1)

# Sessions ask ansible-galaxy which collections there are: the one beside this nox, also where .venv is not active.
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
antsibull_nox.load_antsibull_nox_toml()


@nox.session(python=False)
def house(session: nox.Session) -> None:
    """ruff, mypy, yamllint, ansible-lint as scripts/lint.sh runs them."""
    session.run("scripts/lint.sh", external=True)


@nox.session(python=False)
def release(session: nox.Session) -> None:
    """REUSE, Python 3.9 on nodes, documentation, Galaxy's importer, execution environments."""
    session.run("scripts/release_checks.sh", *session.posargs, external=True)


@nox.session(python=False, default=False)
def matrix(session: nox.Session) -> None:
    """Sanity and unit tests with each ansible-core and Python of tests/matrix.txt, without containers."""
    session.run("scripts/matrix.sh", *session.posargs, external=True)


# Allow to run the noxfile with `python noxfile.py`, `pipx run noxfile.py`, or similar.
if __name__ == "__main__":
    nox.main()
