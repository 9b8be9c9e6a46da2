// The history of one instrument, read from the API.

import { readCandles } from "./candle-series.js";
import { readRegimes } from "./regimes-band.js";

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

  /**
   * Return at most `limit` candles: the first from `start` on, else the newest, before `end`.
   * Times are epoch milliseconds.
   * @returns {Promise<{candles: import("./candle-series.js").Candle[], isLive: boolean}>}
   */
  async candles(timeframe, { start, end, limit }) {
    const query = { timeframe, limit };
    if (start !== undefined) query.start = start;
    if (end !== undefined) query.end = end;
    const table = await read(`${this.path}candles/`, query);
    // An empty newest page means a market without history: there are no older pages.
    const isBeginning = table.rows.length === 0 && start === undefined && end === undefined;
    return { candles: readCandles(table), isLive: table.open_candle || isBeginning };
  }

  /** URL of a CSV file of the candles with start <= opened_at < end. */
  csvAddress(timeframe, start, end, limit) {
    const query = new URLSearchParams({ timeframe, start, end, limit, format: "csv" });
    return `${this.path}candles/?${query}`;
  }

  /** Return the regimes in force between two times (epoch ms). */
  async regimes(start, end) {
    const query = { start, end };
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
