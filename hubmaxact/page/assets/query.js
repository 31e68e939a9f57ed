// Filtering, ordering and paging in the browser, for a host that has none of it.
// The same rules as hubmaxact/page/query.py; rows come in the order of their keys.

const MOST_NAMED = 3; // protocols beside a ranking, as in hubmaxact/page/page_data.py

export function select(rows, state) {
  const wanted = state.q.toLowerCase().split(" ");
  const found = rows.filter((row) =>
    Object.entries(state.facets).every(([facet, values]) =>
      values.some((value) => row.facets[facet].includes(value))) &&
    wanted.every((word) => row.search.includes(word)));
  return ordered(found, state.sort);
}

export function paged(rows, state, size) {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const page = Math.min(state.page, pages);
  return { total: rows.length, page, pages, protocols: protocols(rows), rows: rows.slice((page - 1) * size, page * size) };
}

// How many protocols stand in a ranking, and the commonest.
function protocols(rows) {
  const counts = new Map();
  for (const value of rows.flatMap(({ facets }) => facets.protocol)) counts.set(value, (counts.get(value) ?? 0) + 1);
  const commonest = [...counts].map(([value, count]) => ({ value, count }))
    .sort((one, other) => other.count - one.count || compared(one.value, other.value));
  return { number: commonest.length, commonest: commonest.slice(0, MOST_NAMED) };
}

function ordered(rows, sort) {
  const column = sort.replace(/^-/, "");
  const direction = sort.startsWith("-") ? -1 : 1;
  const value = (row) => row.cells[column];
  const known = rows.filter((row) => value(row) !== null);
  // sort() is stable, so ties stay in the order of their keys.
  known.sort((one, other) => direction * compared(rank(value(one)), rank(value(other))));
  return [...known, ...rows.filter((row) => value(row) === null)];
}

function rank(value) {
  return typeof value === "string" ? value.toLowerCase() : Number(value);
}

function compared(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}
