// The order book of a topic book.SYMBOL, kept from its frames. Pure: no page, no network.

/** Prices are whole numbers of ticks, so that they can be compared and used as keys. */
export class OrderBook {
  #sides = { bids: new Map(), asks: new Map() };
  seq = null;

  /** @param {number} tickSize */
  constructor(tickSize) {
    this.tickSize = tickSize;
  }

  ticks(price) {
    return Math.round(price / this.tickSize);
  }

  /** Apply a frame; return whether it continues the book (otherwise wait for a snapshot). */
  apply({ type, seq, prev_seq: previous, bids, asks }) {
    if (type === "snapshot") this.#sides = { bids: new Map(), asks: new Map() };
    else if (this.seq === null || previous !== this.seq) return false;
    this.seq = seq;
    this.#set("bids", bids);
    this.#set("asks", asks);
    return true;
  }

  #set(name, levels) {
    const side = this.#sides[name];
    for (const [price, quantity] of levels) {
      if (quantity === 0) side.delete(this.ticks(price));
      else side.set(this.ticks(price), quantity);
    }
  }

  /** Resting quantity at a price in ticks, 0 for none. */
  quantity(name, ticks) {
    return this.#sides[name].get(ticks) ?? 0;
  }

  /** Best price in ticks, or null. */
  best(name) {
    const prices = [...this.#sides[name].keys()];
    if (prices.length === 0) return null;
    return name === "bids" ? Math.max(...prices) : Math.min(...prices);
  }

  /** Largest resting quantity between two prices in ticks. */
  largest(from, to) {
    const within = (side) => [...side].flatMap(([ticks, q]) => (ticks >= from && ticks <= to ? [q] : []));
    return Math.max(0, ...within(this.#sides.bids), ...within(this.#sides.asks));
  }
}
