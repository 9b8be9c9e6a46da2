// The live stream of a page over WebSocket, SSE or polling; resumes from the last seq.

import { Ladder } from "./ladder.js";
import { SeqLedger } from "./seq-ledger.js";
import { EventsTransport, PollingTransport, SocketTransport } from "./transports.js";

const TRANSPORTS = { socket: SocketTransport, events: EventsTransport, polling: PollingTransport };
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const LATE_MS = 500; // how long to wait for late ticks before requesting them
const MOST_MENDED = 20_000; // ticks; after a larger gap the page reads its history again
const MEND_LIMIT = 10_000;
const HIDDEN_FLUSH_MS = 500; // hidden pages get no animation frames
const HEARTBEAT_MS = 2_000;
const OWN_KINDS = new Set(["quotes", "status", "regimes", "indicators"]);
const SLEEP_MS = 10_000; // a heartbeat this late means that the machine slept
const NOTHING = { topics: [], privateTopics: [], accountName: "", places: {} };

/**
 * Topics whose frames are passed on.
 * @typedef {object} Further
 * @property {string[]} topics
 * @property {string[]} privateTopics of the account of the session; only a WebSocket has them
 * @property {string} accountName whose private topics these are, "" for the only account
 * @property {Record<string, number>} places last seqs of topics
 */

/**
 * Events:
 * "ticks" {symbol, rows}: each tick once, at most once per animation frame; late ones may be older;
 * "gap" {symbol}: read the history again, then call `skipTo`;
 * "regime" {symbol, data}; "reading" {topic, data}; "frame" {frame}: of the further topics;
 * "state" {state, transport}: live | stale | reconnecting | polling | offline;
 * "refused": the session gives no access to the private topics.
 */
export class MarketStream extends EventTarget {
  /** @type {Map<string, SeqLedger>} */
  #ledgers;
  #queued = new Map(); // symbol -> rows queued for the next animation frame
  #flushing = false;
  #mending = new Set(); // symbols whose gaps are being read
  #statuses = new Map(); // symbol -> live | stale | stopped
  #ladder = new Ladder();
  #transport = null;
  #connected = null; // the transport that works now
  #failures = 0; // consecutive failures, for the back-off
  #isStopped = false;
  #isRenewing = false;
  #wake = () => {};

  /**
   * @param {object} options
   * @param {Record<string, number>} options.since last seq of each symbol, 0: none
   * @param {string[]} [options.kinds] topics of each symbol
   * @param {boolean} [options.newestOnly] only the newest tick matters: no gap is filled
   * @param {Further} [options.further] asked at each connection
   */
  constructor({ since, kinds = ["quotes", "status"], newestOnly = false, further = NOTHING }) {
    super();
    this.newestOnly = newestOnly;
    this.further = further;
    this.#ledgers = new Map(Object.entries(since).map(([s, seq]) => [s, new SeqLedger(seq)]));
    this.ownTopics = Object.keys(since).flatMap((symbol) => kinds.map((kind) => `${kind}.${symbol}`));
    this.state = "reconnecting";
    this.#watchTheMachine();
  }

