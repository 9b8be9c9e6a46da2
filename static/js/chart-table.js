// The visible candles as a table, newest first.

const MOST_ROWS = 500;
const REFRESH_MS = 1_000;

export class ChartTable {
  #refreshing = 0;

  /**
   * @param {HTMLElement} region holds a caption, a head and a body of a table
   * @param {import("./chart.js").Chart} chart
   * @param {(candle: object) => string[]} cells of a row: time, open, high, low, close, ticks, phi
   */
  constructor(region, chart, cells) {
    Object.assign(this, { region, chart, cells });
    this.titles = region.querySelector("thead tr");
    this.body = region.querySelector("tbody");
    this.caption = region.querySelector("caption");
    this.fixedColumns = this.titles.cells.length;
    chart.addEventListener("settled", () => this.refresh());
  }

  get isOpen() {
    return !this.region.hidden;
  }

  toggle() {
    this.region.hidden = this.isOpen;
    if (this.isOpen) {
      this.#write();
      this.region.focus({ preventScroll: true });
    }
  }

  /** Render the table again soon, if it is open. */
  refresh() {
    if (!this.isOpen || this.#refreshing) return;
    this.#refreshing = setTimeout(() => {
      this.#refreshing = 0;
      if (this.isOpen) this.#write();
    }, REFRESH_MS);
  }

  #write() {
    const { chart, chart: { overlays, visible } } = this;
    const seen = visible ? chart.series.candles.slice(visible.from, visible.to + 1) : [];
    const shown = seen.slice(-MOST_ROWS).reverse();
    const left = seen.length - shown.length;
    this.caption.textContent = `${shown.length} candles on the screen`
      + (left ? `, without the ${left} oldest: zoom in to see them` : "");
    while (this.titles.cells.length > this.fixedColumns) this.titles.lastElementChild.remove();
    overlays.forEach(({ title }) => this.titles.append(cell("th", title, { scope: "col" })));
    this.body.replaceChildren(...shown.map((candle) => this.#row(candle, overlays)));
  }

  #row(candle, overlays) {
    const row = document.createElement("tr");
    const [time, ...numbers] = this.cells(candle);
    const values = overlays.map((overlay) => overlay.at(candle)?.toFixed(3).replace("-", "\u2212") ?? "–");
    row.append(cell("th", time, { scope: "row" }));
    row.append(...[...numbers, ...values].map((text) => cell("td", text)));
    return row;
  }
}

function cell(name, text, attributes = {}) {
  const element = document.createElement(name);
  element.textContent = text;
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  return element;
}
