// The panel of the order book: the ladder, the account's orders in it, the one-click switch.

import { DepthLadder } from "./depth-ladder.js";
import { bindLadderKeys } from "./ladder-keys.js";
import { OwnOrders } from "./own-orders.js";

const find = (id) => document.getElementById(id);

export class LadderPanel {
  /**
   * @param {object} parts
   * @param {import("./market-feed.js").MarketFeed} parts.feed
   * @param {import("./account.js").Account} parts.account
   * @param {import("./ticket.js").Ticket} parts.ticket
   * @param {import("./order-entry.js").OrderEntry} parts.entry
   * @param {object} parts.format
   * @param {(text: string) => void} parts.say for screen readers
   * @param {() => void} help
   */
  constructor(parts, help) {
    Object.assign(this, parts);
    this.own = new OwnOrders(this.feed.symbol, (price) => this.feed.book.ticks(price));
    const { ofTicks, quantity } = this.format;
    this.ladder = new DepthLadder(find("ladder"), this.feed.book, { price: ofTicks, quantity });
    this.switch = find("one-click");
    bindLadderKeys(this.ladder, help);
    this.#bind();
  }

  #bind() {
    const { account, feed, ladder, ticket } = this;
    account.addEventListener("change", () => this.#accountChanged());
    feed.addEventListener("book", () => this.#bookChanged());
    feed.addEventListener("trades", ({ detail: { rows } }) => this.#traded(rows.at(-1)));
    ladder.addEventListener("pick", ({ detail }) => this.#pick(detail));
    ladder.addEventListener("cursor", ({ detail }) => this.#describe(detail.ticks));
    ladder.addEventListener("withdraw", ({ detail }) => this.#withdraw(detail.ticks));
    ticket.addEventListener("leave", () => ladder.frame.focus());
    this.switch.addEventListener("change", () => this.#switched());
    find("ladder-centre").addEventListener("click", () => ladder.recentre());
    find("trading").addEventListener("focusout", ({ relatedTarget }) => this.#attentionMoved(relatedTarget));
    document.addEventListener("pointerdown", ({ target }) => this.#attentionMoved(target));
  }

  // What happened.

  #accountChanged() {
    this.#drawSwitch();
    this.own.orders = this.account.orders;
    this.ladder.own = this.own.quantities(this.format.quantity);
    this.ladder.refresh();
  }

  #bookChanged() {
    this.ladder.refresh();
    const [bid, ask] = [this.feed.book.best("bids"), this.feed.book.best("asks")];
    find("spread").textContent = bid === null || ask === null ? "–" : this.format.ofTicks(ask - bid);
  }

  #traded([, , price]) {
    this.ladder.last = this.feed.book.ticks(price);
    this.ladder.refresh();
  }

  // What the user does.

  #pick({ ticks, side, byKey }) {
    if (!this.account.isOpen) return this.say("Open an account to trade.");
    const price = this.format.ofTicks(ticks);
    if (this.switch.checked) return this.entry.place(this.ticket.limitOrder(side, price));
    this.ticket.fill(price, side, byKey);
    this.say(`In the ticket: ${side} ${this.ticket.quantity} at ${price}.`);
  }

  #withdraw(ticks) {
    this.own.at(ticks).forEach((order) => this.entry.cancel(order));
  }

  #switched() {
    this.#drawSwitch();
    const isOn = this.switch.checked;
    this.say(isOn ? "One-click orders are on: a click, B or S in the book orders at once." : "One-click orders are off.");
  }

  #drawSwitch() {
    const { account } = this;
    this.switch.disabled = !account.isOpen;
    this.switch.checked &&= account.isOpen;
    find("trading").toggleAttribute("data-one-click", this.switch.checked);
  }

  /** What the user selected or scrolled to stays until the focus or a click is elsewhere than in ladder and ticket. */
  #attentionMoved(element) {
    if (!this.ladder.frame.contains(element) && !this.ticket.form.contains(element)) this.ladder.release();
  }

  #describe(ticks) {
    const { book } = this.feed;
    const [bid, ask] = [book.quantity("bids", ticks), book.quantity("asks", ticks)];
    const resting = bid ? `bid ${this.format.quantity(bid)}` : ask ? `ask ${this.format.quantity(ask)}` : "nothing";
    const { buy, sell } = this.ladder.own.get(ticks) ?? {};
    const own = [buy && `your buy ${buy}`, sell && `your sell ${sell}`].filter(Boolean);
    this.say([`${this.format.ofTicks(ticks)}: ${resting}`, ...own].join(", "));
  }
}
