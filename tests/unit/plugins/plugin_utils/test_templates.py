# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates become byte for byte what Ansible makes of them, and are compiled once."""

from __future__ import annotations

import copy
import errno
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from jinja2.bccache import Bucket

from ansible_collections.intercloud.vpn.plugins.plugin_utils import _templates
from ansible_collections.intercloud.vpn.plugins.plugin_utils._ssl_files import expanded
from ansible_collections.intercloud.vpn.plugins.plugin_utils._templates import OVERRIDES, render, trust_as_template
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.conftest import EDGE
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.kernel.test_limits_template import (
    QUOTAS,
    RATES,
)
from ansible_collections.intercloud.vpn.tests.unit.plugins.module_utils._node.test_templates import ACCESS

ROOT = Path(__file__).parents[4]
GOLDEN = sorted((ROOT / "tests/unit/golden").glob("*/plan.json"))
TEMPLATES = {
    "org_edge": {
        "nftables.nft": "nftables.nft.j2",
        "swanctl.conf": "swanctl.conf.j2",
        "openvpn.client.conf": "openvpn-client.conf.j2",
        "openvpn.server.conf": "openvpn-server.conf.j2",
        "openvpn.peer": "openvpn-peer.j2",
    },
    "vapp_edge": {"nftables.nft": "nftables.nft.j2"},
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the roles' own templates, which do not change: compiled once for all tests that only render them."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ansible's home of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSIBLE_HOME", str(tmp_path_factory.mktemp("home")))
        yield Path(os.environ["ANSIBLE_HOME"])


def by_ansible(path: Path, variables: Mapping[str, Any], compiled: Path | None = None) -> str:
    """What the template module would make of a file, with the roles' settings. ``compiled``: to be quicker."""
    places = [str(path.parent), str(_templates.GATEWAYS)]
    templar = Templar(DataLoader()).copy_with_new_env(searchpath=places, available_variables=variables)
    environment = _templates._environment(templar)
    if compiled is not None and environment is not None:
        environment.bytecode_cache = _templates._cache(compiled / "reference")
    source = trust_as_template(path.read_text(encoding="utf-8"))
    return str(templar.template(source, escape_backslashes=False, overrides=OVERRIDES) or "")


def same_files(document: dict[str, Any], backend: str, trap: bool, compiled: Path) -> int:
    """How many files a document makes, each of which is the same whoever renders it."""
    made = 0
    for name, template in TEMPLATES.get(document["role"], {}).items():
        path = ROOT / "roles" / document["role"] / "templates" / template
        for _file, more in expanded(name, document):
            variables = {"document": document, "backend": backend, "trap": trap, **more}
            assert by_us(path, variables, compiled) == by_ansible(path, variables, compiled)
            made += 1
    return made


def by_us(path: Path, variables: Mapping[str, Any], compiled: Path) -> str:
    return render(Templar(DataLoader()), path, variables, [_templates.GATEWAYS], compiled)


@pytest.mark.parametrize(
    ("backend", "trap"),
    [
        ("xfrm", True),
        pytest.param("libipsec", False, marks=pytest.mark.thorough("xfrm, of the same documents; libipsec, below")),
    ],
)
@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.parent.name)
def test_golden_documents_make_the_same_files(golden: Path, backend: str, trap: bool, compiled: Path) -> None:
    documents = json.loads(golden.read_text())["documents"].values()
    assert sum([same_files(document, backend, trap, compiled) for document in documents]) > 1


@pytest.mark.parametrize("backend", ["xfrm", "libipsec"])
@pytest.mark.parametrize("role", TEMPLATES)
@pytest.mark.parametrize("keys", [[key] for key in ACCESS[4]] + [[*ACCESS[4]]], ids="-".join)
def test_so_do_documents_with_all_that_a_policy_may_say(
    role: str, backend: str, keys: list[str], compiled: Path
) -> None:
    document = {**copy.deepcopy(EDGE), "role": role}
    for vpn in document["vpns"]:
        vpn.update({key: ACCESS[vpn["family"]][key] for key in keys}, through=True)
    assert same_files(document, backend, False, compiled)


