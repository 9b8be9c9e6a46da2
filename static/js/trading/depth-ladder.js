// The price ladder: resting quantity and own orders at each price around the last one.

import { bindRowScroll } from "./row-scroll.js";

const FEWEST_ROWS = 9;
const PAGE = 10; // prices per Page Up or Page Down
const QUIET_MS = 3_000; // after the pointer moved, until the ladder follows the price again
const CELLS = ["mine-buy", "bid", "price", "ask", "mine-sell"];
const SIDES = { bid: "buy", ask: "sell" };

/**
 * Rows stay where they are while the user aims at them. Events: "pick" {ticks, side}: the user chose
 * a price and a side; "withdraw" {ticks}: cancel the own orders there; "cursor" {ticks}: moved.
 */
export class DepthLadder extends EventTarget {
  #centre = null;
  #isHeld = false; // the user chose what to look at
  #movedAt = -Infinity; // the pointer, over the ladder
  #pressed = null; // ticks under the pointer when it went down
  #isDrawing = false;
  /** @type {{row: HTMLTableRowElement, cells: Record<string, HTMLElement>, ticks: number}[]} */
  #rows = [];
  cursor = null; // the selected price in ticks
  last = null; // the last price in ticks
  own = new Map(); // ticks -> {buy, sell: text of own orders}

