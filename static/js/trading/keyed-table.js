// A table of records that change in place, so that focus and selection stay.

/**
 * @typedef {object} Column
 * @property {(record: object) => string | number} text
 * @property {(record: object) => number} [sign] for the colour
 * @property {(record: object) => string} [href] makes it a link
 * @property {string} [className]
 */

/**
 * @typedef {object} Action the last column: a button
 * @property {string} text
 * @property {(record: object) => string} label for screen readers
 * @property {(record: object) => void} act
 */

export class KeyedTable {
  #rows = new Map(); // key -> row
  #records = new Map(); // key -> record

  /**
   * @param {HTMLTableElement} table
   * @param {{key: (record: object) => unknown, columns: Column[], action?: Action, nothing: string}} options
   */
  constructor(table, { key, columns, action, nothing }) {
    Object.assign(this, { table, key, columns, action });
    this.body = table.tBodies[0];
    this.empty = this.#emptyRow(nothing);
    this.show([]);
  }

  /** Show these records in this order. */
  show(records) {
    this.#records = new Map(records.map((record) => [this.key(record), record]));
    const focused = [...this.#rows.values()].findIndex((row) => row.contains(document.activeElement));
    for (const [key, row] of this.#rows) if (!this.#records.has(key)) this.#remove(key, row);
    const rows = [...this.#records].map(([key, record]) => this.#update(key, record));
    const wanted = rows.length ? rows : [this.empty];
    if (rows.length) this.empty.remove();
    wanted.forEach((row, i) => this.body.rows[i] === row || this.body.insertBefore(row, this.body.rows[i] ?? null));
    this.#rows = new Map([...this.#records.keys()].map((key, i) => [key, rows[i]]));
    if (focused >= 0) this.#keepFocus(rows, focused);
  }

  #remove(key, row) {
    this.#rows.delete(key);
    row.remove();
  }

  /** After the row with the focus is gone, focus its successor, or else the region around. */
  #keepFocus(rows, index) {
    if (this.body.contains(document.activeElement)) return;
    const next = rows[Math.min(index, rows.length - 1)]?.querySelector("button, a");
    (next ?? this.table.closest("[tabindex]"))?.focus();
  }

  #update(key, record) {
    const row = this.#rows.get(key) ?? this.#newRow(key);
    this.columns.forEach(({ text, sign, href }, i) => {
      const place = row.cells[i].firstElementChild ?? row.cells[i];
      const content = String(text(record));
      if (place.textContent !== content) place.textContent = content;
      if (sign) row.cells[i].dataset.sign = Math.sign(sign(record));
      if (href) place.href = href(record);
    });
    row.querySelector("button")?.setAttribute("aria-label", this.action.label(record));
    return row;
  }

  #newRow(key) {
    const row = document.createElement("tr");
    this.columns.forEach(({ href, className = "" }, i) => {
      const cell = document.createElement(i === 0 ? "th" : "td");
      if (i === 0) cell.scope = "row";
      cell.className = className;
      if (href) cell.append(document.createElement("a"));
      row.append(cell);
    });
    if (this.action) row.insertCell().append(this.#button(key));
    return row;
  }

  #button(key) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: this.action.text });
    button.addEventListener("click", () => this.action.act(this.#records.get(key)));
    return button;
  }

  #emptyRow(text) {
    const row = document.createElement("tr");
    const cell = row.insertCell();
    Object.assign(cell, { colSpan: this.table.tHead.rows[0].cells.length, className: "nothing", textContent: text });
    return row;
  }
}
