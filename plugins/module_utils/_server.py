# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the VCC server's modules have in common: opening the ledger, and turning our errors into Ansible's."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Callable
from typing import NoReturn, TypeVar

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._base.errors import IntentErrors, VccError
from ._intent.landscape.facts import is_shared, organization_of
from ._ledger.ledger import Ledger, Transaction
from ._plan.origins import refuse_new_ledger

LIBRARIES = {"netaddr": "netaddr", "sqlalchemy": "SQLAlchemy"}

# Documented in plugins/doc_fragments/ledger.py.
LEDGER_ARGUMENTS = {
    "ledger": {"type": "str", "default": "sqlite:////var/lib/intercloud-vpn/ledger.sqlite"},
    "who": {"type": "str", "default": ""},
}
# Documented in plugins/doc_fragments/status.py.
STATUS_ARGUMENTS = {
    "organizations": {"type": "list", "elements": "str", "default": []},
    "pools": {"type": "dict", "default": {}},
    "plan": {"type": "path"},
    "variable": {"type": "str", "default": "vcc_observed"},
    "hosts": {"type": "list", "elements": "str"},
    "authorities": {"type": "dict"},
    "revocations": {"type": "dict"},
    "rotations": {"type": "dict"},
    "certificate_days": {"type": "int"},
}
STATE_DIR_ARGUMENT = {"state_dir": {"type": "path", "default": "/var/lib/intercloud-vpn"}}

T = TypeVar("T")


def run_on_ledger(module: AnsibleModule, work: Callable[[Transaction], T]) -> T:
    """Run ``work`` in one transaction of the ledger the module names; in check mode all is rolled back.

    Ends the module with every error at once when the intent is wrong, a line each.
    """
    # A short-lived process that only builds: looking for cycles takes a third of a large plan's time, and finds none.
    gc.disable()
    require_libraries(module)
    given = module.params
    try:
        ledger = Ledger(given["ledger"])
        if not given.get("new_ledger", True) and not ledger.exists:
            hosts = (given.get("hosts") or {}).values()
            owners = {organization_of(facts) for facts in hosts if not is_shared(facts)}
            concerned = given.get("organizations") or owners
            refuse_new_ledger(str(ledger), given["state_dir"], given.get("observed"), concerned)
        return ledger.run(work, dry_run=module.check_mode, who=given["who"])
    except IntentErrors as error:
        return _fail(module, error.report())
    except VccError as error:
        return _fail(module, str(error))


def read_ledger(module: AnsibleModule, work: Callable[[Transaction], T]) -> T:
    """What ``work`` reads of the ledger that the module names, without a lock. Ends the module where there is none."""
    require_libraries(module)
    try:
        ledger = Ledger(module.params["ledger"])
        if not ledger.exists:
            return _fail(module, f"there is no ledger at {ledger}: the first create_vpn makes it")
        return ledger.run(work, dry_run=True)
    except VccError as error:
        return _fail(module, str(error))


def ledger_exists(module: AnsibleModule) -> bool:
    """Whether the ledger that the module names is there. One that cannot be named is not."""
    require_libraries(module)
    try:
        return Ledger(module.params["ledger"]).exists
    except VccError:
        return False


def ledger_is_missing(module: AnsibleModule) -> bool:
    """Whether there certainly is none: one that does not answer may be there."""
    require_libraries(module)
    try:
        return not Ledger(module.params["ledger"]).exists
    except VccError:
        return False


def require_libraries(module: AnsibleModule) -> None:
    """End the module with what is missing on the VCC server."""
    for name, library in LIBRARIES.items():
        if importlib.util.find_spec(name) is None:
            module.fail_json(msg=missing_required_lib(library))


def _fail(module: AnsibleModule, message: str) -> NoReturn:
    module.fail_json(msg=message)
    raise AssertionError("fail_json ends the module")
