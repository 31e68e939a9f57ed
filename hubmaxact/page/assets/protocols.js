// The picked releases in tables: errors of the INT-8 diagnostic, and how each was measured.

import { details, h, name, table } from "./dom.js";
import { any, decibels, rounded } from "./format.js";

export function int8(releases, about) {
  const known = about.int8.map(({ label, metrics }) => ({ label, metrics: metrics.filter(({ name: column }) => releases.some(({ row }) => row[column] !== null)) }))
    .filter(({ metrics }) => metrics.length);
  return h("section", {}, h("h3", {}, "INT-8: SQNR, higher is better"),
    h("p", { class: "note" }, "Diagnostic, as in arXiv:2605.15572: it rounds the tensor that holds M, each hidden state and the final norm, which deployed kernels often do not. SQNR is the signal over the noise of rounding; the relative errors are better when lower."),
    known.length ? table("INT-8 diagnostic", ["Error", ...releases.map((release) => name(release.name))], known.map((policy) => group(policy, releases)), { id: "int8" })
      : h("p", { class: "nothing" }, "None of these has it."));
}

function group({ label, metrics }, releases) {
  const head = h("tr", { class: "group" }, h("th", { scope: "rowgroup", colspan: releases.length + 1 }, h("span", {}, label)));
  return [head, metrics.map((metric) => errors(metric, releases))];
}

function errors(metric, releases) {
  const shown = metric.name.endsWith("_db") ? decibels : rounded;
  return h("tr", {}, h("th", { scope: "row" }, metric.label),
    releases.map(({ row }) => h("td", { class: row[metric.name] === null ? "number unknown" : "number", title: row[metric.name] }, shown(row[metric.name]))));
}

// Every field of the protocol, and whether these releases differ in it.
export function differing(releases, about) {
  return about.protocol_fields.map((field) => {
    const values = releases.map(({ row }) => JSON.stringify(row[field.name] ?? null));
    return { ...field, differs: new Set(values).size > 1 };
  });
}

export function protocols(releases, about) {
  const fields = differing(releases, about);
  const count = fields.filter(({ differs }) => differs).length;
  const told = releases.length < 2 ? "One release has one protocol." : count ? `${count} of ${fields.length} fields differ.` : "All fields are the same.";
  return h("section", {}, h("h3", {}, "Protocol"), h("p", {}, told),
    details("fields", "Every field", table("Protocol", ["Field", "Same?", ...releases.map((release) => name(release.name))],
      fields.map((field) => line(field, releases)), { id: "protocol" })));
}

function line(field, releases) {
  return h("tr", { class: field.differs ? "differs" : null, title: field.why },
    h("th", { scope: "row" }, field.label), h("td", {}, field.differs ? (field.decisive ? "differs, decisive" : "differs") : "same"),
    releases.map(({ row }) => h("td", {}, h("bdi", {}, any(row[field.name])))));
}
