// The live path into a page: WebSocket, else SSE, else polling; resumes from the last seq.

const SILENCE_MS = 15_000; // then ask whether the server is still there
const ANSWER_MS = 5_000; // how long it may take to answer
const OPENING_MS = 8_000;
const POLL_MS = 1_000;
const POLLING_TURN_MS = 10_000; // then try the better ways again
const LONGEST_PAUSE_MS = 10_000;
const POLL_LIMIT = 10_000;
const LADDER = ["socket", "socket", "events", "polling"];
const PATIENCE = 4; // more tries of the socket where one worked before: the server restarts

/**
 * Events: "ticks" {symbol, rows}, "gap" {symbol}, "regime" {symbol, data} and
 * "state" {state}: live | stale | reconnecting | polling.
 */
export class MarketStream extends EventTarget {
  #lastSeq; // Map symbol -> seq
  #topics;
  #statuses = new Map(); // symbol -> live | stale | stopped
  #transport = null;
  #failures = 0; // in a row: how long to wait before the next try
  #step = 0; // on the ladder
  #stopped = false;
  #wake = () => {};
  #end = () => {};

  constructor({ since, kinds = ["quotes", "status"] }) {
    super();
    this.#lastSeq = new Map(Object.entries(since));
    this.#topics = [...this.#lastSeq.keys()].flatMap((symbol) => kinds.map((k) => `${k}.${symbol}`));
    this.state = "reconnecting";
    addEventListener("online", () => this.#wake());
    addEventListener("offline", () => this.#end(true));
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake());
  }

  async start() {
    while (!this.#stopped) {
      const way = LADDER[Math.max(0, this.#step) % LADDER.length];
      const worked = await this.#through(way);
      this.#failures = worked ? 0 : this.#failures + 1;
      if (worked && way === "polling") {
        this.#step = 1; // the better ways get one try each before the next turn
      } else {
        this.#step = worked ? -PATIENCE : this.#step + 1;
        if (worked || way === "polling") this.#lost(); // a vain try of a better way changes nothing
      }
      if (!this.#stopped) await this.#pause();
    }
  }

  stop() {
    this.#stopped = true;
    this.#end(true);
    this.#wake();
  }

  /** Continue from `seq`: what is older was read elsewhere. */
  skipTo(symbol, seq) {
    this.#lastSeq.set(symbol, Math.max(seq, this.#lastSeq.get(symbol) ?? 0));
  }

  /** Stay connected in one way for as long as it lasts; return whether it worked at all. */
  #through(way) {
    if (way === "socket") return this.#socket();
    return way === "events" ? this.#events() : this.#polling();
  }

  #socket() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/v1/stream`);
    let opened = false;
    let timer = setTimeout(() => this.#end(), OPENING_MS);
    const listen = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        socket.send(JSON.stringify({ op: "ping" }));
        timer = setTimeout(() => this.#end(), ANSWER_MS);
      }, SILENCE_MS);
    };
    return new Promise((resolve) => {
      this.#end = () => {
        clearTimeout(timer);
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
        resolve(opened);
      };
      socket.onopen = () => {
        opened = true;
        const since = Object.fromEntries([...this.#lastSeq].filter(([, seq]) => seq > 0));
        socket.send(JSON.stringify({ op: "subscribe", args: this.#topics, since }));
        this.#connected("socket");
        listen();
      };
      socket.onmessage = (event) => {
        listen();
        this.#frame(JSON.parse(event.data));
      };
      socket.onclose = () => this.#end();
    });
  }

  #events() {
    const topics = encodeURIComponent(this.#topics.join(","));
    const source = new EventSource(`/api/v1/stream/?topics=${topics}`);
    let opened = false;
    const timer = setTimeout(() => opened || this.#end(), OPENING_MS);
    return new Promise((resolve) => {
      this.#end = () => {
        clearTimeout(timer);
        source.close();
        resolve(opened);
      };
      source.onopen = () => {
        opened = true;
        this.#connected("events");
      };
      source.onmessage = (event) => this.#frame(JSON.parse(event.data));
      source.onerror = () => this.#end(); // we come back by ourselves, and fill what was missed
    });
  }

  async #polling() {
    const until = Date.now() + POLLING_TURN_MS;
    let cancelled = false;
    this.#end = () => (cancelled = true);
    while (!cancelled && Date.now() < until) {
      try {
        await Promise.all([...this.#lastSeq.keys()].map((symbol) => this.#poll(symbol)));
      } catch {
        return false; // the pages say so: the state turns to reconnecting
      }
      this.#connected("polling");
      await this.#pause(POLL_MS);
    }
    return !cancelled;
  }

  async #poll(symbol) {
    const since = this.#lastSeq.get(symbol);
    const query = since > 0 ? `since_seq=${since}&limit=${POLL_LIMIT}` : "limit=1";
    const path = `/api/v1/instruments/${encodeURIComponent(symbol)}/quotes/?${query}`;
    const answer = await fetch(path, { signal: AbortSignal.timeout(OPENING_MS) });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    const { rows } = await answer.json();
    if (rows.length) this.#ticks(symbol, rows);
  }

  #frame(frame) {
    const [kind, ...rest] = (frame.topic ?? "").split(".");
    const symbol = rest.join(".");
    if (frame.type === "ticks") this.#ticks(symbol, frame.data);
    else if (frame.type === "gap") this.#emit("gap", { symbol });
    else if (kind === "regimes") this.#emit("regime", { symbol, data: frame.data });
    else if (frame.type === "status") {
      this.#statuses.set(symbol, frame.state);
      this.#tell();
    }
  }

  #ticks(symbol, rows) {
    const last = this.#lastSeq.get(symbol) ?? 0;
    if (last && rows[0][0] > last + 1) this.#emit("gap", { symbol });
    this.#lastSeq.set(symbol, Math.max(last, rows.at(-1)[0]));
    this.#emit("ticks", { symbol, rows });
  }

  #connected(transport) {
    this.#transport = transport;
    this.#tell();
  }

  #lost() {
    this.#transport = null;
    this.#tell();
  }

  #tell() {
    const states = [...this.#statuses.values()];
    let state = "reconnecting";
    if (this.#transport === "polling") state = "polling";
    else if (this.#transport) {
      const anyLive = states.includes("live") || states.length === 0;
      state = states.includes("stale") || !anyLive ? "stale" : "live";
    }
    if (state === this.state) return;
    this.state = state;
    this.#emit("state", { state });
  }

  /** Wait; for as long as the failures in a row ask for unless told how long. */
  #pause(ms = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** this.#failures) * (0.5 + Math.random())) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
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
