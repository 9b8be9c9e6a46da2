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

/** Return how many lots the largest `share` of orders have at least, e.g. 0.01: one in a hundred. */
export function largeSize(lots, share) {
  if (lots.length === 0) return 1;
  const sorted = [...lots].sort((a, b) => a - b);
  return Math.max(1, sorted[Math.min(sorted.length - 1, Math.floor((1 - share) * sorted.length))]);
}
