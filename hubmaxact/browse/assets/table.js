// The table of releases: one page of rows, sortable, each of which can be picked.

import { h, name, svg } from "./dom.js";
import { cell, number } from "./format.js";

const LEVELS = { beyond: "beyond fp16", near: "near fp16's end", within: "below fp16's end", unknown: "not known" };
const BAR = 96; // pixels from 1 to the largest decade
const DECADES = 6;

export function releases(page, state, about, go) {
  if (!page.total) {
    return h("div", { class: "empty" }, h("p", {}, "No release matches. Remove a filter, or search for less."));
  }
  return h("div", {},
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Releases" },
      h("table", { id: "releases" },
        h("caption", { class: "quiet" }, "Releases; pick some to compare them"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Pick"), about.columns.map((column) => heading(column, state, go)))),
        h("tbody", {}, page.rows.map((row) => line(row, state, about, go))))),
    pager(page, go));
}

function heading(column, state, go) {
  const sorted = state.sort.replace(/^-/, "") === column.name;
  const down = sorted && state.sort.startsWith("-");
  // Numbers are most often wanted largest first, text from A.
  const first = column.kind === "text" ? column.name : `-${column.name}`;
  const next = sorted ? (down ? column.name : `-${column.name}`) : first;
  return h("th", { scope: "col", class: `c-${column.name} k-${column.kind}`, "aria-sort": sorted ? (down ? "descending" : "ascending") : "none" },
    column.sortable
      ? h("button", { type: "button", title: column.description, "data-sort": column.name, onclick: () => go({ sort: next, page: 1 }) }, column.label, h("span", { "aria-hidden": "true" }, sorted ? (down ? " ↓" : " ↑") : ""))
      : column.label);
}

function line(row, state, about, go) {
  const picked = state.picks.includes(row.key);
  const full = !picked && state.picks.length >= about.max_picks;
  const pick = ({ target }) => go(({ picks }) => {
    const others = picks.filter((key) => key !== row.key);
    return { picks: target.checked ? [...others, row.key].slice(0, about.max_picks) : others };
  });
  return h("tr", { class: picked ? "picked" : null },
    h("td", { class: "pick" }, h("input", { type: "checkbox", checked: picked, disabled: full, "aria-label": `Compare ${row.name}`, title: full ? `${about.max_picks} are picked already` : null, "data-key": row.key, onchange: pick })),
    about.columns.map((column) => column.name === "name" ? title(row) : h("td", { class: `c-${column.name} k-${column.kind}` }, content(column, row))));
}

function title(row) {
  return h("th", { scope: "row", class: "c-name" },
    row.href ? h("a", { href: row.href, rel: "noopener noreferrer", target: "_blank" }, name(row.name)) : name(row.name),
    h("span", { class: "tags" }, h("span", { class: `level ${row.verdict.level}` }, LEVELS[row.verdict.level]),
      h("span", { class: `trust ${row.trust}` }, h("bdi", {}, row.trust === "unverified" ? row.source : row.trust_words))));
}

function content(column, row) {
  const value = row.cells[column.name];
  const text = cell(column.kind, value);
  if (column.name === "abs_max" && value !== null) return [h("span", {}, text), bar(value)];
  if (value === null) return h("span", { class: "unknown" }, text);
  return column.kind === "text" ? h("bdi", {}, text) : text;
}

// M on a log axis from 1 to a million, with the end of fp16 as a mark.
function bar(value) {
  const at = (magnitude) => Math.max(2, Math.min(1, Math.log10(Math.max(magnitude, 1)) / DECADES) * BAR);
  return svg("svg", { class: "bar", viewBox: `0 0 ${BAR} 8`, width: BAR, height: 8, "aria-hidden": "true" },
    svg("rect", { class: "track", width: BAR, height: 8, rx: 2 }),
    svg("rect", { class: value > 65504 ? "fill beyond" : "fill", width: at(value), height: 8, rx: 2 }),
    svg("line", { x1: at(65504), x2: at(65504), y1: 0, y2: 8 }));
}

function pager({ page, pages, total }, go) {
  const to = (label, target, enabled) => h("button", { type: "button", disabled: !enabled, onclick: () => go({ page: target }) }, label);
  return h("nav", { class: "pager", "aria-label": "Pages of the table" },
    to("Previous", page - 1, page > 1),
    h("span", { id: "page" }, `Page ${number(page)} of ${number(pages)}, ${number(total)} release${total === 1 ? "" : "s"}`),
    to("Next", page + 1, page < pages));
}
