// The page: one state, one address, and everything drawn anew from it.

import { comparison } from "./compare.js";
import { h } from "./dom.js";
import { downloads } from "./downloads.js";
import { filters } from "./filters.js";
import { findings } from "./findings.js";
import { age, number } from "./format.js";
import { connect, Unavailable } from "./source.js";
import { parse, query } from "./state.js";
import { releases } from "./table.js";
import { theme } from "./theme.js";

const HUB = "https://huggingface.co";
const content = document.getElementById("content");
let source;
let state;
let drawing = 0;

async function start() {
  try {
    source = await connect();
  } catch (error) {
    return failed(error, start);
  }
  told(source.about.index);
  state = parse(location.search, source.about);
  addEventListener("popstate", () => {
    state = parse(location.search, source.about);
    draw();
  });
  await draw();
  return undefined;
}

// What depends on the state is given as a function of it: what is on the screen may be older.
function go(change, { replace = false } = {}) {
  state = { ...state, ...(typeof change === "function" ? change(state) : change) };
  const search = query(state, source.about);
  const address = search ? `?${search}` : location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  // A Space stands in a frame on the Hub, whose own address follows when it is told.
  if (parent !== window) parent.postMessage({ queryString: search, hash: "" }, HUB);
  return draw();
}

async function draw() {
  const mine = ++drawing;
  delete document.body.dataset.ready;
  content.setAttribute("aria-busy", "true");
  try {
    const parts = state.view === "findings" ? await findingsView() : await releasesView();
    if (mine !== drawing) return; // a later change has overtaken this one
    shown(parts);
  } catch (error) {
    if (mine === drawing) failed(error, draw);
  }
}

async function releasesView() {
  const [page, picked] = await Promise.all([
    source.page(state),
    state.picks.length ? source.releases(state.picks) : { releases: [], unknown: [] },
  ]);
  state = { ...state, page: page.page };
  return [
    filters(state, source.about, go),
    h("p", { id: "found", class: "quiet", "aria-live": "polite" }, `${number(page.total)} releases`),
    releases(page, state, source.about, go),
    downloads(source, state),
    comparison(picked, state, source.about, go),
  ];
}

async function findingsView() {
  return [findings(await source.findings(), state, source.about, go), downloads(source, state)];
}

// Put the new page in the old one's place; the keyboard stays where it was, and menus stay open.
function shown(parts) {
  const focus = focused();
  const open = content.querySelector("details.facet[open]")?.dataset.facet;
  const folded = content.querySelector("details.all")?.open;
  content.replaceChildren(...parts.filter(Boolean));
  if (open) content.querySelector(`details.facet[data-facet="${CSS.escape(open)}"]`).open = true;
  if (folded !== undefined && content.querySelector("details.all")) content.querySelector("details.all").open = folded;
  focus();
  views();
  content.removeAttribute("aria-busy");
  document.body.dataset.ready = query(state, source.about);
}

function focused() {
  const active = document.activeElement;
  if (!content.contains(active)) return () => {};
  const names = ["id", "data-key", "data-sort", "aria-label", "value", "name"];
  const path = names.filter((each) => active.getAttribute(each)).map((each) => `[${each}="${CSS.escape(active.getAttribute(each))}"]`).join("");
  const { selectionStart, selectionEnd, value, type } = active;
  return () => {
    const again = (type === "search" ? content.querySelector("#q") : content.querySelector(`${active.tagName}${path.replace(/\[value="[^"]*"\]/, type === "search" ? "" : "$&")}`)) ?? content.querySelector("#q");
    again?.focus({ preventScroll: true });
    if (type === "search" && again) {
      again.value = value; // what was typed while the answer was on its way
      again.setSelectionRange(selectionStart, selectionEnd);
    }
  };
}

function views() {
  const link = (view, label) => {
    const search = query({ ...state, view }, source.about);
    const open = (event) => {
      event.preventDefault();
      go({ view });
    };
    return h("a", { href: `?${search}`, "aria-current": state.view === view ? "page" : null, onclick: open }, label);
  };
  document.getElementById("views").replaceChildren(link("releases", "Releases"), link("findings", "Findings"));
}

function told(index) {
  const counts = [`${number(index.rows)} releases: ${number(index.measured)} measured, ${number(index.paper)} reported by the paper`];
  if (index.quarantined) counts.push(`${number(index.quarantined)} reports left out as invalid`);
  if (index.newer) counts.push(`${number(index.newer)} newer than this index`);
  counts.push(index.built ? `data ${age(index.built)}` : "age of the data not known");
  const place = document.getElementById("age");
  place.replaceChildren(`${counts.join(" · ")}.`);
  if (index.built) place.setAttribute("title", index.built);
  if (index.problem) place.append(h("strong", { class: "warning" }, ` ${index.problem}`));
}

function failed(error, again) {
  if (!(error instanceof Unavailable)) throw error;
  content.removeAttribute("aria-busy");
  content.replaceChildren(h("div", { class: "empty", role: "alert" }, h("p", {}, error.message),
    h("button", { type: "button", onclick: again }, "Try again")));
}

theme(document.getElementById("theme"));
start();
