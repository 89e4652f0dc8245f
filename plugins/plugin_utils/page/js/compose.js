// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The tab that composes a VPN, in the steps of an administrator. Every change draws what depends on it again.
"use strict";
const step = (number, id, title, note, ...children) => el("section", { class: "card step", id: `step-${id}`, "aria-labelledby": `step-${id}-title` },
  el("div", { class: "card-head" }, el("span", { class: "number", "aria-hidden": "true" }, String(number)), el("h2", { id: `step-${id}-title` }, title), note ? el("p", { class: "note" }, note) : null), ...children);

const field = (label, control, note) => el("label", { class: "field" }, el("span", {}, label), control, note ? el("span", { class: "note" }, note) : null);
const choice = (id, values, chosen, act) => el("select", { id, "data-focus": id, onchange: (event) => { act(event.target.value); changed(); } },
  values.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
const typed = (id, value, act, more) => el("input", { type: "text", id, value, autocomplete: "off", spellcheck: "false", oninput: (event) => { act(event.target.value); changed(); }, ...more });

function radios(name, values, chosen, act) {
  return el("div", { class: "segments", role: "radiogroup", "aria-label": name }, values.map(([value, text]) => el("label", {},
    el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => { act(value); changed(); } }), el("span", {}, text))));
}

function compose() {
  const pools = Object.entries(DATA.compose.pools);
  WANTED.pool.name = pools.length ? pools[0][0] : "";
  const steps = el("div", { class: "steps" },
    step(1, "networks", "Organization networks", "those that the VPN joins", networkChoices()),
    step(2, "tunnels", "Tunnels", null, el("div", { id: "pairs" }), radios("Missing tunnels", [["create", "Create what is missing"], ["abandon", "Abandon if one is missing"]], "create", (value) => { WANTED.create = value === "create"; })),
    step(3, "members", "Members", "drag VMs or whole vApps into the VPN, or type them", memberChoices()),
    step(4, "topology", "Topology", null, radios("Topology", DATA.compose.topologies.map((kind) => [kind, kind]), "mesh", (value) => { WANTED.topology.kind = value; }), el("div", { id: "topology-more" })),
    step(5, "kind", "Kind of tunnel and policy", null, el("div", { class: "fields" },
      field("Tunnel", choice("want-tunnel", Object.keys(DATA.compose.tunnels).map((kind) => [kind, kind === "ssl" ? "SSL (OpenVPN)" : "IPsec"]), "ipsec", (value) => { WANTED.tunnel.kind = value; })),
      field("Transport", choice("want-transport", DATA.compose.tunnels.ssl.transport.map((one) => [one, one]), "auto", (value) => { WANTED.tunnel.transport = value; })),
      field("Policy", choice("want-policy", DATA.compose.policies.map((one) => [one.name, one.name]), "standard", (value) => { WANTED.policy.name = value; }))),
    el("label", { class: "check" }, el("input", { type: "checkbox", id: "want-own", onchange: (event) => { WANTED.policy.own = event.target.checked; changed(); } }), " with limits of its own"), el("div", { id: "policy-more", class: "fields" },
      field("Rate of a member", typed("want-rate", "", (value) => { WANTED.policy.rate = value.trim(); }, { placeholder: "100mbit" })), field("Rate of the VPN", typed("want-all", "", (value) => { WANTED.policy.all = value.trim(); }, { placeholder: "1gbit" })),
      field("Quota of a member", typed("want-quota", "", (value) => { WANTED.policy.quota = value.trim(); }, { placeholder: "10GB/day" })), field("Quota of the VPN", typed("want-total", "", (value) => { WANTED.policy.total = value.trim(); }, { placeholder: "500GB/month" })),
      field("When used up", choice("want-then", [["drop", "drop"], ["report", "report only"]], "drop", (value) => { WANTED.policy.then = value; })))),
    el("div", { class: "two" }, step(6, "pool", "Pool", null, el("div", { class: "fields" },
      field("Addresses from", choice("want-pool", [...pools.map(([name, text]) => [name, `${name} (${text})`]), ["", "a CIDR of its own"]], WANTED.pool.name, (value) => { WANTED.pool.name = value; WANTED.pool.cidr = value ? "" : byId("want-cidr").value; })),
      field("CIDR", typed("want-cidr", "", (value) => { WANTED.pool.cidr = value; }, { placeholder: "10.99.0.0/16" })))),
    step(7, "name", "Name", null, el("div", { class: "fields" }, field("Name of the VPN", typed("want-name", "", (value) => { WANTED.name = value.trim(); }, { placeholder: "payroll", maxlength: 40 }))))));
  const what = el("section", { class: "card", "aria-label": "What to compose" }, field("Compose", el("select", { id: "want-vpn", onchange: (event) => begin(thing(event.target.value)) },
    el("option", { value: "" }, "a new VPN"), changeable().map((vpn) => el("option", { value: vpnKey(vpn) }, `members of ${called(vpn)}`)))));
  if (changeable().length) steps.prepend(what);
  byId("compose").append(el("div", { class: "composing" }, steps, resultCard()));
  changed();
}

