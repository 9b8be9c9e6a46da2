// A layer of drawings on the pane of the footprint: a primitive of lightweight-charts.

/**
 * @typedef {object} Frame the mapping of bars and prices to bitmap pixels
 * @property {CanvasRenderingContext2D} context
 * @property {number} width of the pane
 * @property {number} height of the pane
 * @property {number} ratio bitmap pixels per pixel, across
 * @property {number} vertical the same, down
 * @property {number} spacing distance between bars
 * @property {number} tickPx height of a tick
 * @property {(index: number) => number} x middle of a bar; indices may be fractions
 * @property {(ticks: number) => number} y middle of a price
 */

/** Subclasses paint in `paint(frame)`. */
export class Layer {
  #views;
  #chart = null;
  #series = null;
  #requestUpdate = () => {};

  /**
   * @param {object} look settings, palette, texts, sizes and bars()
   * @param {"bottom" | "normal" | "top"} zOrder
   */
  constructor(look, zOrder) {
    this.look = look;
    this.#views = [{ zOrder: () => zOrder, renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  attached({ chart, series, requestUpdate }) {
    this.#chart = chart;
    this.#series = series;
    this.#requestUpdate = requestUpdate;
  }

  detached() {
    this.#chart = null;
    this.#requestUpdate = () => {};
  }

  updateAllViews() {}

  paneViews() {
    return this.#views;
  }

  redraw() {
    this.#requestUpdate();
  }

  #draw(target) {
    const last = this.look.bars().at(-1);
    if (!this.#chart || !last) return;
    const scale = this.#chart.timeScale();
    const origin = scale.logicalToCoordinate(0);
    const { tickSize } = this.look.sizes;
    const at = this.#series.priceToCoordinate(last.close * tickSize);
    const above = this.#series.priceToCoordinate((last.close + 1) * tickSize);
    if (origin === null || at === null || above === null) return;
    const perBar = scale.logicalToCoordinate(1) - origin;
    target.useBitmapCoordinateSpace((space) => {
      const { context, bitmapSize, horizontalPixelRatio: ratio, verticalPixelRatio: vertical } = space;
      context.save();
      this.paint({
        context, ratio, vertical, width: bitmapSize.width, height: bitmapSize.height,
        spacing: perBar * ratio, tickPx: (at - above) * vertical,
        x: (index) => (origin + index * perBar) * ratio,
        y: (ticks) => (at - (ticks - last.close) * (at - above)) * vertical,
      });
      context.restore();
    });
  }

  /** @param {Frame} _frame */
  paint(_frame) {}
}
