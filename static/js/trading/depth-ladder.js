// The price ladder: resting quantity and own orders at each price around the last one.

const HALF = 10; // rows above and below the centre
const PAGE = 10; // prices per Page Up or Page Down
const SLACK = 4; // rows that the price may move before the ladder follows it

/**
 * Events: "pick" {ticks, side}: the user chose a price on a side; "withdraw" {ticks}: cancel the
 * own orders there.
 */
export class DepthLadder extends EventTarget {
  #centre = null;
  #cursor = null; // the selected price in ticks
  #isHeld = false; // the user moved the ladder away from the price
  #drawing = false;

  /**
   * @param {HTMLElement} element a table with a body
   * @param {import("./order-book.js").OrderBook} book
   * @param {object} format price(ticks) and quantity(number) as text
   */
  constructor(element, book, format) {
    super();
    Object.assign(this, { element, book, format });
    this.last = null;
    this.own = new Map(); // ticks -> {buy, sell} quantities of own orders
    this.body = element.tBodies[0];
    this.rows = Array.from({ length: 2 * HALF + 1 }, () => this.#row());
    this.body.replaceChildren(...this.rows.map(({ row }) => row));
    this.element.tabIndex = 0;
    this.element.addEventListener("keydown", (event) => this.#press(event));
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #row() {
    const row = document.createElement("tr");
    const cells = Object.fromEntries(["mine-buy", "bid", "price", "ask", "mine-sell"].map((name) => {
      const cell = document.createElement(name === "price" ? "th" : "td");
      cell.className = name;
      if (name === "price") cell.scope = "row";
      row.append(cell);
      return [name, cell];
    }));
    const found = { row, cells, ticks: 0 };
    cells.bid.addEventListener("click", () => this.#emit("pick", { ticks: found.ticks, side: "buy" }));
    cells.ask.addEventListener("click", () => this.#emit("pick", { ticks: found.ticks, side: "sell" }));
    for (const name of ["mine-buy", "mine-sell"]) {
      cells[name].addEventListener("click", () => {
        if (cells[name].textContent) this.#emit("withdraw", { ticks: found.ticks });
      });
    }
    return found;
  }

  /** Draw in the next animation frame. */
  refresh() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  /** Follow the price again. */
  recentre() {
    this.#isHeld = false;
    this.#cursor = null;
    this.#centre = null;
    this.refresh();
  }

  get #middle() {
    const [bid, ask] = [this.book.best("bids"), this.book.best("asks")];
    if (this.last !== null) return this.last;
    return bid !== null && ask !== null ? Math.round((bid + ask) / 2) : bid ?? ask;
  }

  #draw() {
    const middle = this.#middle;
    if (middle === null) return;
    const isFar = this.#centre === null || Math.abs(middle - this.#centre) > HALF - SLACK;
    if (isFar && !this.#isHeld) this.#centre = middle;
    const most = this.book.largest(this.#centre - HALF, this.#centre + HALF) || 1;
    this.rows.forEach((found, i) => this.#drawRow(found, this.#centre + HALF - i, most));
  }

  #drawRow(found, ticks, most) {
    const { row, cells } = found;
    found.ticks = ticks;
    row.hidden = ticks < 1;
    row.toggleAttribute("data-last", ticks === this.last);
    row.toggleAttribute("data-cursor", ticks === this.#cursor);
    set(cells.price, this.format.price(ticks));
    for (const [name, side] of [["bid", "bids"], ["ask", "asks"]]) {
      const quantity = this.book.quantity(side, ticks);
      set(cells[name], quantity ? this.format.quantity(quantity) : "");
      cells[name].style.setProperty("--share", quantity / most);
    }
    const own = this.own.get(ticks);
    for (const [name, side] of [["mine-buy", "buy"], ["mine-sell", "sell"]]) {
      set(cells[name], own?.[side] ? this.format.quantity(own[side]) : "");
    }
  }

  // Keyboard and wheel.

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowUp: () => this.#move(1),
      ArrowDown: () => this.#move(-1),
      PageUp: () => this.#move(PAGE),
      PageDown: () => this.#move(-PAGE),
      Home: () => this.recentre(),
      b: () => this.#pick("buy"),
      s: () => this.#pick("sell"),
      Delete: () => this.#cursor !== null && this.#emit("withdraw", { ticks: this.#cursor }),
      Escape: () => this.recentre(),
    };
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #move(count) {
    if (this.#centre === null) return;
    this.#isHeld = true;
    this.#cursor = Math.max(1, (this.#cursor ?? this.#middle) + count);
    if (Math.abs(this.#cursor - this.#centre) > HALF) this.#centre += Math.sign(count) * Math.abs(count);
    this.#emit("cursor", { ticks: this.#cursor });
    this.refresh();
  }

  #pick(side) {
    this.#emit("pick", { ticks: this.#cursor ?? this.#middle, side });
  }

  #wheel(event) {
    if (this.#centre === null) return;
    event.preventDefault();
    this.#isHeld = true;
    this.#centre = Math.max(HALF, this.#centre - Math.sign(event.deltaY));
    this.refresh();
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function set(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}
