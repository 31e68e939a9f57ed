// Rows as CSV, made in the browser. The same rules as hubmaxact/browse/downloads.py.

const FORMULA = /^[=+\-@\t\r]/;

export function csv(releases) {
  const head = Object.keys(releases[0].row);
  const lines = [head, ...releases.map(({ row }) => head.map((column) => written(row[column])))];
  return lines.map((cells) => cells.map(quoted).join(",")).join("\r\n") + "\r\n";
}

function written(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return FORMULA.test(value) ? `'${value}` : value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function quoted(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