  /**
   * @param {HTMLElement} frame an element of fixed height around a table
   * @param {import("./order-book.js").OrderBook} book
   * @param {object} format price(ticks) and quantity(number) as text
   */
  constructor(frame, book, format) {
    super();
    Object.assign(this, { frame, book, format });
    this.table = frame.querySelector("table");
    this.body = this.table.tBodies[0];
    new ResizeObserver(() => this.#fill()).observe(frame);
    this.#fill();
    this.#listen();
  }

  #listen() {
    this.body.addEventListener("pointerdown", ({ target }) => (this.#pressed = this.#rowOf(target)?.ticks));
    this.body.addEventListener("click", (event) => this.#click(event));
    this.body.addEventListener("pointermove", () => (this.#movedAt = performance.now()), { passive: true });
    this.body.addEventListener("pointerleave", () => (this.#movedAt = -Infinity));
    bindRowScroll(this.frame, {
      heightPx: () => this.#rows[0].row.offsetHeight || Infinity,
      canScroll: (direction) => this.#canScroll(direction),
      scroll: (rows) => this.#scroll(rows),
    });
  }

  // Rows.

  /** Make as many rows as fit. */
  #fill() {
    if (this.#rows.length === 0) this.#addRow();
    const { height } = this.#rows[0].row.getBoundingClientRect();
    const space = this.frame.clientHeight - this.table.tHead.offsetHeight;
    const wanted = Math.max(FEWEST_ROWS, Math.floor(space / (height || Infinity)));
    while (this.#rows.length < wanted) this.#addRow();
    while (this.#rows.length > wanted) this.#rows.pop().row.remove();
    this.refresh();
  }

  #addRow() {
    const row = this.body.insertRow();
    const cells = Object.fromEntries(CELLS.map((name) => {
      const cell = document.createElement(name === "price" ? "th" : "td");
      cell.className = name;
      if (name === "price") cell.scope = "row";
      row.append(cell);
      return [name, cell];
    }));
    this.#rows.push({ row, cells, ticks: 0 });
  }

  #rowOf(element) {
    const row = element.closest("tr");
    return this.#rows.find((found) => found.row === row);
  }

  /** Rows on either side of the one in the middle. */
  get #half() {
    return (this.#rows.length - 1) >> 1;
  }

  get #middle() {
    if (this.last !== null) return this.last;
    const [bid, ask] = [this.book.best("bids"), this.book.best("asks")];
    return bid !== null && ask !== null ? Math.round((bid + ask) / 2) : bid ?? ask;
  }

  // Drawing.

  /** Draw in the next animation frame. */
  refresh() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#draw();
    });
  }

  #draw() {
    const middle = this.#middle;
    if (middle === null) return;
    this.#follow(middle);
    const top = this.#centre + this.#half;
    const best = { bids: this.book.best("bids"), asks: this.book.best("asks") };
    const most = this.book.largest(top - this.#rows.length + 1, top) || 1;
    this.#rows.forEach((found, i) => this.#drawRow(found, top - i, best, most));
  }

  /** Keep the price in the middle part, unless the user aims at a row. */
  #follow(middle) {
    const away = this.#centre === null ? Infinity : Math.abs(middle - this.#centre);
    const isAiming = performance.now() - this.#movedAt < QUIET_MS;
    const mayMove = this.#centre === null || !(this.#isHeld || isAiming);
    if (away > this.#half / 2 && mayMove) this.#centre = Math.max(middle, this.#half + 1);
    this.frame.toggleAttribute("data-away", Math.abs(middle - this.#centre) > this.#half);
  }

  #drawRow(found, ticks, best, most) {
    const { row, cells } = found;
    found.ticks = ticks;
    row.toggleAttribute("data-last", ticks === this.last);
    row.toggleAttribute("data-cursor", ticks === this.cursor);
    set(cells.price, ticks < 1 ? "" : this.format.price(ticks));
    for (const [name, side] of [["bid", "bids"], ["ask", "asks"]]) {
      const quantity = this.book.quantity(side, ticks);
      set(cells[name], quantity ? this.format.quantity(quantity) : "");
      cells[name].style.setProperty("--share", (quantity / most).toFixed(3));
      cells[name].toggleAttribute("data-best", ticks === best[side]);
    }
    const own = this.own.get(ticks);
    set(cells["mine-buy"], own?.buy ?? "");
    set(cells["mine-sell"], own?.sell ?? "");
  }

  // What the user does.

  /** Follow the price again, beginning with it in the middle. */
  recentre() {
    this.#centre = this.cursor = null;
    this.#isHeld = false;
    this.refresh();
  }

  /** Follow the price again if the user had moved away from it. */
  release() {
    if (this.#isHeld) this.recentre();
  }

  /** Move the cursor by prices; the first move selects the last price. */
  move(count) {
    const middle = this.#middle;
    if (middle === null || this.#centre === null) return;
    this.#isHeld = true;
    this.cursor = this.cursor === null ? middle : Math.max(1, this.cursor + count);
    const beyond = Math.abs(this.cursor - this.#centre) - this.#half;
    if (beyond > 0) this.#centre += Math.sign(this.cursor - this.#centre) * beyond;
    this.#emit("cursor", { ticks: this.cursor });
    this.refresh();
  }

  page(direction) {
    this.move(direction * PAGE);
  }

  /** Choose a side at the cursor; without a cursor, select the last price only. */
  pick(side) {
    if (this.cursor === null) this.move(0);
    else this.#emit("pick", { ticks: this.cursor, side, byKey: true });
  }

  withdraw() {
    if (this.cursor !== null) this.#emit("withdraw", { ticks: this.cursor });
  }

  #click({ target, detail: clicks }) {
    const found = this.#rowOf(target);
    const name = target.closest("td, th")?.className;
    const isSteady = clicks === 0 || found?.ticks === this.#pressed; // else the rows moved in between
    if (!found || found.ticks < 1 || clicks > 1 || !isSteady) return;
    if (name in SIDES) this.#emit("pick", { ticks: found.ticks, side: SIDES[name], byKey: false });
    else if (name.startsWith("mine") && target.textContent) this.#emit("withdraw", { ticks: found.ticks });
  }

  /** Whether there are prices with orders further down (1) or up (-1). */
  #canScroll(direction) {
    if (this.#centre === null) return false;
    const [lowest, highest] = this.#ends;
    return direction > 0 ? this.#centre > lowest : this.#centre < highest;
  }

  #scroll(rows) {
    const [lowest, highest] = this.#ends;
    this.#isHeld = true;
    this.#centre = Math.min(highest, Math.max(lowest, this.#centre - rows));
    this.refresh();
  }

  /** Between which prices the middle can be scrolled: those of all orders, and what is shown now. */
  get #ends() {
    const prices = [...this.own.keys(), ...this.book.ends, this.#middle, this.#centre];
    return [Math.max(this.#half + 1, Math.min(...prices)), Math.max(...prices)];
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function set(cell, text) {
  if (cell.textContent !== text) cell.textContent = text;
}
