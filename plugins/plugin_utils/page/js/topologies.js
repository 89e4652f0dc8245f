// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sites become pairs of sites, and pairs become paths, as the planner has them (docs/topologies.md).
"use strict";
const FANOUT = 2; // of a tree that says nothing of it
const pairOf = (one, other) => (one < other ? [one, other] : [other, one]);
const pairsOf = (sites) => sites.flatMap((one, place) => sites.slice(place + 1).map((other) => pairOf(one, other)));
const isExternal = (site) => Boolean((thing(`site:${site}`) || {}).external);

// Each pair once, sorted.
function distinct(pairs) {
  const found = new Map(pairs.filter(([one, other]) => one !== other).map((pair) => [pairOf(...pair).join("\n"), pairOf(...pair)]));
  return [...found.keys()].sort().map((key) => found.get(key));
}

const starPairs = (sites, hubs) => distinct(hubs.flatMap((hub) => sites.map((site) => [hub, site])));
const chainPairs = (order) => distinct(order.slice(1).map((site, place) => [order[place], site]));
const treePairs = (parents) => distinct([...parents]);

// The middle, where none is named: one that is ours and reachable.
function middleSite(sites) {
  const rank = (name) => { const site = thing(`site:${name}`) || {}; return `${site.external ? 1 : 0}${site.reachable === false ? 1 : 0}${name}`; };
  return [...sites].sort((one, other) => (rank(one) < rank(other) ? -1 : 1))[0];
}

// The parent of each site of a tree. `had`: the parents that it has; a site whose parent left goes to that one's parent.
function grown(sites, root, fanout, had) {
  const parents = new Map();
  for (const site of [...sites].sort().filter((one) => had.has(one) && one !== root)) {
    let parent = had.get(site);
    while (!sites.includes(parent) && had.has(parent)) parent = had.get(parent);
    if (sites.includes(parent)) parents.set(site, parent);
  }
  const above = new Set(parents.values());
  const tops = [...sites].sort().filter((site) => !parents.has(site) && (had.has(site) || above.has(site)));
  const top = root || tops[0] || middleSite(sites);
  for (const site of tops) if (site !== top) parents.set(site, top);
  const depth = new Map([[top, 0]]);
  const children = new Map(sites.map((site) => [site, 0]));
  for (const [parent] of depth) { // which grows on the way
    for (const site of [...parents.keys()].sort()) {
      if (parents.get(site) !== parent || depth.has(site)) continue;
      depth.set(site, depth.get(parent) + 1);
      children.set(parent, children.get(parent) + 1);
    }
  }
  for (const site of [...sites].sort().filter((one) => !depth.has(one))) {
    const rank = (one) => [children.get(one) >= fanout ? 1 : 0, depth.get(one), one];
    const before = (a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1);
    const parent = [...depth.keys()].sort((one, other) => before(rank(one), rank(other)))[0];
    parents.set(site, parent);
    depth.set(site, depth.get(parent) + 1);
    children.set(parent, children.get(parent) + 1);
  }
  return parents;
}

// The parents of a tree, of its pairs and its root.
function parentsOf(pairs, root) {
  const parents = new Map();
  const reached = new Set([root]);
  for (const site of reached) {
    for (const pair of pairs.filter((one) => one.includes(site))) {
      const other = pair[0] === site ? pair[1] : pair[0];
      if (reached.has(other)) continue;
      parents.set(other, site);
      reached.add(other);
    }
  }
  return parents;
}

// The sites that pass packets on between two others. Of several shortest paths, names decide.
function passingOn(sites, pairs) {
  const beside = new Map(sites.map((site) => [site, []]));
  for (const [one, other] of pairs) { beside.get(one).push(other); beside.get(other).push(one); }
  const found = new Set();
  for (const source of sites) {
    const before = new Map(beside.get(source).map((site) => [site, source]));
    const way = (site, other) => {
      const tunnels = [pairOf(site, other).join("\n")];
      for (let at = site; at !== source; at = before.get(at)) tunnels.push(pairOf(before.get(at), at).join("\n"));
      return tunnels.sort().reverse();
    };
    const earlier = (one, other) => { const place = one.findIndex((text, index) => text !== other[index]); return place >= 0 && one[place] < other[place]; };
    let edge = [...before.keys()];
    while (edge.length) {
      const further = new Map();
      for (const site of edge) {
        for (const other of beside.get(site)) {
          if (other === source || before.has(other)) continue;
          if (!further.has(other) || earlier(way(site, other), way(further.get(other), other))) further.set(other, site);
        }
      }
      for (const [other, site] of further) { found.add(site); before.set(other, site); }
      edge = [...further.keys()];
    }
  }
  return found;
}
