// Plays a past range of the market: loads it piece by piece and moves through it.

import { openedAt, TIMEFRAMES } from "../candle-series.js";
import { joinBars } from "./bar-builder.js";
import { readBars } from "./bars.js";
import { ReplayClock } from "./replay-clock.js";
import { ReplayMarket } from "./replay-market.js";

const HOUR_MS = 3_600_000;
const PIECE_MS = 60_000; // of the market, per load
const AHEAD_MS = 5_000; // of real time that must be loaded ahead
const EDGE_MS = 2_000; // records of the newest moments may still be under way
const BEFORE = 300; // bars
const LEAD_MS = 120_000; // the stretch begins earlier than asked, so that there are trades to list
const RETRY_MS = 2_000;

/**
 * Events: "opened"; "moment" {moment, passed}: passed: trades since the last one, null: a jump;
 * "stop" {moment}: a moment that `nextStop` wanted; "state" {state}: playing | paused | loading | ended; "failed" {error}.
 */
export class Replay extends EventTarget {
  /** @type {ReplayMarket | null} */
  market = null;
  /** Closed bars before the stretch. @type {import("./bars.js").Bar[]} */
  base = [];
  #clock = null;
  #steps = new Map(); // openedAt -> ticks per row
  #loading = null;
  #number = 0; // of the newest opening; what belongs to older ones is dropped
  #state = "paused";
  #isScheduled = false;
  #end = Infinity; // nothing later is recorded

  /**
   * @param {import("./flow-api.js").FlowApi} api
   * @param {import("./bar-history.js").BarHistory} history
   * @param {import("./bars.js").Sizes} sizes
   */
  constructor(api, history, sizes) {
    super();
    Object.assign(this, { api, history, sizes });
    /** The next moment at which somebody wants to see the market exactly. @type {() => number} */
    this.nextStop = () => Infinity;
  }

  get isOpen() {
    return this.market !== null;
  }

  get moment() {
    return this.market?.moment ?? null;
  }

  get state() {
    return this.#state;
  }

  /** All bars at the moment. */
  get bars() {
    return [...this.base, ...this.market.bars];
  }

  /** Begin at a moment; keep playing if it plays. */
  async open(moment, timeframe, speed) {
    const number = (this.#number += 1);
    const isPlaying = this.#clock?.isRunning ?? false;
    try {
      const found = await this.#begin(moment - LEAD_MS, timeframe)
        .catch(() => this.#begin(moment, timeframe)); // the records begin in between
      if (number !== this.#number) return;
      Object.assign(this, { timeframe, base: found.base, market: found.market });
      this.#loading = null;
      this.#clock = new ReplayClock(moment, speed);
      await this.#load(moment);
      if (number !== this.#number) return;
      this.market.seek(Math.min(moment, this.market.loadedTo));
      this.#tell("opened");
      if (isPlaying) this.play();
      else this.#setState("paused");
    } catch (error) {
      if (number === this.#number) this.#tell("failed", { error });
    }
  }

  /** Read what the stretch that begins in the minute of a moment needs. */
  async #begin(moment, timeframe) {
    const { api, sizes } = this;
    const opened = openedAt(moment, timeframe);
    const minute = Math.max(opened, openedAt(moment, "1m"));
    const start = minute - 1; // the end of this millisecond
    const [book, before, at] = await Promise.all([
      api.read("book", { at: endOf(start), depth: 1_000 }),
      this.history.candles(timeframe, { end: opened, limit: BEFORE }),
      this.#peek(timeframe, opened),
      this.#readEnd(),
    ]);
    const step = at ?? before.candles.at(-1)?.step ?? 1;
    this.#steps.set(opened, step);
    const parts = await this.#parts(opened, minute, step);
    const market = new ReplayMarket({
      moment: start, book, timeframe, sizes,
      stepOf: (ms) => this.#stepOf(ms),
      bar: parts.length ? joinBars(parts, opened) : null,
    });
    return { base: before.candles, market };
  }

  /** Shorter bars that make the beginning of a bar together: whole hours, then minutes. */
  async #parts(opened, minute, step) {
    const hour = Math.max(opened, Math.floor(minute / HOUR_MS) * HOUR_MS);
    const read = async (timeframe, start, end) => {
      if (start >= end) return [];
      const query = { timeframe, step, start, end, limit: "all" };
      return readBars(await this.api.read("footprint", query), this.sizes);
    };
    const [hours, minutes] = await Promise.all([read("1h", opened, hour), read("1m", hour, minute)]);
    return [...hours, ...minutes];
  }

  /** Return the step of the bar that opens at a time, or undefined. */
  async #peek(timeframe, opened) {
    const { candles } = await this.history.candles(timeframe, { start: opened, limit: 1 });
    return candles[0]?.openedAt === opened ? candles[0].step : undefined;
  }

  #stepOf(opened) {
    return this.#steps.get(opened) ?? [...this.#steps.values()].at(-1) ?? 1;
  }

  async #readEnd() {
    const { at } = await this.api.read("book", { depth: 1 });
    this.#end = at - EDGE_MS;
  }

