// The initial margin of the order in the ticket, as the user enters it.

import { marginOfOrder } from "./margin.js";
import { money } from "./prices.js";

const SIDES = ["buy", "sell"];
const UNKNOWN = "\u2013";

export class OrderMargin {
  #mark = null; // newest quote

  /**
   * @param {HTMLElement} element
   * @param {object} options
   * @param {import("./ticket.js").Ticket} options.ticket
   * @param {import("./margin.js").Tier[]} options.tiers
   * @param {() => {held: number, leverage: number}} options.holding of the account
   */
  constructor(element, { ticket, tiers, holding }) {
    Object.assign(this, { element, ticket, tiers, holding });
    ticket.addEventListener("edit", () => this.draw());
    this.draw();
  }

  set mark(price) {
    this.#mark = price;
    this.draw();
  }

  draw() {
    const margins = SIDES.map((side) => this.#margin(side));
    const [buy, sell] = margins.map((margin) => (Number.isFinite(margin) ? money(margin) : UNKNOWN));
    const text = buy === sell ? buy : `buy ${buy}, sell ${sell}`;
    if (this.element.textContent !== text) this.element.textContent = text;
  }

  /** NaN while a field is empty, is no number, or no quote has arrived. */
  #margin(side) {
    const { quantity, price, trigger_price: trigger, reduce_only: reduces } = this.ticket.order(side);
    const text = price ?? trigger ?? this.#mark;
    const order = { side, quantity: number(quantity), price: number(text), reduces };
    if (Number.isNaN(order.quantity + order.price)) return NaN;
    return marginOfOrder(order, { ...this.holding(), mark: this.#mark ?? order.price }, this.tiers);
  }
}

function number(text) {
  return text === null || text === "" ? NaN : Number(text);
}
