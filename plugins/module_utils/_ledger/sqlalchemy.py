# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLAlchemy as ``sa``, or a stand-in where it is not installed.

The ledger's tables are made when their file is imported, and module_utils must import without SQLAlchemy: the modules
then say what is missing (``_server.py``) before anything is done with the stand-in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa
else:
    try:
        import sqlalchemy as sa
    except ImportError:

        class _StandIn:
            """Takes every attribute and every call, and does nothing."""

            def __getattr__(self, name: str) -> Any:
                return self

            def __call__(self, *args: Any, **kwargs: Any) -> Any:
                return self

        sa = _StandIn()

__all__ = ["sa"]