  // Loading.

  /** Load until everything up to a moment is there, or the end. */
  async #load(moment) {
    while (this.market.loadedTo < moment && this.market.loadedTo < this.#end) await this.#loadPiece();
  }

  #loadPiece() {
    this.#loading ??= this.#readPiece().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #readPiece() {
    const { market, timeframe } = this;
    const from = market.loadedTo;
    const piece = PIECE_MS * Math.max(3, Math.min(10, Math.round((this.#clock.speed * AHEAD_MS) / PIECE_MS)));
    if (from + piece > this.#end) await this.#readEnd();
    const to = Math.min(from + piece, this.#end);
    if (to <= from) return;
    const length = TIMEFRAMES.get(timeframe) * 1000;
    const opening = openedAt(from, timeframe) + length; // of the first bar that may open in the piece
    const [trades, changes, bars] = await Promise.all([
      this.api.trades(from + 1, to + 1),
      this.api.bookChanges(from + 1, to + 1),
      opening <= to ? this.history.candles(timeframe, { start: opening, limit: Math.ceil((to - opening + 1) / length) }) : null,
    ]);
    bars?.candles.forEach(({ openedAt: opened, step }) => this.#steps.set(opened, step));
    market.append(trades, changes, to);
  }

  /** Load ahead of the moment; a failure is retried. */
  #preload() {
    const wanted = this.moment + AHEAD_MS * this.#clock.speed;
    if (this.market.loadedTo >= Math.min(wanted, this.#end) || this.#loading) return;
    const { market } = this;
    this.#loadPiece().then(() => this.#schedule()).catch((error) => {
      if (market !== this.market) return;
      console.warn(`replay: ${error.message}`);
      setTimeout(() => this.#schedule(), RETRY_MS);
    });
  }

  // Moving.

  play() {
    this.#clock.start(performance.now());
    this.#setState("playing");
    this.#schedule();
  }

  pause() {
    if (!this.isOpen) return;
    this.#clock.pause(performance.now());
    this.#clock.set(this.moment, performance.now());
    this.#setState("paused");
  }

  set speed(speed) {
    this.#clock?.setSpeed(speed, performance.now());
  }

  /** Go to a moment: at once inside of what is loaded, otherwise by loading. */
  async seek(moment) {
    const { market } = this;
    if (moment < market.start) return this.open(moment, this.timeframe, this.#clock.speed);
    if (moment > market.loadedTo) {
      this.#setState("loading");
      await this.#load(moment);
      if (market !== this.market) return;
    }
    this.#clock.set(Math.min(moment, market.loadedTo), performance.now());
    this.#seek(this.#clock.at(performance.now()));
    if (this.#state === "loading") this.#setState(this.#clock.isRunning ? "playing" : "paused");
  }

  /** Pause, and go on by a time; backwards if it is negative. */
  step(ms) {
    this.pause();
    return this.seek(this.moment + ms);
  }

  /** Pause, and go on to the next trade. */
  stepTrade() {
    this.pause();
    const next = this.market.nextTrade();
    return next === null ? this.step(1_000) : this.seek(next);
  }

  /** End the replay. */
  close() {
    this.#number += 1;
    this.#clock?.pause(performance.now());
    this.market = null;
    this.base = [];
    this.#steps.clear();
    this.#setState("paused");
  }

  #schedule() {
    if (this.#isScheduled || !this.isOpen) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      if (this.isOpen && this.#clock.isRunning) this.#frame();
    });
  }

  #frame() {
    const now = performance.now();
    const wanted = this.#clock.at(now);
    const moment = Math.min(wanted, this.market.loadedTo);
    if (wanted > moment) this.#clock.set(moment, now); // wait for the data
    if (moment > this.moment) this.#seek(moment);
    if (wanted > moment && this.market.loadedTo >= this.#end) return this.#atEnd();
    this.#setState(wanted > moment ? "loading" : "playing");
    this.#preload();
    this.#schedule();
  }

  /** Everything that is recorded was played: look whether there is more. */
  #atEnd() {
    this.pause();
    this.#setState("ended");
  }

  #seek(moment) {
    const { market } = this;
    let passed = moment < market.moment ? null : [];
    for (let stop = this.nextStop(); passed && stop > market.moment && stop < moment; stop = this.nextStop()) {
      passed.push(...market.seek(stop));
      this.#tell("stop", { moment: stop });
    }
    const rest = market.seek(moment);
    if (passed) passed = [...passed, ...rest];
    this.#tell("moment", { moment, passed });
  }

  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell("state", { state });
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The last microsecond of a millisecond, as a time of the API. */
export function endOf(ms) {
  return new Date(ms).toISOString().replace("Z", "999Z");
}
