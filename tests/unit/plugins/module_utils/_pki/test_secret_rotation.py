# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations of PPKs and pre-shared keys: no step leaves ends without a key in common, whatever is killed when.

The edges here keep what they are given, as real ones do. A tunnel comes up when the other end has the key that the end
which initiates uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._base.errors import VccError
from ansible_collections.intercloud.vpn.plugins.module_utils._node import held as on_node
from ansible_collections.intercloud.vpn.plugins.module_utils._pki import held, secret_rotation
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.keys import PPK, PSK, ensure_psks, psk_path, read_psks
from ansible_collections.intercloud.vpn.plugins.module_utils._pki.rotating_secrets import Ends, Keys, RotatingSecrets
from ansible_collections.intercloud.vpn.plugins.module_utils._recovery import backup

TUNNEL, PARTNER = "edge-east--edge-west", "edge-east--partner"
EAST, WEST = "edge-east", "edge-west"


class Edge:
    """An edge with the keys that it was given last. It tries a partner's new key, which the partner has or not."""

    def __init__(self) -> None:
        self.keys: dict[str, held.Held] = {}
        self.chosen: dict[str, int] = {}

    def given(self, texts: dict[str, str]) -> None:
        self.keys.update({name: held.parse(text) for name, text in texts.items()})

    def report(self) -> dict[str, Any]:
        secrets = {
            name: {"use": self.chosen.get(name, one.used.number), "held": one.numbers}
            for name, one in self.keys.items()
        }
        return {"concerned": True, "certificate": {}, "drift": [], "secrets": secrets}


class World:
    """A VCC server with two edges and, of one of them, a partner."""

    def __init__(self, place: Path, kind: str = PPK) -> None:
        self.place, self.kind = place, kind
        self.name = TUNNEL if kind == PPK else PARTNER
        self.edges = {EAST: Edge(), WEST: Edge()} if kind == PPK else {EAST: Edge()}
        self.away: set[str] = set()
        tunnel = {"name": self.name, "peer": "partner" if kind == PSK else WEST, "ike": {}}
        ends = Ends({edge: [tunnel] for edge in self.edges}, "partner" if kind == PSK else "")
        self.known: Keys = {"acme": {kind: {self.name: ends}}}
        ensure_psks(place, "acme", [self.name], kind)
        self.partner = self.text()  # what the partner was told
        self.create()

    def text(self) -> str:
        return str(read_psks(self.place, "acme", [self.name], self.kind)[self.name])

    def held(self) -> held.Held:
        return held.parse(self.text())

    def create(self) -> None:
        """A run of create_vpn: edges get what the files say."""
        for name, edge in self.edges.items():
            if name not in self.away:
                edge.given({self.name: self.text()})
                self.try_key(edge)

    def try_key(self, edge: Edge) -> None:
        """An edge uses a partner's new key if the partner has it (partner_keys.py)."""
        if self.kind == PSK:
            both = edge.keys[self.name]
            keys = {key.text: key.number for key in (both.used, both.also) if key}
            edge.chosen = {self.name: keys[self.partner]} if self.partner in keys else {}

    def up(self) -> bool:
        """Whether the tunnel comes up from nothing."""
        used = {name: edge.keys[self.name] for name, edge in self.edges.items()}
        if self.kind == PSK:
            return self.partner in [key.text for key in (used[EAST].used, used[EAST].also) if key]
        return used[EAST].used in (used[WEST].used, used[WEST].also)

    def run(self, check: bool = False, watch: Callable[[], None] = lambda: None, **given: Any) -> RotatingSecrets:
        """A run of the playbook; the last step's answers."""
        defaults = {
            "kinds": [], "edges": [], "partners": [], "forget": [], "with_psk": [], "abandon": False, "reports": {},
        }  # fmt: skip
        parameters = {**defaults, "state_dir": str(self.place), **given}
        done = RotatingSecrets(parameters, check, self.known)
        going = done.begin()
        for _round in range(10):
            watch()
            if check or not going:
                return done
            for edge in done.orders.keys() - self.away:
                self.edges[edge].given({self.name: self.text()})
                self.try_key(self.edges[edge])
                watch()
            reports = {name: edge.report() for name, edge in self.edges.items() if name not in self.away}
            done = RotatingSecrets({**parameters, "reports": reports}, check, self.known)
            going = done.advance()
        raise AssertionError("it never ends")

    @property
    def state(self) -> Path:
        return psk_path(self.place, "acme", "x", self.kind).parent / secret_rotation.STATE


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def partner(tmp_path: Path) -> World:
    return World(tmp_path, PSK)


