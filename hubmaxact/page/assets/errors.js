// What formats of deployment lose of the picked releases, drawn and in numbers: what linear maps read
// and what a cache is given; the tensor that is rounded worst stands below the number of all.

import { dots } from "./chart.js";
import { details, h, name, table } from "./dom.js";
import { decibels, percent } from "./format.js";
import { swatch } from "./series_style.js";

export function errors(releases, about) {
  const known = about.errors.filter(({ name: column }) => releases.some(({ row }) => row[column] !== null));
  const without = releases.filter(({ row }) => about.errors.every(({ name: column }) => row[column] === null));
  if (!known.length) return null;
  const label = "Errors of deployed formats: SQNR";
  return h("section", { id: "errors" }, h("h3", {}, "Errors of deployed formats"),
    h("p", { class: "note" }, "Signal over the noise of rounding, in dB, of all that linear maps read and of keys or values: at 30 dB the error is 3 % of the values, at 20 dB a tenth. Weights are not rounded."),
    dots({ label, xLabel: "SQNR, dB", log: false, rows: known.map(({ name: column, label: text }) => ({ label: text, points: drawn(releases, column) })) }),
    releases.length > 1 ? h("ul", { class: "legend" }, releases.map((release, place) => h("li", {}, swatch(place), name(release.name)))) : null,
    without.length ? h("p", { class: "note" }, "Not measured: ", without.map((release, place) => [place ? ", " : "", name(release.name)]), ".") : null,
    details("error-numbers", "These numbers", table(label, ["Rounded to", ...releases.map((release) => name(release.name))],
      [...known.map((each) => line(each, releases, decibels)), line({ name: "kv_fp8_unscaled_clip_rate", label: "keys or values beyond 448" }, releases, percent)])));
}

function drawn(releases, column) {
  return releases.map(({ name: release, row }, place) => ({ place, value: row[column], title: `${release}: ${decibels(row[column])}` }))
    .filter(({ value }) => value !== null);
}

function line({ name: column, label, lowest, module }, releases, shown) {
  return h("tr", {}, h("th", { scope: "row" }, label),
    releases.map(({ row }) => h("td", { class: row[column] === null ? "number unknown" : "number", title: row[column] }, shown(row[column]),
      (row[lowest] ?? null) === null ? null : h("span", { class: "lowest", title: row[lowest] }, `lowest ${decibels(row[lowest])}: `, h("bdi", {}, row[module] ?? "unknown")))));
}
