// What the page shows, as its address says it. The same rules as hubmaxact/page/url_state.py.

export const MAX_PICKS = 8;
export const VIEWS = ["releases", "findings"];
export const ROLES = ["hidden_state", "attention_output", "mlp_output"];
export const SCOPES = ["paper", "measured", "all"];
export const DEFAULT_SORT = "-abs_max";
const MOST_VALUES = 20;
const LONGEST = { q: 200, value: 100, key: 600 };

export function parse(search, about) {
  const given = new URLSearchParams(search);
  const facets = {};
  for (const { name } of about.facets) {
    const values = several(given.getAll(name), MOST_VALUES, LONGEST.value);
    if (values.length) facets[name] = values;
  }
  return {
    view: oneOf(VIEWS, given.get("view")),
    q: words(given.get("q") ?? ""),
    facets,
    sort: sorting(given.get("sort") ?? "", about.columns),
    page: /^[1-9][0-9]{0,5}$/.test(given.get("page") ?? "") ? Number(given.get("page")) : 1,
    role: oneOf(ROLES, given.get("role")),
    scope: SCOPES.includes(given.get("scope")) ? given.get("scope") : "",
    picks: several(given.getAll("pick"), MAX_PICKS, LONGEST.key),
  };
}

// One state has one address: defaults left out, keys in a fixed order.
export function query(state, about) {
  const pairs = [
    ["view", state.view === VIEWS[0] ? "" : state.view],
    ["q", words(state.q)],
    ...about.facets.flatMap(({ name }) => (state.facets[name] ?? []).map((value) => [name, value])),
    ["sort", state.sort === DEFAULT_SORT ? "" : state.sort],
    ["page", state.page > 1 ? String(state.page) : ""],
    ["role", state.role === ROLES[0] ? "" : state.role],
    ["scope", state.scope ?? ""],
    ...state.picks.map((key) => ["pick", key]),
  ];
  return pairs
    .filter(([, value]) => value)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&");
}

export function words(text) {
  // oxlint-disable-next-line no-control-regex -- taking them out is what this is for
  return [...text.replace(/[\x00-\x20\x7f]+/g, " ").replace(/^ | $/g, "")].slice(0, LONGEST.q).join("").replace(/ $/, "");
}

function several(values, most, longest) {
  const usable = values.filter((value) => value && [...value].length <= longest);
  return [...new Set(usable)].slice(0, most);
}

function sorting(text, columns) {
  const column = text.replace(/^-/, "");
  return columns.some(({ name, sortable }) => sortable && name === column) ? text : DEFAULT_SORT;
}

function oneOf(allowed, value) {
  return allowed.includes(value) ? value : allowed[0];
}