def rotated(world: World, old: held.Held, number: int = 2) -> None:
    """All ends have the new key alone."""
    there = world.held()
    assert there.also is None and there.used.number == number and there.used.text != old.used.text
    assert [edge.keys[world.name] for edge in world.edges.values()] == [there] * len(world.edges)
    assert not world.state.exists()
    assert world.up()


def test_both_ends_get_both_keys_before_one_uses_the_new_one(world: World) -> None:
    old, seen = world.held(), []
    assert world.run(kinds=["ppk"], watch=lambda: seen.append(world.up())).waiting == {}
    rotated(world, old)
    assert len(seen) > 6 and all(seen)


def test_a_second_rotation_gets_another_number(world: World) -> None:
    world.run(kinds=["ppk"])
    first = world.held()
    world.run(kinds=["ppk"])
    rotated(world, first, 3)


def test_check_writes_nothing_and_says_what_edges_would_get(world: World) -> None:
    before = world.text()
    foretold = world.run(kinds=["ppk"], check=True)
    assert foretold.changed and world.text() == before and not world.state.exists()
    assert foretold.orders[EAST]["secrets"] == {TUNNEL: {"use": 1, "to_use": 1, "held": [1, 2]}}
    assert "phase" not in foretold.summary[0] and TUNNEL in foretold.summary[0]


def test_an_edge_that_is_away_stops_it_in_each_phase(world: World) -> None:
    old = world.held()
    for _step in range(3):
        world.away = {WEST}
        stopped = world.run(kinds=["ppk"])
        assert stopped.waiting == {WEST: "did not answer"} and world.up()
        world.away = set()
        world.create()  # it is one step further, and no more
        assert world.up()
    world.run()
    rotated(world, old)


def test_one_that_never_comes_back_is_not_waited_for(world: World) -> None:
    world.away = {WEST}
    assert world.run(kinds=["ppk"], forget=[WEST]).waiting == {}
    assert world.held().also is None and world.held().used.number == 2


@pytest.mark.parametrize("phase", [1, 2])
def test_abandoned_in_each_phase_the_old_key_stays(world: World, phase: int) -> None:
    """1: all ends have both keys, and use the old one. 2: they use the new one."""
    old = world.held()
    world.away = {WEST}
    world.run(kinds=["ppk"])
    world.away = set()
    world.create()
    for _step in range(1, phase):  # as by a run that is killed as soon as it has gone one step
        secret_rotation.take(world.place, "acme", PPK, TUNNEL, world.held())
        world.create()
    assert (world.held().used.number, world.held().numbers) == (phase, [1, 2])
    seen: list[bool] = []
    done = world.run(abandon=True, watch=lambda: seen.append(world.up()))
    assert done.summary[-1] == "acme: rotation of ppk is undone" and all(seen)
    assert world.held() == old and not world.state.exists()
    assert [edge.keys[TUNNEL] for edge in world.edges.values()] == [old, old]


