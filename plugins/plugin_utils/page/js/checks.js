// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What is wrong with what is being composed: those of the planner's checks that need nothing secret. The planner has more.
"use strict";
const NAME_RULE = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;

// A rate in bits per second, a volume in octets; null where the text is neither.
function rateOf(text) {
  const found = /^([0-9]+)([a-z]+)$/i.exec(text);
  const size = found && Object.hasOwn(DATA.compose.rates.units, found[2].toLowerCase()) && DATA.compose.rates.units[found[2].toLowerCase()];
  return size ? { value: Number(found[1]) * size, period: "" } : null;
}

function volumeOf(text) {
  const found = /^([0-9]+)([A-Za-z]+)\/([a-z]+)$/.exec(text);
  const { units, periods } = DATA.compose.volumes;
  return found && Object.hasOwn(units, found[2]) && periods.includes(found[3]) ? { value: Number(found[1]) * units[found[2]], period: found[3] } : null;
}

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

// One member and a network behind a partner's edge are two.
const besidePartner = () => Boolean(WANTED.of) && WANTED.of.destinations.some((one) => isExternal(one.behind));

function checkNetworks(wrong) {
  if (WANTED.sites.size < 2 && !besidePartner()) wrong("networks", "Choose at least two organization networks: a VPN joins two or more.");
  const organizations = new Set([...WANTED.sites].map((name) => (thing(`site:${name}`) || {}).organization));
  if (organizations.size > 1) wrong("networks", `The networks are of several organizations: ${[...organizations].sort().join(", ")}.`);
}

// The org edges of a site: one, or the two of a pair.
const SECOND = new Map(DATA.sites.filter((one) => one.home).map((one) => [one.home, one.name]));
const isPair = (site) => SECOND.has(site);
const edgesAt = (site) => (isPair(site) ? [site, SECOND.get(site)] : [site]);

function checkTunnels(wrong) {
  const paired = wantedSites().filter(isPair);
  if (paired.length && WANTED.tunnel.kind !== "ipsec") wrong("kind", `A site with two edges (${paired.join(", ")}) has IPsec tunnels only.`);
  for (const [here, there] of wantedPairs()) {
    if ([here, there].some(isPair) && [here, there].some(isExternal)) wrong("tunnels", `${here} — ${there}: a site with two edges has no tunnel to a partner's edge.`);
    for (const one of edgesAt(here)) for (const other of edgesAt(there)) checkTunnel(wrong, [one, other], tunnelBetween([here, there]));
  }
}

// `had`: the tunnel that these sites have.
function checkTunnel(wrong, pair, had) {
  const [one, other] = pair.map((name) => thing(`site:${name}`) || { public: [], reachable: true });
  const shown = pair.join(" — ");
  if (!had && !WANTED.create) wrong("tunnels", `${shown}: there is no tunnel, and none is to be created.`);
  if ((one.external || other.external) && WANTED.tunnel.kind !== "ipsec") wrong("kind", `${shown}: a tunnel to a partner's edge is an IPsec tunnel.`);
  if (one.external && other.external) wrong("tunnels", `${shown}: both edges are partners', and neither can be configured here.`);
  if (!one.reachable && !other.reachable) wrong("tunnels", `${shown}: both edges are behind a NAT that forwards nothing.`);
  const [a, b] = [families(one.public), families(other.public)];
  if (a.size && b.size && ![...a].some((family) => b.has(family))) wrong("tunnels", `${shown}: their public addresses have no IP version in common.`);
}

// VPNs that share a tunnel have to agree on its settings. `agreed`: those of this VPN.
function checkShared(wrong, agreed) {
  const others = new Map();
  for (const pair of wantedPairs()) {
    const tunnel = tunnelBetween(pair);
    for (const vpn of tunnel && agreed ? vpnsOfTunnel(tunnel) : []) if (vpn !== WANTED.of && vpn.agreed && vpn.agreed !== agreed && !others.has(vpn)) others.set(vpn, pair);
  }
  for (const [vpn, pair] of others) wrong(WANTED.of ? "members" : "kind", `The VPN ${called(vpn)} has the tunnel ${pair.join(" — ")}, with other settings of encryption, retries or transport: VPNs that share a tunnel have to agree.`);
}

