// The newest trades, newest first.

import { clock } from "../clock.js";
import { joinFills } from "./order-fills.js";

const MOST = 50;
const MOST_FILLS = 500; // kept to be joined
const SIDES = { buy: { arrow: "\u25B2", word: "bought" }, sell: { arrow: "\u25BC", word: "sold" } };

/** Rows stay in place and only their texts change, so that nothing on the page shifts. */
export class TimeAndSales {
  #fills = []; // ascending
  #joins = false;
  #isDrawing = false;
  #own = new Set(); // seqs of trades of the account

  /**
   * @param {HTMLTableSectionElement} body
   * @param {object} format price(number) and quantity(number) as text
   */
  constructor(body, format) {
    Object.assign(this, { body, format });
    this.rows = Array.from({ length: MOST }, () => this.#newRow());
    clock.addEventListener("change", () => this.#drawSoon());
  }

  /** Add rows [seq, ms, price, quantity, side], ascending. */
  add(rows) {
    this.#fills = [...this.#fills, ...rows.slice(-MOST_FILLS)].slice(-MOST_FILLS);
    this.#drawSoon();
  }

  clear() {
    this.#fills = [];
    this.#drawSoon();
  }

  /** Whether the fills of one order are shown as one trade. */
  set joins(joins) {
    this.#joins = joins;
    this.#drawSoon();
  }

  /** Mark trades of the account. */
  set own(seqs) {
    this.#own = new Set(seqs);
    this.#drawSoon();
  }

  #newRow() {
    const row = this.body.insertRow();
    const [time, price, side, quantity] = Array.from({ length: 4 }, () => row.insertCell());
    side.className = "arrow";
    return { row, time, price, side, quantity };
  }

  #drawSoon() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      const trades = (this.#joins ? joinFills(this.#fills) : this.#fills).slice(-MOST).reverse();
      this.rows.forEach((cells, i) => this.#draw(cells, trades[i]));
    });
  }

  #draw({ row, time, price, side, quantity }, trade) {
    const [seq, ms, paid, size, taker] = trade ?? [];
    row.hidden = !trade;
    row.toggleAttribute("data-own", this.#own.has(seq));
    if (!trade) return;
    row.dataset.side = taker;
    set(time, clock.format(ms, "second"));
    set(price, this.format.price(paid));
    set(side, SIDES[taker].arrow);
    side.ariaLabel = SIDES[taker].word;
    set(quantity, this.format.quantity(size));
  }
}

function set(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}
