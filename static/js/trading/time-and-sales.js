// The newest trades, newest first.

const MOST = 50;

export class TimeAndSales {
  #waiting = [];
  #drawing = false;

  /**
   * @param {HTMLTableSectionElement} body
   * @param {object} format price(number), quantity(number) and time(ms) as text
   */
  constructor(body, format) {
    Object.assign(this, { body, format });
  }

  /** Add rows [seq, ms, price, quantity, side], ascending. */
  add(rows) {
    this.#waiting.push(...rows.slice(-MOST));
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#drawing = false;
    const fresh = this.#waiting.splice(0).slice(-MOST).reverse();
    this.body.prepend(...fresh.map((trade) => this.#row(trade)));
    while (this.body.rows.length > MOST) this.body.lastElementChild.remove();
  }

  #row([, ms, price, quantity, side]) {
    const row = document.createElement("tr");
    row.dataset.side = side;
    for (const text of [this.format.time(ms), this.format.price(price), this.format.quantity(quantity)]) {
      row.append(Object.assign(document.createElement("td"), { textContent: text }));
    }
    return row;
  }
}
