// The history of one instrument, read from the API.

import { readCandles } from "./candle-series.js";
import { readRegimes } from "./regimes-band.js";

export const PAGE_CANDLES = 500;
const MOST_PAGES = 20;

async function read(path, query) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail ?? `${path} answered ${answer.status}`);
}

export class History {
  constructor(symbol) {
    this.path = `/api/v1/instruments/${encodeURIComponent(symbol)}/`;
  }

  /** Return the newest candles, or the newest of those that opened before `end` (epoch ms). */
  async candles(timeframe, end = null) {
    const query = { timeframe, limit: PAGE_CANDLES, ...(end === null ? {} : { end }) };
    return readCandles(await read(`${this.path}candles/`, query));
  }

  /** Return the regimes in force between two moments (epoch ms; end null: up to now). */
  async regimes(start, end = null) {
    const query = { start, ...(end === null ? {} : { end }) };
    const regimes = [];
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const table = await read(`${this.path}regimes/`, query);
      regimes.push(...readRegimes(table));
      if (!table.next_cursor) break;
      query.cursor = table.next_cursor;
    }
    return regimes;
  }
}