  /** Connect, and reconnect until `stop`. */
  async start() {
    while (!this.#isStopped) {
      const wasRenewed = this.#isRenewing; // whose end has not been told
      this.#isRenewing = false;
      const { way } = this.#ladder;
      this.#transport = new TRANSPORTS[way](this);
      const worked = await this.#transport.run();
      this.#transport = null;
      if (worked && this.#isRenewing) continue;
      this.#ladder.ended(worked);
      this.#failures += 1; // was reset to 0 if frames arrived
      // While polling works, a failed attempt with a better transport does not change the state.
      if (wasRenewed || (way === "polling" ? !worked : worked)) this.#tell(null);
      if (!this.#isStopped && !(worked && way === "polling")) await this.#pause();
    }
  }

  stop() {
    this.#isStopped = true;
    this.#transport?.end();
    this.#wake();
  }

  /** Connect anew at once, because the further topics changed or one has to begin again. */
  renew() {
    this.#isRenewing = true;
    this.#transport?.end();
  }

  /** Continue from `seq`; older ticks were read from the history. */
  skipTo(symbol, seq) {
    const ledger = this.#ledgers.get(symbol);
    ledger.skip(seq);
    ledger.close(0, seq);
  }

  // Callbacks of the transport.

  get topics() {
    return [...this.ownTopics, ...this.further.topics];
  }

  get privateTopics() {
    return this.further.privateTopics;
  }

  get accountName() {
    return this.further.accountName;
  }

  since() {
    const places = [...this.#ledgers].map(([symbol, { last }]) => [symbol, last]);
    return new Map([...places, ...Object.entries(this.further.places)].filter(([, seq]) => seq > 0));
  }

  refused() {
    this.#emit("refused", {});
  }

  opened() {
    this.#tell(this.#ladder.way);
  }

  frame(frame) {
    this.#failures = 0;
    const [, kind, symbol] = /^(\w+)\.(.+)$/.exec(frame.topic ?? "") ?? [];
    const isOwn = OWN_KINDS.has(kind) && (kind === "indicators" || this.#ledgers.has(symbol));
    if (!isOwn) this.#emit("frame", { frame });
    else if (frame.type === "ticks") this.#ticks(symbol, frame.data);
    else if (frame.type === "gap") this.#gap(symbol, frame);
    else if (frame.type === "reset") this.#reset(symbol, frame);
    else if (frame.type === "regime") this.#emit("regime", { symbol, data: frame.data });
    else if (frame.type === "reading") this.#emit("reading", { topic: frame.topic, data: frame.data });
    else if (kind === "status") {
      this.#statuses.set(symbol, frame.state);
      this.#tell(this.#connected);
    }
  }

  // Ticks.

  #ticks(symbol, rows) {
    const ledger = this.#ledgers.get(symbol);
    const fresh = rows.filter(([seq]) => ledger.take(seq));
    if (fresh.length === 0) return;
    if (!this.#queued.has(symbol)) this.#queued.set(symbol, []);
    fresh.forEach((row) => this.#queued.get(symbol).push(row));
    this.#flushSoon();
    this.#mendSoon(symbol, LATE_MS);
  }

  #flushSoon() {
    if (this.#flushing) return;
    this.#flushing = true;
    if (document.hidden) setTimeout(() => this.#flush(), HIDDEN_FLUSH_MS);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#flushing = false;
    const queued = this.#queued;
    this.#queued = new Map();
    queued.forEach((rows, symbol) => this.#emit("ticks", { symbol, rows }));
  }

  #gap(symbol, { to_seq: last }) {
    this.#ledgers.get(symbol).skip(last);
    this.#mendSoon(symbol, 0);
  }

  /** The history ends before our last seq: the server has another database. */
  #reset(symbol, { last_seq: last }) {
    this.#ledgers.set(symbol, new SeqLedger(last));
    this.#queued.delete(symbol);
    this.#emit("gap", { symbol });
  }

  // Gaps.

  #mendSoon(symbol, ms) {
    const ledger = this.#ledgers.get(symbol);
    if (this.newestOnly) ledger.close(0, ledger.last);
    if (ledger.holes.length === 0 || this.#mending.has(symbol)) return;
    this.#mending.add(symbol);
    setTimeout(() => this.#mend(symbol), ms);
  }

  async #mend(symbol) {
    const ledger = this.#ledgers.get(symbol);
    const [hole] = ledger.holes;
    if (hole) await this.#fill(symbol, ledger, ...hole);
    this.#mending.delete(symbol);
    if (!this.#isStopped) this.#mendSoon(symbol, hole ? 0 : LATE_MS);
  }

  async #fill(symbol, ledger, from, to) {
    if (to - from >= MOST_MENDED) {
      ledger.close(from, to);
      this.#emit("gap", { symbol });
      return;
    }
    try {
      const path = `/api/v1/instruments/${encodeURIComponent(symbol)}/quotes/`;
      const limit = Math.min(MEND_LIMIT, to - from + 1);
      const answer = await fetch(`${path}?since_seq=${from - 1}&limit=${limit}`);
      if (!answer.ok) throw new Error(`the ticks from ${from} on: ${answer.status}`);
      const { rows } = await answer.json();
      if (ledger !== this.#ledgers.get(symbol)) return; // a reset arrived in the meantime
      this.#ticks(symbol, rows);
      ledger.close(from, Math.min(to, from + limit - 1)); // rows missing from the answer do not exist
    } catch {
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs())); // then retry
    }
  }

  // State.

  #tell(way) {
    this.#connected = way;
    const state = this.#stateNow();
    if (state === this.state && way === this.way) return;
    this.state = state;
    this.way = way;
    this.#emit("state", { state, transport: way });
  }

  #stateNow() {
    if (this.#connected === "polling") return "polling";
    if (!this.#connected) return navigator.onLine ? "reconnecting" : "offline";
    const states = [...this.#statuses.values()];
    const anyLive = states.includes("live") || states.length === 0;
    return states.includes("stale") || !anyLive ? "stale" : "live";
  }

  /** After sleep or a network change, check the connection or retry at once. */
  #watchTheMachine() {
    const look = () => {
      this.#wake();
      this.#transport?.check();
    };
    let beat = Date.now();
    setInterval(() => {
      if (Date.now() - beat > SLEEP_MS) look();
      beat = Date.now();
    }, HEARTBEAT_MS);
    addEventListener("online", look);
    addEventListener("pageshow", ({ persisted }) => persisted && look());
    addEventListener("offline", () => {
      this.#transport?.end();
      this.#tell(null);
    });
    document.addEventListener("visibilitychange", () => document.hidden || look());
    navigator.connection?.addEventListener("change", look);
  }

  #pauseMs() {
    const longest = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** this.#failures);
    return longest * (0.5 + Math.random() / 2); // jitter, so that clients do not reconnect at once
  }

  #pause() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#pauseMs());
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
