# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VPN by another name: its number stays, and so does all that is leased to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .past import rename_vpn_in_past
from .schema import leases, vpns
from .sqlalchemy import sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def rename_vpn(connection: Connection, org: str, old: str, new: str) -> None:
    """Give a VPN of the ledger a name that no other one has, and that nothing is leased to."""
    where = sa.and_(vpns.c.organization == org, vpns.c.name == old)
    connection.execute(vpns.update().where(where).values(name=new))
    rename_vpn_in_past(connection, org, old, new)
    whole = f"vpn/{old}"
    # Compared as text, not with LIKE, which knows no difference of case in SQLite.
    below = sa.func.substr(leases.c.key, 1, len(whole) + 1).in_([f"{whole}/", f"{whole}#"])
    own = sa.and_(leases.c.organization == org, sa.or_(leases.c.key == whole, below))
    keys = list(connection.execute(sa.select(leases.c.key).where(own)).scalars())
    change = leases.update().where(leases.c.organization == org, leases.c.key == sa.bindparam("was"))
    values = [{"was": key, "will": f"vpn/{new}{key[len(whole) :]}"} for key in keys]
    if values:
        connection.execute(change.values(key=sa.bindparam("will")), values)
