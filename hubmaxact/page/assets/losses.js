// What rounding that is really applied does to the picked releases' own predictions, way by way.

import { details, h, name, table } from "./dom.js";
import { change, percent } from "./format.js";

export function losses(releases) {
  const ways = [...new Set(releases.flatMap((release) => release.losses.map(({ way }) => way)))];
  if (!ways.length) return null;
  const without = releases.filter((release) => !release.losses.length);
  // Each table has elements of its own.
  const head = () => ["Rounded", ...releases.map((release) => name(release.name))];
  const rows = (shown) => ways.map((way) => h("tr", {}, h("th", { scope: "row" }, way), releases.map((release) => cell(release, way, shown))));
  return h("section", { id: "losses" }, h("h3", {}, "Loss with rounding"),
    h("p", { class: "note" }, "How much the loss grows when these tensors are really rounded, in nats a token, and its interval over texts; one that holds zero shows no change. Weights are not rounded, and no deployed kernel rounds the residual stream."),
    table("Change of loss with rounding", head(), rows(interval)),
    without.length ? h("p", { class: "note" }, "Not measured: ", without.map((release, place) => [place ? ", " : "", name(release.name)]), ".") : null,
    details("loss-numbers", "How predictions differ",
      h("p", { class: "note" }, "KL divergence from the predictions without rounding, in nats a token:"),
      table("KL divergence", head(), rows(({ kl_divergence: divergence }) => change(divergence === null ? null : Math.max(0, divergence), ""))),
      h("p", { class: "note" }, "Share of tokens for which the likeliest next token stays the same:"),
      table("Tokens whose likeliest next token stays the same", head(), rows(({ top1_agreement: same }) => percent(same)))));
}

function cell(release, way, shown) {
  const found = release.losses.find((each) => each.way === way);
  const known = found && found.change !== null;
  return h("td", { class: known ? "number" : "number unknown" }, known ? shown(found) : "not measured");
}

function interval({ change: mean, low, high }) {
  return [h("b", {}, change(mean)), ` (${change(low)} to ${change(high)})`];
}