@pytest.mark.parametrize("members", [True, False])
def test_so_do_documents_with_limits(members: bool, compiled: Path) -> None:
    for rate, quota in itertools.product(RATES, QUOTAS):
        document = copy.deepcopy(EDGE)
        for vpn in document["vpns"]:
            vpn.update({key: value for key, value in (("rate", rate), ("quota", quota)) if value})
            vpn.update({} if members else {"local": [], "nat": []})
        assert same_files(document, "xfrm", True, compiled)


OWN = {
    "no newline": "a {{ node }}",
    "newlines": "a {{ node }}\n\n\n\n",
    "only newlines": "\n\n",
    "other newlines": "{{ node }}\r\nb\r\n",
    "nothing": "{% if false %}x{% endif %}\n\n",
    "a list": "{{ list }}",
    "backslashes": "{{ ['1'] | map('regex_replace', '(.)', '\\\\1x') | join }} \\n {{ 'a\\nb' }} {{ '\\\\d' }}\n",
    "includes": "{% include 'part' %}\n\nend\n",
    "an included template in a variable": "{% include 'part' %}|{{ nested }}|\n",
    "imports": "{% import 'macros' as m %}{{ m.twice(node) }}|{{ m.nothing() }}\n",
    "extends": "{% extends 'base' %}\n{% block inner %}own{% endblock %}\n",
    "lookup": "{{ lookup('env', 'HOME') }}\n",
    "a syntax of its own": "#jinja2: trim_blocks: False, variable_start_string: '<<', variable_end_string: '>>'\n"
    "{% if true %}\n<< node >>\n{% endif %}\n{% include 'plain' %}\n",
}
PARTS = {
    "part": "{% if true %}\npart {{ node }}\n{% endif %}\n",
    "plain": "{% if true %}\nplain\n{% endif %}\n",
    "macros": "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{% macro nothing() %}{% endmacro %}\n",
    "base": "base {% block inner %}{% endblock %}\nend\n\n",
    "wrong": "one\n{% if %}\n",
}
VARIABLES = {
    "node": "edge-east",
    "list": [1, None, {"a": "{{ node }}"}],
    "nested": trust_as_template("{% if true %}\n{% include 'part' %}\n{% endif %}"),
}


def put(folder: Path, text: str, name: str = "own.j2") -> Path:
    for part, content in {**PARTS, name: text}.items():
        (folder / part).write_bytes(content.encode())
    return folder / name


@pytest.mark.parametrize("text", OWN.values(), ids=OWN)
def test_so_do_templates_of_ones_own(text: str, tmp_path: Path) -> None:
    path = put(tmp_path, text)
    wanted = by_ansible(path, VARIABLES)
    assert [by_us(path, VARIABLES, tmp_path / "compiled") for _time in range(2)] == [wanted, wanted]


def test_a_name_may_have_any_letters(tmp_path: Path) -> None:
    path = put(
        tmp_path, "{{ node }}\n", name="\N{LATIN SMALL LETTER U WITH DIAERESIS} 'a' \"b\" \\ \N{GRINNING FACE}.j2"
    )
    assert by_us(path, VARIABLES, tmp_path / "compiled") == "edge-east\n"


@pytest.mark.parametrize("text", ["{{ nosuch }}", "{% if %}", "{% include 'wrong' %}", "{% include 'nosuch' %}"])
def test_errors_say_what_is_wrong(text: str, tmp_path: Path) -> None:
    path = put(tmp_path, text)
    with pytest.raises((AnsibleError, jinja2.TemplateError)) as wanted:
        by_ansible(path, VARIABLES)
    with pytest.raises((AnsibleError, jinja2.TemplateError)) as found:
        by_us(path, VARIABLES, tmp_path / "compiled")
    assert str(found.value) in str(wanted.value)  # before ansible-core 2.19 there was more around it


