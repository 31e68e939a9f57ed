// The paper's claims, recomputed from the index: all words come with the data, this draws them.

import { bars, dots, lines, scatter } from "./chart.js";
import { details, h, table } from "./dom.js";
import { any, number } from "./format.js";
import { marker } from "./marks.js";
import { svg } from "./dom.js";

export function findings({ scopes, findings: all }, state, about, go) {
  return h("section", { id: "findings", "aria-label": "Findings" },
    h("fieldset", { class: "scopes" }, h("legend", {}, "Computed over"), scopes.map(({ id, label, basis }) =>
      h("label", {}, h("input", { type: "radio", name: "scope", value: id, checked: id === state.scope, onchange: () => go({ scope: id }) }), label, h("span", { class: "count" }, basis)))),
    all[state.scope].map((claim) => card(claim, about)));
}

function card(claim, about) {
  return h("article", { id: `finding-${claim.id}`, class: "claim" },
    h("p", { class: "answer" }, claim.answer ?? "–"),
    h("div", {}, h("h2", {}, claim.title), claim.sentences.map((sentence) => h("p", {}, h("bdi", {}, sentence))),
      claim.chart ? [drawn(claim.chart, claim.title, about), legend(claim.chart)] : null,
      h("p", { class: "basis" }, `This ${claim.basis}.`),
      claim.table.rows.length ? details("These numbers", table(claim.title, claim.table.head,
        claim.table.rows.map((row) => h("tr", {}, row.map((value) => h("td", { class: typeof value === "number" ? "number" : null }, h("bdi", {}, any(value)))))))) : null));
}

function drawn(chart, label, about) {
  const labels = { label, xLabel: chart.x_label, yLabel: chart.y_label };
  const formats = chart.kind === "ratios" ? [{ label: "no difference", largest: 1 }]
    : about.formats.filter(({ name }) => chart.x_label === "M" && name === "float16");
  const marks = chart.series.flatMap(({ label: series, points }, place) => points.map((point) => ({ ...point, place, series })));
  if (chart.kind === "scatter") return scatter({ ...labels, series: chart.series, xLog: chart.x_log, yLog: chart.y_log });
  if (chart.kind === "lines") {
    return lines({ ...labels, xLog: chart.x_log, yLog: chart.y_log, series: chart.series.map(({ label: series, points }, place) => ({ place, label: series, points: points.map(({ x, y }) => [x, y]) })) });
  }
  if (chart.kind === "bars") return bars({ ...labels, rows: marks.map(({ label: text, x, place, series }) => ({ label: chart.series.length > 1 ? `${text}, ${series}` : text, value: x, place })) });
  const shown = marks.slice(0, 40);
  return dots({ ...labels, formats, log: chart.x_log, rows: shown.map(({ label: text, x, place }) => ({ label: text, marks: [{ place, value: x, title: `${text}: ${number(x)}` }] })) });
}

function legend({ series, kind }) {
  if (series.length < 2 || kind === "bars") return null;
  return h("ul", { class: "legend" }, series.map(({ label }, place) => h("li", {}, svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" }, marker(place, 6, 6)), label)));
}
