// Three transports of frames. Each runs until it ends or fails, and reports whether it worked.

const SILENCE_MS = 15_000; // then check that the server responds
const ANSWER_MS = 5_000; // deadline for its response
const OPENING_MS = 6_000;
const LONGEST_SILENCE_OF_EVENTS_MS = 30_000; // its heartbeats cannot be heard; opening is cheap
const POLL_MS = 1_000;
const FIRST_TURN_MS = 10_000; // of polling, before trying better transports again
const LONGEST_TURN_MS = 300_000;
const POLL_LIMIT = 10_000;

/**
 * The consumer of a transport.
 * @typedef {object} Listener
 * @property {string[]} topics
 * @property {string[]} privateTopics
 * @property {string} accountName whose private topics these are, "" for the only account
 * @property {boolean} newestOnly whether missed frames may be dropped
 * @property {() => Map<string, number>} since the last seq of each symbol, if above 0
 * @property {() => void} opened
 * @property {(frame: object) => void} frame
 * @property {() => void} refused the session gives no access to the private topics
 */

/** Calls back after `ms`; `start` restarts it. */
class Timer {
  #id = 0;

  start(ms, callback) {
    clearTimeout(this.#id);
    this.#id = setTimeout(callback, ms);
  }

  stop() {
    clearTimeout(this.#id);
  }
}

/** A transport ends once; `run` resolves with whether it worked. */
class Transport {
  #finish = () => {};
  worked = false;

  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.timer = new Timer();
  }

  run() {
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.open();
    });
  }

  opened() {
    this.worked = true;
    this.listener.opened();
  }

  end() {
    this.timer.stop();
    this.close();
    this.#finish(this.worked);
  }
}

export class SocketTransport extends Transport {
  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const { accountName } = this.listener;
    const query = accountName ? `?${new URLSearchParams({ account: accountName })}` : "";
    this.socket = new WebSocket(`${scheme}://${location.host}/ws/v1/stream${query}`);
    this.socket.onopen = () => this.#subscribe();
    this.socket.onmessage = ({ data }) => this.#hear(data);
    this.socket.onclose = () => this.end();
    this.timer.start(OPENING_MS, () => this.end());
  }

  #subscribe() {
    const { topics, privateTopics, newestOnly } = this.listener;
    const place = newestOnly ? {} : { since: Object.fromEntries(this.listener.since()) };
    this.#say({ op: "subscribe", args: [...topics, ...privateTopics], batch: true, ...place });
    this.opened();
    this.#listen();
  }

  #hear(text) {
    this.#listen();
    const message = JSON.parse(text);
    if (Array.isArray(message)) message.forEach((frame) => this.listener.frame(frame));
    else if (message.op) this.#answer(message);
    else this.listener.frame(message);
  }

  #answer({ op, code, detail }) {
    if (op !== "error") return;
    if (code === "not_authenticated") this.listener.refused();
    else if (code !== "unavailable") console.warn(`stream: ${detail}`);
    this.worked = false;
    this.end(); // and reconnect later
  }

  #listen() {
    this.timer.start(SILENCE_MS, () => this.check());
  }

  /** Check that the server responds. */
  check() {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.#say({ op: "ping" });
    this.timer.start(ANSWER_MS, () => this.end());
  }

  #say(message) {
    this.socket.send(JSON.stringify(message));
  }

  close() {
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
  }
}

export class EventsTransport extends Transport {
  open() {
    const { topics, newestOnly } = this.listener;
    const query = new URLSearchParams({ topics: topics.join(",") });
    const place = [...this.listener.since()].map(([symbol, seq]) => `${symbol}:${seq}`).join(",");
    if (place && !newestOnly) query.set("since", place);
    this.source = new EventSource(`/api/v1/stream/?${query}`);
    this.source.onopen = () => {
      this.opened();
      this.#listen();
    };
    this.source.onmessage = ({ data }) => {
      this.#listen();
      this.listener.frame(JSON.parse(data));
    };
    this.source.onerror = () => this.end(); // MarketStream reconnects from the last seq
    this.timer.start(OPENING_MS, () => this.end());
  }

  #listen() {
    this.timer.start(LONGEST_SILENCE_OF_EVENTS_MS, () => this.end());
  }

  check() {
    if (this.worked) this.end();
  }

  close() {
    this.source.onopen = this.source.onmessage = this.source.onerror = null;
    this.source.close();
  }
}

let turnMs = FIRST_TURN_MS;

export class PollingTransport extends Transport {
  #until = Date.now() + turnMs;
  #abort = new AbortController();

  open() {
    this.#poll();
  }

  async #poll() {
    try {
      await (this.listener.newestOnly ? this.#newest() : this.#missed());
    } catch {
      this.worked = false; // the stream reports it as a failure
      return this.end();
    }
    if (this.#abort.signal.aborted) return;
    if (!this.worked) this.opened();
    if (Date.now() < this.#until) this.timer.start(POLL_MS, () => this.#poll());
    else {
      turnMs = Math.min(2 * turnMs, LONGEST_TURN_MS);
      this.end();
    }
  }

  async #newest() {
    for (const { symbol, last_seq, last_at, last_price } of await this.#read("instruments/")) {
      if (last_seq && this.listener.topics.includes(`quotes.${symbol}`)) {
        this.#tell(symbol, [[last_seq, last_at, last_price]]);
      }
    }
  }

  async #missed() {
    const since = this.listener.since();
    const symbols = this.listener.topics.flatMap((topic) => /^quotes\.(.+)$/.exec(topic)?.[1] ?? []);
    await Promise.all(symbols.map(async (symbol) => {
      const query = since.has(symbol) ? `since_seq=${since.get(symbol)}&limit=${POLL_LIMIT}` : "limit=1";
      const { rows } = await this.#read(`instruments/${encodeURIComponent(symbol)}/quotes/?${query}`);
      if (rows.length) this.#tell(symbol, rows);
    }));
  }

  async #read(path) {
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(OPENING_MS)]);
    const answer = await fetch(`/api/v1/${path}`, { signal });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.json();
  }

  #tell(symbol, data) {
    this.listener.frame({ topic: `quotes.${symbol}`, type: "ticks", data });
  }

  check() {
    if (this.worked) this.timer.start(0, () => this.#poll());
  }

  close() {
    this.#abort.abort();
  }
}
