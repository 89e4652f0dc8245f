// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Changing the members of a VPN that exists: `add` and `remove` in its entry. All else of it stays, so nothing else is shown.
"use strict";
const SETTLED_STEPS = ["topology", "kind", "pool", "name"];
const changeable = () => DATA.vpns.filter((vpn) => vpn.planned && (vpn.members || []).length).sort((one, other) => (called(one) < called(other) ? -1 : 1));

// Begin with the members of a VPN, or with none for a new one.
function begin(vpn) {
  WANTED.of = vpn || null;
  WANTED.members = vpn ? vpn.members.map((member) => member.name) : [];
  WANTED.was = new Set(WANTED.members);
  WANTED.sites = new Set(vpn ? vpn.sites.filter((site) => thing(`site:${site}`)) : []);
  WANTED.name = vpn ? vpn.name : byId("want-name").value.trim();
  WANTED.tunnel.kind = vpn ? (vpn.tunnel.startsWith("ssl") ? "ssl" : "ipsec") : byId("want-tunnel").value;
  for (const id of SETTLED_STEPS) byId(`step-${id}`).hidden = Boolean(vpn);
  byId("want-vpn").value = vpn ? vpnKey(vpn) : "";
  changed();
}

const added = () => WANTED.members.filter((name) => !WANTED.was.has(name));

function removed() {
  const left = new Set([...WANTED.members, ...wantedVms().map((vm) => vm.name)]);
  return [...WANTED.was].filter((name) => !left.has(name));
}

// What the VPN's topology decided, from its words: `star around a and b`, `chain a -- b`, `tree below a`.
const kindOf = (vpn) => vpn.topology.split(" ")[0];
const decided = (vpn, before, between) => (vpn.topology.includes(before) ? vpn.topology.slice(vpn.topology.indexOf(before) + before.length).split(between) : []);
const endsOf = (vpn) => vpn.tunnels.map((name) => (thing(`tunnel:${name}`) || { ends: [] }).ends).filter((ends) => ends.length === 2);

// Sites that the VPN has for another reason than a member stay: those without members, the hubs of a star, the sites of a graph.
function stayingSites() {
  const once = new Set([...WANTED.was].map((name) => (thing(`vm:${name}`) || {}).site));
  const named = { star: decided(WANTED.of, " around ", " and "), graph: endsOf(WANTED.of).flat() }[kindOf(WANTED.of)] || [];
  return [...WANTED.of.sites.filter((site) => !once.has(site)), ...named];
}

const endSite = (gateway) => (thing(`vapp:${gateway}`) || { site: gateway }).site;

const joining = () => homes().filter((site) => !WANTED.of.sites.includes(site));

// Its tunnels with the sites that come and go, as the plan has them.
function changedPairs() {
  const sites = wantedSites();
  const shapes = {
    mesh: () => distinct(pairsOf(sites)),
    star: () => starPairs(sites, decided(WANTED.of, " around ", " and ")),
    chain: () => { const order = decided(WANTED.of, "chain ", " -- ").filter((site) => sites.includes(site)); return chainPairs([...order, ...sites.filter((site) => !order.includes(site))]); },
    tree: () => treePairs(grown(sites, "", FANOUT, parentsOf(endsOf(WANTED.of), decided(WANTED.of, " below ", " and ")[0]))),
    graph: () => distinct(endsOf(WANTED.of)),
  };
  return shapes[kindOf(WANTED.of)]();
}

function checkChange(wrong) {
  if (!added().length && !removed().length) wrong("members", "Add or remove a member: nothing changes yet.");
  if (kindOf(WANTED.of) === "graph") for (const site of joining()) wrong("members", `${site} joins, and the VPN is a graph, whose links are named: describe the whole VPN with a link to ${site}.`);
  for (const name of removed()) if (WANTED.of.named.includes(name)) wrong("members", `${name} is named in a rule of the VPN (allow or outside): to remove it, describe the whole VPN.`);
  for (const one of WANTED.of.destinations) if (!isExternal(one.behind) && !homes().includes(endSite(one.behind))) wrong("members", `${one.name} is a destination behind ${one.behind}, where no member would be left: describe the whole VPN.`);
  const before = new Set(WANTED.of.sites);
  checkShared(wrong, WANTED.of.agreed);
  checkPassing(wrong, "members");
  if (WANTED.of.ppk) for (const site of joining().filter(isExternal)) wrong("members", `${site} is a partner's edge, and the VPN's policy requires a PPK, which tunnels to it have not.`);
  const vms = wantedVms().filter((vm) => !WANTED.was.has(vm.name));
  const pool = prefix(DATA.compose.pools[WANTED.of.pool] || WANTED.of.pool);
  if (!pool.wrong) checkReal(pool, wantedSites().filter((site) => !before.has(site)), vms, (_step, text) => wrong("members", text));
}

const changedEntry = () => ({ name: WANTED.of.name, ...(added().length ? { add: added() } : {}), ...(removed().length ? { remove: removed() } : {}) });
