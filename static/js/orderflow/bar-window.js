// Keeps a range of bars in memory and adds those that the stream brings.

import { CandleWindow } from "../candle-window.js";
import { Preload } from "./preload.js";

const BARS = { first: 160, page: 400, most: 3_000, margin: 160 };
const MOST_RECENT = 500;

export class BarWindow extends CandleWindow {
  #history;
  #recent = new Map(); // openedAt -> the newest state of a bar of the stream
  #preload = new Preload(BARS.margin);

  /** @param {import("./bar-history.js").BarHistory} history */
  constructor(history, timeframe, isHeld) {
    super(history, timeframe, isHeld, BARS);
    this.#history = history;
    history.timed = (ms) => this.#preload.loaded(ms);
    this.addEventListener("replaced", () => this.#merge()); // before the page draws
    this.addEventListener("moved", ({ detail: { shift } }) => {
      this.#preload.shifted(shift);
      this.#merge();
    });
  }

  look(view) {
    this.#preload.moved(view.from, performance.now());
    super.look(view);
  }

  margin(side, width) {
    return this.#preload.margin(side, width);
  }

  /** Forget what the stream brought: it now brings bars of another timeframe or step. */
  forget() {
    this.#recent.clear();
  }

  /** Add bars of the stream; each replaces the one with its opening time. */
  put(bars) {
    for (const bar of bars) this.#recent.set(bar.openedAt, bar);
    for (const key of [...this.#recent.keys()].slice(0, -MOST_RECENT)) this.#recent.delete(key);
    const changed = new Set(bars.filter((bar) => this.#apply(bar)));
    if (changed.size) this.dispatchEvent(new CustomEvent("changed", { detail: { candles: changed } }));
  }

  /** Read the newest bar again and all that followed it: without a stream nothing else adds them. */
  async catchUp() {
    const { series } = this;
    if (!series.isLive) return;
    const newest = series.last ? { start: series.last.openedAt } : {};
    const { candles } = await this.#history.candles(series.timeframe, { ...newest, limit: BARS.page });
    if (series === this.series) this.put(candles);
  }

  #merge() {
    [...this.#recent.values()].sort((a, b) => a.openedAt - b.openedAt).forEach((bar) => this.#apply(bar));
  }

  /** Return whether the series has changed. */
  #apply(bar) {
    const { series } = this;
    if (!series.isLive) return false;
    const { candles } = series;
    const index = series.indexAt(bar.openedAt);
    const old = candles[index];
    if (old?.openedAt === bar.openedAt) {
      if (old.lastSeq > bar.lastSeq) return false;
      candles[index] = bar;
      return true;
    }
    if (index < 0 && candles.length) return false; // older than the loaded range
    candles.splice(index + 1, 0, bar);
    return true;
  }
}
