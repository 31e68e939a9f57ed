// What a redrawing must not lose: where the keyboard is, what is being typed, which menus are open.

const NAMES = ["id", "data-key", "data-sort", "aria-label", "name"];
const FOLDED = "details[data-facet], details.all";

// Look at the old elements; returns what puts the new ones into the same condition.
// `back`: the address has changed, and a search box must show the address's words, not the typed.
export function keeping(content, { back }) {
  const open = new Map([...content.querySelectorAll(FOLDED)].map((each) => [named(each), each.open]));
  const focus = focused(content, back);
  return () => {
    for (const each of content.querySelectorAll(FOLDED)) {
      if (open.has(named(each))) each.open = open.get(named(each));
    }
    focus();
  };
}

const named = (folded) => folded.dataset.facet ?? "all";

function focused(content, back) {
  const active = document.activeElement;
  if (!content.contains(active)) return () => {};
  const { value, selectionStart, selectionEnd } = active;
  const typing = active.type === "search" && !back;
  const twin = selector(active);
  const near = active.closest(".tray") ? "#copy, #link" : "#q";
  return () => {
    const again = content.querySelector(twin) ?? content.querySelector(near) ?? content.querySelector("#q");
    again?.focus({ preventScroll: true });
    if (typing && again?.type === "search") {
      again.value = value; // what was typed while the answer was on its way
      again.setSelectionRange(selectionStart, selectionEnd);
    }
  };
}

function selector(element) {
  const names = element.type === "checkbox" || element.type === "radio" ? [...NAMES, "value"] : NAMES;
  const parts = names.filter((each) => element.hasAttribute(each));
  return element.tagName.toLowerCase() + parts.map((each) => `[${each}="${CSS.escape(element.getAttribute(each))}"]`).join("");
}
