// Bars from the cache and, in one request, what it does not have.

import { TIMEFRAMES } from "../candle-series.js";
import { barReader } from "./bars.js";

const MOST_HELD = 40; // stretches named in a request
const MOST_ROWS = 2_000; // per request
const MOST_LEAPS = 12; // over stretches without trades

/** Reads like History, for a CandleWindow of bars. */
export class BarHistory {
  #first = new Map(); // timeframe -> opening time of the first bar
  #api;
  #cache;
  #queue = Promise.resolve(); // one request at a time, so that each knows what the one before got

  /**
   * @param {import("./flow-api.js").FlowApi} api
   * @param {Promise<import("./bar-cache.js").BarCache>} cache
   * @param {import("./bars.js").Sizes} sizes
   */
  constructor(api, cache, sizes) {
    this.#api = api;
    this.#cache = cache;
    this.sizes = sizes;
    /** "auto" or ticks per row. @type {"auto" | number} */
    this.step = "auto";
    /** Seq of the newest closed bar that was read; the stream continues there. */
    this.lastSeq = 0;
    /** How many rows came from the server and from the cache. */
    this.counts = { read: 0, cached: 0 };
    this.newestAt = 0;
    /** Called with the milliseconds that a read took. */
    this.timed = () => {};
  }

  /**
   * Return at most `limit` bars: the first from `start` on, else the newest, before `end`.
   * @returns {Promise<{candles: import("./bars.js").Bar[], isLive: boolean}>}
   */
  async candles(timeframe, { start, end, limit }) {
    const begun = performance.now();
    const length = TIMEFRAMES.get(timeframe) * 1000;
    let found;
    if (start === undefined && end === undefined) found = await this.#newest(timeframe, limit);
    else if (start === undefined) found = await this.#before(timeframe, end, limit, length);
    else found = await this.#after(timeframe, start, limit, length);
    this.timed(performance.now() - begun);
    return found;
  }

  async #newest(timeframe, limit) {
    const { bars, open } = await this.#sync(timeframe, { limit });
    const candles = (open ? [...bars, open] : bars).slice(-limit);
    this.newestAt = Math.max(this.newestAt, candles.at(-1)?.openedAt ?? 0);
    return { candles, isLive: true };
  }

  async #before(timeframe, end, limit, length) {
    const candles = [];
    const first = await this.#firstAt(timeframe);
    let [to, span] = [end, limit * length];
    for (let leaps = 0; leaps < MOST_LEAPS && candles.length < limit && to > first; leaps += 1) {
      const from = Math.max(first, to - span);
      const { bars, open } = await this.#sync(timeframe, { start: from, end: to });
      candles.unshift(...bars, ...(open ? [open] : []));
      [to, span] = [from, 2 * span];
    }
    return { candles: candles.slice(-limit), isLive: false };
  }

  async #after(timeframe, start, limit, length) {
    const candles = [];
    let from = Math.max(start, await this.#firstAt(timeframe));
    let isLive = false;
    for (let leaps = 0, span = limit * length; leaps < MOST_LEAPS && candles.length < limit; leaps += 1) {
      const { bars, open } = await this.#sync(timeframe, { start: from, end: from + span });
      candles.push(...bars);
      if (open) candles.push(open);
      isLive = open !== null || from + span > Math.max(this.newestAt, Date.now());
      if (isLive) break;
      [from, span] = [from + span, 2 * span];
    }
    return { candles: candles.slice(0, limit), isLive: isLive && candles.length <= limit };
  }

  async #firstAt(timeframe) {
    if (!this.#first.has(timeframe)) {
      const { rows } = await this.#api.read("footprint", { timeframe, start: 0, limit: 1 });
      if (rows.length === 0) return Infinity;
      this.#first.set(timeframe, rows[0][0]);
    }
    return this.#first.get(timeframe);
  }

  #sync(timeframe, query) {
    const done = this.#queue.then(() => this.#syncNow(timeframe, query));
    this.#queue = done.catch(() => {});
    return done;
  }

  /** Bring a span into the cache; return its closed bars, and the open one or null. */
  async #syncNow(timeframe, query) {
    const { step } = this;
    const cache = await this.#cache;
    const name = `${this.#api.symbol} ${timeframe} ${step}`;
    const sent = { timeframe, step, limit: MOST_ROWS, ...query };
    const before = await cache.held(name);
    let got = 0;
    for (;;) {
      const all = await cache.held(name);
      const { near, far } = split(all, sent);
      const held = near.map((range) => range.join("-")).join(",");
      const answer = await this.#api.read("footprint/sync", { ...sent, held: held || undefined });
      const isStored = await cache.store(name, {
        ...answer, held: [...far, ...answer.held].sort((a, b) => a[0] - b[0]),
      });
      if (!isStored) continue;
      got += answer.rows.length;
      this.lastSeq = answer.seq;
      if (answer.complete || answer.rows.length === 0) {
        const read = barReader(answer.columns, this.sizes);
        const rows = await cache.rows(name, answer.start, answer.end);
        this.counts.read += got;
        this.counts.cached += before.length ? Math.max(0, rows.length - got) : 0;
        return { bars: rows.map(read), open: answer.open ? read(answer.open) : null };
      }
    }
  }
}

/** Part what is held into the stretches to name in a request and the others. */
function split(held, { start = 0, end = Infinity }) {
  const isNear = ([from, to]) => from <= end && start <= to;
  const near = held.filter(isNear).slice(-MOST_HELD);
  return { near, far: held.filter((range) => !near.includes(range)) };
}
