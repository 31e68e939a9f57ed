// The picked releases side by side: whether they may be compared at all, verdicts, pictures, tables.

import { details, h, name } from "./dom.js";
import { errors } from "./errors.js";
import { any } from "./format.js";
import { byLayer, byRole } from "./layers.js";
import { losses } from "./losses.js";
import { badge, swatch } from "./series_style.js";
import { differing, int8, protocols } from "./protocols.js";
import { stability } from "./stability.js";

export function comparison({ releases, unknown }, state, about, go) {
  if (!releases.length && !unknown.length) return null;
  const title = releases.length === 1 ? "One release" : `${releases.length} releases compared`;
  return h("section", { id: "compare", "aria-labelledby": "compare-title" },
    h("h2", { id: "compare-title", tabindex: "-1" }, title),
    unknown.length ? missing(unknown, releases, go) : null,
    releases.length ? [warning(releases, about), verdicts(releases, about),
      h("div", { class: "pictures" }, byLayer(releases, state, about, go), byRole(releases, about)),
      errors(releases, about), losses(releases), int8(releases, about), stability(releases), protocols(releases, about), notes(releases)] : null);
}

function missing(keys, releases, go) {
  return h("p", { class: "warning" }, "Not in this index: ", keys.map((key, place) => [place ? ", " : "", h("bdi", { class: "key" }, key)]), ". ",
    h("button", { type: "button", id: "leave-out", class: "link", onclick: () => go({ picks: releases.map(({ key }) => key) }) }, "Leave out"));
}

function warning(releases, about) {
  const decisive = differing(releases, about).filter((field) => field.decisive && field.differs);
  if (!decisive.length) return null;
  // The key is a digest of all the others, and says something only when they are silent.
  const named = decisive.filter(({ name: field }) => field !== "protocol_key");
  const told = named.length ? named : decisive;
  return h("div", { class: "warning", role: "note" },
    h("p", {}, h("strong", {}, "Measured differently. "), "These releases are not comparable as they stand: differences may come from the measurement. ",
      `Decisive differences: ${told.map(({ label }) => label).join(", ")}.`),
    details("why", "What each has, and why it matters", h("ul", {}, told.map((field) => h("li", {}, h("b", {}, field.label), `: ${field.why}.`,
      h("ul", {}, releases.map(({ name: release, row }) => h("li", {}, name(release), ": ", h("bdi", {}, any(row[field.name]))))))))));
}

function verdicts(releases, about) {
  return h("ul", { class: "verdicts" }, releases.map((release, place) => {
    const { level, words } = release.verdict;
    // The sentence's head says the verdict; what follows says why.
    const [head, ...rest] = words.split(/(?<=:)\s/);
    return h("li", { class: level },
      h("p", { class: "who" }, swatch(place), release.href ? h("a", { href: release.href, rel: "noopener noreferrer", target: "_blank" }, name(release.name)) : name(release.name)),
      h("p", { class: "said" }, h("strong", { class: `level ${level}` }, badge(level), head), rest.length ? ` ${rest.join(" ")}` : ""),
      fit(release.row, about),
      release.scaling ? h("p", { class: "scaling" }, release.scaling) : null,
      release.claimed ? h("p", { class: "trust" }, h("bdi", {}, release.claimed)) : null,
      h("p", { class: "trust" }, h("bdi", {}, release.trust_words), release.trust_detail ? [": ", h("bdi", {}, release.trust_detail)] : null),
      release.own_code ? h("p", { class: "trust" }, "measured with the checkpoint's own code") : null);
  }));
}

// The card's words on formats of deployment; formats of which it says one thing stand together.
function fit(row, about) {
  const titles = new Map();
  for (const { name: column, label } of about.fit) {
    if (row[column] !== null) titles.set(row[column], [...(titles.get(row[column]) ?? []), label]);
  }
  if (!titles.size) return null;
  return h("dl", { class: "fit" }, [...titles].map(([word, labels]) => h("div", {}, h("dt", {}, h("bdi", {}, word)), h("dd", {}, `: ${labels.join(", ")}`))));
}

function notes(releases) {
  const some = releases.filter((release) => release.notes.length);
  if (!some.length) return null;
  return h("section", {}, h("h3", {}, "Notes"), h("dl", {}, some.map((release) => [h("dt", {}, name(release.name)), release.notes.map((note) => h("dd", {}, h("bdi", {}, note)))])));
}
