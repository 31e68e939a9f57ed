// Where the data comes from: a server that filters, or files that are filtered here. One interface.

import { records } from "./csv.js";
import { paged, select } from "./query.js";
import { query } from "./state.js";

const TIMEOUT = 30_000; // milliseconds until a silent server counts as unreachable

export class Unavailable extends Error {}

export async function connect() {
  const about = await json("data/about.json");
  return about.host === "server" ? new Server(about) : new Files(about);
}

async function json(path) {
  const answer = await fetched(path);
  try {
    return await answer.json();
  } catch {
    throw new Unavailable(`What came as ${path.split("?")[0]} is not data. Reload the page, or try again later.`);
  }
}

async function fetched(path) {
  let answer;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT) });
  } catch {
    throw new Unavailable("The server cannot be reached. Check the connection and try again.");
  }
  if (!answer.ok) throw new Unavailable(await reason(answer));
  return answer;
}

async function reason(answer) {
  const said = await answer.json().catch(() => ({}));
  return typeof said?.error === "string" ? said.error : `The server answered ${answer.status}. Try again.`;
}

// Answers that were asked for before; one that failed is forgotten, so that trying again asks again.
class Memory {
  constructor(most) {
    this.most = most;
    this.answers = new Map();
  }

  get(key, ask) {
    if (!this.answers.has(key)) {
      this.answers.set(key, ask());
      this.answers.get(key).catch(() => this.answers.delete(key));
      if (this.answers.size > this.most) this.answers.delete(this.answers.keys().next().value);
    }
    return this.answers.get(key);
  }
}

class Host {
  constructor(about) {
    this.about = about;
    this.memory = new Memory(32);
  }

  json(path) {
    return this.memory.get(path, () => json(path));
  }

  findings() {
    return this.json("data/findings.json");
  }
}

class Server extends Host {
  page(state) {
    const asked = { ...state, picks: [], view: "releases", role: undefined, scope: undefined };
    return this.json(`data/page.json?${query(asked, this.about)}`);
  }

  releases(keys) {
    return this.json(`data/releases.json?${keys.map((key) => `pick=${encodeURIComponent(key)}`).join("&")}`);
  }
}

class Files extends Host {
  async rows() {
    return (await this.json("data/table.json")).rows;
  }

  async page(state) {
    return paged(select(await this.rows(), state), state, this.about.page_size);
  }

  async releases(keys) {
    const rows = new Map((await this.rows()).map((row) => [row.key, row]));
    const known = keys.filter((key) => rows.has(key));
    const files = [...new Set(known.map((key) => rows.get(key).shard))];
    const shards = await Promise.all(files.map((file) => this.json(`data/releases/${file}.json`)));
    const full = new Map(shards.flatMap(({ releases }) => releases).map((each) => [each.key, each]));
    return { releases: known.map((key) => full.get(key)), unknown: keys.filter((key) => !rows.has(key)) };
  }

  // The CSV of some rows: lines of the file that holds all, which has the table's order.
  async csv(state, what) {
    const rows = await this.rows();
    const chosen = what === "view" ? select(rows, state).map(({ key }) => key) : state.picks;
    const places = new Map(rows.map(({ key }, place) => [key, place + 1]));
    const text = await this.memory.get("csv", async () => (await fetched("download/all.csv")).text());
    const lines = records(text);
    if (lines.length !== rows.length + 1) throw new Unavailable("The files of this export do not belong together. Export it again.");
    return lines[0] + chosen.filter((key) => places.has(key)).map((key) => lines[places.get(key)]).join("");
  }
}
