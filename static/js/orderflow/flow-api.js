// The order flow of one instrument, read from the API.

const ANSWER_MS = 30_000;
const MOST_PAGES = 40;

export class FlowApi {
  /** @param {string} symbol */
  constructor(symbol) {
    this.symbol = symbol;
    this.path = `/api/v1/instruments/${encodeURIComponent(symbol)}/`;
  }

  /** Return the answer of an address below the instrument; raise the detail of a problem. */
  async read(address, query = {}) {
    const wanted = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const path = `${this.path}${address}/?${new URLSearchParams(wanted)}`;
    const answer = await fetch(path, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.ok) return answer.json();
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? `${path} answered ${answer.status}`);
  }

  /** Return all rows of a table, page after page, until `most` of them. */
  async readAll(address, query, most = Infinity) {
    const rows = [];
    for (let page = 0, cursor = null; page < MOST_PAGES; page += 1) {
      const table = await this.read(address, { ...query, cursor });
      rows.push(...table.rows);
      cursor = table.next_cursor;
      if (!cursor || rows.length >= most) break;
    }
    return rows;
  }

  /** Trades with start <= at < end (epoch ms): rows seq, at, price, quantity, side. */
  trades(start, end, most) {
    return this.readAll("trades", { start, end, limit: 10_000 }, most);
  }

  /** Changes of the book with start <= at < end: rows seq, at, side, price, quantity. */
  bookChanges(start, end) {
    return this.readAll("book/changes", { start, end, limit: 10_000 });
  }
}
