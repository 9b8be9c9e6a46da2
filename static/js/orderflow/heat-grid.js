// The resting quantity of the book by time and price, as a picture. Pure.

const CAP_SHARE = 0.995; // of the cells have less than what is drawn in the strongest colour

/**
 * The book as it was at `at` (epoch ms), painted until the next column. Row j begins at
 * (first + j) * step ticks; its cell is in lots, negative for asks.
 * @typedef {{at: number, first: number, cells: number[]}} Column
 */
export class HeatGrid {
  /** @param {{columnMs: number, step: number, columns: Column[], end: number}} grid columns ascending */
  constructor({ columnMs, step, columns, end }) {
    Object.assign(this, { columnMs, step, columns, end });
  }

  /** Return the grid of an answer of heatmap/. */
  static read({ column_ms: columnMs, step, columns, end }) {
    const read = columns.map(([at, first, cells]) => ({ at, first, cells }));
    return new HeatGrid({ columnMs, step, columns: read, end });
  }

  get start() {
    return this.columns[0]?.at ?? this.end;
  }

  /** Lowest row and number of rows of all columns. */
  get extent() {
    let [low, high] = [Infinity, -Infinity];
    for (const { first, cells } of this.columns) {
      if (cells.length === 0) continue;
      if (first < low) low = first;
      if (first + cells.length > high) high = first + cells.length;
    }
    return low < high ? { low, count: high - low } : { low: 0, count: 0 };
  }

  /** Add the book as it is at a moment, if a column has passed; return whether it has. */
  add(at, book, { reach, lotSize }) {
    const last = this.columns.at(-1);
    const passed = last ? Math.floor((at - last.at) / this.columnMs) : 1;
    if (passed < 1) return false;
    for (let i = 1; i < passed; i += 1) this.columns.push({ ...last, at: last.at + i * this.columnMs });
    const own = last ? last.at + passed * this.columnMs : at;
    this.columns.push(columnOf(own, book, this.step, reach, lotSize));
    this.end = own + this.columnMs;
    return true;
  }

  /** Drop the columns before a moment. */
  trim(from) {
    const keep = this.columns.findIndex(({ at }) => at >= from);
    if (keep > 0) this.columns.splice(0, keep);
  }

  /** Return the quantity that is drawn in the strongest colour. */
  cap() {
    const found = [];
    const every = Math.max(1, Math.floor(this.columns.length / 64));
    for (let i = 0; i < this.columns.length; i += every) {
      for (const lots of this.columns[i].cells) if (lots) found.push(Math.abs(lots));
    }
    if (found.length === 0) return 1;
    found.sort((a, b) => a - b);
    return found[Math.min(found.length - 1, Math.floor(CAP_SHARE * found.length))];
  }

  /**
   * Paint the columns into pixels, one per cell, the highest row on top.
   * @param {Uint32Array} pixels columns.length x count
   * @param {Uint32Array} colours 256, from nothing to `cap`
   */
  paint(pixels, { low, count }, colours, cap) {
    const width = this.columns.length;
    const scale = 255 / cap;
    this.columns.forEach(({ first, cells }, x) => {
      let place = (count - 1 - (first - low)) * width + x;
      for (let j = 0; j < cells.length; j += 1, place -= width) {
        const lots = cells[j] < 0 ? -cells[j] : cells[j];
        if (lots > 0) pixels[place] = colours[Math.max(1, Math.min(255, (lots * scale) | 0))];
      }
    });
  }
}

/**
 * Return the column of a book within `reach` rows of its best prices.
 * @param {import("../trading/order-book.js").OrderBook} book
 */
export function columnOf(at, book, step, reach, lotSize) {
  const [bid, ask] = [book.best("bids"), book.best("asks")];
  if (bid === null && ask === null) return { at, first: 0, cells: [] };
  const first = Math.floor((bid ?? ask) / step) - reach;
  const last = Math.floor((ask ?? bid) / step) + reach;
  const cells = [];
  for (let row = first; row <= last; row += 1) cells.push(cellOf(book, row * step, step, lotSize));
  return { at, first, cells };
}

/** Lots of a row: positive if bids rest there, negative for asks; of both, the total and the larger side. */
function cellOf(book, low, step, lotSize) {
  let [bids, asks] = [0, 0];
  for (let ticks = low; ticks < low + step; ticks += 1) {
    bids += book.quantity("bids", ticks);
    asks += book.quantity("asks", ticks);
  }
  const total = Math.round((bids + asks) / lotSize);
  return bids >= asks ? total : -total;
}
