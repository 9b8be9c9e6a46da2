// The trading panels of an instrument page: book, trades, ticket and the account's holdings.

import { clock } from "../clock.js";
import { Account, Refused } from "./account.js";
import { DepthLadder } from "./depth-ladder.js";
import { Fills } from "./fills.js";
import { Holdings } from "./holdings.js";
import { OrderBook } from "./order-book.js";
import { formatOf } from "./prices.js";
import { Ticket } from "./ticket.js";
import { TimeAndSales } from "./time-and-sales.js";

const RECENT_MS = 20_000; // whose trades the page starts with
const MOST_RECENT = 1_000;
const SECONDS = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

const find = (id) => document.getElementById(id);

export class Trading {
  #lastTrade = 0; // seq

  /**
   * @param {object} options
   * @param {HTMLElement} options.page the section with the data of the instrument
   * @param {import("../chart.js").Chart} options.chart
   * @param {(text: string) => void} options.say for screen readers
   */
  constructor({ page, chart, say }) {
    const { symbol, tickSize, precision } = page.dataset;
    const { lotSize } = find("trading").dataset;
    Object.assign(this, { symbol, say });
    this.format = {
      ...formatOf({ tickSize: Number(tickSize), lotSize: Number(lotSize), precision: Number(precision) }),
      time: timeOf,
    };
    this.account = new Account();
    this.book = new OrderBook(Number(tickSize));
    this.ladder = new DepthLadder(find("ladder"), this.book, { price: this.format.ofTicks, quantity: this.format.quantity });
    this.sales = new TimeAndSales(find("sales"), this.format);
    this.ticket = new Ticket(find("ticket"));
    this.fills = new Fills(chart, symbol);
    this.holdings = new Holdings(this.account, {
      positions: find("positions"), orders: find("orders"), executions: find("executions"),
    }, this.format, (act) => this.attempt(act));
    this.#bind();
  }

  #bind() {
    this.account.addEventListener("change", () => this.#draw());
    this.ladder.addEventListener("pick", ({ detail }) => this.#pick(detail));
    this.ladder.addEventListener("cursor", ({ detail: { ticks } }) => this.#describe(ticks));
    this.ladder.addEventListener("withdraw", ({ detail: { ticks } }) => this.#withdraw(ticks));
    this.ticket.addEventListener("order", ({ detail }) => this.#place(detail));
    find("ladder-centre").addEventListener("click", () => this.ladder.recentre());
    find("cancel-all").addEventListener("click", () => this.attempt(this.account.cancelAll()));
    find("practice").addEventListener("click", () => this.#practise());
  }

  // The stream.

  get topics() {
    return [`book.${this.symbol}`, `trades.${this.symbol}`, ...this.account.topics];
  }

  places() {
    return this.#lastTrade ? { [`trades.${this.symbol}`]: this.#lastTrade } : {};
  }

  /** Take a frame of one of our topics. */
  heard(frame) {
    if (frame.topic === `book.${this.symbol}`) this.#bookChanged(frame);
    else if (frame.topic === `trades.${this.symbol}`) this.#traded(frame);
    else this.account.heard(frame);
  }

  #bookChanged(frame) {
    this.book.apply(frame);
    this.ladder.refresh();
    const [bid, ask] = [this.book.best("bids"), this.book.best("asks")];
    find("spread").textContent = bid === null || ask === null ? "–" : this.format.ofTicks(ask - bid);
  }

  #traded({ type, data }) {
    if (type === "gap" || type === "reset") this.#lastTrade = 0;
    if (!Array.isArray(data)) return;
    const fresh = data.filter(([seq]) => seq > this.#lastTrade);
    if (fresh.length === 0) return;
    this.#lastTrade = fresh.at(-1)[0];
    this.ladder.last = this.book.ticks(fresh.at(-1)[2]);
    this.ladder.refresh();
    this.sales.add(fresh);
  }

  /** Read the account and the newest trades; a failure of either leaves its panel empty. */
  open() {
    return Promise.allSettled([this.account.open(), this.#readTrades()]);
  }

  async #readTrades() {
    const path = `/api/v1/instruments/${encodeURIComponent(this.symbol)}/`;
    const { last_at: last } = await (await fetch(path)).json();
    if (last === null) return;
    const answer = await fetch(`${path}trades/?start=${last - RECENT_MS}&limit=${MOST_RECENT}`);
    if (answer.ok) this.#traded({ data: (await answer.json()).rows });
  }

  // What the user does.

  async #practise() {
    const problem = find("opening").querySelector(".problem");
    try {
      await this.account.practise();
      location.reload(); // the stream authenticates with the new session
    } catch (error) {
      problem.hidden = false;
      problem.textContent = error.message;
    }
  }

  #pick({ ticks, side }) {
    if (!this.account.details) return;
    this.ticket.setPrice(this.format.ofTicks(ticks));
    if (this.ticket.type === "limit" && this.ticket.quantity) {
      this.#place({ type: "limit", side, quantity: this.ticket.quantity, price: this.format.ofTicks(ticks) });
    }
  }

  #withdraw(ticks) {
    const here = this.account.orders.filter(({ symbol, price }) => (
      symbol === this.symbol && price !== null && this.book.ticks(price) === ticks
    ));
    if (here.length) this.attempt(Promise.all(here.map(({ id }) => this.account.cancel(id))));
  }

  #place(order) {
    this.ticket.isBusy = true;
    this.attempt(this.account.place({ symbol: this.symbol, ...order }))
      .then((placed) => placed && this.say(`Order to ${order.side} ${order.quantity}: ${placed.state}`))
      .finally(() => (this.ticket.isBusy = false));
  }

  /** Show the error of a command, if there is one; return its result or null. */
  async attempt(act) {
    this.ticket.show("");
    try {
      return await act;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.ticket.show(error.message);
      return null;
    }
  }

  // Drawing.

  #draw() {
    const { details, orders, balance, executions } = this.account;
    find("opening").hidden = details !== null;
    find("ticket").hidden = details === null;
    find("holdings").hidden = details === null;
    if (!details) return;
    find("account-name").textContent = details.account;
    find("balance").textContent = this.format.money(balance.balance);
    find("available").textContent = this.format.money(balance.available);
    this.ladder.own = ownQuantities(orders.filter(({ symbol }) => symbol === this.symbol), (price) => this.book.ticks(price));
    this.ladder.refresh();
    this.holdings.draw();
    this.fills.show(executions);
  }

  #describe(ticks) {
    const bid = this.book.quantity("bids", ticks);
    const ask = this.book.quantity("asks", ticks);
    const resting = bid ? `bid ${this.format.quantity(bid)}` : ask ? `ask ${this.format.quantity(ask)}` : "nothing";
    this.say(`${this.format.ofTicks(ticks)}: ${resting}`);
  }
}

/** Open quantities by price in ticks. */
function ownQuantities(orders, ticksOf) {
  const own = new Map();
  for (const { price, side, quantity, filled } of orders) {
    if (price === null) continue;
    const ticks = ticksOf(price);
    const found = own.get(ticks) ?? { buy: 0, sell: 0 };
    found[side] += Number(quantity) - Number(filled);
    own.set(ticks, found);
  }
  return own;
}

function timeOf(ms) {
  const timeZone = clock.zone === "UTC" ? { timeZone: "UTC" } : {};
  return new Intl.DateTimeFormat("en", { ...SECONDS, ...timeZone }).format(ms);
}
