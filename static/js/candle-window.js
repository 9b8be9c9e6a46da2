// Keeps a range of the history in memory: the visible candles and a margin on both sides.

import { CandleSeries } from "./candle-series.js";

/**
 * Numbers of candles.
 * @typedef {object} Sizes
 * @property {number} first of the first read: fills most screens and loads fast
 * @property {number} page of further reads
 * @property {number} most in memory, unless more are visible
 * @property {number} margin beside the visible ones; fewer trigger a read
 */
const CANDLES = { first: 600, page: 2_000, most: 8_000, margin: 500 };

/**
 * Owns the series. Events:
 * "replaced" {view}: another range; view: what to show, null: the newest candles;
 * "moved" {shift}: candles were added or dropped, and the others moved right by `shift`;
 * "changed" {candles}: ticks arrived; "failed" {error}.
 */
export class CandleWindow extends EventTarget {
  #history;
  #isHeld;
  #reading = 0; // number of the newest range; responses for older ones are dropped
  #busy = { older: false, newer: false };
  #queued = null; // ticks that arrive during a read that includes the open candle
  #hasStart = false; // the first candle of the history is loaded
  #view = { from: 0, to: 0 };

  /**
   * @param {() => boolean} isHeld whether the chart is being dragged: keep the right end
   * @param {Sizes} [sizes]
   */
  constructor(history, timeframe, isHeld, sizes = CANDLES) {
    super();
    this.#history = history;
    this.#isHeld = isHeld;
    this.sizes = sizes;
    this.series = new CandleSeries(timeframe);
  }

  /** How many candles have to be loaded on a side of a view of `width` candles. */
  margin(_side, width) {
    return Math.max(this.sizes.margin, 2 * width);
  }

  // Changing the range.

  newest(timeframe = this.series.timeframe) {
    return this.#replace(timeframe, null, () => this.#read(timeframe, { limit: this.sizes.first }));
  }

  first() {
    const { timeframe } = this.series;
    return this.#replace(timeframe, "start", async () => {
      const page = await this.#read(timeframe, { start: 0, limit: this.sizes.page });
      return { ...page, hasStart: true };
    });
  }

  /** Load the candles between two times (epoch ms) and some before. */
  around(timeframe, from, to) {
    return this.#replace(timeframe, { from, to }, async () => {
      const [before, after] = await Promise.all([
        this.#read(timeframe, { end: from, limit: this.sizes.margin }),
        this.#readUntil(timeframe, from, to),
      ]);
      return {
        candles: [...before.candles, ...after.candles],
        isLive: after.isLive || (after.candles.length === 0 && before.isLive),
        hasStart: before.candles.length < this.sizes.margin,
      };
    });
  }

  async #readUntil(timeframe, from, to) {
    const candles = [];
    for (let start = from; ; start = candles.at(-1).openedAt + 1) {
      const page = await this.#read(timeframe, { start, limit: this.sizes.page });
      candles.push(...page.candles);
      const isEnd = page.isLive || page.candles.length < this.sizes.page;
      if (isEnd || candles.length >= this.sizes.most || candles.at(-1).openedAt >= to) {
        return { candles, isLive: page.isLive };
      }
    }
  }

  #read(timeframe, query) {
    return this.#history.candles(timeframe, query);
  }

  async #replace(timeframe, view, read) {
    const number = (this.#reading += 1);
    this.#queued ??= [];
    this.#busy = { older: true, newer: true };
    try {
      const { candles, isLive, hasStart = candles.length < this.sizes.first } = await read();
      if (number !== this.#reading) return;
      this.series = new CandleSeries(timeframe, candles, isLive);
      this.#hasStart = hasStart;
      this.#busy = { older: false, newer: false };
      this.#emit("replaced", { view });
      this.#takeQueued();
    } catch (error) {
      if (number === this.#reading) this.#emit("failed", { error });
    }
  }

  // Extending and trimming the range.

  /** Set the visible candles (indices); read ahead of them. */
  look(view) {
    this.#view = view;
    if (this.series.candles.length === 0) return;
    const width = view.to - view.from;
    if (view.from < this.margin("older", width) && !this.#hasStart) this.#extend("older", () => this.#older());
    const after = this.series.candles.length - view.to;
    if (after < this.margin("newer", width) && !this.series.isLive && !this.#isHeld()) {
      this.#extend("newer", () => this.#newer());
    }
  }

  async #extend(side, read) {
    if (this.#busy[side]) return;
    this.#busy[side] = true;
    const busy = this.#busy;
    try {
      const shift = await read();
      if (shift === null) return;
      this.#emit("moved", { shift: shift - this.#trim(side, shift) });
    } catch (error) {
      console.warn(`${side} candles: ${error.message}`); // the next move tries again
    } finally {
      busy[side] = false;
    }
  }

  async #older() {
    const { timeframe, first } = this.series;
    const number = this.#reading;
    const { candles } = await this.#read(timeframe, { end: first.openedAt, limit: this.sizes.page });
    if (number !== this.#reading) return null;
    this.#hasStart = candles.length < this.sizes.page;
    return this.series.prepend(candles);
  }

  async #newer() {
    const { timeframe, last } = this.series;
    const number = this.#reading;
    this.#queued ??= [];
    try {
      const page = await this.#read(timeframe, { start: last.openedAt + 1, limit: this.sizes.page });
      if (number !== this.#reading || this.#isHeld()) return null;
      this.series.append(page.candles, page.isLive);
      return 0;
    } finally {
      if (number === this.#reading) this.#takeQueued(); // does nothing unless the series is live now
    }
  }

  /** Drop distant candles on the side opposite `side`; return how many on the left. */
  #trim(side, shift) {
    const { length } = this.series.candles;
    const [from, to] = [this.#view.from + shift, this.#view.to + shift];
    const most = Math.max(this.sizes.most, 6 * (to - from));
    if (length <= most || (side === "older" && this.#isHeld())) return 0;
    if (side === "older") {
      this.series.keep(0, Math.max(most, Math.ceil(to)));
      return 0;
    }
    const dropped = Math.min(length - most, Math.floor(from));
    this.series.keep(dropped, length);
    if (dropped > 0) this.#hasStart = false;
    return dropped;
  }

  // Ticks.

  take(rows) {
    if (this.#queued) this.#queued.push(...rows);
    else this.#add(rows);
  }

  #takeQueued() {
    const rows = this.#queued ?? [];
    this.#queued = null;
    this.#add(rows);
  }

  #add(rows) {
    const candles = this.series.take(rows);
    if (candles.size) this.#emit("changed", { candles });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
