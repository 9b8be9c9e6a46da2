// The account's open orders in one instrument, by price. Pure: no page, no network.

const OPEN = new Set(["pending", "new", "partially_filled", "untriggered"]);

/** A conditional order stands at its trigger price. */
export class OwnOrders {
  #orders = [];

  /** @param {(price: number) => number} ticksOf */
  constructor(symbol, ticksOf) {
    Object.assign(this, { symbol, ticksOf });
  }

  /** Take the orders of all instruments. */
  set orders(orders) {
    this.#orders = orders.flatMap((order) => {
      const price = order.trigger_price ?? order.price;
      const isHere = order.symbol === this.symbol && OPEN.has(order.state) && price !== null;
      return isHere ? [{ order, ticks: this.ticksOf(price) }] : [];
    });
  }

  /** Orders at a price in ticks. */
  at(ticks) {
    return this.#orders.filter((placed) => placed.ticks === ticks).map(({ order }) => order);
  }

  /**
   * Open quantities as text, "" for none.
   * @param {(quantity: number) => string} text
   * @returns {Map<number, {buy: string, sell: string}>} by price in ticks
   */
  quantities(text) {
    return new Map(this.#orders.map(({ ticks }) => {
      const [buy, sell] = ["buy", "sell"].map((side) => this.#sum(ticks, side));
      return [ticks, { buy: buy ? text(buy) : "", sell: sell ? text(sell) : "" }];
    }));
  }

  #sum(ticks, side) {
    const orders = this.at(ticks).filter((order) => order.side === side);
    return orders.reduce((sum, { quantity, filled }) => sum + quantity - filled, 0);
  }
}