function networkChoices() {
  const one = (site) => el("label", { class: "network" },
    el("input", { type: "checkbox", value: site.name, "data-site": site.name, onchange: (event) => chooseSite(site.name, event.target.checked) }),
    el("span", { class: "network-text" }, el("b", {}, site.cloud || site.name), el("span", {}, several ? `${site.name} of ${site.organization}` : site.name),
      el("span", { class: "note" }, [site.networks[0], plural(vmsOfSite(site.name).length, "VM"), destinationsBehind(site.name).join(", ")].filter(Boolean).join(" · "))));
  return DATA.sites.length ? el("div", { class: "networks" }, DATA.sites.filter((site) => !site.home).sort((a, b) => (a.cloud < b.cloud ? -1 : a.cloud > b.cloud ? 1 : byName(a, b))).map(one)) : el("p", {}, "The inventory has no org edges.");
}

// A network that is taken away takes its members along, and its place in the topology.
function chooseSite(name, on) {
  WANTED.sites[on ? "add" : "delete"](name);
  if (!on) WANTED.topology.hubs.delete(name);
  if (!on && WANTED.topology.root === name) WANTED.topology.root = "";
  if (!on) WANTED.members = WANTED.members.filter((member) => !vmsOf(member).some((vm) => vm.site === name));
  changed();
}

function memberChoices() {
  const add = (text) => {
    const name = text.trim();
    if (!name) return;
    const canonical = [...DATA.vms, ...DATA.vapps].find((one) => one.name === name) || [...DATA.vms, ...DATA.vapps].find((one) => one.name.toLowerCase() === name.toLowerCase());
    join(canonical ? canonical.name : name);
    byId("want-member").value = "";
  };
  const input = el("input", { type: "text", id: "want-member", list: "known-members", "aria-label": "Type a VM or vApp", placeholder: "Type a VM or vApp, then Enter", autocomplete: "off", spellcheck: "false",
    onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); event.target.value.split(/[\s,]+/).forEach(add); } },
    oninput: (event) => { if (event.inputType === "insertReplacementText" || !event.inputType) add(event.target.value); } });
  return el("div", { class: "members" },
    el("div", { class: "palette-side" }, el("h3", {}, "In the chosen networks"), el("div", { id: "palette" })),
    el("div", { class: "drop-side" }, el("h3", { id: "drop-title" }, "In the VPN"), el("div", { class: "typed" }, input, el("button", { type: "button", class: "button", onclick: () => add(input.value) }, "Add")), el("datalist", { id: "known-members" }),
      el("div", { id: "drop", class: "drop", role: "group", "aria-labelledby": "drop-title" })));
}

