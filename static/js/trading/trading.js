// The trading panels of an instrument page: book, trades, ticket and the account's holdings.

import { clock } from "../clock.js";
import { Account } from "./account.js";
import { DepthLadder } from "./depth-ladder.js";
import { Refused } from "./exchange-api.js";
import { FillMarks } from "./fill-marks.js";
import { Holdings } from "./holdings.js";
import { bindLadderKeys } from "./ladder-keys.js";
import { MarketFeed } from "./market-feed.js";
import { accountNote, bookNote } from "./notes.js";
import { OrderEntry } from "./order-entry.js";
import { formatOf, money } from "./prices.js";
import { Ticket } from "./ticket.js";
import { TimeAndSales } from "./time-and-sales.js";

const BEAT_MS = 1_000;
const ACCOUNT_BEATS = 2; // of polling
const OPEN_STATES = new Set(["pending", "new", "partially_filled", "untriggered"]);

const find = (id) => document.getElementById(id);

export class Trading {
  #stream = null;
  #beats = 0;
  #followed = ""; // other instruments whose quotes are subscribed
  #quotedAt = 0;

  /**
   * @param {object} options
   * @param {HTMLElement} options.page the section with the data of the instrument
   * @param {import("../chart.js").Chart} options.chart
   * @param {(text: string) => void} options.say for screen readers
   * @param {() => void} options.help
   */
  constructor({ page, chart, say, help }) {
    const { symbol, tickSize, precision } = page.dataset;
    const { lotSize, account, lastTrade } = find("trading").dataset;
    Object.assign(this, { symbol, say });
    const sizes = { tickSize: Number(tickSize), lotSize: Number(lotSize), precision: Number(precision) };
    this.format = formatOf(sizes);
    this.account = new Account(account);
    this.feed = new MarketFeed({ symbol, tickSize: sizes.tickSize, lastTrade: Number(lastTrade) });
    this.ladder = new DepthLadder(find("ladder"), this.feed.book, {
      price: this.format.ofTicks, quantity: this.format.quantity,
    });
    this.sales = new TimeAndSales(find("sales"), this.format);
    this.ticket = new Ticket(find("ticket"), find("ticket-message"));
    this.fills = new FillMarks(chart, this.format.quantity);
    const priceOf = (of, price) => (of === symbol ? this.format.average(price) : String(price));
    this.entry = new OrderEntry(symbol, this.account, this.ticket, priceOf);
    this.holdings = new Holdings(this.account, {
      tables: { positions: find("positions"), orders: find("orders"), executions: find("executions") },
      priceOf,
      close: (position) => this.entry.close(position),
      cancel: (order) => this.entry.cancel(order),
    });
    bindLadderKeys(this.ladder, help);
    this.#bind();
    this.#drawZone();
    this.account.refresh();
    setInterval(() => this.#beat(), BEAT_MS);
  }

  #bind() {
    const { account, feed, ladder, ticket } = this;
    account.addEventListener("change", () => this.#draw());
    account.addEventListener("executed", ({ detail }) => this.#executed(detail.executions));
    feed.addEventListener("book", () => this.#drawBook());
    feed.addEventListener("trades", ({ detail }) => this.#traded(detail.rows));
    feed.addEventListener("restart", () => this.sales.clear());
    feed.addEventListener("lost", () => this.#stream?.renew());
    ladder.addEventListener("pick", ({ detail }) => this.#pick(detail));
    ladder.addEventListener("cursor", ({ detail }) => this.#describe(detail.ticks));
    ladder.addEventListener("withdraw", ({ detail }) => this.#withdraw(detail.ticks));
    ticket.addEventListener("order", ({ detail }) => this.entry.place(detail.order));
    ticket.addEventListener("leave", () => ladder.frame.focus());
    find("trading").addEventListener("focusout", ({ relatedTarget }) => this.#focusMoved(relatedTarget));
    find("ladder-centre").addEventListener("click", () => ladder.recentre());
    find("one-click").addEventListener("change", () => this.#switched());
    find("cancel-all").addEventListener("click", () => this.entry.cancelAll());
    clock.addEventListener("change", () => this.#drawZone());
    find("practice")?.addEventListener("click", () => this.#practise());
  }

  // The stream.

  get topics() {
    return [...this.feed.topics, ...this.#others.map((symbol) => `quotes.${symbol}`)];
  }

  get privateTopics() {
    return this.account.topics;
  }

  get places() {
    return this.feed.places;
  }

  get #others() {
    return this.account.positions.map(({ symbol }) => symbol).filter((symbol) => symbol !== this.symbol).sort();
  }

  /** @param {import("../market-stream.js").MarketStream} stream whose further topics are ours */
  attach(stream) {
    this.#stream = stream;
    stream.addEventListener("frame", ({ detail }) => this.#hear(detail.frame));
    stream.addEventListener("refused", () => this.account.close());
    stream.addEventListener("ticks", ({ detail: { rows } }) => this.#quoted(this.symbol, rows));
    stream.addEventListener("state", ({ detail }) => {
      if (detail.transport) this.account.refresh(); // it may have changed meanwhile
      this.#drawNotes();
    });
  }

  #hear(frame) {
    if (this.feed.topics.includes(frame.topic)) this.feed.hear(frame);
    else if (frame.type === "ticks") this.#quoted(frame.topic.replace("quotes.", ""), frame.data);
    else this.account.hear(frame);
  }

  #quoted(symbol, rows) {
    const [, at, price] = rows.at(-1);
    this.holdings.mark(symbol, price);
    this.#drawMoney();
    if (symbol === this.symbol) this.#quotedAt = at;
  }

  #traded(rows) {
    this.ladder.last = this.feed.book.ticks(rows.at(-1)[2]);
    this.ladder.refresh();
    this.sales.add(rows);
  }

  /** Read what no stream delivers. */
  #beat() {
    this.#beats += 1;
    this.#drawNotes();
    const { way } = this.#stream ?? {};
    if (document.hidden || !way) return;
    if (way === "polling") this.feed.poll().catch(() => {}); // the stream tells that the server is away
    if (way !== "socket" && this.#beats % ACCOUNT_BEATS === 0) this.account.refresh();
  }

  // What the user does.

  async #practise() {
    const button = find("practice");
    button.disabled = true;
    try {
      await this.account.practise();
      this.say(`The account ${this.account.name} is open.`);
      this.#stream?.renew(); // the private topics need the new session
      find("ticket").elements.quantity.focus();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      find("opening-problem").textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }

  /** The selected price stays while the focus is in the ladder or the ticket. */
  #focusMoved(element) {
    if (!this.ladder.frame.contains(element) && !this.ticket.form.contains(element)) this.ladder.recentre();
  }

  #pick({ ticks, side, byKey }) {
    if (!this.account.isOpen) return this.say("Open an account first.");
    const price = this.format.ofTicks(ticks);
    if (find("one-click").checked) return this.entry.place(this.ticket.limitOrder(side, price));
    this.ticket.fill(price, side, byKey);
    this.say(`${side} ${this.ticket.quantity} at ${price} is in the order ticket`);
  }

  #withdraw(ticks) {
    const isHere = (price) => price !== null && this.feed.book.ticks(price) === ticks;
    this.#ownOrders.filter((order) => isHere(order.trigger_price ?? order.price)).forEach((order) => this.entry.cancel(order));
  }

  get #ownOrders() {
    return this.account.orders.filter(({ symbol, state }) => symbol === this.symbol && OPEN_STATES.has(state));
  }

  #switched() {
    this.#drawSwitch();
    const isOn = find("one-click").checked;
    this.say(isOn ? "One-click orders are on: a click, B or S in the book orders at once." : "One-click orders are off.");
  }

  #executed(executions) {
    const others = executions.filter(({ order }) => order !== this.entry.shown); // that one has been told
    const texts = others.map(({ side, quantity, symbol, price }) => (
      `${side === "buy" ? "Bought" : "Sold"} ${quantity} ${symbol} at ${price}.`
    ));
    if (texts.length) this.say(texts.join(" "));
  }

  // Drawing.

  #draw() {
    const { account } = this;
    find("opening").hidden = account.isOpen;
    find("ticket").hidden = find("holdings").hidden = !account.isOpen;
    find("account-name").textContent = account.name;
    this.#drawSwitch();
    this.ladder.own = this.#ownTexts();
    this.ladder.refresh();
    this.holdings.draw();
    this.#drawMoney();
    const here = account.executions.filter(({ symbol }) => symbol === this.symbol);
    this.fills.show(here);
    this.sales.own = here.map(({ trade_seq: seq }) => seq);
    this.#followOthers();
  }

  #followOthers() {
    const others = this.#others.join();
    if (others === this.#followed) return;
    this.#followed = others;
    if (this.#stream?.way === "socket") this.#stream.renew();
  }

  #drawMoney() {
    const { balance } = this.account;
    const gained = this.holdings.gained;
    find("equity").textContent = balance ? money(balance.equity + gained) : "–";
    find("available").textContent = balance ? money(balance.available + gained) : "–";
  }

  #drawBook() {
    this.ladder.refresh();
    const [bid, ask] = [this.feed.book.best("bids"), this.feed.book.best("asks")];
    find("spread").textContent = bid === null || ask === null ? "–" : this.format.ofTicks(ask - bid);
  }

  #drawSwitch() {
    const input = find("one-click");
    input.disabled = !this.account.isOpen;
    input.checked &&= this.account.isOpen;
    find("trading").toggleAttribute("data-one-click", input.checked);
  }

  #drawZone() {
    for (const head of find("trading").querySelectorAll("[data-zone]")) head.textContent = clock.name;
  }

  #drawNotes() {
    if (!this.#stream) return;
    const { state, way: transport } = this.#stream;
    const note = bookNote({ state, transport, book: this.feed.book, quotedAt: this.#quotedAt });
    show(find("book-note"), note);
    show(find("account-note"), this.account.isOpen ? accountNote(transport) : "");
  }

  /** Open quantities by price, as text: resting, then waiting for a trigger. */
  #ownTexts() {
    const sums = new Map();
    for (const { price, trigger_price: trigger, side, quantity, filled } of this.#ownOrders) {
      const shown = trigger ?? price;
      if (shown === null) continue;
      const ticks = this.feed.book.ticks(shown);
      const sum = sums.get(ticks) ?? { buy: 0, sell: 0 };
      sum[side] += quantity - filled;
      sums.set(ticks, sum);
    }
    const text = (quantity) => (quantity ? this.format.quantity(quantity) : "");
    return new Map([...sums].map(([ticks, { buy, sell }]) => [ticks, { buy: text(buy), sell: text(sell) }]));
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

/** Show a note; "" hides it. */
function show(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}
