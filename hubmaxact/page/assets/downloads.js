// Links to the data: what the host has as files, and what the browser makes by itself.

import { h } from "./dom.js";
import { Unavailable } from "./source.js";
import { query } from "./state.js";

const WHAT = { view: "this view", picked: "the picked releases", all: "everything" };
const KINDS = { csv: "CSV", parquet: "Parquet" };
const KEPT = 10_000; // milliseconds for which a made file can be saved

export function downloads(source, state) {
  const { about } = source;
  const wanted = ["all"];
  if (state.picks.length) wanted.unshift("picked");
  if (state.view === "releases") wanted.unshift("view");
  const links = wanted.flatMap((what) => {
    const files = about.downloads.filter((file) => file.what === what);
    return files.length ? files.map((file) => link(file, state, about)) : [made(source, what, state)];
  });
  return h("p", { class: "downloads" }, "Download ", links.map((each, place) => [place ? " · " : "", each]));
}

function link({ what, kind, href }, state, about) {
  const search = what === "all" ? "" : `?${query(state, about)}`;
  return h("a", { href: href + search, download: named(what, kind), "data-download": `${what}.${kind}` },
    `${WHAT[what]} as ${KINDS[kind]}`);
}

function made(source, what, state) {
  const button = h("button", { type: "button", class: "link", "data-download": `${what}.csv`, onclick: () => make() },
    `${WHAT[what]} as CSV`);
  const make = async () => {
    button.disabled = true;
    try {
      saved(await source.csv(state, what), named(what, "csv"));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      button.after(h("span", { class: "warning", role: "alert" }, ` ${error.message}`));
    } finally {
      button.disabled = false;
    }
  };
  return button;
}

const named = (what, kind) => `activation-maxima-${what}.${kind}`;

function saved(text, file) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  h("a", { href: address, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT);
}