// A vApp takes the place of its VMs; what is in it already stays once.
function join(name) {
  const behindIt = isVapp(name) ? vmsOf(name).map((vm) => vm.name) : [];
  if (WANTED.members.includes(name) || WANTED.members.some((member) => isVapp(member) && vmsOf(member).some((vm) => vm.name === name))) {
    say(`${name} is in the VPN already`);
    changed();
    return;
  }
  WANTED.members = [...WANTED.members.filter((member) => !behindIt.includes(member)), name];
  for (const vm of vmsOf(name)) {
    if (!vm.site || WANTED.sites.has(vm.site)) continue; // what is typed may be elsewhere: its network joins, too
    WANTED.sites.add(vm.site);
  }
  say(`${name} is in the VPN`);
  changed();
}

function leave(place) {
  const [name] = WANTED.members.splice(place, 1);
  say(`${name} is out of the VPN`);
  changed();
}

function changed() {
  for (const box of document.querySelectorAll("[data-site]")) box.checked = WANTED.sites.has(box.dataset.site);
  drawPalette();
  drawMembers();
  drawTopology();
  drawPairs();
  byId("want-transport").closest("label").hidden = WANTED.tunnel.kind !== "ssl";
  byId("policy-more").hidden = !WANTED.policy.own;
  byId("want-cidr").closest("label").hidden = WANTED.pool.name !== "";
  drawResult();
}

// Draw a part again, and leave the focus where it was.
function renew(id, ...children) {
  const part = byId(id);
  const focus = part.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  part.replaceChildren(...children.flat(Infinity).filter(Boolean));
  const again = focus && [...part.querySelectorAll("[data-focus]")].find((node) => node.dataset.focus === focus);
  if (again) again.focus();
  else if (focus) (part.querySelector("[data-focus]") || byId("want-member")).focus();
}

function chip(name, kind, inside) {
  const title = kind === "vapp" ? `vApp ${name}, ${plural(vmsOf(name).length, "VM")}` : name;
  const node = el("button", { type: "button", class: `chip ${kind}${inside ? " in" : ""}`, "data-name": name, "data-focus": name, disabled: inside, "aria-label": `Add ${title}`, onclick: () => { if (!DRAG.moved) join(name); } },
    el("span", { class: "grip", "aria-hidden": "true" }, "⠿"), kind === "vapp" ? `${name} (${vmsOf(name).length})` : name);
  draggable(node, name);
  return node;
}

function drawPalette() {
  const inside = new Set(WANTED.members.flatMap((name) => [name, ...vmsOf(name).map((vm) => vm.name)]));
  const groups = [...WANTED.sites].sort().map((site) => {
    const vapps = DATA.vapps.filter((vapp) => vapp.site === site);
    const box = (title, ...chips) => el("div", { class: "chips-group" }, title, el("div", { class: "chips" }, chips));
    const own = behind(`site:${site}`);
    return el("div", { class: "palette-site" }, el("h4", {}, `${(thing(`site:${site}`) || {}).cloud || ""} · ${site}`),
      vapps.map((vapp) => box(null, chip(vapp.name, "vapp", inside.has(vapp.name)), behind(`vapp:${vapp.name}`).map((vm) => chip(vm.name, "vm", inside.has(vm.name))))),
      own.length ? box(null, own.map((vm) => chip(vm.name, "vm", inside.has(vm.name)))) : null);
  });
  renew("palette", groups.length ? groups : el("p", { class: "note" }, "Choose organization networks first, or type the name of a VM."));
  const names = [...DATA.vms, ...DATA.vapps].map((one) => one.name).filter((name) => !inside.has(name)).sort().slice(0, 2000);
  byId("known-members").replaceChildren(...names.map((name) => el("option", { value: name })));
}

function drawMembers() {
  const rows = WANTED.members.map((name, place) => {
    const vms = vmsOf(name);
    const site = (vms[0] || {}).site;
    return el("span", { class: `chip member${vms.length || WANTED.was.has(name) ? "" : " wrong"}`, "data-member": name }, isVapp(name) ? `${name} (${vms.length})` : name, site ? el("span", { class: "row-note" }, ` ${site}`) : null,
      el("button", { type: "button", class: "out", "data-focus": `${name} ${place}`, "aria-label": `Take ${name} out`, onclick: () => leave(place) }, "×"));
  });
  renew("drop", rows.length ? rows : el("p", { class: "note" }, "Drop VMs here."));
}

