// A table of records that change in place, so that focus and selection stay.

/**
 * @typedef {object} Column
 * @property {(record: object) => string | number} text
 * @property {(record: object) => number} [sign] for the colour
 * @property {(record: object) => string} [href] makes it a link
 * @property {string} [className]
 */

/**
 * @typedef {object} Action a button in the last column
 * @property {string} text
 * @property {(record: object) => string} label for screen readers
 * @property {(record: object) => void} act
 */

export class KeyedTable {
  #rows = new Map(); // key -> row
  #records = new Map(); // key -> record

  /**
   * @param {HTMLTableElement} table
   * @param {{key: (record: object) => unknown, columns: Column[], actions?: Action[], nothing: string}} options
   */
  constructor(table, { key, columns, actions = [], nothing }) {
    Object.assign(this, { table, key, columns, actions });
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

  /** Show a form in place of a row's cells, which go on changing behind it. */
  replace(key, form) {
    const row = this.#rows.get(key);
    const place = Object.assign(row.insertCell(), { className: "replacement", colSpan: row.cells.length - 1 });
    place.append(form);
    row.toggleAttribute("data-replaced", true);
  }

  /** Show the cells of a row again; if the focus was in the form, focus the first button. */
  restore(key) {
    const row = this.#rows.get(key);
    if (!row?.hasAttribute("data-replaced")) return;
    const hadFocus = row.contains(document.activeElement);
    row.querySelector(".replacement").remove();
    row.toggleAttribute("data-replaced", false);
    if (hadFocus) row.querySelector("button").focus();
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
    const buttons = row.cells[this.columns.length]?.querySelectorAll("button") ?? [];
    buttons.forEach((button, i) => button.setAttribute("aria-label", this.actions[i].label(record)));
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
    if (this.actions.length) row.insertCell().append(...this.actions.map((action) => this.#button(key, action)));
    return row;
  }

  #button(key, { text, act }) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    button.addEventListener("click", () => act(this.#records.get(key)));
    return button;
  }

  #emptyRow(text) {
    const row = document.createElement("tr");
    const cell = row.insertCell();
    Object.assign(cell, { colSpan: this.table.tHead.rows[0].cells.length, className: "nothing", textContent: text });
    return row;
  }
}
