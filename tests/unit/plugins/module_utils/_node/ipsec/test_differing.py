# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what charon does not have from the same words is tried again; in doubt, all of it."""

from __future__ import annotations

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.differing import only

HEAD = "# Made by intercloud.vpn for edge-east; changes are lost.\nconnections {\n"


def section(name: str, version: int = 2) -> str:
    return f"  {name} {{\n    version = {version}\n    children {{\n      payroll {{\n      }}\n    }}\n  }}\n"


def config(*sections: str, head: str = HEAD, tail: str = "}\n") -> str:
    return "".join((head, *sections, tail))


A, B, C = map(section, "abc")


def test_what_is_new_or_other_is_tried() -> None:
    assert only(config(A, B, C), config(A, B), {"a", "b"}) == (config(C), {"a", "b"})
    assert only(config(A, section("b", 1)), config(A, B), {"a", "b"}) == (config(section("b", 1)), {"a"})
    assert only(config(A), config(A, B), {"a"}) == (config(), {"a"})


def test_what_charon_does_not_have_as_wanted_is_tried() -> None:
    assert only(config(A, B), config(A, B), {"b"}) == (config(A), {"b"})


@pytest.mark.parametrize(
    "text",
    [
        config(A, B, tail="}\nsecrets {\n}\n"),  # something else differs
        config(A, B, head=HEAD.replace("east", "west")),
        config(A, "  include other.conf\n", B),
        config(A, A),
        config(A, B).replace("  }\n}", "}}"),
        config(A, B, tail="}\nconnections {\n}\n"),
        config(A.replace("  a {", "  a { version = 1"), B),
        config(A.replace("\n  }", "\n  }  # end"), B),
        config(A.replace("      }", "  }"), B),
        config(A.replace("version = 2", "include other.conf"), B),
        config(A.replace("version = 2", "certs = own.pem"), B),
        config(A.replace("version = 2", "cacert { }"), B),
        "",
    ],
)
def test_in_doubt_all_of_it_is_tried(text: str) -> None:
    assert only(text, config(A, B), {"a", "b"}) == (text, set())
    assert only(config(A, B), text, {"a", "b"})[0] == config(A, B)