function drawTopology() {
  const sites = wantedSites().length > 1 ? wantedSites() : [...WANTED.sites].sort();
  const { topology } = WANTED;
  const all = [...new Set([...sites, ...WANTED.sites])].sort();
  const box = (label, checked, act, focus) => el("label", { class: "check" }, el("input", { type: "checkbox", checked, "data-focus": focus, onchange: (event) => { act(event.target.checked); changed(); } }), ` ${label}`);
  const parts = {
    mesh: () => el("p", { class: "note" }, "Each site has a tunnel to each other site."),
    star: () => [el("p", { class: "note" }, "Each site has a tunnel to the hubs. Without a choice, the plan takes one."), el("div", { class: "checks" }, all.map((site) => box(site, topology.hubs.has(site), (on) => topology.hubs[on ? "add" : "delete"](site), `hub ${site}`)))],
    chain: () => [el("p", { class: "note" }, "Each site has a tunnel to the next one."), el("ol", { class: "order" }, orderOf(sites).map((site, place, order) => el("li", {}, `${place + 1}. ${site} `,
      el("button", { type: "button", class: "button small", "aria-disabled": place === 0 ? "true" : null, "data-focus": `up ${site}`, "aria-label": `${site} earlier`, onclick: () => { if (!place) return; topology.order = [...order]; [topology.order[place - 1], topology.order[place]] = [site, order[place - 1]]; changed(); } }, "↑"))))],
    tree: () => el("div", { class: "fields" }, field("Root", choice("want-root", [["", "the plan chooses"], ...all.map((site) => [site, site])], topology.root, (value) => { topology.root = value; })),
      field("Fan-out", el("input", { type: "number", id: "want-fanout", "data-focus": "fanout", min: 1, max: 1000, value: topology.fanout, onchange: (event) => { topology.fanout = Number(event.target.value); changed(); } }))),
    graph: () => [el("p", { class: "note" }, "Choose the pairs that have a tunnel."), el("div", { class: "checks" }, pairsOf(sites).map((pair) => pair.join("\n")).slice(0, 400)
      .map((pair) => box(pair.replace("\n", " — "), topology.links.has(pair), (on) => topology.links[on ? "add" : "delete"](pair), `link ${pair}`)))],
  };
  // A list that is typed into stays: a new one would begin with the first letter again.
  const root = topology.kind === "tree" && byId("want-root");
  if (root && root.value === topology.root && [...root.options].map((one) => one.value).join("\n") === ["", ...all].join("\n")) return;
  renew("topology-more", parts[topology.kind]());
}

// Which tunnels the VPN crosses: of its members' sites, or, before there are any, of the chosen networks.
function drawPairs() {
  const early = homes().length < 2;
  const sites = [...WANTED.sites].sort();
  const pairs = early ? pairsOf(sites) : wantedPairs();
  const rows = pairs.slice(0, 60).map((pair) => {
    const tunnel = tunnelBetween(pair);
    return el("li", { class: "pair", "data-pair": pair.join(" "), "data-exists": String(Boolean(tunnel)) }, el("span", {}, pair.join(" — ")),
      tunnel ? badge(tunnel.state, `exists, ${WORDS[tunnel.state]}`) : WANTED.create ? el("span", { class: "badge new" }, "+ will be created") : badge("down", "missing"));
  });
  renew("pairs", rows.length ? [el("p", { class: "note" }, early ? "Between the chosen networks:" : "The VPN crosses these tunnels:"), el("ul", { class: "rows" }, rows), pairs.length > 60 ? el("p", { class: "note" }, `and ${pairs.length - 60} more`) : null]
    : el("p", { class: "note" }, "Choose two organization networks to see whether there is a tunnel between them."));
}

