// Requests to the exchange as the account of this session.

const API = "/api/v1/";
const ANSWER_MS = 12_000; // the server itself waits 5 s for the exchange
const TRIES = 3; // of a request that may be repeated
const PAUSE_MS = 800;

/**
 * The server, or the page itself, refused a request; `message` is for people, `problems` says what
 * is wrong with which field. Browsers log answers of 400 and above on the console; no page can
 * prevent that, so what the page can check, it does not send.
 */
export class Refused extends Error {
  /** @param {Record<string, string>} [problems] */
  constructor(message, status = 0, problems = {}) {
    super(message);
    Object.assign(this, { status, problems });
  }

  get fields() {
    return Object.keys(this.problems);
  }
}

/** Raise Refused if anything is wrong with a field. */
export function refuse(problems) {
  const texts = Object.entries(problems).map(([name, problem]) => `${name}: ${problem}`);
  if (texts.length) throw new Refused(texts.join("; "), 0, problems);
}

/**
 * Call the API; raise Refused, also if the server cannot be reached.
 * @param {{body?: object, key?: string, account?: string}} [options] a `key` makes repeats harmless
 */
export async function call(method, path, options = {}) {
  const answer = await reach(method, path, options);
  if (answer.status === 204) return null;
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  const text = found.detail ?? `The server answered ${answer.status}.`;
  throw new Refused(withWait(text, answer), answer.status, problemsIn(found));
}

/** @returns {Record<string, string>} */
function problemsIn({ errors = {} }) {
  return Object.fromEntries(Object.entries(errors).map(([name, reasons]) => [name, [reasons].flat().join(" ")]));
}

/** Send a request; one with a key, which makes repeats harmless, as often as needed. */
async function reach(method, path, { body, key, account }) {
  const mayRepeat = method === "GET" || key;
  for (let tries = mayRepeat ? TRIES : 1; ; tries -= 1) {
    try {
      return await fetch(API + path, {
        method, headers: headers(method, { key, account }), body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch {
      if (tries <= 1) throw new Refused("The server cannot be reached. Look at your orders before you repeat it.");
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function headers(method, { key, account }) {
  const found = { Accept: "application/json" };
  if (account) found["X-Account"] = account;
  if (method === "GET") return found;
  found["Content-Type"] = "application/json";
  found["X-CSRFToken"] = document.querySelector("[name=csrfmiddlewaretoken]").value;
  if (key) found["Idempotency-Key"] = key;
  return found;
}

function withWait(text, answer) {
  const seconds = answer.headers.get("Retry-After");
  return seconds && answer.status === 429 ? `${text} Try again in ${seconds} s.` : text;
}

/** Return a name for a request, new each time. */
export function newKey() {
  const numbers = crypto.getRandomValues(new Uint32Array(4));
  return `page-${[...numbers].map((number) => number.toString(36)).join("")}`;
}

/** Rows of a table of the API as objects. */
export function objects({ columns, rows }) {
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}
