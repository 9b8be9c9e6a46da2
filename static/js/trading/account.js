// The account of this session: what it may do over REST, and its state, kept from private topics.

const API = "/api/v1/";
const TOPICS = ["orders", "executions", "positions", "balance"];
const REFRESH_MS = 150; // several frames of one moment cause one reading

/** A request was refused; `message` is for people. */
export class Refused extends Error {}

async function call(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = document.querySelector("[name=csrfmiddlewaretoken]").value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(API + path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 204) return null;
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  throw new Refused(found.detail ?? `${path} answered ${answer.status}`);
}

/** Rows of a table of the API as objects. */
function objects({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}

/** Events: "change": account, orders, positions, executions or balance changed. */
export class Account extends EventTarget {
  #reading = 0;
  details = null; // of the account, or null without one
  orders = [];
  positions = [];
  executions = [];
  balance = null;

  get topics() {
    return this.details ? TOPICS : [];
  }

  /** Read the account of this session, if it has one. */
  async open() {
    try {
      this.details = await call("GET", "account/");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.details = null;
    }
    if (this.details) await this.#read();
    this.#changed();
  }

  async practise() {
    await call("POST", "practice/");
    await this.open();
  }

  /** Note a frame of a private topic. */
  heard({ topic }) {
    if (!TOPICS.includes(topic) || this.#reading) return;
    this.#reading = setTimeout(async () => {
      this.#reading = 0;
      await this.#read().catch(() => {}); // the next frame reads again
      this.#changed();
    }, REFRESH_MS);
  }

  async #read() {
    const [orders, positions, executions, balance] = await Promise.all([
      call("GET", "orders/?state=open&limit=200"),
      call("GET", "positions/"),
      call("GET", "executions/?limit=50"),
      call("GET", "balance/"),
    ]);
    this.orders = objects(orders);
    this.positions = objects(positions).filter(({ quantity }) => Number(quantity) !== 0);
    this.executions = objects(executions);
    this.balance = balance;
  }

  // Commands. Each waits for the answer of the exchange; they throw Refused.

  place(order) {
    return call("POST", "orders/", { ...order, client_id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` });
  }

  cancel(id) {
    return call("DELETE", `orders/${id}/`);
  }

  cancelAll() {
    return call("DELETE", "orders/");
  }

  close(symbol) {
    return call("POST", `positions/${encodeURIComponent(symbol)}/close/`);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
