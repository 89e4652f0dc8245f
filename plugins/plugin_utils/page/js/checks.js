// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What is wrong with what is being composed: those of the planner's checks that need nothing secret. The planner has more.
"use strict";
const NAME_RULE = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
const RATE = /^\d+(kbit|mbit|gbit)$/i;
const QUOTA = /^\d+(PB|TB|GB|MB|TiB|GiB|MiB)\/(hour|day|month)$/;

// [{step, text}] in the order of the steps
function mistakes() {
  const found = [];
  const wrong = (step, text) => found.push({ step, text });
  const vms = wantedVms();
  checkNetworks(wrong);
  checkTunnels(wrong);
  checkMembers(wrong, vms);
  if (WANTED.of) checkChange(wrong);
  else {
    checkTopology(wrong);
    checkPolicy(wrong);
    checkPool(wrong, vms);
    checkName(wrong);
  }
  const order = ["networks", "tunnels", "members", "topology", "kind", "pool", "name"];
  return found.sort((one, other) => order.indexOf(one.step) - order.indexOf(other.step));
}

function checkNetworks(wrong) {
  if (WANTED.sites.size < 2) wrong("networks", "Choose at least two organization networks: a VPN joins two or more.");
  const organizations = new Set([...WANTED.sites].map((name) => (thing(`site:${name}`) || {}).organization));
  if (organizations.size > 1) wrong("networks", `The networks are of several organizations: ${[...organizations].sort().join(", ")}.`);
}

function checkTunnels(wrong) {
  for (const pair of wantedPairs()) {
    const [one, other] = pair.map((name) => thing(`site:${name}`) || { public: [], reachable: true });
    const shown = pair.join(" — ");
    if (!tunnelBetween(pair) && !WANTED.create) wrong("tunnels", `${shown}: there is no tunnel, and none is to be created.`);
    if (one.external && other.external) wrong("tunnels", `${shown}: both edges are partners', and neither can be configured here.`);
    if (!one.reachable && !other.reachable) wrong("tunnels", `${shown}: both edges are behind a NAT that forwards nothing.`);
    const [a, b] = [families(one.public), families(other.public)];
    if (a.size && b.size && ![...a].some((family) => b.has(family))) wrong("tunnels", `${shown}: their public addresses have no IP version in common.`);
  }
}

function checkMembers(wrong, vms) {
  const seen = new Map();
  for (const name of WANTED.members) {
    if (!vmsOf(name).length && !WANTED.was.has(name)) wrong("members", isVapp(name) ? `No VM is behind the vApp ${name}.` : `${name} is no VM or vApp of the inventory.`);
    for (const vm of vmsOf(name)) {
      if (seen.has(vm.name)) wrong("members", `${vm.name} is in it twice: ${seen.get(vm.name) === name ? "it is named twice" : `by itself and with the vApp ${isVapp(name) ? name : seen.get(vm.name)}`}.`);
      seen.set(vm.name, name);
      if ((vm.unusable || !vm.site) && !WANTED.was.has(vm.name)) wrong("members", `${vm.name} cannot be a member as the inventory describes it; plan_vpn says why.`);
    }
  }
  // One member and a network behind a partner's edge are two.
  const partner = WANTED.of && (WANTED.of.destinations || []).some((one) => (thing(`site:${one.behind}`) || {}).external);
  if (vms.length < (partner ? 1 : 2)) wrong("members", `A VPN needs at least ${partner ? "one member" : "two members"}.`);
  else if (homes().length < 2 && !partner) wrong("members", `All members are at the one site ${homes()[0] || "?"}: a VPN joins two or more.`);
  const idle = [...WANTED.sites].filter((site) => !wantedSites().includes(site)).sort();
  if (vms.length && idle.length && !WANTED.of) wrong("members", `${idle.join(", ")} ${idle.length === 1 ? "is" : "are"} chosen and ${idle.length === 1 ? "has" : "have"} no member: add a VM there, or remove the network.`);
  const organizations = new Set(vms.map((vm) => vm.organization));
  if (organizations.size > 1) wrong("members", `The members are of several organizations: ${[...organizations].sort().join(", ")}.`);
}

function checkTopology(wrong) {
  const sites = wantedSites();
  if (sites.length < 2) return;
  const { kind, fanout } = WANTED.topology;
  if (kind === "tree" && !(Number.isInteger(fanout) && fanout >= 1 && fanout <= 1000)) wrong("topology", "The fan-out must be a whole number from 1 to 1000.");
  const near = new Map(sites.map((site) => [site, []]));
  for (const [one, other] of wantedPairs()) { near.get(one).push(other); near.get(other).push(one); }
  const reached = new Set([sites[0]]);
  for (const site of reached) near.get(site).forEach((other) => reached.add(other));
  const apart = sites.filter((site) => !reached.has(site));
  if (apart.length) wrong("topology", `${apart.join(", ")} ${apart.length === 1 ? "does" : "do"} not reach ${sites[0]}: join them.`);
  for (const site of sites) {
    if ((thing(`site:${site}`) || {}).external && near.get(site).length > 1) wrong("topology", `${site} is a partner's edge and passes nothing on: let the others meet elsewhere.`);
  }
}

