# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders template files. Each template is compiled once, for all nodes.

Ansible forks a process for every task of every host, and each would compile all templates again: that takes longer than
to render them. Jinja keeps the code that it compiled in a directory, where the next process finds it.

The collection's own templates need nothing of Ansible. Jinja alone renders them to the same bytes in a tenth of the
time, and what it compiled serves later runs, too. Ansible renders all others, which may look up what they like. Its
releases make different code of the same template, so that what it compiled serves one run.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from ansible import constants as C
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket, FileSystemBytecodeCache

from ansible_collections.intercloud.vpn.plugins.module_utils._base.whole_files import make_directory

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every string was a template

    def trust_as_template(value: str) -> str:
        """Return the text as it is."""
        return value


OURS = Path(__file__).resolve().parents[2] / "roles"
GATEWAYS = OURS / "org_edge" / "templates" / "gateway"
"""What the templates of all gateways include: org edges and vApp edges."""
OVERRIDES = {"trim_blocks": True, "lstrip_blocks": True}
# A template that begins so changes the syntax. Ansible looks for that in a text, not in a file that the text includes.
HEADER = "#jinja2:"
# What the compiled code depends on besides the template's text.
SYNTAX = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline"),
)


# Jinja itself compares the number of its cache's format only, and Python's release.
MAKERS = (sys.implementation.cache_tag, jinja2.__version__)


class CompiledTemplates(FileSystemBytecodeCache):
    """What Jinja made of templates. One file that is read under two syntaxes, or releases, has two entries.

    An entry that cannot be read or written is as good as none.
    """

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        """The entry of a template."""
        syntax = [getattr(environment, setting) for setting in SYNTAX]
        return super().get_bucket(environment, f"{name} {syntax} {MAKERS}", filename, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read an entry; a damaged one is made anew. Jinja expects that of what it reads last only."""
        try:
            super().load_bytecode(bucket)
        except Exception:
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write an entry. A full disk hinders no run: the template is compiled."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def render(templar: Any, path: Path, variables: Mapping[str, Any], folders: Sequence[Path], compiled: Path) -> str:
    """What a template file becomes. What it includes is looked for beside it, then in ``folders``.

    ``compiled`` is the run's directory for compiled templates, which nobody else may write to. Raises AnsibleError, or
    TemplateError, as which older Ansibles let errors of included templates pass.
    """
    searchpath = [str(folder) for folder in (path.parent, *folders)]
    source = path.read_text(encoding="utf-8")
    if path.resolve().is_relative_to(OURS):
        cache = _cache(_lasting() or compiled / "jinja")
        plain = Environment(
            loader=FileSystemLoader(searchpath), undefined=StrictUndefined, bytecode_cache=cache, **OVERRIDES
        )
        plain.filters["flatten"] = _flat
        text = plain.get_template(path.name).render(variables)
        return text + "\n" * (_newlines(source) - _newlines(text))
    own = templar.copy_with_new_env(searchpath=searchpath, available_variables=variables)
    environment = _environment(own)
    if environment is not None:
        environment.bytecode_cache = _cache(compiled / "ansible")
    if not source.startswith(HEADER):
        text = own.template(trust_as_template(f"{{% include {path.name!r} %}}"), overrides=OVERRIDES)
        # Ansible keeps the newlines at the end of a text that it is given, Jinja those of a file but for one.
        return text + "\n" * (_newlines(source) - _newlines(text)) if isinstance(text, str) else str(text or "")
    return str(own.template(trust_as_template(source), escape_backslashes=False, overrides=OVERRIDES) or "")


def _lasting() -> Path | None:
    """The user's directory for what Jinja compiled, below Ansible's home. None unless only the user can write there."""
    directory = Path(C.config.get_config_value("ANSIBLE_HOME")).expanduser() / "intercloud-vpn" / "templates"
    try:
        make_directory(directory, 0o700)
        found = directory.stat()
    except OSError:
        return None
    own = found.st_uid == os.geteuid() and not found.st_mode & 0o022
    return directory if own and os.access(directory, os.W_OK) else None


def _cache(directory: Path) -> CompiledTemplates:
    """One for each of the two: Ansible has Jinja make other code of the same template."""
    make_directory(directory.parent, 0o700)
    make_directory(directory, 0o700)
    return CompiledTemplates(str(directory))


def _environment(templar: Any) -> Environment | None:
    """Jinja's environment. Where a later Ansible hides it, nothing is kept, and all else is the same."""
    found: Environment | None = getattr(getattr(templar, "_engine", templar), "environment", None)
    return found


def _flat(nested: Iterable[Any]) -> list[Any]:
    """What Ansible's filter ``flatten`` makes of nested lists."""

    def walk(entries: Iterable[Any]) -> Iterator[Any]:
        for entry in entries:
            if isinstance(entry, list):
                yield from walk(entry)
            elif entry is not None:
                yield entry

    return list(walk(nested))


def _newlines(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))
