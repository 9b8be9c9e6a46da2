// A past stretch of the market that can be played: book, trades and bars at any of its moments. Pure.
//
// A moment M (epoch ms) is the end of its millisecond: it includes all that the API serves with a
// time of at most M. The book is that of book/?at= the last microsecond of M, the trades those of
// trades/?end=M+1, and the open bar the footprint of these trades.

import { OrderBook } from "../trading/order-book.js";
import { BarBuilder } from "./bar-builder.js";

/**
 * @typedef {[number, number, number, number, "buy" | "sell"]} Trade seq, ms, price, quantity, side
 * @typedef {[number, number, "buy" | "sell", number, number]} Change seq, ms, side, price, quantity
 */

export class ReplayMarket {
  #start;
  #trades = [];
  #changes = [];
  #nextTrade = 0;
  #nextChange = 0;

  /**
   * @param {object} start what the stretch begins with
   * @param {number} start.moment all later trades and changes follow
   * @param {{bids: number[][], asks: number[][]}} start.book of that moment
   * @param {string} start.timeframe
   * @param {(openedAt: number) => number} start.stepOf ticks per row of a bar
   * @param {import("./bars.js").Bar | null} start.bar that is open at that moment
   * @param {import("./bars.js").Sizes} start.sizes
   */
  constructor(start) {
    this.#start = start;
    /** Everything up to this moment is loaded. */
    this.loadedTo = start.moment;
    this.#rewind();
  }

  get start() {
    return this.#start.moment;
  }

  #rewind() {
    const { moment, book, timeframe, stepOf, bar, sizes } = this.#start;
    this.moment = moment;
    this.book = new OrderBook(sizes.tickSize);
    this.book.replace({ ...book, seq: 0, at: moment });
    this.builder = new BarBuilder(timeframe, stepOf, bar);
    this.builder.settle(0);
    this.#nextTrade = 0;
    this.#nextChange = 0;
  }

  /** The bars since the start; the last one is open. */
  get bars() {
    return this.builder.bars;
  }

  /** The trades up to the moment; the newest `most`. */
  newestTrades(most) {
    return this.#trades.slice(Math.max(0, this.#nextTrade - most), this.#nextTrade);
  }

  /**
   * Add what follows up to the moment `to`.
   * @param {Trade[]} trades
   * @param {Change[]} changes
   */
  append(trades, changes, to) {
    this.#trades.push(...trades);
    this.#changes.push(...changes);
    this.loadedTo = to;
  }

  /**
   * Go to a moment between start and loadedTo; return the trades passed, null after a jump back.
   * @returns {Trade[] | null}
   */
  seek(moment) {
    if (moment < this.start || moment > this.loadedTo) {
      throw new RangeError(`moment ${moment} is outside of the stretch ${this.start} to ${this.loadedTo}`);
    }
    const isBack = moment < this.moment;
    if (isBack) this.#rewind();
    this.#applyChanges(moment);
    const passed = this.#applyTrades(moment);
    this.moment = moment;
    return isBack ? null : passed;
  }

  #applyChanges(moment) {
    const bids = [];
    const asks = [];
    let seq = this.book.seq;
    while (this.#nextChange < this.#changes.length && this.#changes[this.#nextChange][1] <= moment) {
      const [own, , side, price, quantity] = this.#changes[this.#nextChange];
      (side === "buy" ? bids : asks).push([price, quantity]);
      seq = own;
      this.#nextChange += 1;
    }
    this.book.apply({ type: "delta", prev_seq: this.book.seq, seq, at: moment, bids, asks });
  }

  #applyTrades(moment) {
    const { tickSize, lotSize } = this.#start.sizes;
    const first = this.#nextTrade;
    const from = Math.max(0, this.bars.length - 1);
    while (this.#nextTrade < this.#trades.length && this.#trades[this.#nextTrade][1] <= moment) {
      const [seq, at, price, quantity, side] = this.#trades[this.#nextTrade];
      this.builder.add(seq, at, Math.round(price / tickSize), Math.round(quantity / lotSize), side);
      this.#nextTrade += 1;
    }
    if (this.#nextTrade > first) this.builder.settle(from);
    return this.#trades.slice(first, this.#nextTrade);
  }

  /** Return the moment of the next trade or change of the book after the current one, or null. */
  nextEvent() {
    const next = [this.#trades[this.#nextTrade]?.[1], this.#changes[this.#nextChange]?.[1]];
    const found = next.filter((ms) => ms !== undefined);
    return found.length ? Math.min(...found) : null;
  }

  /** Return the moment of the next trade after the current one, or null. */
  nextTrade() {
    return this.#trades[this.#nextTrade]?.[1] ?? null;
  }
}
