// The topic footprint.SYMBOL.TIMEFRAME: closed bars, each once, and the open one.

import { barReader } from "./bars.js";

/** Columns of the rows of the stream; of closed bars, after their seq. */
const COLUMNS = [
  "opened_at", "open", "high", "low", "close", "volume", "delta", "delta_min", "delta_max",
  "poc", "value_low", "value_high", "step", "clusters", "first_seq", "last_seq",
];

/** Events: "bars" {bars}; "lost": read what is missing with a sync, then continue. */
export class BarFeed extends EventTarget {
  #lastSeq = 0;
  topic = "";

  /**
   * @param {string} symbol
   * @param {import("./bars.js").Sizes} sizes
   */
  constructor(symbol, sizes) {
    super();
    this.symbol = symbol;
    this.read = barReader(COLUMNS, sizes);
  }

  /**
   * Follow a timeframe and step.
   * @param {number} lastSeq of the newest closed bar that was read
   */
  follow(timeframe, step, lastSeq) {
    this.topic = `footprint.${this.symbol}.${timeframe}${step === "auto" ? "" : `.${step}`}`;
    this.#lastSeq = lastSeq;
  }

  /** Follow nothing until the next `follow`: other bars are being read. */
  leave() {
    this.topic = "";
  }

  get places() {
    return this.topic ? { [this.topic]: this.#lastSeq } : {};
  }

  hear({ type, data, to_seq: missed, last_seq: end }) {
    if (type === "open") this.#tell([this.read(data)]);
    else if (type === "clusters") {
      const fresh = data.filter(([seq]) => seq > this.#lastSeq);
      if (fresh.length === 0) return;
      this.#lastSeq = fresh.at(-1)[0];
      this.#tell(fresh.map(([, ...row]) => this.read(row)));
    } else if (type === "gap" || type === "reset") {
      this.#lastSeq = type === "gap" ? Math.max(this.#lastSeq, missed) : end;
      this.dispatchEvent(new Event("lost"));
    }
  }

  #tell(bars) {
    this.dispatchEvent(new CustomEvent("bars", { detail: { bars } }));
  }
}
