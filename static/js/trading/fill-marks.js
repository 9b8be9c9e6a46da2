// Marks of the account's executions on the candle chart.

import { createSeriesMarkers } from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { TIMEFRAMES } from "../candle-series.js";
import { colour, onThemeChange } from "../theme.js";

const SHAPES = {
  buy: { position: "belowBar", shape: "arrowUp", token: "--up" },
  sell: { position: "aboveBar", shape: "arrowDown", token: "--down" },
};

export class FillMarks {
  #executions = [];
  #drawn = ""; // what the marks were made from

  /**
   * @param {import("../chart.js").Chart} chart
   * @param {(quantity: number) => string} quantityText
   */
  constructor(chart, quantityText) {
    Object.assign(this, { chart, quantityText });
    this.markers = createSeriesMarkers(chart.candles, []);
    chart.addEventListener("settled", () => this.draw());
    onThemeChange(() => this.#redraw());
  }

  /** @param {object[]} executions of the chart's instrument */
  show(executions) {
    this.#executions = executions;
    this.#redraw();
  }

  #redraw() {
    this.#drawn = "";
    this.draw();
  }

  /** Draw again if the candles are others. */
  draw() {
    const { timeframe, candles, first, last } = this.chart.series;
    const basis = `${timeframe} ${candles.length} ${first?.time} ${last?.time}`;
    if (basis === this.#drawn) return;
    this.#drawn = basis;
    const marks = [...this.#sums().values()].map((sum) => this.#mark(sum));
    this.markers.setMarkers(marks.sort((a, b) => a.time - b.time));
    this.chart.element.dataset.fills = marks.length;
  }

  /** Quantities by candle and side. */
  #sums() {
    const { series } = this.chart;
    const sums = new Map();
    for (const { at, side, quantity } of this.#executions) {
      const candle = series.candles[series.indexAt(at)];
      const isInside = candle && at < candle.openedAt + TIMEFRAMES.get(series.timeframe) * 1000;
      if (!isInside) continue; // older than the candles, or its own has not begun
      const key = `${candle.time} ${side}`;
      const sum = sums.get(key) ?? { time: candle.time, side, quantity: 0 };
      sums.set(key, { ...sum, quantity: sum.quantity + quantity });
    }
    return sums;
  }

  #mark({ time, side, quantity }) {
    const { token, ...shape } = SHAPES[side];
    return { ...shape, time, color: colour(token), text: this.quantityText(quantity) };
  }
}
