// Marks of the account's executions on the candle chart.

import { createSeriesMarkers } from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { colour, onThemeChange } from "../theme.js";

export class Fills {
  #executions = [];

  /** @param {import("../chart.js").Chart} chart */
  constructor(chart, symbol) {
    Object.assign(this, { chart, symbol });
    this.markers = createSeriesMarkers(chart.candles, []);
    chart.addEventListener("settled", () => this.#draw());
    onThemeChange(() => this.#draw());
  }

  show(executions) {
    this.#executions = executions.filter(({ symbol }) => symbol === this.symbol);
    this.#draw();
  }

  #draw() {
    const { candles } = this.chart.series;
    const [up, down] = [colour("--up"), colour("--down")];
    const marks = this.#executions.flatMap(({ at, side, quantity }) => {
      const candle = candles[this.chart.series.indexAt(at)];
      if (!candle) return [];
      const isBuy = side === "buy";
      return [{
        time: candle.time, position: isBuy ? "belowBar" : "aboveBar", shape: isBuy ? "arrowUp" : "arrowDown",
        color: isBuy ? up : down, text: String(quantity),
      }];
    });
    this.markers.setMarkers(marks.sort((a, b) => a.time - b.time));
  }
}
