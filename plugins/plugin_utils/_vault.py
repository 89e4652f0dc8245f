# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups in Ansible Vault's format, under the run's own vault password."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted, match_encrypt_secret

from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import write_whole

NO_PASSWORD = (
    "a backup holds private keys and is encrypted with Ansible Vault: give a vault password, with --vault-id, "
    "--vault-password-file, --ask-vault-pass or ANSIBLE_VAULT_PASSWORD_FILE"
)


def vault_of(loader: Any) -> VaultLib:
    """The run's vault. AnsibleActionFail when the run has no vault password."""
    vault: VaultLib | None = getattr(loader, "_vault", None)
    if vault is None or not vault.secrets:
        raise AnsibleActionFail(NO_PASSWORD)
    return vault


def write_encrypted(vault: VaultLib, content: dict[str, Any], path: Path) -> None:
    """Encrypt plain data into a file, whole or not at all, for its owner only."""
    try:
        vault_id, secret = match_encrypt_secret(vault.secrets)
        text = vault.encrypt(json.dumps(content), secret, vault_id if vault_id != "default" else None)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, text, 0o600)
    except (AnsibleError, OSError) as error:
        raise AnsibleActionFail(f"{path}: cannot be written: {error}") from error


def read_encrypted(vault: VaultLib, path: Path) -> Any:
    """The plain data of such a file. AnsibleActionFail when it is none, or the password is another."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise AnsibleActionFail(f"{path}: cannot be read: {error.strerror}") from error
    if not is_encrypted(text):
        wrong = "is not encrypted with Ansible Vault, so it is not a backup of this collection"
        raise AnsibleActionFail(f"{path}: {wrong}")
    try:
        return json.loads(vault.decrypt(text))
    except AnsibleError as error:
        raise AnsibleActionFail(f"{path}: cannot be decrypted: {error}") from error
    except ValueError:  # its message would show what was decrypted
        raise AnsibleActionFail(f"{path}: is damaged: its content is not a backup") from None
