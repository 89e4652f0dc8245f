// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The page, put together.
"use strict";
function report() {
  const limits = limitsCard();
  const columns = limits ? [[limits, poolsCard()], [nodesCard(), changesCard()]] : [[poolsCard(), nodesCard()], [changesCard()]];
  const cards = el("div", { class: "grid" }, columns.map((column) => el("div", { class: "column" }, column)));
  byId("report").append(...[summary(), mapCard(), findingsCard(), matrixCard(), tunnelsCard(), cards].filter(Boolean));
  drawMatrix();
  showPanel();
}

function tabs() {
  const all = [...document.querySelectorAll("[role=tab]")];
  const open = (tab, focus) => {
    for (const one of all) {
      one.setAttribute("aria-selected", String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
      byId(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
    if (focus) tab.focus();
    if (tab.id === "tab-report") MAP.run ? fit() : redraw(); // the map is laid out when it is first seen
  };
  for (const tab of all) {
    tab.addEventListener("click", () => { open(tab); history.replaceState(null, "", `#${tab.getAttribute("aria-controls")}`); });
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
      open(all[(all.indexOf(tab) + 1) % all.length], true);
    });
  }
  if (location.hash === "#compose") open(byId("tab-compose"));
}

byId("asof").textContent = [`as of ${time(DATA.time)}`, ...Object.entries(DATA.generations).map(([name, number]) => (several ? `${name}: generation ${number}` : `generation ${number}`))].join(" · ");
report();
compose();
tabs();
if (!byId("report").hidden && !MAP.run) redraw();
let resized = 0;
addEventListener("resize", () => { cancelAnimationFrame(resized); resized = requestAnimationFrame(fit); });
addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName) && !byId("report").hidden) {
    event.preventDefault();
    byId("search").focus();
  }
});