function checkPolicy(wrong) {
  const { policy, tunnel } = WANTED;
  const known = DATA.compose.policies.find((one) => one.name === policy.name);
  if (!known) wrong("kind", `There is no policy ${policy.name}.`);
  if (known && known.ppk && tunnel.kind === "ssl") wrong("kind", `The policy ${policy.name} requires a PPK, and SSL tunnels have none: take IPsec, or another policy.`);
  if (known && known.ppk && wantedSites().some((site) => (thing(`site:${site}`) || {}).external)) wrong("kind", `The policy ${policy.name} requires a PPK, and tunnels to a partner's edge have none.`);
  if (!policy.own) return;
  for (const [text, what] of [[policy.rate, "rate of a member"], [policy.all, "rate of the VPN"]]) if (text && !RATE.test(text)) wrong("kind", `${what}: ${text} must be a rate such as 500kbit, 10mbit or 1gbit.`);
  for (const [text, what] of [[policy.quota, "quota of a member"], [policy.total, "quota of the VPN"]]) if (text && !QUOTA.test(text)) wrong("kind", `${what}: ${text} must be a volume such as 10GB/day or 500GB/month.`);
}

function checkPool(wrong, vms) {
  const { name, cidr } = WANTED.pool;
  const own = name === "";
  if (own && !cidr.trim()) return wrong("pool", Object.keys(DATA.compose.pools).length ? "Choose a pool, or give the VPN a CIDR of its own." : "vcc_pools has no pool: give the VPN a CIDR of its own.");
  const pool = prefix(own ? cidr : DATA.compose.pools[name]);
  if (pool.wrong) return wrong("pool", `${pool.wrong}.`);
  for (const [text, what] of UNUSABLE) if (overlaps(pool, prefix(text))) wrong("pool", `${pool.text} lies in ${text}, ${what}.`);
  for (const site of wantedSites().map((one) => thing(`site:${one}`)).filter(Boolean)) {
    for (const text of [...site.networks, ...site.public]) if (!only(text).wrong && overlaps(pool, only(text))) wrong("pool", `${pool.text} overlaps ${text} of ${site.name}.`);
  }
  const gateways = new Set(vms.map((vm) => vm.vapp).filter(Boolean));
  for (const vapp of [...gateways].map((one) => thing(`vapp:${one}`)).filter(Boolean)) {
    for (const text of vapp.networks) if (!only(text).wrong && overlaps(pool, only(text))) wrong("pool", `${pool.text} overlaps ${text} of ${vapp.name}.`);
  }
  if (own) {
    for (const [other, text] of Object.entries(DATA.compose.pools)) if (!prefix(text).wrong && overlaps(pool, prefix(text))) wrong("pool", `${pool.text} overlaps the pool ${other} (${text}): choose that pool.`);
    for (const vpn of DATA.vpns) for (const text of vpn.blocks || []) if (overlaps(pool, prefix(text))) wrong("pool", `${pool.text} overlaps ${text} of VPN ${called(vpn)}.`);
    if (pool.size < 8n) wrong("pool", `${pool.text} is too small for two sites.`);
  } else {
    const usage = DATA.pools.find((one) => one.pool === name && (!several || one.organization === organizationOf()));
    if (usage && usage.size && usage.size - usage.used < 8) wrong("pool", `The pool ${name} has no room for another VPN.`);
  }
  const without = vms.filter((vm) => vm.addresses.length && !families(vm.addresses).has(pool.family) && !(thing(`site:${vm.site}`) || {}).external);
  if (without.length) wrong("pool", `${pool.text} is IPv${pool.family}, and ${cut(without.map((vm) => vm.name).join(", "), 80)} ${without.length === 1 ? "has" : "have"} no such address.`);
  return undefined;
}

function checkName(wrong) {
  const organization = organizationOf();
  const taken = organization ? DATA.compose.taken[organization] || [] : Object.values(DATA.compose.taken).flat();
  if (!WANTED.name) wrong("name", "Give the VPN a name.");
  else if (!NAME_RULE.test(WANTED.name)) wrong("name", "A name begins with a letter and has at most 32 letters, digits, hyphens and underscores.");
  else if (taken.includes(WANTED.name)) wrong("name", `There is a VPN ${WANTED.name} already: create_vpn would change it.`);
}
