// The order book and the trades of one instrument, over the stream or by polling.

import { OrderBook } from "./order-book.js";

const SHOWN = 50; // trades with which a page begins
const MOST_POLLED = 5_000; // trades per request
const DEPTH = 200; // levels per request
const LEAST_APART_MS = 2_000; // between two requests for a new snapshot
const ANSWER_MS = 6_000;

/**
 * Events: "book"; "trades" {rows}: each trade once, ascending; "restart": forget all trades;
 * "lost": the book needs a new snapshot.
 */
export class MarketFeed extends EventTarget {
  #lastTrade; // seq
  #lostAt = -Infinity;
  #isPolling = false;

  /** @param {{symbol: string, tickSize: number, lastTrade: number}} options */
  constructor({ symbol, tickSize, lastTrade }) {
    super();
    this.symbol = symbol;
    this.book = new OrderBook(tickSize);
    this.#lastTrade = Math.max(0, lastTrade - SHOWN);
    this.topics = [`book.${symbol}`, `trades.${symbol}`];
  }

  get places() {
    return { [`trades.${this.symbol}`]: this.#lastTrade };
  }

  /** Take a frame of one of the topics. */
  hear(frame) {
    if (frame.topic === this.topics[1]) this.#traded(frame);
    else if (frame.type === "gap" || !this.book.apply(frame)) this.#lose();
    else this.#emit("book");
  }

  #lose() {
    const now = performance.now();
    if (now - this.#lostAt < LEAST_APART_MS) return;
    this.#lostAt = now;
    this.#emit("lost");
  }

  #traded({ type, data, to_seq: missed, last_seq: end }) {
    if (type === "gap") this.#lastTrade = Math.max(this.#lastTrade, missed);
    else if (type === "reset") {
      this.#lastTrade = end;
      this.#emit("restart");
    } else this.#take(data);
  }

  #take(rows) {
    const fresh = rows.filter(([seq]) => seq > this.#lastTrade);
    if (fresh.length === 0) return;
    this.#lastTrade = fresh.at(-1)[0];
    this.#emit("trades", { rows: fresh });
  }

  /** Read what is new; without a stream, call it again and again. */
  async poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    try {
      await Promise.all([this.#pollBook(), this.#pollTrades()]);
    } finally {
      this.#isPolling = false;
    }
  }

  async #pollBook() {
    const book = await this.#read(`book/?depth=${DEPTH}`);
    if (book) this.book.replace(book);
    this.#emit("book");
  }

  /** A full answer is not the end: a page that was hidden, or a fast market, has more. */
  async #pollTrades() {
    for (let isFull = true; isFull;) {
      const trades = await this.#read(`trades/?since_seq=${this.#lastTrade}&limit=${MOST_POLLED}`);
      this.#take(trades?.rows ?? []);
      isFull = trades?.rows.length === MOST_POLLED;
    }
  }

  async #read(path) {
    const address = `/api/v1/instruments/${encodeURIComponent(this.symbol)}/${path}`;
    const answer = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS) });
    return answer.ok ? answer.json() : null; // 404: no book has been recorded yet
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