function checkMembers(wrong, vms) {
  for (const name of WANTED.members) {
    if (!vmsOf(name).length && !WANTED.was.has(name)) wrong("members", isVapp(name) ? `No VM is behind the vApp ${name}.` : `${name} is not a VM or vApp of the inventory.`);
    for (const vm of vmsOf(name)) {
      if ((vm.unusable || !vm.site) && !WANTED.was.has(vm.name)) wrong("members", `${vm.name} cannot be a member as the inventory describes it; plan_vpn says why.`);
    }
  }
  const had = new Map();
  for (const vm of [...DATA.vms.filter((one) => memberships(one.name).length && one.organization === organizationOf()), ...vms]) {
    if (isExternal(vm.site)) continue;
    for (const text of vm.addresses) {
      const place = `${vm.vapp || vm.site} ${text}`;
      const first = had.get(place) || vm;
      if (first.name !== vm.name && vms.includes(vm)) wrong("members", `${vm.name} has the address ${text} of ${first.name}, on the same network.`);
      had.set(place, first);
    }
  }
  const partner = besidePartner();
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
  checkPassing(wrong, "topology");
}

// A partner's edge passes nothing on.
function checkPassing(wrong, at) {
  const sites = wantedSites();
  const external = sites.filter(isExternal);
  const passing = external.length ? passingOn(sites, wantedPairs()) : new Set();
  for (const site of external) if (passing.has(site)) wrong(at, `${site} is a partner's edge and passes nothing on: let the others meet elsewhere.`);
}

function checkPolicy(wrong) {
  const { policy, tunnel } = WANTED;
  const known = DATA.compose.policies.find((one) => one.name === policy.name);
  if (!known) wrong("kind", `There is no policy ${policy.name}.`);
  if (known && known.ppk && tunnel.kind === "ssl") wrong("kind", `The policy ${policy.name} requires a PPK, and SSL tunnels have none: take IPsec, or another policy.`);
  if (known && known.ppk && wantedSites().some(isExternal)) wrong("kind", `The policy ${policy.name} requires a PPK, and tunnels to a partner's edge have none.`);
  checkShared(wrong, known && known.agreed[[tunnel.kind, ...(tunnel.kind === "ssl" ? [tunnel.transport] : [])].join(" ")]);
  if (!policy.own) return;
  const paired = wantedSites().filter(isPair);
  if (paired.length && [policy.rate, policy.all, policy.quota, policy.total].some(Boolean)) wrong("kind", `A site with two edges (${paired.join(", ")}) has no rates and quotas.`);
  checkLimit(wrong, "rate", rateOf, DATA.compose.rates, policy.rate, policy.all, "a rate such as 500kbit, 10mbit or 1gbit");
  checkLimit(wrong, "quota", volumeOf, DATA.compose.volumes, policy.quota, policy.total, "a volume such as 10GB/day or 500GB/month");
}

// A member's limit and the VPN's.
function checkLimit(wrong, what, read, known, own, all, such) {
  for (const [text, whose] of [[own, "a member"], [all, "the VPN"]]) {
    const found = text && read(text);
    if (text && !found) wrong("kind", `${what} of ${whose}: ${text} must be ${such}.`);
    else if (found && !(known.lowest <= found.value && found.value <= known.highest)) wrong("kind", `${what} of ${whose}: ${text} must be from ${known.from} to ${known.to}.`);
  }
  const [one, together] = [own && read(own), all && read(all)];
  if (one && together && one.period === together.period && one.value > together.value) wrong("kind", `${what}: ${own} for one member is more than ${all} for all of them.`);
}

