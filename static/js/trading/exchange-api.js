// Requests to the exchange as the account of this session.

const API = "/api/v1/";
const ANSWER_MS = 12_000; // the server itself waits 5 s for the exchange
const TRIES = 3; // of a request that may be repeated
const PAUSE_MS = 800;

/** The server refused a request; `message` is for people, `fields` names the wrong ones. */
export class Refused extends Error {
  constructor(message, status = 0, fields = []) {
    super(message);
    Object.assign(this, { status, fields });
  }
}

/** Call the API; raise Refused, also if the server cannot be reached. */
export async function call(method, path, { body, key } = {}) {
  const answer = await reach(method, path, { body, key });
  if (answer.status === 204) return null;
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  const text = found.detail ?? `The server answered ${answer.status}.`;
  throw new Refused(withWait(text, answer), answer.status, Object.keys(found.errors ?? {}));
}

/** Send a request; one with a key, which makes repeats harmless, as often as needed. */
async function reach(method, path, { body, key }) {
  const mayRepeat = method === "GET" || key;
  for (let tries = mayRepeat ? TRIES : 1; ; tries -= 1) {
    try {
      return await fetch(API + path, {
        method, headers: headers(method, key), body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch {
      if (tries <= 1) throw new Refused("The server cannot be reached. Look at your orders before you repeat it.");
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function headers(method, key) {
  const found = { Accept: "application/json" };
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
