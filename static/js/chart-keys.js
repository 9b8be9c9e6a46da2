// Keyboard control: moves the cursor over the candles and the view over the history.

const ZOOM = 1.25;
const LEAPS = 10;
const FEWEST = 5; // candles on the screen

/** @typedef {import("./chart.js").Chart} Chart */

export class ChartKeys {
  #cursor = null; // openedAt of the candle under the cross-hair, or null

  /**
   * @param {Chart} chart
   * @param {object} actions what the page does: first(), newest(), help(), table()
   * @param {(text: string) => void} say
   * @param {(candle: object) => string} describe
   */
  constructor(chart, actions, say, describe) {
    Object.assign(this, { chart, actions, say, describe });
    this.keys = {
      ArrowLeft: ({ shiftKey }) => this.step(shiftKey ? -LEAPS : -1),
      ArrowRight: ({ shiftKey }) => this.step(shiftKey ? LEAPS : 1),
      ArrowUp: () => this.zoom(1 / ZOOM),
      ArrowDown: () => this.zoom(ZOOM),
      PageUp: () => this.page(-1),
      PageDown: () => this.page(1),
      Home: () => actions.first(),
      End: () => actions.newest(),
      "+": () => this.zoom(1 / ZOOM),
      "=": () => this.zoom(1 / ZOOM),
      "-": () => this.zoom(ZOOM),
      _: () => this.zoom(ZOOM),
      h: () => actions.help(),
      "?": () => actions.help(),
      t: () => actions.table(),
      Escape: () => this.drop(),
    };
    chart.element.addEventListener("keydown", (event) => this.#press(event));
    chart.element.addEventListener("blur", () => this.drop());
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.keys[event.key] ?? this.keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(event);
  }

  /** Move the cursor by `n` candles, starting from the newest visible one. */
  step(count) {
    const { chart } = this;
    const { visible, series: { candles } } = chart;
    if (!visible) return;
    const at = this.#cursor === null ? null : chart.series.indexAt(this.#cursor);
    const wanted = at === null || at < 0 ? visible.to : at + count;
    const index = Math.min(candles.length - 1, Math.max(0, wanted));
    this.#cursor = candles[index].openedAt;
    if (index < visible.from) this.#scroll(index - visible.from);
    if (index > visible.to) this.#scroll(index - visible.to);
    chart.point(index);
    this.say(this.describe(candles[index]));
  }

  drop() {
    if (this.#cursor === null) return;
    this.#cursor = null;
    this.chart.point(null);
  }

  page(direction) {
    const { view } = this.chart;
    if (!view) return;
    this.#scroll(direction * Math.max(1, Math.floor(view.to - view.from)));
    this.tell();
  }

  zoom(factor) {
    const { view } = this.chart;
    if (!view) return;
    const width = Math.max(FEWEST, (view.to - view.from) * factor);
    this.chart.view = { from: view.to - width, to: view.to }; // keep the right edge
    this.tell();
  }

  /** Announce the visible range after the next frame, which applies the view. */
  tell() {
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const { visible, series: { candles } } = this.chart;
      if (!visible) return;
      const seen = candles.slice(visible.from, visible.to + 1);
      this.say(`${seen.length} candles. ${this.describe(seen.at(-1))}`);
    }));
  }

  /** Move the view within the first and the newest candle. */
  #scroll(count) {
    const { chart } = this;
    const { view, series: { candles } } = chart;
    const least = -view.from - (view.to - view.from) / 2;
    const most = Math.max(0, candles.length + 5 - view.to);
    const by = Math.min(most, Math.max(least, count));
    chart.view = { from: view.from + by, to: view.to + by };
  }
}
