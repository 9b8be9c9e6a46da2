// Commands of the user to the exchange, and sentences about what became of them.

import { refuse, Refused } from "./exchange-api.js";
import { describe } from "./holdings.js";
import { problemsOf } from "./lattice.js";

const PENDING_MS = 1_000; // between two looks at an order that has not been executed

export class OrderEntry {
  #isPlacing = false;
  shown = null; // id of the order whose outcome is shown

  /**
   * @param {string} symbol
   * @param {import("./account.js").Account} account
   * @param {import("./ticket.js").Ticket} ticket shows what became of a command
   * @param {import("./prices.js").Formats} formats
   */
  constructor(symbol, account, ticket, formats) {
    Object.assign(this, { symbol, account, ticket, formats });
  }

  /** Place an order; while one is being placed, nothing happens. */
  async place(order) {
    if (this.#isPlacing) return;
    this.#isPlacing = this.ticket.isBusy = true;
    const placed = await this.#attempt(() => this.#place(order));
    this.#isPlacing = this.ticket.isBusy = false;
    if (placed?.state === "pending") this.#follow(placed.id);
  }

  /** Send an order if its numbers can be right; the server checks everything again. */
  #place(order) {
    refuse(problemsOf(order, this.formats.of(this.symbol).sizes));
    return this.account.place({ symbol: this.symbol, ...order });
  }

  /** Change an open order and show what became of it; throws Refused. */
  async amend({ id }, changes) {
    this.#show(await this.account.amend(id, changes));
  }

  /** Look at an order again until the exchange has executed it. */
  async #follow(id) {
    await new Promise((resolve) => setTimeout(resolve, PENDING_MS));
    if (this.shown !== id) return;
    const order = await this.#attempt(() => this.account.read(id));
    if (order?.state === "pending") this.#follow(id);
  }

  close({ symbol }) {
    return this.#attempt(() => this.account.closePosition(symbol));
  }

  cancel(order) {
    return this.#attempt(() => this.account.cancel(order.id), () => `Cancelled: ${describe(order)} ${order.symbol}.`);
  }

  cancelAll() {
    const sentence = (count) => (count === null ? "The orders are being cancelled." : `Cancelled orders: ${count}.`);
    return this.#attempt(() => this.account.cancelAll(), sentence);
  }

  /** Run a command, show what became of it or why it was refused, and return its answer. */
  async #attempt(command, sentence) {
    try {
      const answer = await command();
      this.#show(answer, sentence);
      return answer;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.shown = null;
      this.ticket.show(error.message, { isProblem: true, fields: error.fields });
      return null;
    }
  }

  #show(answer, sentence) {
    const { text, isProblem } = sentence ? { text: sentence(answer) } : outcome(answer, this.formats);
    this.shown = answer?.id ?? null;
    this.ticket.show(text, { isProblem });
  }
}

/**
 * What became of an order.
 * @param {import("./prices.js").Formats} formats
 */
function outcome(order, formats) {
  const { side, state, quantity, filled, average_price: average, detail, symbol } = order;
  if (state === "rejected") return { text: `Refused. ${detail}`, isProblem: true };
  if (filled) {
    const done = `${side === "buy" ? "Bought" : "Sold"} ${filled} at ${formats.price(symbol, average)}.`;
    return { text: filled === quantity ? done : `${done} ${rest(order)}` };
  }
  if (state === "pending") return { text: "Stored. The exchange has not executed it yet." };
  if (state === "new") return { text: `Rests in the book: ${describe(order)} at ${formats.price(symbol, order.price)}.` };
  if (state === "untriggered") return { text: `Waits for ${formats.price(symbol, order.trigger_price)}: ${describe(order)}.` };
  return { text: `Not executed. ${detail ?? ""}`, isProblem: true };
}

function rest({ state, quantity, filled, detail }) {
  if (state === "partially_filled") return `The rest of ${quantity} is in the book.`;
  return `The rest of ${quantity} was not filled. ${detail ?? ""}`;
}
