// The values of a bar as text for the line over the chart, the tables and screen readers.

import { clock } from "../clock.js";
import { absorptions } from "./absorption.js";
import { stackedImbalances } from "./imbalances.js";
import { unfinishedAuctions } from "./unfinished-auctions.js";

const NONE = "–";

export class BarValues {
  /**
   * @param {HTMLElement} element holds elements with data-value
   * @param {import("./flow-chart.js").FlowChart} chart
   * @param {number} precision decimals of prices
   */
  constructor(element, chart, precision) {
    Object.assign(this, { element, chart, precision });
    this.zone = element.querySelector("[data-zone]");
  }

  /** Show a bar; null shows the last visible one. */
  show(index) {
    const { chart } = this;
    const bar = chart.series.candles[index ?? chart.visible?.to ?? -1];
    const texts = bar ? this.#texts(bar) : {};
    for (const place of this.element.querySelectorAll("[data-value]")) {
      const text = texts[place.dataset.value] ?? NONE;
      if (place.textContent !== text) place.textContent = text;
      if (bar && place.dataset.value === "delta") place.dataset.sign = Math.sign(bar.delta);
    }
    if (this.zone.textContent !== clock.name) this.zone.textContent = clock.name;
  }

  /** Texts of the cells of a row of the table. */
  cells(bar) {
    const { time, open, high, low, close, volume, delta, deltaMin, deltaMax, trades, poc, value } = this.#texts(bar);
    return [time, open, high, low, close, volume, delta, deltaMin, deltaMax, trades, poc, value];
  }

  /** Texts of the rows of a bar, the highest price first. */
  rows({ cells: { ticks, sell, buy, trades } }) {
    const { texts } = this.chart.look;
    return ticks.map((price, i) => [
      this.price(price), texts.plain(sell[i]), texts.plain(buy[i]), texts.signed(buy[i] - sell[i]), String(trades[i]),
    ]).reverse();
  }

  /** What a screen reader says about a bar. */
  describe(bar) {
    const { time, close, volume, delta, poc } = this.#texts(bar);
    return [`${time}, close ${close}, volume ${volume}, delta ${delta}, point of control ${poc}`, ...this.#marks(bar)].join(", ");
  }

  #marks(bar) {
    const { settings, footprint } = this.chart;
    const stacks = settings.show.includes("imbalances")
      ? stackedImbalances(bar.cells, bar.step, footprint.marksOf(bar), settings.stack) : [];
    const absorbed = settings.show.includes("absorption")
      ? absorptions(bar, { ratio: settings.absorption, volume: settings.absorption_volume }) : [];
    const unfinished = settings.show.includes("unfinished") ? unfinishedAuctions(bar) : [];
    return [
      ...stacks.map(({ side, low, high }) => `stacked ${side} imbalance from ${this.price(low)} to ${this.price(high)}`),
      ...absorbed.map(({ side, ticks }) => `${side === "sell" ? "selling" : "buying"} absorbed at ${this.price(ticks)}`),
      ...unfinished.map(({ end }) => `unfinished auction at the ${end}`),
    ];
  }

  price(ticks) {
    return (ticks * this.chart.look.sizes.tickSize).toFixed(this.precision);
  }

  #texts(bar) {
    const { texts } = this.chart.look;
    return {
      time: clock.format(bar.openedAt, "full"),
      open: this.price(bar.open), high: this.price(bar.high), low: this.price(bar.low), close: this.price(bar.close),
      volume: texts.plain(bar.volume), delta: texts.signed(bar.delta),
      deltaMin: texts.signed(bar.deltaMin), deltaMax: texts.signed(bar.deltaMax),
      trades: String(bar.trades), poc: this.price(bar.poc),
      value: `${this.price(bar.valueLow)}–${this.price(bar.valueHigh)}`,
      step: String(bar.step),
    };
  }
}
