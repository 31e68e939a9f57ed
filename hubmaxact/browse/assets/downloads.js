// Links to the data: what the host has as files, and what the browser makes by itself.

import { csv } from "./csv.js";
import { h } from "./dom.js";
import { query } from "./state.js";

const WHAT = { view: "this view", picked: "the picked releases", all: "everything" };

export function downloads(source, state) {
  const { about } = source;
  const wanted = state.picks.length ? ["view", "picked", "all"] : ["view", "all"];
  const links = wanted.flatMap((what) => {
    const files = about.downloads.filter((file) => file.what === what);
    return files.length ? files.map((file) => link(file, state, about)) : [made(source, what, state)];
  });
  return h("p", { class: "downloads" }, "Download ", links.map((each, place) => [place ? " · " : "", each]));
}

function link({ what, kind, href }, state, about) {
  const search = what === "all" ? "" : `?${query(state, about)}`;
  return h("a", { href: href + search, download: `activation-maxima-${what}.${kind}`, "data-download": `${what}.${kind}` }, `${WHAT[what]} as ${kind === "csv" ? "CSV" : "Parquet"}`);
}

function made(source, what, state) {
  const make = async () => {
    const rows = what === "view" ? await source.view(state) : (await source.releases(state.picks)).releases;
    if (rows.length) saved(csv(rows), `activation-maxima-${what}.csv`);
  };
  return h("button", { type: "button", class: "link", "data-download": `${what}.csv`, onclick: make }, `${WHAT[what]} as CSV`);
}

function saved(text, file) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const anchor = h("a", { href: address, download: file });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
