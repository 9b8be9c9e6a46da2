// Candles built from history and ticks. Pure: no page, no network.

import { SeqLedger } from "./seq-ledger.js";

export const TIMEFRAMES = new Map([
  ["1m", 60], ["5m", 300], ["15m", 900], ["30m", 1_800],
  ["1h", 3_600], ["4h", 14_400], ["1d", 86_400], ["1w", 604_800],
]);
const MONDAY_MS = 4 * 86_400_000; // 1970-01-01 was a Thursday; weeks open on Monday

/**
 * @typedef {object} Candle
 * @property {number} time opening time in seconds, for the chart
 * @property {number} openedAt opening time in milliseconds
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} count number of ticks
 * @property {number} firstSeq
 * @property {number} lastSeq
 */

/** Return the opening time of the candle that contains `ms` (epoch ms). */
export function openedAt(ms, timeframe) {
  const length = TIMEFRAMES.get(timeframe) * 1000;
  const offset = timeframe === "1w" ? MONDAY_MS : 0;
  return Math.floor((ms - offset) / length) * length + offset;
}

/** Return the candles of an API table {columns, rows}. */
export function readCandles({ columns, rows }) {
  const at = Object.fromEntries(columns.map((name, index) => [name, index]));
  return rows.map((row) => ({
    time: row[at.opened_at] / 1000,
    openedAt: row[at.opened_at],
    open: row[at.open],
    high: row[at.high],
    low: row[at.low],
    close: row[at.close],
    count: row[at.count],
    firstSeq: row[at.first_seq],
    lastSeq: row[at.last_seq],
  }));
}

/** A contiguous, ascending range of candles. Ticks may arrive late or twice. */
export class CandleSeries {
  #ledger;

  /** @param {boolean} isLive whether the last candle is open and takes ticks */
  constructor(timeframe, candles = [], isLive = true) {
    if (!TIMEFRAMES.has(timeframe)) {
      throw new RangeError(`timeframe ${timeframe} is unknown; use ${[...TIMEFRAMES.keys()]}`);
    }
    this.timeframe = timeframe;
    /** @type {Candle[]} */
    this.candles = candles;
    this.isLive = isLive;
    this.#ledger = new SeqLedger(this.last?.lastSeq);
  }

  get first() {
    return this.candles[0];
  }

  get last() {
    return this.candles.at(-1);
  }

  get lastSeq() {
    return this.#ledger.last;
  }

  /** Prepend older candles; return how many were new. */
  prepend(older) {
    const first = this.first?.openedAt ?? Infinity;
    const fresh = older.filter((candle) => candle.openedAt < first);
    this.candles = [...fresh, ...this.candles];
    return fresh.length;
  }

  /** Append newer candles. */
  append(newer, isLive) {
    const last = this.last?.openedAt ?? -Infinity;
    this.candles = [...this.candles, ...newer.filter((candle) => candle.openedAt > last)];
    this.isLive = isLive;
    this.#ledger = new SeqLedger(this.last?.lastSeq);
  }

  /** Keep only the candles with from <= index < to. */
  keep(from, to) {
    if (to < this.candles.length) this.isLive = false;
    this.candles = this.candles.slice(from, to);
  }

  /** Add ticks [seq, ms, price]; return the candles that changed. */
  take(rows) {
    const changed = new Set();
    if (!this.isLive) return changed;
    for (const [seq, ms, price] of rows) {
      if (!this.#ledger.take(seq)) continue;
      const candle = this.#add(seq, openedAt(ms, this.timeframe), price);
      if (candle) changed.add(candle);
    }
    return changed;
  }

  /** Return the index of the candle that was open at `ms`, -1 before the first one. */
  indexAt(ms) {
    let low = 0;
    let high = this.candles.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.candles[middle].openedAt <= ms) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #add(seq, opened, price) {
    const index = this.indexAt(opened);
    const candle = this.candles[index];
    if (candle?.openedAt === opened) {
      if (seq < candle.firstSeq) Object.assign(candle, { open: price, firstSeq: seq });
      if (seq > candle.lastSeq) Object.assign(candle, { close: price, lastSeq: seq });
      candle.high = Math.max(candle.high, price);
      candle.low = Math.min(candle.low, price);
      candle.count += 1;
      return candle;
    }
    if (index < 0 && this.candles.length) return null; // older than the loaded range
    const fresh = {
      time: opened / 1000, openedAt: opened, open: price, high: price, low: price, close: price,
      count: 1, firstSeq: seq, lastSeq: seq,
    };
    this.candles.splice(index + 1, 0, fresh);
    return fresh;
  }
}
