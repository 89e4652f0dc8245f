// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Where everything is on the map. elkjs packs boxes into boxes and puts clouds in a ring, in a worker: the page never waits for it.
"use strict";
const RING = 12; // clouds; more of them are packed like tiles
const GAP = 70; // between clouds of a ring, where tunnels have their labels
const MANY = 150; // VMs; beyond, vApps are closed
const VM_WIDTH = Math.min(180, Math.max(118, 36 + 6.6 * Math.max(0, ...DATA.vms.map((vm) => vm.name.length))));
const ELK = { worker: null, waiting: new Map(), next: 1 };

async function elkSource() {
  const bytes = Uint8Array.from(atob(byId("layout").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

async function elkWorker() {
  if (ELK.worker) return ELK.worker;
  const url = URL.createObjectURL(new Blob([await elkSource()], { type: "text/javascript" }));
  ELK.worker = new Worker(url);
  ELK.worker.onmessage = ({ data }) => {
    const { done, failed } = ELK.waiting.get(data.id) || {};
    ELK.waiting.delete(data.id);
    if (data.error) failed && failed(new Error(String(data.error.message || data.error)));
    else done && done(data.data);
  };
  ELK.worker.onerror = (event) => ELK.waiting.forEach(({ failed }) => failed(new Error(event.message || "the worker failed")));
  ask("register", { algorithms: ["layered", "rectpacking", "radial"] });
  return ELK.worker;
}

function ask(cmd, more) {
  return new Promise((done, failed) => {
    const id = ELK.next++;
    ELK.waiting.set(id, { done, failed });
    ELK.worker.postMessage({ id, cmd, ...more });
  });
}

const packed = (top, side, gap, ratio, minimum) => ({
  "elk.algorithm": "rectpacking",
  "elk.padding": `[top=${top},left=${side},bottom=${side},right=${side}]`,
  "elk.spacing.nodeNode": String(gap),
  "elk.aspectRatio": String(ratio),
  "elk.nodeSize.constraints": "MINIMUM_SIZE",
  "elk.nodeSize.minimum": `(${minimum},40)`,
});

// sides: cloud -> where its edges are: up, down, left or right; all at the top where nothing is said.
// view: {vms: those shown, sites: those shown, closed: key -> whether its VMs are not drawn}
function graphOf(view, sides) {
  const what = new Map(); // id -> {kind, key, title, sub}
  const node = (id, more, size) => {
    what.set(id, more);
    return size ? { id, width: size[0], height: size[1] } : { id };
  };
  const vmNode = (vm) => node(`vm:${vm.name}`, { kind: "vm", key: `vm:${vm.name}`, title: vm.name, vm }, [VM_WIDTH, 26]);
  const closedNode = (key, title, vms) => node(`closed:${key}`, { kind: "closed", key, title, sub: plural(vms.length, "VM"), vms }, [142, 40]);

  function network(site) {
    const key = `site:${site.name}`;
    const children = [];
    for (const vapp of view.vapps.filter((one) => one.site === site.name)) {
      const vms = behind(`vapp:${vapp.name}`).filter((vm) => view.vms.has(vm.name));
      if (view.closed(`vapp:${vapp.name}`)) {
        children.push(closedNode(`vapp:${vapp.name}`, vapp.name, vms));
        continue;
      }
      children.push({
        ...node(`vapp:${vapp.name}`, { kind: "vapp", key: `vapp:${vapp.name}`, title: vapp.name, sub: vapp.networks[0] || "" }),
        layoutOptions: packed(34, 8, 6, 1.1, Math.max(134, 16 + 6.6 * vapp.name.length)), children: vms.map(vmNode),
      });
    }
    const own = behind(key).filter((vm) => view.vms.has(vm.name));
    if (own.length > 3 && view.closed(key)) children.push(closedNode(key, "on the org network", own));
    else children.push(...own.map(vmNode));
    const title = site.external ? "partner's network" : "org network";
    return {
      ...node(`net:${site.name}`, { kind: "net", key, title, sub: site.networks[0] || "", empty: !children.length }),
      layoutOptions: packed(34, 10, 8, 1.5, 150), children,
    };
  }

  function siteBox(site, side) {
    const edge = node(`site:${site.name}`, { kind: "site", key: `site:${site.name}`, title: site.name, sub: site.public[0] || "", site }, [Math.max(128, 34 + 7 * Math.min(site.name.length, 24)), 42]);
    const inside = network(site);
    const ends = side === "right" || side === "down" ? [inside.id, edge.id] : [edge.id, inside.id];
    return {
      ...node(`box:${site.name}`, { kind: "box" }),
      layoutOptions: { "elk.algorithm": "layered", "elk.direction": side === "left" || side === "right" ? "RIGHT" : "DOWN", "elk.padding": "[top=0,left=0,bottom=0,right=0]", "elk.layered.spacing.nodeNodeBetweenLayers": "16" },
      children: [edge, inside],
      edges: [{ id: `in:${site.name}`, sources: [ends[0]], targets: [ends[1]] }],
    };
  }

  const clouds = DATA.clouds.filter((cloud) => view.sites.some((site) => site.cloud === cloud.name));
  const pair = clouds.length === 2;
  const boxes = clouds.map((cloud, place) => ({
    ...node(`cloud:${cloud.name}`, { kind: "cloud", key: `cloud:${cloud.name}`, title: cloud.name, sub: cloud.nodes.join(", ") }),
    layoutOptions: packed(44, 16, 18, 1.5, 180),
    children: view.sites.filter((site) => site.cloud === cloud.name).map((site) => siteBox(site, pair ? (place ? "left" : "right") : sides.get(cloud.name) || "up")),
  }));
  const root = { id: "root", children: boxes, edges: [] };
  if (clouds.length > 2 && clouds.length <= RING) {
    root.layoutOptions = { "elk.algorithm": "radial", "elk.spacing.nodeNode": "34", "elk.radial.compactor": "RADIAL_COMPACTION" };
    root.children = [{ id: "hub", width: 60, height: 20 }, ...boxes];
    root.edges = boxes.map((box) => ({ id: `hub-${box.id}`, sources: ["hub"], targets: [box.id] }));
  } else {
    root.layoutOptions = packed(0, 0, pair ? 190 : 54, pair ? 40 : 1.7, 0);
  }
  return { graph: root, what, ring: clouds.length > 2 && clouds.length <= RING, pair };
}

const middleOf = (box) => [box.x + box.width / 2, box.y + box.height / 2];

// The ring as small as it can be: elkjs leaves room for the largest cloud on every side.
function shrink(placed, hub) {
  const near = (one, other) => one.x < other.x + other.width + GAP && other.x < one.x + one.width + GAP && one.y < other.y + other.height + GAP && other.y < one.y + one.height + GAP;
  const moved = (by) => placed.children.map((child) => {
    const [dx, dy] = middleOf(child).map((value, axis) => (value - hub[axis]) * (by - 1));
    return { ...child, x: child.x + dx, y: child.y + dy };
  });
  for (let by = 0.5; by < 1; by += 0.05) {
    const found = moved(by);
    if (!found.some((one, place) => found.slice(place + 1).some((other) => near(one, other)))) {
      placed.children = found;
      return;
    }
  }
}

// A ring becomes as wide as the frame: clouds move apart sideways, so that tunnels have room between them.
function stretch(placed, aspect) {
  const hub = middleOf(placed.children.find((child) => child.id === "hub"));
  shrink(placed, hub);
  const span = (axis, size) => Math.max(...placed.children.map((child) => child[axis] + child[size])) - Math.min(...placed.children.map((child) => child[axis]));
  [placed.width, placed.height] = [span("x", "width"), span("y", "height")];
  const wide = Math.min(2.2, Math.max(1, (placed.height * aspect) / placed.width));
  for (const child of placed.children) child.x += (middleOf(child)[0] - hub[0]) * (wide - 1);
  const clouds = placed.children.filter((child) => child.id !== "hub");
  const left = Math.min(...clouds.map((child) => child.x));
  const top = Math.min(...clouds.map((child) => child.y));
  for (const child of placed.children) {
    child.x -= left;
    child.y -= top;
  }
  placed.width = Math.max(...clouds.map((child) => child.x + child.width));
  placed.height = Math.max(...clouds.map((child) => child.y + child.height));
  return middleOf(placed.children.find((child) => child.id === "hub"));
}

// The side of each cloud that looks at the middle of the ring.
function sidesOf(placed, hub) {
  return new Map(placed.children.filter((child) => child.id !== "hub").map((child) => {
    const [dx, dy] = middleOf(child).map((value, axis) => value - hub[axis]);
    const side = Math.abs(dx) > Math.abs(dy) * 1.1 ? (dx < 0 ? "right" : "left") : dy < 0 ? "down" : "up";
    return [child.id.slice("cloud:".length), side];
  }));
}

// -> {boxes: [{id, x, y, w, h, …what}], at: id -> box, width, height, center, ring}. aspect: width by height of the frame.
async function layOut(view, aspect) {
  await elkWorker();
  const begun = performance.now();
  let { graph, what, ring, pair } = graphOf(view, new Map());
  let placed = await ask("layout", { graph, layoutOptions: {}, options: {} });
  let center = [placed.width / 2, placed.height / 2];
  if (ring) { // once more, when it is known who is where
    ({ graph, what } = graphOf(view, sidesOf(placed, stretch(placed, aspect))));
    placed = await ask("layout", { graph, layoutOptions: {}, options: {} });
    center = stretch(placed, aspect);
  }
  const found = [];
  const walk = (node, x, y) => {
    for (const child of node.children || []) {
      if (child.id === "hub") continue;
      const box = { id: child.id, x: x + child.x, y: y + child.y, w: child.width, h: child.height, ...what.get(child.id) };
      if (box.kind !== "box") found.push(box);
      walk(child, box.x, box.y);
    }
  };
  walk(placed, 0, 0);
  return {
    boxes: found, at: new Map(found.map((box) => [box.id, box])), ring, pair, width: placed.width, height: placed.height, center,
    ms: Math.round(performance.now() - begun),
  };
}
