// How M differs between random subsets of the corpus: what a report or the paper has of it.

import { h, name, table } from "./dom.js";
import { activation, number, percent } from "./format.js";

export function stability(releases) {
  const rows = releases.flatMap((release) => (release.row.subsets ?? []).map((subset) => line(release, subset)));
  const without = releases.filter(({ row }) => !row.subsets?.length);
  return h("section", { id: "stability" }, h("h3", {}, "How stable is M"),
    h("p", { class: "note" }, "M over random subsets of the corpus, all of one size. They share texts, so this is no confidence interval."),
    rows.length ? table("M over subsets of the corpus", ["Release", "Texts in a subset", "M of each subset", "Range over mean", "Coefficient of variation"], rows) : null,
    certainty(releases),
    without.length ? h("p", { class: "note" }, "No subsets: ", without.map((release, place) => [place ? ", " : "", name(release.name)]), ".") : null);
}

function certainty(releases) {
  const known = releases.filter(({ row }) => row.abs_max_of_half !== null);
  if (!known.length) return null;
  const rows = known.map(({ name: of, row }) => h("tr", {}, h("th", { scope: "row" }, name(of)),
    h("td", { class: "number" }, activation(row.abs_max)), h("td", { class: "number" }, activation(row.abs_max_of_half)),
    h("td", { class: "number" }, activation(row.abs_max_after_first_token)),
    h("td", {}, row.inferred_high === null ? "not inferred" : `${activation(row.inferred_low)} to ${activation(row.inferred_high)}`)));
  return table("How sure M is", ["Release", "M", "Expected of a random half of the texts", "Without first tokens", "Inferred of ten times the texts (90 %)"], rows);
}

function line(release, { size, values, range_over_mean: range, coefficient_of_variation: variation }) {
  return h("tr", {}, h("th", { scope: "row" }, name(release.name)), h("td", { class: "number" }, number(size)),
    h("td", {}, values.map(activation).join(" · ")), h("td", { class: "number", title: range }, percent(range)), h("td", { class: "number", title: variation }, percent(variation)));
}
