// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What is being composed, as an intent: the VPN, its sites and pairs, its YAML, and the command.
"use strict";
const WANTED = {
  of: null, was: new Set(), // the VPN whose members change, and their names; null: a new one
  sites: new Set(), members: [], create: true, topology: { kind: "mesh", hubs: new Set(), order: [], root: "", fanout: 2, links: new Set() },
  tunnel: { kind: "ipsec", transport: "auto" }, policy: { name: "standard", own: false, rate: "", all: "", quota: "", total: "", then: "drop" }, pool: { name: "", cidr: "" }, name: "",
};

const isVapp = (name) => Boolean(thing(`vapp:${name}`));
const vmsOf = (name) => (isVapp(name) ? behind(`vapp:${name}`) : thing(`vm:${name}`) ? [thing(`vm:${name}`)] : []);
const wantedVms = () => [...new Map(WANTED.members.flatMap(vmsOf).map((vm) => [vm.name, vm])).values()];

function homes() {
  return [...new Set(wantedVms().map((vm) => vm.site).filter(Boolean))].sort();
}

// The sites of the VPN: those with members, and those that the topology names.
function wantedSites() {
  if (WANTED.of) return [...new Set([...homes(), ...stayingSites()])].sort();
  const { kind, hubs, root } = WANTED.topology;
  const named = kind === "star" ? [...hubs] : kind === "tree" && root ? [root] : [];
  return [...new Set([...homes(), ...named])].sort();
}

const orderOf = (sites) => [...WANTED.topology.order.filter((site) => sites.includes(site)), ...sites.filter((site) => !WANTED.topology.order.includes(site))];

function wantedPairs() {
  if (WANTED.of) return changedPairs();
  const sites = wantedSites();
  const { kind, hubs, root, fanout, links } = WANTED.topology;
  if (!sites.length) return [];
  const shapes = {
    mesh: () => distinct(pairsOf(sites)),
    star: () => starPairs(sites, hubs.size ? [...hubs] : [middleSite(sites)]),
    chain: () => chainPairs(orderOf(sites)),
    tree: () => treePairs(grown(sites, root, fanout, new Map())),
    graph: () => distinct([...links].map((text) => text.split("\n")).filter((pair) => pair.every((site) => sites.includes(site)))),
  };
  return shapes[kind]();
}

const tunnelBetween = (pair) => DATA.tunnels.find((tunnel) => tunnel.kind === WANTED.tunnel.kind && tunnel.ends.join("\n") === pair.join("\n"));

function wantedVpn() {
  if (WANTED.of) return changedEntry();
  const { topology, tunnel, policy, pool } = WANTED;
  const sites = wantedSites();
  const vpn = { name: WANTED.name, pool: pool.cidr ? pool.cidr.trim() : pool.name, members: [...WANTED.members] };
  vpn.topology = topology.kind;
  if (topology.kind === "star" && topology.hubs.size) vpn.topology = topology.hubs.size === 1 ? { kind: "star", hub: [...topology.hubs][0] } : { kind: "star", hubs: [...topology.hubs].sort() };
  if (topology.kind === "chain" && sites.length) vpn.topology = { kind: "chain", order: orderOf(sites) };
  if (topology.kind === "tree") vpn.topology = { kind: "tree", ...(topology.root ? { root: topology.root } : {}), fanout: topology.fanout };
  if (topology.kind === "graph") vpn.topology = { kind: "graph", links: wantedPairs() };
  vpn.tunnel = tunnel.kind === "ssl" && tunnel.transport !== "auto" ? { kind: "ssl", transport: tunnel.transport } : tunnel.kind;
  vpn.policy = policy.name;
  if (policy.own) {
    const rate = { ...(policy.all ? { vpn: policy.all } : {}), ...(policy.rate ? { member: policy.rate } : {}) };
    const quota = { ...(policy.total ? { vpn: policy.total } : {}), ...(policy.quota ? { member: policy.quota } : {}) };
    vpn.policy = { extends: policy.name, ...(Object.keys(rate).length ? { rate } : {}), ...(Object.keys(quota).length ? { quota: { ...quota, when_used_up: policy.then } } : {}) };
  }
  return vpn;
}

// YAML that means the same to every parser: what is not a plain word is quoted, as JSON does, which is YAML.
const WORD = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const NOT_A_WORD = /^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i;
const scalar = (value) => (typeof value === "number" || typeof value === "boolean" ? String(value)
  : WORD.test(value) && !NOT_A_WORD.test(value) ? value : JSON.stringify(value).replace(/[\u007f-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`));

function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value && typeof value === "object") return `{${Object.entries(value).map(([key, one]) => `${scalar(key)}: ${flow(one)}`).join(", ")}}`;
  return scalar(value);
}

function yaml(vpn) {
  const lines = ["---", "vcc_vpns:"];
  Object.entries(vpn).forEach(([key, value], place) => {
    const begin = place ? "    " : "  - ";
    if (["members", "add", "remove"].includes(key)) lines.push(`${begin}${key}:`, ...value.map((name) => `      - ${scalar(name)}`));
    else lines.push(`${begin}${key}: ${flow(value)}`);
  });
  return `${lines.join("\n")}\n`;
}

const quoted = (text) => (/^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const fileName = () => `${NAME_RULE.test(WANTED.name) ? WANTED.name : "vpn"}.yml`;

function command() {
  const words = ["ansible-playbook", ...DATA.compose.inventories.flatMap((path) => ["-i", quoted(path)]), "intercloud.vpn.create_vpn", "-e", quoted(`@${fileName()}`)];
  if (!WANTED.create) words.push("-e", "vcc_create_tunnels=never");
  if (several && organizationOf()) words.push("-e", quoted(`vcc_organization=${organizationOf()}`));
  return words.join(" ");
}

const organizationOf = () => (WANTED.of || wantedVms()[0] || {}).organization || [...WANTED.sites].map((name) => (thing(`site:${name}`) || {}).organization)[0];
