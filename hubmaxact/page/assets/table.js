// The table of releases: one page of rows, sortable, each of which can be picked.

import { details, h, name } from "./dom.js";
import { cell, counted, number } from "./format.js";
import { badge } from "./series_style.js";
import { levelOf, ruler, rulerHead } from "./ruler.js";

const LEVELS = { beyond: "beyond fp16", near: "near fp16's end", within: "below fp16's end", unknown: "not known" };
const LONG = 24; // letters, from which a text is broken anywhere rather than widening its column
const LONG_NUMBER = 9; // letters of a number, from which it is set smaller
// What a narrow table says in one line below the name, because the columns have no room there.
const SUMMARY = ["family", "architecture", "stage", "size", "weights"];

export function releases(page, state, about, go) {
  if (!page.total) {
    return h("div", { class: "empty" }, h("p", { class: "big" }, "No release matches."), h("p", {}, "Remove a filter, or search for less."),
      h("button", { type: "button", id: "everything", onclick: () => go({ q: "", facets: {}, page: 1 }) }, "Show all releases"));
  }
  return h("div", {}, order(state, about, go),
    h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": "Releases" },
      h("table", { id: "releases" },
        h("caption", { class: "quiet" }, "Releases; pick some to compare them"),
        h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "pick" }, "Pick"), about.columns.map((column) => heading(column, state, go)))),
        h("tbody", {}, page.rows.map((row) => line(row, state, about, go))))),
    pager(page, go), meanings(about));
}

function heading(column, state, go) {
  const { sorted, down, next } = direction(column, state);
  const arrow = h("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (down ? "↓" : "↑") : "");
  return h("th", { scope: "col", class: `c-${column.name} k-${column.kind}`, "aria-sort": sorted ? (down ? "descending" : "ascending") : "none" },
    column.sortable
      ? h("button", { type: "button", title: column.description, "data-sort": column.name, onclick: () => go({ sort: next, page: 1 }) }, column.label, arrow)
      : column.label,
    column.name === "abs_max" ? rulerHead() : null);
}

function direction({ name: column, kind }, state) {
  const sorted = state.sort.replace(/^-/, "") === column;
  const down = sorted && state.sort.startsWith("-");
  // Numbers are most often wanted largest first, text from A.
  const first = kind === "text" ? column : `-${column}`;
  return { sorted, down, next: sorted ? (down ? column : `-${column}`) : first };
}

// Where a narrow table hides its columns' heads, this orders it instead.
function order(state, about, go) {
  const ways = about.columns.filter(({ sortable }) => sortable).flatMap(({ name: column, label, kind }) =>
    kind === "text" ? [[column, `${label}, A to Z`], [`-${column}`, `${label}, Z to A`]]
      : [[`-${column}`, `${label}, largest first`], [column, `${label}, smallest first`]]);
  return h("label", { class: "order" }, h("span", {}, "Order by"),
    h("select", { id: "order", onchange: (event) => go({ sort: event.target.value, page: 1 }) },
      ways.map(([value, label]) => h("option", { value, selected: value === state.sort }, label))));
}

function line(row, state, about, go) {
  const picked = state.picks.includes(row.key);
  const full = !picked && state.picks.length >= about.max_picks;
  const pick = ({ target }) => go(({ picks }) => {
    const others = picks.filter((key) => key !== row.key);
    return { picks: target.checked ? [...others, row.key].slice(0, about.max_picks) : others };
  });
  const box = h("input", { type: "checkbox", checked: picked, disabled: full, "aria-label": `Compare ${row.name}`, title: full ? `${about.max_picks} are picked already` : null, "data-key": row.key, onchange: pick });
  return h("tr", { class: picked ? "picked" : null },
    h("td", { class: "pick" }, h("label", {}, box)),
    about.columns.map((column) => column.name === "name" ? title(row, about) : h("td", { class: `c-${column.name} k-${column.kind}` }, content(column, row))));
}

function title(row, about) {
  const known = about.columns.filter(({ name: column }) => SUMMARY.includes(column) && row.cells[column] !== null);
  return h("th", { scope: "row", class: "c-name" },
    row.href ? h("a", { href: row.href, rel: "noopener noreferrer", target: "_blank" }, name(row.name)) : name(row.name),
    row.claimed ? h("span", { class: "claimed" }, h("bdi", {}, row.claimed)) : null,
    h("span", { class: `trust ${row.trust}` }, h("bdi", {}, row.trust === "unverified" ? row.source : row.trust_words)),
    row.own_code ? h("span", { class: "claimed" }, "own code") : null,
    h("span", { class: "narrow" }, known.map(({ name: column, kind }, place) => [h("bdi", {}, cell(kind, row.cells[column])), place < known.length - 1 ? " · " : ""])),
    h("span", { class: "narrow" }, standing(row), row.cells.carrier === null ? null : [" in the ", h("bdi", {}, row.cells.carrier)]));
}

function content(column, row) {
  const value = row.cells[column.name];
  const text = cell(column.kind, value);
  if (column.name === "exceeds_float16") return standing(row);
  if (value === null) return h("span", { class: "unknown" }, text);
  if (column.name === "abs_max") return [h("span", { class: text.length > LONG_NUMBER ? "m small" : "m", title: value }, text), ruler(value, row.verdict.level === "unknown" ? levelOf(value) : row.verdict.level)];
  return column.kind === "text" ? h("bdi", { class: text.length > LONG ? "long" : null }, text) : text;
}

// The level in words and as a shape; the whole sentence stands in the comparison.
function standing({ verdict }) {
  return h("span", { class: `level ${verdict.level}`, title: verdict.words }, badge(verdict.level), LEVELS[verdict.level]);
}

function pager({ page, pages, total }, go) {
  const to = (label, target, enabled) => h("button", { type: "button", id: label.toLowerCase(), disabled: !enabled, onclick: (event) => turned(go({ page: target }), event) }, label);
  return h("nav", { class: "pager", "aria-label": "Pages of the table" },
    to("Previous", page - 1, page > 1),
    h("span", { id: "page" }, `Page ${number(page)} of ${number(pages)}, ${counted(total, "release")}`),
    to("Next", page + 1, page < pages));
}

function meanings({ words }) {
  return details("words", "What the words mean", h("dl", { class: "glossary" }, words.map(({ word, meaning }) => [h("dt", {}, word), h("dd", {}, meaning)])));
}

// A new page is read from its top, but the keyboard stays with the button that it presses again.
async function turned(drawn, { detail: clicks }) {
  await drawn;
  if (clicks) document.getElementById("releases")?.scrollIntoView();
  else document.activeElement.scrollIntoView({ block: "nearest" });
}
