# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What charon makes anew for another certificate, a second IKE_SA carries meanwhile."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.document import Generation
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec import bridge, connections
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.charon import CONFIG
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.kind import Ipsec
from ansible_collections.intercloud.vpn.plugins.module_utils._node.ipsec.vici import ViciError, decode, encode
from ansible_collections.intercloud.vpn.plugins.module_utils._node.state import Store
from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files

TUNNEL = "edge-east--edge-west"
BRIDGE = f"{TUNNEL}.bridge"
SECTION = f"""\
  {TUNNEL} {{
    version = 2
    remote_addrs = 203.0.113.18
    proposals = aes256gcm16-prfsha384-ecp384, aes128gcm16-prfsha256-ecp256
    keyingtries = 0  # for ever
    local {{
      auth = pubkey
      certs = intercloud-vpn.pem
    }}
    remote {{
      cacerts = intercloud-vpn.pem
    }}
    children {{
      payroll {{
        # a comment {{
        local_ts = 100.64.0.0/26
        start_action = trap|start
        dpd_action = restart
        close_action = start
      }}
    }}
  }}
"""


def text(section: str = SECTION) -> str:
    return f"connections {{\n{section}}}\n"


class Charon:
    """A charon that brings up what it is asked for, unless its peer refuses."""

    def __init__(self, *there: tuple[str, dict[str, Any]], refuses: bool = False, lingers: bool = False) -> None:
        self.sas = [*there]
        self.refuses, self.lingers = refuses, lingers
        self.loaded: dict[str, Any] = {}
        self.done: list[str] = []

    def __call__(self, *_arguments: object, **_options: object) -> Charon:
        return self

    def __enter__(self) -> Charon:
        return self

    def __exit__(self, *_exception: object) -> None:
        pass

    def request(self, command: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        if command == "get-conns":
            return {"conns": [*self.loaded, TUNNEL]}
        assert command == "load-conn"
        self.loaded.update(decode(encode(arguments or {})))
        return {}

    def ask(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        words = [arguments[key] for key in ("ike", "child", "name") if key in arguments]
        words += [f"#{arguments['ike-id']}"] if "ike-id" in arguments else []
        self.done.append(" ".join([command, *words]))
        if command == "unload-conn":
            self.loaded.pop(arguments["name"], None)
        elif command == "terminate" and not (self.lingers and "ike-id" in arguments):
            gone = arguments.get("ike"), arguments.get("ike-id")
            self.sas = [one for one in self.sas if one[0] != gone[0] and one[1]["uniqueid"] != gone[1]]
        elif command == "initiate":
            if self.refuses:
                return {"success": "no"}
            self.sas += [] if self.lingers and arguments["ike"] == TUNNEL else [sa(arguments["ike"], "9")]
        return {"success": "yes"}

    def answered(self, names: list[str], *_patiently: bool, **_given: object) -> list[tuple[str, dict[str, Any]]]:
        return [one for one in self.sas if one[0] in {*names}]


def sa(name: str = TUNNEL, unique: str = "1", state: str = "ESTABLISHED", *links: str) -> tuple[str, dict[str, Any]]:
    ts = {"local-ts": ["100.64.0.0/26"], "remote-ts": ["100.64.0.64/26"]}
    children = {link: {"name": link, "state": "INSTALLED", **ts} for link in links or ("payroll",)}
    return name, {"uniqueid": unique, "state": state, "established": "1", "initiator": "yes", "child-sas": children}


@pytest.fixture
def charon(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*there: tuple[str, dict[str, Any]], **how: bool) -> Charon:
        fake = Charon(*there, **how)
        for module in (bridge, connections):
            monkeypatch.setattr(module, "Vici", fake)
        monkeypatch.setattr(connections, "answered", fake.answered)
        monkeypatch.setattr(bridge, "IN_FLIGHT", 0.0)
        monkeypatch.setattr(bridge, "INSTEAD", 0.3)
        return fake

    return make


def test_a_bridge_is_the_tunnels_own_configuration_that_nothing_starts_again() -> None:
    made = bridge.made(SECTION, TUNNEL, ["payroll"])
    assert made["proposals"] == ["aes256gcm16-prfsha384-ecp384", "aes128gcm16-prfsha256-ecp256"]
    assert made["local"] == {"auth": "pubkey", "certs": ["intercloud-vpn.pem"]}
    child = made["children"]["payroll"]
    assert child["local_ts"] == ["100.64.0.0/26"]
    assert (child["start_action"], child["dpd_action"], child["close_action"]) == ("none", "clear", "none")
    # With equal configurations, charon would take the IKE_SA that is up instead of a second one.
    assert made["keyingtries"] == "1" != bridge.parsed(SECTION)[TUNNEL]["keyingtries"]
    once = bridge.made(SECTION.replace("keyingtries = 0", "keyingtries = 1"), TUNNEL, ["payroll"])
    assert once["keyingtries"] == "2"


def test_lines_of_somebody_elses_template_are_no_reason_to_fail(edge: Generation, store: Store, charon: Any) -> None:
    fake = charon(sa())
    without = SECTION.partition("    children {")[0] + "  }\n"
    assert bridge.build({TUNNEL: without}, edge, store) == bridge.Bridges()
    assert fake.done == []


def test_all_links_of_a_tunnel_have_the_time_of_one(
    edge: Generation, store: Store, charon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node has a minute for a commit, and a tunnel hundreds of links."""
    fake = charon(sa())
    now = iter(range(0, 1000, 3))
    monkeypatch.setattr(bridge.time, "monotonic", lambda: next(now))
    many = {f"vpn{number}": {} for number in range(5)}
    assert not bridge._brought_up(TUNNEL, {"children": many}, store)
    assert len([one for one in fake.done if one.startswith("initiate")]) == 1


@pytest.mark.parametrize(
    ("new", "renewed", "found"),
    [
        (SECTION, False, False),  # charon goes on with what it has
        (SECTION, True, True),
        (SECTION.replace("version = 2", "version = 2\n    dpd_delay = 7s"), False, True),
        (SECTION.replace("203.0.113.18", "203.0.113.19"), True, False),  # the peer may not be there yet
        (SECTION.replace("100.64.0.0/26", "100.64.0.0/25"), True, False),  # the link is another one then
        (SECTION.replace(TUNNEL, "edge-east--edge-south"), True, False),  # there is nothing to carry on
    ],
)
def test_what_charon_makes_anew(edge: Generation, new: str, renewed: bool, found: bool) -> None:
    assert bool(bridge.concerned(text(new), text(), renewed, edge)) == found


@pytest.mark.parametrize("how", [{"initiator": False}, {"external": True}, {"ike": {"auth": "psk"}}])
def test_not_for_tunnels_of_others(document: dict[str, Any], how: dict[str, Any]) -> None:
    """The other end brings it up; it is not ours; or it has no certificate that could have changed."""
    document = copy.deepcopy(document)
    document["tunnels"][0].update(how)
    assert bridge.concerned(text(), text(), True, Generation(document, {}, "libipsec")) == {}


def test_templates_of_users_may_look_different(edge: Generation) -> None:
    assert bridge.concerned("include mine.conf\n", text(), True, edge) == {}


def test_it_carries_the_links_until_other_sas_do(edge: Generation, store: Store, charon: Any) -> None:
    fake = charon(sa(unique="1"), lingers=True)
    for path in ("x509", "x509ca"):
        files.write(store.at(f"/etc/swanctl/{path}/intercloud-vpn.pem"), f"of {path}")
    bridges = bridge.build({TUNNEL: SECTION}, edge, store)
    assert bridges.links == {TUNNEL: {"payroll"}}
    assert fake.loaded[BRIDGE]["local"]["certs"] == ["of x509"]
    assert fake.loaded[BRIDGE]["remote"]["cacerts"] == ["of x509ca"]
    for state in ("ESTABLISHED", "DELETING"):  # charon still lists what is about to end
        fake.sas[0] = sa(unique="1", state=state)
        bridge.replace(bridges, edge, store)
        assert f"terminate {BRIDGE}" not in fake.done
    fake.sas.append(sa(unique="2", state="CONNECTING"))
    bridge.replace(bridges, edge, store)
    assert f"terminate {BRIDGE}" not in fake.done
    fake.sas.append(sa(unique="3"))
    bridge.replace(bridges, edge, store)
    assert fake.done[-2:] == [f"unload-conn {BRIDGE}", f"terminate {BRIDGE}"]


def test_a_tunnel_that_is_down_has_nothing_to_carry(edge: Generation, store: Store, charon: Any) -> None:
    for there in ([], [sa(TUNNEL, "1", "ESTABLISHED", "another")]):
        fake = charon(*there)
        assert bridge.build({TUNNEL: SECTION}, edge, store) == bridge.Bridges()
        assert fake.done == []


def test_nothing_stays_of_one_that_the_peer_refuses(edge: Generation, store: Store, charon: Any) -> None:
    fake = charon(sa(), refuses=True)
    assert bridge.build({TUNNEL: SECTION}, edge, store) == bridge.Bridges()
    assert fake.done[-2:] == [f"unload-conn {BRIDGE}", f"terminate {BRIDGE}"]
    assert fake.loaded == {}


def asked(unique: str = "1") -> tuple[str, dict[str, Any]]:
    """What a peer has rekeyed that has another certificate: its CHILD_SA is older than the IKE_SA."""
    name, there = sa(unique=unique)
    for child in there["child-sas"].values():
        child["install-time"] = "100"
    return name, {**there, "initiator": "no"}


def test_a_peer_with_another_certificate_gets_another_ike_sa(edge: Generation, store: Store, charon: Any) -> None:
    fake = charon(asked())
    files.write(store.at(CONFIG), text())
    tended = Ipsec().tend(edge, store)
    assert tended.done == [f"{TUNNEL}: authenticated anew: the peer has another certificate"]
    assert fake.done == [
        f"initiate {BRIDGE} payroll",
        "terminate #1",  # by its id: by its name, charon would end what comes instead
        f"initiate {TUNNEL} payroll",
        f"unload-conn {BRIDGE}",
        f"terminate {BRIDGE}",
    ]
    assert [name for name, _sa in fake.sas] == [TUNNEL]


def test_also_where_the_file_is_laid_out_by_others(
    edge: Generation, store: Store, charon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    charon(asked())
    again: list[tuple[set[str], bool]] = []
    monkeypatch.setattr(connections, "again", lambda names, reauth: again.append((names, reauth)) or set())
    files.write(store.at(CONFIG), "include mine.conf\n")
    assert Ipsec().tend(edge, store).done == [f"{TUNNEL}: authenticated anew: the peer has another certificate"]
    assert again == [({TUNNEL}, True)]


def test_it_stays_as_it_is_while_the_peer_refuses(edge: Generation, store: Store, charon: Any) -> None:
    fake = charon(asked(), refuses=True)
    files.write(store.at(CONFIG), text())
    assert Ipsec().tend(edge, store).done == []
    assert fake.sas == [asked()]


def test_the_agent_ends_what_a_killed_commit_left(edge: Generation, store: Store, charon: Any) -> None:
    """Not before the tunnel's own links are up: until then it is what carries them."""
    fake = charon(sa(BRIDGE, "7"))
    assert [link["state"] for link in Ipsec().tend(edge, store).links] == ["DOWN"]
    assert fake.done == []
    fake.sas.append(sa(unique="8"))
    tended = Ipsec().tend(edge, store)
    assert [link["state"] for link in tended.links] == ["INSTALLED"]
    assert tended.done == [f"{TUNNEL}: its bridge has ended"]
    assert fake.done == [f"unload-conn {BRIDGE}", f"terminate {BRIDGE}"]
    assert Ipsec().tend(edge, store).done == []


def test_nor_does_the_old_one_stay(edge: Generation, store: Store, charon: Any) -> None:
    """The peer would end it, seconds after the bridge has gone."""
    fake = charon(sa(unique="6"), sa(BRIDGE, "7"))
    files.write(store.at(CONFIG), text())
    assert Ipsec().tend(edge, store).done == [f"{TUNNEL}: its bridge has ended"]
    assert fake.done[:3] == ["terminate #6", f"initiate {TUNNEL} payroll", f"unload-conn {BRIDGE}"]
    assert [sa["uniqueid"] for _name, sa in fake.sas] == ["9"]


def test_a_bridge_that_carries_nothing_is_no_reason_to_end_anything(
    edge: Generation, store: Store, charon: Any
) -> None:
    """A commit was killed before the bridge had its links."""
    fake = charon(sa(unique="6"), sa(BRIDGE, "7", "ESTABLISHED", "another"))
    assert Ipsec().tend(edge, store).done == [f"{TUNNEL}: its bridge has ended"]
    assert [sa["uniqueid"] for _name, sa in fake.sas] == ["6"]


def two(document: dict[str, Any]) -> Generation:
    """An edge whose tunnel has another link, which is down."""
    document = copy.deepcopy(document)
    links = document["tunnels"][0]["links"]
    links.append({**links[0], "vpn": "billing", "local_ts": ["100.64.1.0/26"], "remote_ts": ["100.64.1.64/26"]})
    return Generation(document, {}, "libipsec")


def test_a_link_that_is_down_keeps_nobody_from_using_another_certificate(
    document: dict[str, Any], store: Store, charon: Any
) -> None:
    fake = charon(asked())
    files.write(store.at(CONFIG), text())
    assert Ipsec().tend(two(document), store).done == [
        f"{TUNNEL}: authenticated anew: the peer has another certificate"
    ]
    assert fake.done[-1] == f"terminate {BRIDGE}"
    assert [name for name, _sa in fake.sas] == [TUNNEL]


def test_nor_does_it_keep_a_bridge_that_a_killed_commit_left(
    document: dict[str, Any], store: Store, charon: Any
) -> None:
    fake = charon(sa(unique="6"), sa(BRIDGE, "7"))
    files.write(store.at(CONFIG), text())
    assert Ipsec().tend(two(document), store).done == [f"{TUNNEL}: its bridge has ended"]
    assert [sa["uniqueid"] for _name, sa in fake.sas] == ["9"]


def test_the_old_ike_sa_stays_while_it_carries_more_than_the_bridge(
    document: dict[str, Any], store: Store, charon: Any
) -> None:
    """A commit was killed while the bridge got its links."""
    fake = charon(sa(TUNNEL, "6", "ESTABLISHED", "payroll", "billing"), sa(BRIDGE, "7"))
    assert Ipsec().tend(two(document), store).done == [f"{TUNNEL}: its bridge has ended"]
    assert [sa["uniqueid"] for _name, sa in fake.sas] == ["6"]


def test_nothing_stays_of_one_that_was_loaded_only(edge: Generation, store: Store, charon: Any) -> None:
    fake = charon(sa())
    fake.loaded[BRIDGE] = {}
    Ipsec().tend(edge, store)
    assert fake.loaded == {}
    assert fake.done == [f"unload-conn {BRIDGE}"]


def test_a_peer_that_asks_all_the_time_is_not_answered_each_time(edge: Generation, store: Store, charon: Any) -> None:
    fake, kind = charon(asked()), Ipsec()
    files.write(store.at(CONFIG), text())
    assert kind.tend(edge, store).done
    fake.sas = [asked("20")]
    assert kind.tend(edge, store).done == []


def test_a_charon_that_does_not_answer_has_no_bridge(edge: Generation, store: Store, charon: Any) -> None:
    fake = charon(sa())

    def hangs(*_arguments: object) -> dict[str, Any]:
        raise ViciError("charon: timed out")

    fake.request = fake.ask = hangs
    assert bridge.build({TUNNEL: SECTION}, edge, store) == bridge.Bridges()


def test_what_was_there_does_not_wait_for_a_link_that_needs_the_new_certificate(charon: Any, edge: Generation) -> None:
    further = SECTION.replace(
        "      payroll {", "      audit {\n        local_ts = 10.99.0.0/26\n      }\n      payroll {"
    )
    assert bridge.concerned(text(further), text(), True, edge) == {}
    assert bridge.outgrown(text(further), text(), edge) == {TUNNEL: SECTION}
    assert bridge.outgrown(text(), text(), edge) == {}, "that is another's"
    elsewhere = further.replace("203.0.113.18", "203.0.113.99")
    assert bridge.outgrown(text(elsewhere), text(), edge) == {}, "its peer may not be there yet"