def test_abandoned_after_the_old_key_is_gone_the_new_one_stays(world: World) -> None:
    """Another key by the old number would be one that nobody has, and that numbers cannot tell from the old one."""
    world.away = {WEST}
    world.run(kinds=["ppk"])
    world.away = set()
    for _phase in (2, 3):  # as by runs that are killed as soon as they have gone one step
        world.create()
        secret_rotation.take(world.place, "acme", PPK, TUNNEL, world.held())
    world.create()
    new = world.held()
    assert new.numbers == [2] and world.state.exists()
    done = world.run(abandon=True)
    assert done.summary[-1] == f"acme: rotation of ppk is undone, except for {TUNNEL}, which has the new key alone"
    assert world.held() == new and not world.state.exists() and world.up()


class Killed(Exception):
    """The VCC server lost power."""


@pytest.mark.parametrize("kind", [PPK, PSK])
@pytest.mark.parametrize("abandoned", [False, True])
def test_a_server_that_is_killed_before_or_after_any_write_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, abandoned: bool
) -> None:
    """Each run is killed one write later than the one before; create_vpn comes in between."""
    world, left, kills = World(tmp_path, kind), [-1], 0
    old = world.held()
    real_write, real_unlink = secret_rotation.write_whole, Path.unlink

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            result = real(*arguments, **options)
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return result

        return call

    monkeypatch.setattr(secret_rotation, "write_whole", dying(real_write))
    monkeypatch.setattr(Path, "unlink", dying(real_unlink))
    given = {"partners": ["partner"]} if kind == PSK else {}
    if abandoned:
        left[0] = 10**6
        world.away = {WEST} if kind == PPK else set()
        world.run(kinds=[secret_rotation.word(kind)])
        world.away = set()
    for at in range(60):
        left[0] = at % 9 + 1
        try:
            if not abandoned and not world.state.exists():
                if world.held() != old and world.held().also is None:
                    break
                world.run(kinds=[secret_rotation.word(kind)], **given)
            elif abandoned and not world.state.exists():
                break
            else:
                if kind == PSK and world.held().of(2) and not abandoned:
                    world.partner = world.held().of(2).text  # type: ignore[union-attr]
                world.run(abandon=abandoned, **given)
        except Killed:
            kills += 1
        left[0] = 10**6
        assert world.up()
        world.create()
        assert world.up()
    monkeypatch.undo()
    assert kills >= 2
    if abandoned:
        assert world.held() == old and not world.state.exists()
    else:
        rotated(world, old)


class TestOfAPartner:
    def test_the_run_stops_until_the_administrator_says_that_the_partner_has_the_key(self, partner: World) -> None:
        old = partner.held()
        stopped = partner.run(kinds=["psk"])
        assert "external_settings -e vcc_external_edge=partner" in stopped.waiting["partner"]
        assert partner.held().numbers == [1, 2] and partner.held().used == old.used
        texts, lines = secret_rotation.for_partner(partner.place, "acme", {PARTNER: partner.text()})
        assert texts == {PARTNER: partner.held().of(2).text}  # type: ignore[union-attr]
        assert lines[PARTNER] == " (the new key: what follows 'also 2 ')"
        partner.partner = str(texts[PARTNER])
        assert partner.run(partners=["partner"]).waiting == {}
        rotated(partner, old)

    def test_a_partner_that_is_late_keeps_the_old_key_in_use(self, partner: World) -> None:
        old = partner.held()
        partner.run(kinds=["psk"])
        stopped = partner.run(partners=["partner"])
        assert stopped.waiting["partner"] == f"did not accept key 2 of {PARTNER} yet"
        assert partner.up() and partner.held().numbers == [1, 2]
        partner.partner = partner.held().used.text
        assert partner.run().waiting == {}
        rotated(partner, old)

    def test_a_partner_that_is_early_is_understood(self, partner: World) -> None:
        partner.run(kinds=["psk"])
        partner.partner = partner.held().of(2).text  # type: ignore[union-attr]
        assert partner.up()

    def test_abandoned_while_the_partner_has_the_new_key_it_waits_for_the_old_one(self, partner: World) -> None:
        old = partner.held()
        partner.run(kinds=["psk"])
        partner.partner = partner.held().of(2).text  # type: ignore[union-attr]
        partner.create()
        assert partner.run(abandon=True).waiting["partner"].startswith("did not accept key 1")
        partner.partner = old.used.text
        assert partner.run().waiting == {}
        assert partner.held() == old

    def test_a_key_of_the_inventory_is_refused_with_its_path(self, partner: World) -> None:
        with pytest.raises(VccError, match=r"^hosts.partner.vcc_psk: the inventory has this key"):
            partner.run(kinds=["psk"], with_psk=["partner"])
        assert partner.held().numbers == [1]

    def test_others_are_rotated_by_name(self, partner: World) -> None:
        with pytest.raises(VccError, match=r"vcc_rotate_edges: partnr: no edge .*did you mean partner"):
            partner.run(kinds=["psk"], edges=["partnr"])
        partner.run(kinds=["psk"], edges=["partner"])
        assert partner.held().numbers == [1, 2]