def test_a_part_that_is_read_under_two_syntaxes_is_compiled_for_each(tmp_path: Path) -> None:
    texts = [OWN["a syntax of its own"], "{% include 'plain' %}\n", "{{ nested }}", OWN["includes"]]
    for number, text in enumerate([*texts, *reversed(texts)]):
        path = put(tmp_path, text, name=f"own{number}.j2")
        assert by_us(path, VARIABLES, tmp_path / "compiled") == by_ansible(path, VARIABLES)


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that Jinja compiles."""
    names: list[str] = []
    compile_it = jinja2.Environment.compile

    def note(self: jinja2.Environment, source: Any, name: str | None = None, *rest: Any, **more: Any) -> Any:
        names.extend([name] if name else [])
        return compile_it(self, source, name, *rest, **more)

    monkeypatch.setattr(jinja2.Environment, "compile", note)
    return names


def test_a_template_is_compiled_once(tmp_path: Path, compilations: list[str]) -> None:
    path = put(tmp_path, OWN["includes"])
    for _node in range(3):
        by_us(path, VARIABLES, tmp_path / "compiled")
    assert sorted(compilations) == ["own.j2", "part"]


def render_ours(run: Path) -> str:
    """As a node's process of one run does."""
    document = {**copy.deepcopy(EDGE), "role": "vapp_edge"}
    path = _templates.OURS / "vapp_edge/templates/nftables.nft.j2"
    return by_us(path, {"document": document, "backend": "none", "trap": False}, run)


def test_ours_is_compiled_once_for_all_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    for run in "first", "second":
        render_ours(tmp_path / run)
    assert compilations.count("nftables.nft.j2") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    kept = tmp_path / "home/intercloud-vpn/templates"
    assert kept.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_what_others_may_have_written_is_not_run(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    render_ours(tmp_path / "first")
    (tmp_path / "home/intercloud-vpn/templates").chmod(mode)
    render_ours(tmp_path / "second")
    assert compilations.count("nftables.nft.j2") == 2
    assert (tmp_path / "second/jinja").is_dir()


def test_without_a_home_each_run_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    (tmp_path / "home").write_text("")
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    for run in "first", "second":
        render_ours(tmp_path / run)
    assert compilations.count("nftables.nft.j2") == 2


def test_another_jinja_compiles_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[str]) -> None:
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    render_ours(tmp_path / "first")
    monkeypatch.setattr(_templates, "MAKERS", ("cpython-399", "9.9"))
    render_ours(tmp_path / "second")
    assert compilations.count("nftables.nft.j2") == 2


def test_a_damaged_entry_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[str]) -> None:
    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    whole = render_ours(tmp_path / "first")
    for path in (tmp_path / "home/intercloud-vpn/templates").iterdir():
        path.write_bytes(path.read_bytes()[:30])
    assert render_ours(tmp_path / "second") == whole
    assert compilations.count("nftables.nft.j2") == 2


def test_a_full_disk_hinders_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setenv("ANSIBLE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Bucket, "write_bytecode", full)
    assert render_ours(tmp_path / "first")


def test_a_template_that_changed_is_compiled_again(tmp_path: Path) -> None:
    for text in ("one\n", "two\n"):
        assert by_us(put(tmp_path, text), VARIABLES, tmp_path / "compiled") == text


def test_where_ansible_hides_its_environment_the_files_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_templates, "_environment", lambda _templar: None)
    path = put(tmp_path, OWN["includes"])
    assert by_us(path, VARIABLES, tmp_path / "compiled") == by_ansible(path, VARIABLES)
    assert not (tmp_path / "compiled").exists()


@pytest.mark.parametrize("ours_first", [True, False])
def test_a_template_that_begins_as_ours_shares_no_compiled_part_with_ours(tmp_path: Path, ours_first: bool) -> None:
    """Seen: Ansible has Jinja make other code of a part that both include, and the other of the two ended in it."""
    ours = _templates.OURS / "org_edge" / "templates"
    own = tmp_path / "own.nft.j2"
    own.write_text("# our own\n" + (ours / "nftables.nft.j2").read_text(encoding="utf-8"), encoding="utf-8")
    plan = json.loads(GOLDEN[0].read_text(encoding="utf-8"))
    document = next(one for one in plan["documents"].values() if one["role"] == "org_edge")
    variables = {"document": document, "backend": "xfrm", "trap": True}

    def rendered(path: Path) -> str:
        templar = Templar(DataLoader())
        return _templates.render(templar, path, variables, [ours, _templates.GATEWAYS], tmp_path / "compiled")

    paths = [ours / "nftables.nft.j2", own]
    found = {path: rendered(path) for path in (paths if ours_first else paths[::-1])}
    assert found[own] == "# our own\n" + found[paths[0]]
