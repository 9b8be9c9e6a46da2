// The last price and its change, in a row of the watchlist or the heading of a page.

const MINUS = "\u2212";

function signed(value, text) {
  if (value === 0) return text;
  return (value > 0 ? "+" : MINUS) + text;
}

/** An element with data-precision and data-base that contains .last, .absolute and .percent. */
export class QuoteLine {
  #pending = null;

  constructor(element) {
    this.element = element;
    this.precision = Number(element.dataset.precision);
    this.lastSeq = Number(element.dataset.lastSeq);
    this.base = element.dataset.base ? Number(element.dataset.base) : null;
    this.last = element.querySelector(".last");
    this.price = Number(this.last.textContent);
  }

  /** Add ticks [seq, ms, price]; the next paint() shows them. */
  take(rows) {
    const newest = rows.at(-1);
    if (newest[0] <= this.lastSeq) return;
    this.lastSeq = newest[0];
    this.#pending = newest[2];
  }

  paint() {
    if (this.#pending === null) return;
    const price = this.#pending;
    this.#pending = null;
    this.element.dataset.lastSeq = this.lastSeq;
    if (price === this.price) return;
    this.#flash(price > this.price ? "tick-up" : "tick-down");
    this.price = price;
    this.last.textContent = price.toFixed(this.precision);
    this.#paintChange();
  }

  #paintChange() {
    this.base ??= this.price;
    const change = this.price - this.base;
    const percent = (100 * change) / this.base;
    this.element.dataset.direction = change === 0 ? "flat" : change > 0 ? "up" : "down";
    const set = (name, text) => (this.element.querySelector(name).textContent = text);
    set(".absolute", signed(change, Math.abs(change).toFixed(this.precision)));
    set(".percent", `${signed(change, Math.abs(percent).toFixed(2))} %`);
  }

  #flash(name) {
    this.last.getAnimations({ subtree: true }).forEach((animation) => animation.cancel());
    this.last.classList.remove("tick-up", "tick-down");
    requestAnimationFrame(() => this.last.classList.add(name));
  }
}