def test_to_abandon_what_is_not_begun_is_refused(world: World) -> None:
    with pytest.raises(VccError, match="vcc_rotate_abandon: no rotation"):
        world.run(abandon=True)


def test_where_no_tunnel_has_such_a_key_there_is_nothing_to_rotate(world: World) -> None:
    with pytest.raises(VccError, match="vcc_rotate: no tunnel has a pre-shared key yet"):
        world.run(kinds=["psk"])


def test_a_key_that_an_administrator_puts_there_meanwhile_stays(world: World) -> None:
    world.run(kinds=["ppk"])
    world.away = {WEST}
    world.run(kinds=["ppk"])
    path = psk_path(world.place, "acme", TUNNEL, PPK)
    path.write_text(f"{'b' * 64}\n", encoding="utf-8")
    world.away = set()
    world.create()
    assert world.run().waiting == {}
    assert world.held() == held.Held(held.Key(1, "b" * 64)) and not world.state.exists()


def test_others_cannot_read_the_state_and_no_key_is_in_it(world: World) -> None:
    world.away = {WEST}
    done = world.run(kinds=["ppk"])
    both = world.held()
    assert world.state.stat().st_mode & 0o777 == 0o600
    assert psk_path(world.place, "acme", TUNNEL, PPK).stat().st_mode & 0o777 == 0o600
    for key in (both.used, both.also):
        assert key and key.text not in world.state.read_text() + json.dumps([done.summary, done.orders, done.waiting])


def test_a_backup_that_is_made_meanwhile_has_all_that_is_needed_to_go_on(world: World, tmp_path: Path) -> None:
    old = world.held()
    world.away = {WEST}
    world.run(kinds=["ppk"])
    kept = backup.content_of({}, world.place, "now")
    world.place = tmp_path / "restored"
    backup.write_files(kept, world.place, [*kept["files"]])
    world.away = set()
    assert world.run().waiting == {}
    rotated(world, old)


def test_a_state_of_another_version_is_not_touched(world: World) -> None:
    world.state.write_text('{"format": 99}')
    with pytest.raises(VccError, match="another version"):
        world.run(kinds=["ppk"])


@pytest.mark.parametrize(
    "text", ["a key with spaces", "key\ngeneration 3", "key\nalso 2 other one", "key\ngeneration 7\nalso 8 x y"]
)
def test_a_text_reads_the_same_here_and_on_a_node(text: str) -> None:
    here, there = held.parse(text), on_node.parse(text)
    assert held.text(here) == text
    assert (tuple(here.used), here.also and tuple(here.also)) == (tuple(there.used), there.also and tuple(there.also))


@pytest.mark.parametrize("text", ["key\nno such line", "key\ngeneration 1\ngeneration 2", "key\nalso 0 x"])
def test_what_nobody_here_wrote_is_no_key(text: str) -> None:
    assert held.parse(text).used.text == text
