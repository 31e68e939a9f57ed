// What stands where there is no release at all: how an index gets its first one.

import { h } from "./dom.js";

export function emptyIndex() {
  return h("div", { class: "empty", id: "empty-index" }, h("p", { class: "big" }, "This index holds no release yet."),
    h("p", {}, "Measure a checkpoint with ", h("code", {}, "hubmaxact measure"), ", build the index again with ",
      h("code", {}, "hubmaxact catalog build"), " over the folder of reports, or over the Hub with ", h("code", {}, "--from-hub"),
      ", and show that index here."));
}
