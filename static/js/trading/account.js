// The account of this session: its state, read again whenever something changed, and its commands.

import { call, newKey, objects, Refused } from "./exchange-api.js";

const TOPICS = ["orders", "executions", "positions", "balance"];
const PAUSE_MS = 60; // several frames of one moment cause one reading
const MOST_ORDERS = 200;
const MOST_EXECUTIONS = 200;
const ENDED = new Set(["filled", "cancelled", "rejected", "expired"]);
const SIGNED_OUT = new Set([401, 403]);

/**
 * Events: "change": anything changed; "executed" {executions}: new ones, ascending.
 */
export class Account extends EventTarget {
  #soon = 0;
  #reading = null;
  #isOutdated = false;
  #lastExecution = null; // seq; null before the first reading
  #leverages = new Map(); // symbol -> leverage, where one was chosen or there was a position
  orders = []; // open ones, the newest first
  positions = [];
  executions = []; // the newest first
  balance = null;

  /** @param {string} name of the account, "" for none */
  constructor(name) {
    super();
    this.name = name;
  }

  get isOpen() {
    return this.name !== "";
  }

  get topics() {
    return this.isOpen ? TOPICS : [];
  }

  /** Note a frame of a private topic. */
  hear({ topic }) {
    if (!TOPICS.includes(topic) || this.#soon) return;
    this.#soon = setTimeout(() => {
      this.#soon = 0;
      this.refresh();
    }, PAUSE_MS);
  }

  /** Read everything again; resolves when that is done. Failures are left to the next reading. */
  refresh() {
    if (!this.isOpen) return Promise.resolve();
    this.#isOutdated = true;
    this.#reading ??= this.#readUntilCurrent().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readUntilCurrent() {
    while (this.#isOutdated && this.isOpen) {
      this.#isOutdated = false;
      const { name } = this;
      try {
        await this.#read();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (SIGNED_OUT.has(error.status) && name === this.name) this.close();
      }
    }
  }

  async #read() {
    const { name } = this;
    const [orders, positions, executions, balance] = await Promise.all([
      this.#call("GET", `orders/?state=open&limit=${MOST_ORDERS}`),
      this.#call("GET", "positions/"),
      this.#call("GET", `executions/?limit=${MOST_EXECUTIONS}`),
      this.#call("GET", "balance/"),
    ]);
    if (name !== this.name) return; // the user chose another account in the meantime
    const held = objects(positions);
    this.orders = objects(orders);
    this.positions = held.filter(({ quantity }) => quantity !== 0);
    this.#leverages = new Map(held.map(({ symbol, leverage }) => [symbol, leverage]));
    this.executions = objects(executions);
    this.balance = balance;
    this.#tellExecutions();
    this.#changed();
  }

  #tellExecutions() {
    const known = this.#lastExecution;
    this.#lastExecution = this.executions[0]?.seq ?? 0;
    if (known === null) return;
    const executions = this.executions.filter(({ seq }) => seq > known).reverse();
    if (executions.length) this.dispatchEvent(new CustomEvent("executed", { detail: { executions } }));
  }

  /** Leverage in an instrument, or undefined if none was chosen. */
  leverage(symbol) {
    return this.#leverages.get(symbol);
  }

  /** Position in an instrument, negative if short. */
  held(symbol) {
    return this.positions.find((position) => position.symbol === symbol)?.quantity ?? 0;
  }

  /** Use another account of the session from now on. */
  choose(name) {
    this.#forget(name);
    return this.refresh();
  }

  /** Forget the account: the session has ended. */
  close() {
    this.#forget("");
  }

  #forget(name) {
    Object.assign(this, { name, orders: [], positions: [], executions: [], balance: null });
    this.#leverages = new Map();
    this.#lastExecution = null;
    this.#changed();
  }

  #call(method, path, options) {
    return call(method, path, { ...options, account: this.name });
  }

  // Commands. Each waits for the answer of the exchange; they throw Refused.

  /** Open a practice account for this session. */
  async practise() {
    const { account } = await call("POST", "practice/", { body: {} });
    this.name = account;
    await this.refresh();
    this.#changed();
  }

  /** Place an order and return what became of it. */
  async place(order) {
    const { name } = this;
    const placed = await this.#call("POST", "orders/", { body: order, key: newKey() });
    if (name === this.name && !ENDED.has(placed.state)) this.#add(placed);
    this.refresh();
    return placed;
  }

  /** Change an open order and return it. */
  async amend(id, changes) {
    const { name } = this;
    const amended = await this.#call("PATCH", `orders/${id}/`, { body: changes, key: newKey() });
    if (name === this.name) this.#replace(amended);
    this.refresh();
    return amended;
  }

  /** Choose the leverage of new orders in an instrument; resolves when it is shown. */
  async setLeverage(symbol, leverage) {
    const path = `positions/${encodeURIComponent(symbol)}/leverage/`;
    await this.#call("POST", path, { body: { leverage }, key: newKey() });
    await this.refresh();
  }

  /** Show an order before the next reading. */
  #add(order) {
    this.orders = [order, ...this.orders.filter(({ id }) => id !== order.id)];
    this.#changed();
  }

  #replace(amended) {
    const orders = this.orders.map((order) => (order.id === amended.id ? amended : order));
    this.orders = orders.filter(({ state }) => !ENDED.has(state));
    this.#changed();
  }

  /** Return an order as it is now. */
  read(id) {
    return this.#call("GET", `orders/${id}/`);
  }

  async cancel(id) {
    const cancelled = await this.#call("DELETE", `orders/${id}/`, { key: newKey() });
    this.orders = this.orders.filter((order) => order.id !== id);
    this.#changed();
    this.refresh();
    return cancelled;
  }

  async cancelAll() {
    const { cancelled } = await this.#call("DELETE", "orders/", { key: newKey() });
    await this.refresh();
    return cancelled;
  }

  async closePosition(symbol) {
    const path = `positions/${encodeURIComponent(symbol)}/close/`;
    const placed = await this.#call("POST", path, { body: {}, key: newKey() });
    this.refresh();
    return placed;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
