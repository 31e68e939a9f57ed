// The page: one state, one address, and everything drawn anew from it.

import { comparison } from "./compare.js";
import { h } from "./dom.js";
import { downloads } from "./downloads.js";
import { filters } from "./filters.js";
import { findings } from "./findings.js";
import { keeping } from "./focus.js";
import { age, counted, number } from "./format.js";
import { connect, Unavailable } from "./source.js";
import { parse, query } from "./state.js";
import { dotPlot } from "./dot_plot.js";
import { releases } from "./table.js";
import { theme } from "./theme.js";
import { selection } from "./selection.js";
import { mixedProtocols } from "./mixed_protocols.js";
import { emptyIndex } from "./empty_index.js";

const HUB = "https://huggingface.co";
const TITLE = document.title;
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
  told(source.about);
  state = parse(location.search, source.about);
  addEventListener("popstate", () => {
    state = parse(location.search, source.about);
    draw({ back: true });
  });
  await draw();
  arrived();
  await overview();
  return undefined;
}

// A link to a comparison shows it; who comes back or reloads stays where the browser puts them.
function arrived() {
  const [{ type } = {}] = performance.getEntriesByType("navigation");
  if (type === "navigate") document.getElementById("compare")?.scrollIntoView({ behavior: "instant" });
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

async function draw({ back = false } = {}) {
  const mine = ++drawing;
  delete document.body.dataset.ready;
  content.setAttribute("aria-busy", "true");
  try {
    const parts = state.view === "findings" ? await findingsView() : await releasesView();
    if (mine !== drawing) return; // a later change has overtaken this one
    const settled = parts();
    const restore = keeping(content, { back });
    content.replaceChildren(...settled.filter(Boolean));
    restore();
    views();
    content.removeAttribute("aria-busy");
    document.body.dataset.ready = query(state, source.about);
  } catch (error) {
    if (mine === drawing) failed(error, draw);
  }
}

// Views return a function that builds them, so that an answer which comes too late builds nothing.
async function releasesView() {
  const [page, picked] = await Promise.all([
    source.page(state),
    state.picks.length ? source.releases(state.picks) : { releases: [], unknown: [] },
  ]);
  return () => {
    state = { ...state, page: page.page };
    if (!source.about.index.rows) return [emptyIndex()];
    announced(counted(page.total, "release"));
    return [
      filters(state, source.about, go),
      mixedProtocols(page, source.about, go),
      releases(page, state, source.about, go),
      downloads(source, state),
      selection(picked, go),
      comparison(picked, state, source.about, go),
    ];
  };
}

async function findingsView() {
  const found = await source.findings();
  return () => {
    announced("");
    if (!source.about.index.rows) return [emptyIndex()];
    return [findings(found, state, source.about, go), downloads(source, state)];
  };
}

// The region outlives every drawing: one that comes with its words is not read out.
function announced(words) {
  const place = document.getElementById("found");
  if (place.textContent !== words) place.textContent = words;
}

function views() {
  const link = (view, label) => {
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
      event.preventDefault();
      go({ view });
    };
    const search = query({ ...state, view }, source.about);
    return h("a", { href: `?${search}`, "aria-current": state.view === view ? "page" : null, onclick: open }, label);
  };
  document.getElementById("views").replaceChildren(link("releases", "Releases"), link("findings", "Findings"));
  document.title = state.view === "findings" ? `Findings: ${TITLE}` : TITLE;
}

// An ornament with numbers: the page is whole without it.
async function overview() {
  const { findings: found } = await source.findings().catch(() => ({ findings: {} }));
  dotPlot(document.getElementById("dot-plot"), found.all?.find(({ id }) => id === "fp16"), source.about.index.rows);
}

function told({ index, version }) {
  const counts = [`${counted(index.rows, "release")}: ${number(index.measured)} measured, ${number(index.paper)} reported by the paper`];
  if (index.quarantined) counts.push(`${counted(index.quarantined, "report")} left out as invalid`);
  if (index.newer) counts.push(`${number(index.newer)} newer than this index`);
  if (index.kept) counts.push(`${counted(index.kept, "release")} as last read, because the Hub gave no answer`);
  if (index.unread) counts.push(`${counted(index.unread, "repository", "repositories")} not read yet`);
  counts.push(index.built ? `data ${age(index.built)}` : "age of the data not known");
  const place = document.getElementById("age");
  place.replaceChildren(`${counts.join(" · ")}.`);
  if (index.built) place.setAttribute("title", index.built);
  if (index.problem) place.append(h("strong", { class: "warning", role: "alert" }, ` ${index.problem}`));
  document.getElementById("provenance").replaceChildren(
    `hubmaxact ${version}; index from ${index.origin}, sha256 `, h("code", {}, index.sha256.slice(0, 12)), ".");
}

function failed(error, again) {
  if (state) views();
  content.removeAttribute("aria-busy");
  const known = error instanceof Unavailable;
  const words = known ? error.message : "This page failed to draw what it got. Reload it, or report the address above.";
  content.replaceChildren(h("div", { class: "empty", role: "alert" }, h("p", {}, words),
    h("button", { type: "button", id: "again", onclick: () => again() }, "Try again")));
  if (!known) throw error; // a bug belongs in the console
}

theme(document.getElementById("theme"));
start();
