// A word beside a ranking in which several protocols stand, and the way to one of them.

import { h, name } from "./dom.js";
import { counted, number } from "./format.js";

export function mixedProtocols({ protocols }, about, go) {
  if (protocols.number < 2) return null;
  const { choices } = about.facets.find((facet) => facet.name === "protocol");
  const keep = ({ value, count }) => {
    const label = choices.find((choice) => choice.value === value)?.label ?? value;
    const only = () => go(({ facets }) => ({ facets: { ...facets, protocol: [value] }, page: 1 }));
    return h("button", { type: "button", class: "link", "data-protocol": value, onclick: only }, name(label), ` (${number(count)})`);
  };
  return h("p", { class: "mixed" },
    h("span", {}, `${counted(protocols.number, "protocol")} stand in this ranking; values are comparable within one. Keep to`), protocols.commonest.map(keep));
}
