// Where the data comes from: a server that filters, or files that are filtered here. One interface.

import { paged, select } from "./query.js";
import { query } from "./state.js";

export class Unavailable extends Error {}

export async function connect() {
  const about = await json("data/about.json");
  return about.host === "server" ? new Server(about) : new Files(about);
}

async function json(path) {
  let answer;
  try {
    answer = await fetch(path);
  } catch {
    throw new Unavailable("The server cannot be reached. Check the connection and try again.");
  }
  if (!answer.ok) throw new Unavailable(await reason(answer));
  return answer.json();
}

async function reason(answer) {
  const said = await answer.json().catch(() => ({}));
  return typeof said.error === "string" ? said.error : `The server answered ${answer.status}. Try again.`;
}

class Server {
  constructor(about) {
    this.about = about;
  }

  page(state) {
    return json(`data/page.json?${query({ ...state, picks: [] }, this.about)}`);
  }

  releases(keys) {
    return json(`data/releases.json?${keys.map((key) => `pick=${encodeURIComponent(key)}`).join("&")}`);
  }

  findings() {
    return (this.found ??= json("data/findings.json"));
  }
}

class Files {
  constructor(about) {
    this.about = about;
    this.shards = new Map();
  }

  rows() {
    return (this.table ??= json("data/table.json").then(({ rows }) => rows));
  }

  async page(state) {
    return paged(select(await this.rows(), state), state, this.about.page_size);
  }

  // Every row in full that the state's filters leave, for downloads.
  async view(state) {
    const { releases } = await this.releases(select(await this.rows(), state).map(({ key }) => key));
    return releases;
  }

  async releases(keys) {
    const rows = new Map((await this.rows()).map((row) => [row.key, row]));
    const known = keys.filter((key) => rows.has(key));
    const files = [...new Set(known.map((key) => rows.get(key).shard))];
    const shards = await Promise.all(files.map((file) => this.shard(file)));
    const full = new Map(shards.flat().map((release) => [release.key, release]));
    return { releases: known.map((key) => full.get(key)), unknown: keys.filter((key) => !rows.has(key)) };
  }

  shard(file) {
    if (!this.shards.has(file)) {
      this.shards.set(file, json(`data/releases/${file}.json`).then(({ releases }) => releases));
    }
    return this.shards.get(file);
  }

  findings() {
    return (this.found ??= json("data/findings.json"));
  }
}
