// Large trades: the fills of one aggressive order, together. Pure.

/**
 * @typedef {object} Print
 * @property {number} seq of its last fill
 * @property {number} at epoch ms
 * @property {"buy" | "sell"} side
 * @property {number} lots
 * @property {number} ticks mean price, weighted by quantity
 */

/** Joins fills that follow each other at one moment on one side. */
export class Prints {
  #open = null;

  /**
   * @param {number} least lots of a print that counts
   * @param {import("./bars.js").Sizes} sizes
   */
  constructor(least, { tickSize, lotSize }) {
    Object.assign(this, { least, tickSize, lotSize });
    /** @type {Print[]} */
    this.found = [];
  }

  /** Add rows [seq, ms, price, quantity, side], ascending. */
  take(rows) {
    for (const [seq, at, price, quantity, side] of rows) {
      const lots = Math.round(quantity / this.lotSize);
      const ticks = Math.round(price / this.tickSize);
      const open = this.#open;
      if (open && seq <= open.seq) continue;
      if (open && open.at === at && open.side === side && open.seq === seq - 1) {
        open.ticks = (open.ticks * open.lots + ticks * lots) / (open.lots + lots);
        open.lots += lots;
        open.seq = seq;
      } else this.#open = { seq, at, side, lots, ticks };
      const print = this.#open;
      if (print.lots >= this.least && this.found.at(-1) !== print) this.found.push(print);
    }
  }
}

const LARGE = 0.02; // at most this share of all prints is large

/**
 * Return the prints of at least `least` lots; "auto": the largest, at most `most` and 2 % of all.
 * Ascending by time.
 * @param {Print[]} prints ascending
 * @param {number | "auto"} least
 */
export function select(prints, least, most) {
  if (least !== "auto") return prints.filter(({ lots }) => lots >= least);
  const largest = [...prints].sort((a, b) => b.lots - a.lots)
    .slice(0, Math.min(most, Math.ceil(LARGE * prints.length)));
  return largest.sort((a, b) => a.seq - b.seq);
}
