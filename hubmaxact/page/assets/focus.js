// What a redrawing must not lose: where the keyboard is, what is being typed, what is folded open.

const NAMES = ["id", "data-key", "data-sort", "aria-label", "name"];
const FOLDS = ["data-facet", "data-fold"];
const FOLDED = FOLDS.map((each) => `details[${each}]`).join(", ");
// Where the keyboard goes on when its place is gone or cannot be used any more.
const NEAR = [[".selection", "#copy, #link"], [".pager", ".pager button:enabled"], ["#compare", "#compare-title"]];

// Look at the old elements; returns what puts the new ones into the same condition.
// `back`: the address has changed, and a search box must show the address's words, not the typed.
export function keeping(content, { back }) {
  const open = new Map([...content.querySelectorAll(FOLDED)].map((each) => [folded(each), each.open]));
  const focus = focused(content, back);
  return () => {
    for (const each of content.querySelectorAll(FOLDED)) {
      if (open.has(folded(each))) each.open = open.get(folded(each));
    }
    focus();
  };
}

const folded = (element) => named(element, FOLDS);

function focused(content, back) {
  const active = document.activeElement;
  if (!content.contains(active)) return () => {};
  const { value, selectionStart, selectionEnd } = active;
  const typing = active.type === "search" && !back;
  const near = NEAR.filter(([part]) => active.closest(part)).map(([, place]) => place);
  const places = [selector(active), ...near, "#q"].filter(Boolean);
  return () => {
    const again = places.map((place) => content.querySelector(place)).find((found) => found && !found.disabled);
    again?.focus({ preventScroll: true });
    if (typing && again?.type === "search") {
      again.value = value; // what was typed while the answer was on its way
      again.setSelectionRange(selectionStart, selectionEnd);
    }
  };
}

// What finds an element's twin in the new page; null when nothing tells it from its likes.
function selector(element) {
  if (element.tagName === "SUMMARY") {
    const of = named(element.parentElement, FOLDS);
    return of && `${of} > summary`;
  }
  return named(element, element.type === "checkbox" || element.type === "radio" ? [...NAMES, "value"] : NAMES);
}

function named(element, names) {
  const parts = names.filter((each) => element.hasAttribute(each));
  if (!parts.length) return null;
  return element.tagName.toLowerCase() + parts.map((each) => `[${each}="${CSS.escape(element.getAttribute(each))}"]`).join("");
}
