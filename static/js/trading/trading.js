// The trading panels of an instrument page: book, trades, ticket and the account's holdings.

import { clock } from "../clock.js";
import { bindAccountChoice } from "./account-choice.js";
import { Account } from "./account.js";
import { Refused } from "./exchange-api.js";
import { FillMarks } from "./fill-marks.js";
import { Holdings } from "./holdings.js";
import { LadderPanel } from "./ladder-panel.js";
import { LeverageForm } from "./leverage-form.js";
import { MarketFeed } from "./market-feed.js";
import { accountNote, bookNote } from "./notes.js";
import { OrderEditor } from "./order-editor.js";
import { OrderEntry } from "./order-entry.js";
import { OrderMargin } from "./order-margin.js";
import { Formats, money } from "./prices.js";
import { Ticket } from "./ticket.js";
import { TimeAndSales } from "./time-and-sales.js";

const BEAT_MS = 1_000;
const ACCOUNT_BEATS = 2; // of polling

const find = (id) => document.getElementById(id);

/** Its `topics`, `privateTopics`, `accountName` and `places` are those that the page's stream has to follow. */
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
    const { symbol, tickSize } = page.dataset;
    const { account, lastTrade, books, margin } = find("trading").dataset;
    Object.assign(this, { symbol, say });
    this.formats = new Formats(JSON.parse(books));
    this.format = this.formats.of(symbol);
    this.account = new Account(account);
    this.feed = new MarketFeed({ symbol, tickSize: Number(tickSize), lastTrade: Number(lastTrade) });
    this.#makePanels(chart, help);
    this.#makeMargin(JSON.parse(margin));
    this.#bind();
    this.#drawZone();
    this.account.refresh();
    setInterval(() => this.#beat(), BEAT_MS);
  }

  #makePanels(chart, help) {
    const { account, feed, format, formats, say } = this;
    this.ticket = new Ticket(find("ticket"), find("ticket-message"));
    this.entry = new OrderEntry(this.symbol, account, this.ticket, formats);
    this.ladder = new LadderPanel({ account, entry: this.entry, feed, format, say, ticket: this.ticket }, help);
    this.sales = new TimeAndSales(find("sales"), format);
    this.fills = new FillMarks(chart, format.quantity);
    this.holdings = new Holdings(account, {
      tables: { positions: find("positions"), orders: find("orders"), executions: find("executions") },
      priceOf: (of, price) => formats.price(of, price),
      close: (position) => this.entry.close(position),
      cancel: (order) => this.entry.cancel(order),
      editor: (order, close) => this.#editor(order, close),
    });
  }

  #editor(order, close) {
    const save = (changes) => this.entry.amend(order, changes);
    return new OrderEditor(order, { template: find("order-editor"), format: this.formats.of(order.symbol), save, close });
  }

  #makeMargin({ leverage: usual, tiers }) {
    const { account, symbol, ticket } = this;
    const leverage = () => account.leverage(symbol) ?? usual;
    const holding = () => ({ held: account.held(symbol), leverage: leverage() });
    this.margin = new OrderMargin(find("order-margin"), { ticket, tiers, holding });
    this.leverage = new LeverageForm(find("leverage"), {
      problem: find("leverage-problem"),
      present: leverage,
      set: (wanted) => this.account.setLeverage(symbol, wanted),
    });
  }

  #bind() {
    const { account, feed } = this;
    account.addEventListener("change", () => this.#draw());
    account.addEventListener("executed", ({ detail }) => this.#executed(detail.executions));
    feed.addEventListener("trades", ({ detail }) => this.sales.add(detail.rows));
    feed.addEventListener("restart", () => this.sales.clear());
    feed.addEventListener("lost", () => this.#stream?.renew());
    this.ticket.addEventListener("order", ({ detail }) => this.entry.place(detail.order));
    clock.addEventListener("change", () => this.#drawZone());
    find("cancel-all").addEventListener("click", () => this.entry.cancelAll());
    find("practice")?.addEventListener("click", () => this.#practise());
    find("practice")?.removeAttribute("disabled");
    if (find("account-choice")) bindAccountChoice(find("account-choice"), (name) => this.#choose(name));
  }

  // The stream.

  get topics() {
    return [...this.feed.topics, ...this.#others.map((symbol) => `quotes.${symbol}`)];
  }

  get privateTopics() {
    return this.account.topics;
  }

  get accountName() {
    return this.account.name;
  }

  get places() {
    return this.feed.places;
  }

  /** Other instruments with a position. */
  get #others() {
    return this.account.positions.map(({ symbol }) => symbol).filter((symbol) => symbol !== this.symbol).sort();
  }

  /** @param {import("../market-stream.js").MarketStream} stream */
  attach(stream) {
    this.#stream = stream;
    stream.addEventListener("frame", ({ detail }) => this.#hear(detail.frame));
    stream.addEventListener("refused", () => this.account.close());
    stream.addEventListener("ticks", ({ detail: { rows } }) => this.#quoted(this.symbol, rows));
    stream.addEventListener("state", ({ detail }) => {
      if (detail.transport) this.account.refresh(); // frames may have been missed
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
    if (symbol === this.symbol) {
      this.#quotedAt = at;
      this.margin.mark = price;
    }
    this.holdings.mark(symbol, price);
    this.#drawMoney();
  }

  /** Read what no stream delivers. */
  #beat() {
    this.#beats += 1;
    this.#drawNotes();
    const { way } = this.#stream ?? {};
    if (document.hidden || !way) return;
    if (way === "polling") this.feed.poll().catch(() => {}); // the stream polls too and shows failures
    if (way !== "socket" && this.#beats % ACCOUNT_BEATS === 0) this.account.refresh();
  }

  // The account.

  async #practise() {
    find("practice").disabled = true;
    try {
      await this.account.practise();
      this.say(`The account ${this.account.name} is open.`);
      this.#stream?.renew(); // the private topics need the new session
      find("ticket").elements.quantity.focus();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      find("opening-problem").textContent = error.message;
    } finally {
      find("practice").disabled = false;
    }
  }

  async #choose(name) {
    const isRead = this.account.choose(name);
    this.#stream?.renew(); // the private topics are those of the account
    await isRead;
    if (name === this.account.name) this.say(`This page trades with the account ${name}.`);
  }

  #executed(executions) {
    const others = executions.filter(({ order }) => order !== this.entry.shown); // that one has been told
    const texts = others.map(({ side, quantity, symbol, price }) => (
      `${side === "buy" ? "Bought" : "Sold"} ${quantity} ${symbol} at ${this.formats.price(symbol, price)}.`
    ));
    if (texts.length) this.say(texts.join(" "));
  }

  // Drawing.

  #draw() {
    const { account } = this;
    find("opening").hidden = account.isOpen;
    find("ticket").hidden = find("holdings").hidden = !account.isOpen;
    if (find("account-choice")) find("account-choice").value = account.name;
    else find("account-name").textContent = account.name;
    this.leverage.draw();
    this.margin.draw();
    this.holdings.draw();
    this.#drawMoney();
    const here = account.executions.filter(({ symbol }) => symbol === this.symbol);
    this.fills.show(here);
    this.sales.own = here.map(({ trade_seq: seq }) => seq);
    this.#followOthers();
  }

  /** Subscribe to the quotes of other instruments with a position. */
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
}

/** Show a note; "" hides it. */
function show(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}
