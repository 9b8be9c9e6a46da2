// The order book of a topic book.SYMBOL, kept from its frames. Pure: no page, no network.

/** Prices are whole numbers of ticks, so that they can be compared and used as keys. */
export class OrderBook {
  #sides = { bids: new Map(), asks: new Map() };
  seq = null; // null: nothing is known yet; 0: nothing has been recorded
  at = 0; // epoch ms

  /** @param {number} tickSize */
  constructor(tickSize) {
    this.tickSize = tickSize;
  }

  ticks(price) {
    return Math.round(price / this.tickSize);
  }

  /** Replace the book by a snapshot, or by an answer of the API. */
  replace(snapshot) {
    this.#sides = { bids: new Map(), asks: new Map() };
    this.#set(snapshot);
  }

  /** Apply a frame; return whether it continues the book. If not, ask for a snapshot. */
  apply(frame) {
    if (frame.type === "snapshot") this.replace(frame);
    else if (this.seq === null || frame.prev_seq !== this.seq) return false;
    else this.#set(frame);
    return true;
  }

  #set({ seq, at, bids, asks }) {
    this.seq = seq;
    this.at = at;
    this.#setSide(this.#sides.bids, bids);
    this.#setSide(this.#sides.asks, asks);
  }

  #setSide(side, levels) {
    for (const [price, quantity] of levels) {
      if (quantity === 0) side.delete(this.ticks(price));
      else side.set(this.ticks(price), quantity);
    }
  }

  /**
   * Resting quantity at a price in ticks, 0 for none.
   * @param {"bids" | "asks"} name
   */
  quantity(name, ticks) {
    return this.#sides[name].get(ticks) ?? 0;
  }

  /** Best price in ticks, or null. */
  best(name) {
    const isBetter = name === "bids" ? (a, b) => a > b : (a, b) => a < b;
    let best = null;
    for (const ticks of this.#sides[name].keys()) if (best === null || isBetter(ticks, best)) best = ticks;
    return best;
  }

  /** The lowest and the highest price in ticks; empty without orders. */
  get ends() {
    const [bids, asks] = [this.#sides.bids, this.#sides.asks].map((side) => [...side.keys()]);
    const all = [...bids, ...asks];
    return all.length ? [Math.min(...all), Math.max(...all)] : [];
  }

  /** Largest resting quantity between two prices in ticks. */
  largest(from, to) {
    let largest = 0;
    for (let ticks = from; ticks <= to; ticks += 1) {
      largest = Math.max(largest, this.quantity("bids", ticks), this.quantity("asks", ticks));
    }
    return largest;
  }
}