function checkPool(wrong, vms) {
  const { name, cidr } = WANTED.pool;
  const own = name === "";
  if (own && !cidr.trim()) return wrong("pool", Object.keys(DATA.compose.pools).length ? "Choose a pool, or give the VPN a CIDR of its own." : "vcc_pools has no pool: give the VPN a CIDR of its own.");
  const pool = prefix(own ? cidr : DATA.compose.pools[name]);
  if (pool.wrong) return wrong("pool", `${pool.wrong}.`);
  for (const [text, what] of UNUSABLE) if (overlaps(pool, prefix(text))) wrong("pool", `${pool.text} lies in ${text}, ${what}.`);
  checkReal(pool, wantedSites(), vms, wrong);
  if (own) {
    for (const vpn of DATA.vpns) for (const text of vpn.blocks || []) if (overlaps(pool, prefix(text))) wrong("pool", `${pool.text} overlaps ${text} of VPN ${called(vpn)}.`);
    if (pool.size < smallest(vms)) wrong("pool", `${pool.text} is too small: these members and their edges need a block of ${smallest(vms)} addresses.`);
  } else {
    const usage = DATA.pools.find((one) => one.pool === name && (!several || one.organization === organizationOf()));
    if (usage && usage.size && usage.size - usage.used < 8) wrong("pool", `The pool ${name} has no room for another VPN.`);
  }
  return undefined;
}

// The smallest block for the edges of the sites and the VMs: blocks of a power of two, of vApps in those of sites.
function smallest(vms) {
  const power = (count) => { let size = 1; while (size < count) size *= 2; return size; };
  const ofSite = (site) => {
    const here = vms.filter((vm) => vm.site === site);
    const vapps = [...new Set(here.map((vm) => vm.vapp).filter(Boolean))].map((vapp) => power(here.filter((vm) => vm.vapp === vapp).length));
    return power([...vapps, isPair(site) ? 3 : 1, here.filter((vm) => !vm.vapp).length].reduce((all, size) => all + size, 0));
  };
  return BigInt(power(wantedSites().map(ofSite).reduce((all, size) => all + size, 0)));
}

// What exists at the sites, and the IP versions of the VMs.
function checkReal(pool, sites, vms, wrong) {
  const places = [...sites.map((one) => thing(`site:${one}`)), ...[...new Set(vms.map((vm) => vm.vapp).filter(Boolean))].map((one) => thing(`vapp:${one}`))].filter(Boolean);
  for (const place of places) {
    for (const text of [...place.networks, ...(place.public || [])]) if (!only(text).wrong && overlaps(pool, only(text))) wrong("pool", `${pool.text} overlaps ${text} of ${place.name}.`);
  }
  const without = vms.filter((vm) => vm.addresses.length && !families(vm.addresses).has(pool.family) && !isExternal(vm.site));
  const dry = places.filter((place) => place.networks.length && !place.external && !families(place.networks).has(pool.family) && vms.some((vm) => vm.site === place.name || vm.vapp === place.name));
  if (!without.length && dry.length) wrong("pool", `${pool.text} is IPv${pool.family}, and the networks of ${cut(dry.map((place) => place.name).join(", "), 80)} are not.`);
  if (without.length) wrong("pool", `${pool.text} is IPv${pool.family}, and ${cut(without.map((vm) => vm.name).join(", "), 80)} ${without.length === 1 ? "has" : "have"} no such address.`);
}

function checkName(wrong) {
  const organization = organizationOf();
  const taken = organization ? (Object.hasOwn(DATA.compose.taken, organization) ? DATA.compose.taken[organization] : []) : Object.values(DATA.compose.taken).flat();
  if (!WANTED.name) wrong("name", "Give the VPN a name.");
  else if (!NAME_RULE.test(WANTED.name)) wrong("name", "A name begins with a letter and has at most 32 letters, digits, hyphens and underscores.");
  else if (taken.includes(WANTED.name)) wrong("name", `There is a VPN ${WANTED.name} already: create_vpn would change it.`);
}
