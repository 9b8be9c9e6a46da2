// The newest trades, newest first.

import { clock } from "../clock.js";

const MOST = 50;
const SIDES = { buy: ["\u25B2", "bought"], sell: ["\u25BC", "sold"] };

export class TimeAndSales {
  #trades = []; // newest first
  #isDrawing = false;
  #own = new Set(); // seqs of trades of the account

  /**
   * @param {HTMLTableSectionElement} body
   * @param {object} format price(number) and quantity(number) as text
   */
  constructor(body, format) {
    Object.assign(this, { body, format });
    clock.addEventListener("change", () => this.#drawAll());
  }

  /** Add rows [seq, ms, price, quantity, side], ascending. */
  add(rows) {
    this.#trades = [...rows.slice(-MOST).reverse(), ...this.#trades].slice(0, MOST);
    this.#drawSoon();
  }

  clear() {
    this.#trades = [];
    this.#drawSoon();
  }

  /** Mark trades of the account. */
  set own(seqs) {
    this.#own = new Set(seqs);
    for (const row of this.body.rows) this.#mark(row);
  }

  #drawSoon() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#draw();
    });
  }

  /** Add rows for new trades on top and remove the oldest. */
  #draw() {
    const known = Number(this.body.rows[0]?.dataset.seq ?? 0);
    const isContinued = this.#trades.some(([seq]) => seq === known);
    if (!isContinued) return this.#drawAll();
    const fresh = this.#trades.filter(([seq]) => seq > known);
    this.body.prepend(...fresh.map((trade) => this.#row(trade)));
    while (this.body.rows.length > MOST) this.body.lastElementChild.remove();
  }

  #drawAll() {
    this.body.replaceChildren(...this.#trades.map((trade) => this.#row(trade)));
  }

  #row([seq, ms, price, quantity, side]) {
    const row = document.createElement("tr");
    Object.assign(row.dataset, { seq, side });
    const [arrow, word] = SIDES[side];
    const cells = [clock.format(ms, "second"), this.format.price(price), arrow, this.format.quantity(quantity)];
    cells.forEach((text) => row.append(Object.assign(document.createElement("td"), { textContent: text })));
    row.cells[2].className = "arrow";
    row.cells[2].ariaLabel = word;
    this.#mark(row);
    return row;
  }

  #mark(row) {
    row.toggleAttribute("data-own", this.#own.has(Number(row.dataset.seq)));
  }
}
