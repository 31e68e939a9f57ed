// Light or dark: the system's choice until the visitor makes one, which is kept if storage allows.

const KEY = "theme";
const system = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;

export function theme(button) {
  const show = () => {
    const dark = current() === "dark";
    document.documentElement.dataset.theme = current();
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${dark ? "light" : "dark"} colours`);
  };
  button.addEventListener("click", () => {
    keep(current() === "dark" ? "light" : "dark");
    show();
  });
  system.addEventListener("change", show);
  show();
}

function current() {
  return chosen ?? kept() ?? (system.matches ? "dark" : "light");
}

function kept() {
  try {
    const value = localStorage.getItem(KEY);
    return ["light", "dark"].includes(value) ? value : null;
  } catch {
    return null; // an embedded page may have no storage; the choice then lasts as long as the page
  }
}

function keep(value) {
  chosen = value;
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // As above.
  }
}
