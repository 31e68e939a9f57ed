// Numbers as people read them; where digits are left out, the exact number stands in a title and
// in the downloads.

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 20 });
const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"]];
const UNKNOWN = "unknown";
const DIGITS = 6; // of errors, which are ratios of sums and no values of a tensor

export function number(value) {
  if (value === null || value === undefined) return UNKNOWN;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e12 || size < 1e-4)) return String(value).replace("e+", "e");
  return plain.format(value);
}

// A value of a tensor, as hubmaxact/rendering/numbers.py has it: whole from 1,000 on, else four digits.
export function activation(value) {
  if (value === null || value === undefined) return UNKNOWN;
  const size = Math.abs(value);
  if (size >= 1e9) return value.toExponential(3).replace("e+", "e");
  return number(size >= 1000 ? Math.round(value) : Number(value.toPrecision(4)));
}

export function counted(value, noun, plural = `${noun}s`) {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}

export function count(value) {
  if (value === null || value === undefined) return UNKNOWN;
  const [unit, letter] = UNITS.find(([least]) => value >= least) ?? [1, ""];
  return `${plain.format(Number((value / unit).toPrecision(3)))}${letter}`;
}

export function decibels(value) {
  return value === null || value === undefined ? UNKNOWN : value.toFixed(1);
}

// A change of loss, in nats a token; with its sign unless it can have but one.
export function change(value, plus = "+") {
  return value === null || value === undefined ? UNKNOWN : `${value < 0 ? "" : plus}${number(Number(value.toPrecision(3)))}`;
}

export function rounded(value) {
  return value === null || value === undefined ? UNKNOWN : number(Number(value.toPrecision(DIGITS)));
}

export function percent(share) {
  return share === null || share === undefined ? UNKNOWN : `${rounded(Number((100 * share).toPrecision(3)))} %`;
}

export function flag(value) {
  return value === null || value === undefined ? UNKNOWN : value ? "yes" : "no";
}

const KINDS = { text: (value) => value ?? UNKNOWN, number: activation, count, db: decibels, loss: change, flag };

export function cell(kind, value) {
  return KINDS[kind](value);
}

// Anything a row may hold, for tables in which columns hold different kinds.
export function any(value) {
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return flag(value);
  return value === null || value === undefined ? UNKNOWN : String(value);
}

export function age(instant, now = Date.now()) {
  const hours = Math.max(0, (now - Date.parse(instant)) / 3600000);
  if (hours < 1) return "less than an hour old";
  if (hours < 48) return `${Math.floor(hours)} hour${hours < 2 ? "" : "s"} old`;
  return `${Math.floor(hours / 24)} days old`;
}

// Cut by code points, so that no character is halved.
export function clipped(text, most) {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
}
