// The values of a candle as text for the line over the chart, the table and screen readers.

import { TIMEFRAMES } from "./candle-series.js";
import { clock } from "./clock.js";

const NONE = "–";
const MINUS = "\u2212";

export class CandleValues {
  /**
   * @param {HTMLElement} element holds elements with data-value
   * @param {import("./chart.js").Chart} chart
   */
  constructor(element, chart, precision) {
    Object.assign(this, { element, chart, precision });
    this.zone = element.querySelector("[data-zone]");
  }

  /** Show a candle; null shows the last visible one. */
  show(index) {
    const { chart } = this;
    const candle = chart.series.candles[index ?? chart.visible?.to ?? -1];
    const texts = candle ? this.#texts(candle) : {};
    for (const place of this.element.querySelectorAll("[data-value]")) {
      const text = texts[place.dataset.value] ?? NONE;
      if (place.textContent !== text) place.textContent = text;
    }
    if (this.zone.textContent !== clock.name) this.zone.textContent = clock.name;
  }

  cells(candle) {
    return Object.values(this.#texts(candle));
  }

  describe(candle) {
    const { time, open, high, low, close } = this.#texts(candle);
    const way = candle.close === candle.open ? "unchanged" : candle.close > candle.open ? "up" : "down";
    return `${time}, ${way}, open ${open}, high ${high}, low ${low}, close ${close}`;
  }

  #texts(candle) {
    const price = (value) => value.toFixed(this.precision);
    return {
      time: clock.format(candle.openedAt, "full"),
      open: price(candle.open),
      high: price(candle.high),
      low: price(candle.low),
      close: price(candle.close),
      count: String(candle.count),
      phi: this.#phi(candle),
    };
  }

  /** The persistence at the middle of a candle; for the newest candle, the current one. */
  #phi(candle) {
    const { series, band } = this.chart;
    const isOpen = series.isLive && candle === series.last;
    const middle = candle.openedAt + (TIMEFRAMES.get(series.timeframe) * 1000) / 2;
    const regime = (isOpen && band.newest) || band.at(middle);
    return regime ? regime.phi.toFixed(2).replace("-", MINUS) : NONE;
  }
}
