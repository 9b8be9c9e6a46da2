// Closed bars in IndexedDB, so that a reload reads only what is missing.

const DATABASE = "orderflow";
const VERSION = 1;
const MOST_ROWS = 60_000; // of all instruments; beyond that everything is dropped

/**
 * A stretch that is held: opened_at in [from, to), and what the server needs to recognise it.
 * @typedef {[number, number, number | string]} Held
 */

/** Rows of the API by series, e.g. "ES 1m auto", and time. Without IndexedDB, in memory only. */
export class BarCache {
  #database = null;
  #memory = new Map(); // name -> {rows: Map, held}

  /** Open the database; the cache works in memory if that fails. */
  async open() {
    try {
      this.#database = await opened();
      const count = await answer(this.#database.transaction("rows").objectStore("rows").count());
      if (count > MOST_ROWS) await this.clear();
    } catch (error) {
      console.warn(`The cache of bars is off: ${error?.message ?? error}`);
      this.#database = null;
    }
    return this;
  }

  /** @returns {Promise<Held[]>} ascending */
  async held(name) {
    if (!this.#database) return this.#inMemory(name).held;
    const found = await answer(this.#database.transaction("held").objectStore("held").get(name));
    return found?.ranges ?? [];
  }

  /** Return the rows with from <= opened_at < to, ascending. */
  async rows(name, from, to) {
    if (!this.#database) {
      const all = [...this.#inMemory(name).rows.values()].sort((a, b) => a[0] - b[0]);
      return all.filter(([at]) => from <= at && at < to);
    }
    if (from >= to) return []; // a range of keys must not be empty
    const range = IDBKeyRange.bound([name, from], [name, to], false, true);
    const found = await answer(this.#database.transaction("rows").objectStore("rows").getAll(range));
    return found.map(({ row }) => row);
  }

  /**
   * Discard stale stretches, add rows and set what is held, all or nothing. Return false if the disk
   * is full: the cache is empty then, and continues in memory.
   * @param {string} name
   * @param {{rows: any[][], held: Held[], stale: number[][]}} news rows begin with opened_at
   */
  async store(name, { rows, held, stale }) {
    if (!this.#database) return this.#storeInMemory(name, { rows, held, stale });
    try {
      await this.#storeOnDisk(name, { rows, held, stale });
      return true;
    } catch (error) {
      console.warn(`The cache of bars is off: ${error?.message ?? error}`);
      this.#database = null;
      return false;
    }
  }

  async #storeOnDisk(name, { rows, held, stale }) {
    const change = this.#database.transaction(["rows", "held"], "readwrite");
    const store = change.objectStore("rows");
    for (const [from, to] of stale.filter(([from, to]) => from < to)) {
      store.delete(IDBKeyRange.bound([name, from], [name, to], false, true));
    }
    for (const row of rows) store.put({ name, at: row[0], row });
    change.objectStore("held").put({ name, ranges: held });
    await ended(change);
  }

  async clear() {
    this.#memory.clear();
    if (!this.#database) return;
    const change = this.#database.transaction(["rows", "held"], "readwrite");
    change.objectStore("rows").clear();
    change.objectStore("held").clear();
    await ended(change);
  }

  #inMemory(name) {
    if (!this.#memory.has(name)) this.#memory.set(name, { rows: new Map(), held: [] });
    return this.#memory.get(name);
  }

  #storeInMemory(name, { rows, held, stale }) {
    const own = this.#inMemory(name);
    for (const [from, to] of stale) {
      for (const at of own.rows.keys()) if (from <= at && at < to) own.rows.delete(at);
    }
    for (const row of rows) own.rows.set(row[0], row);
    own.held = held;
    return true;
  }
}

function opened() {
  const request = indexedDB.open(DATABASE, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("rows", { keyPath: ["name", "at"] });
    request.result.createObjectStore("held", { keyPath: "name" });
  };
  return answer(request);
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds an older version"));
  });
}

function ended(change) {
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve();
    change.onabort = change.onerror = () => reject(change.error);
  });
}