function resultCard() {
  const copy = (id, what) => el("button", { type: "button", class: "button small", onclick: () => copyText(byId(id).textContent, what) }, "Copy");
  return el("aside", { class: "card result", "aria-label": "Intent" },
    el("div", { id: "mistakes", role: "status", "aria-live": "polite" }),
    el("div", { class: "card-head" }, el("h2", {}, "Intent"), copy("yaml", "the intent"), el("button", { type: "button", class: "button small", id: "save", onclick: saveYaml }, "Save")),
    el("pre", { id: "yaml", tabindex: "0", "aria-label": "Intent as YAML" }),
    el("div", { class: "card-head" }, el("h2", {}, "Command"), copy("command", "the command")),
    el("pre", { id: "command", tabindex: "0", class: "wrap" }),
    el("p", { class: "note" }, "plan_vpn instead of create_vpn shows what would change. It checks more than this page can."),
    /^https?:/.test(DATA.compose.awx || "") ? el("p", {}, el("a", { id: "awx", class: "button", href: DATA.compose.awx, rel: "noreferrer", target: "_blank" }, "Open the AWX template"), el("span", { class: "note" }, " and paste the intent as its variables")) : null);
}

function drawResult() {
  const found = mistakes();
  for (const node of document.querySelectorAll(".step")) node.classList.toggle("has-mistake", found.some((one) => `step-${one.step}` === node.id));
  byId("mistakes").replaceChildren(found.length ? el("div", {}, el("h2", { class: "bad-text" }, plural(found.length, "thing", "things"), " to do"),
    el("ul", { class: "mistakes" }, found.map((one) => el("li", { "data-step": one.step }, el("a", { href: `#step-${one.step}`, onclick: (event) => { event.preventDefault(); byId(`step-${one.step}`).scrollIntoView({ block: "center" }); const target = byId(`step-${one.step}`).querySelector("input, select, button"); if (target) target.focus({ preventScroll: true }); } }, one.text)))))
    : el("p", { class: "good-text" }, "● Ready: nothing is missing."));
  const vpn = wantedVpn();
  byId("yaml").textContent = yaml(vpn);
  byId("command").textContent = command();
  byId("yaml").classList.toggle("unready", found.length > 0);
}

async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} is copied`);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(byId(what === "the intent" ? "yaml" : "command"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    say(`${what} is selected: copy it with the keyboard`);
  }
}

function saveYaml() {
  const url = URL.createObjectURL(new Blob([byId("yaml").textContent], { type: "text/yaml" }));
  el("a", { href: url, download: fileName() }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// Dragging with mouse, pen or finger. A click, or Enter, adds as well.
const DRAG = { moved: false };

function draggable(node, name) {
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || node.disabled) return;
    const from = { x: event.clientX, y: event.clientY };
    let ghost = null;
    DRAG.moved = false;
    node.setPointerCapture(event.pointerId);
    const over = (at) => byId("drop").contains(document.elementFromPoint(at.clientX, at.clientY));
    const move = (at) => {
      if (!ghost && Math.hypot(at.clientX - from.x, at.clientY - from.y) < 5) return;
      if (!ghost) {
        ghost = node.cloneNode(true);
        ghost.classList.add("ghost");
        ghost.removeAttribute("data-name");
        document.body.append(ghost);
        node.classList.add("dragged");
        DRAG.moved = true;
      }
      ghost.style.left = `${at.clientX + 8}px`;
      ghost.style.top = `${at.clientY + 8}px`;
      byId("drop").classList.toggle("over", over(at));
    };
    const end = (at) => {
      for (const [kind, act] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) node.removeEventListener(kind, act);
      const dropped = ghost && at.type === "pointerup" && over(at);
      if (ghost) ghost.remove();
      node.classList.remove("dragged");
      byId("drop").classList.remove("over");
      setTimeout(() => { DRAG.moved = false; }); // after the click that follows
      if (dropped) join(name);
    };
    for (const [kind, act] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) node.addEventListener(kind, act);
  });
}
