// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Search finds things and selects them; filters decide what is on the map at all.
"use strict";
const KINDS = { vm: "VM", vpn: "VPN", site: "org edge", vapp: "vApp", tunnel: "tunnel", cloud: "cloud" };

function nameOf({ kind, thing: one }) {
  return kind === "tunnel" ? one.ends.join(" — ") : kind === "vpn" ? called(one) : one.name;
}

function addressesOf({ kind, thing: one }) {
  if (kind === "vm") return [...(one.addresses || []), ...memberships(one.name).map(({ member }) => member.address || "")];
  return kind === "site" ? [...one.public, ...one.networks] : kind === "vpn" ? one.blocks || [] : [];
}

function find(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = [];
  for (const entry of INDEX.values()) {
    const name = nameOf(entry).toLowerCase();
    const at = name.indexOf(wanted);
    const address = at < 0 && addressesOf(entry).some((one) => one.toLowerCase().includes(wanted));
    if (at >= 0 || address) found.push({ entry, rank: name === wanted ? 0 : at === 0 ? 1 : at > 0 ? 2 : 3 });
  }
  return found.sort((one, other) => one.rank - other.rank || nameOf(one.entry).length - nameOf(other.entry).length).slice(0, 12).map(({ entry }) => entry);
}

function filterBar() {
  const choose = (key, label, options) => el("label", {}, el("span", {}, label),
    el("select", { id: `filter-${key}`, onchange: (event) => { MAP.filter[key] = event.target.value; redraw(); } },
      el("option", { value: "" }, "all"), options.map(([value, text]) => el("option", { value }, text))));
  const check = (id, text, act, checked) => el("label", { class: "switch" }, el("input", { type: "checkbox", id, checked, onchange: (event) => act(event.target.checked) }), el("span", {}, text));
  return el("div", { class: "bar", role: "search" },
    searchBox(),
    DATA.vpns.length ? choose("vpn", "VPN", DATA.vpns.filter((vpn) => vpn.planned).map((vpn) => [vpnKey(vpn), called(vpn)])) : null,
    several ? choose("organization", "Organization", DATA.organizations.map((name) => [name, name])) : null,
    DATA.clouds.length > 3 ? choose("cloud", "Cloud", DATA.clouds.map((cloud) => [cloud.name, cloud.name])) : null,
    check("filter-trouble", "Only trouble", (on) => { MAP.filter.trouble = on; redraw(); }),
    check("show-refused", "Refused traffic", (on) => { MAP.refused = on; drawFlows(); document.body.classList.toggle("refused-shown", on); drawMatrix(); showPanel(); }),
    check("open-vms", "All VMs", (on) => { MAP.vmsOpen = on; redraw(); }));
}

function searchBox() {
  const list = el("ul", { id: "found", role: "listbox", class: "found", hidden: true, "aria-label": "Found" });
  const input = el("input", {
    id: "search", type: "search", placeholder: "Search a VM, address, VPN, edge …", role: "combobox", "aria-label": "Search",
    "aria-expanded": "false", "aria-controls": "found", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false",
  });
  let at = -1;
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  };
  const take = (key) => {
    close();
    input.value = nameOf(INDEX.get(key));
    select(key);
  };
  const show = () => {
    const found = find(input.value);
    list.replaceChildren(...found.map((entry, place) => el("li", {
      role: "option", id: `found-${place}`, "data-key": entry.key, "aria-selected": String(place === at),
      onpointerdown: (event) => { event.preventDefault(); take(entry.key); },
    }, el("span", {}, nameOf(entry)), el("span", { class: "kind" }, KINDS[entry.kind]))));
    if (input.value.trim() && !found.length) list.append(el("li", { class: "none" }, "Nothing has that name or address."));
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (at >= 0 && found[at]) input.setAttribute("aria-activedescendant", `found-${at}`);
  };
  input.addEventListener("input", () => { at = -1; show(); if (!input.value) select(null); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const count = list.querySelectorAll("[data-key]").length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = count ? (at + (event.key === "ArrowDown" ? 1 : -1) + count) % count : -1;
      show();
    } else if (event.key === "Enter" && count) take(list.querySelectorAll("[data-key]")[Math.max(at, 0)].dataset.key);
    else if (event.key === "Escape") { input.value = ""; close(); select(null); }
  });
  return el("div", { class: "search" }, input, list);
}
