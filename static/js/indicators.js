// The measures as panes under the candles, in step with their time axis.

import { LineSeries, LineStyle } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { TIMEFRAMES } from "./candle-series.js";
import { colour, onThemeChange } from "./theme.js";

const REFRESH_MS = 60_000;
const MOST_WINDOWS = 2_000; // one request; further back the panes are empty
const TICKS_PER_MINUTE = 60;
const SHARE_OF_PANE = 0.3; // of the height of the candles

/** One measure: its line, its band without memory, and for persistence the truth. */
class Pane {
  #lines = [];

  constructor(chart, name, title) {
    this.chart = chart;
    this.name = name;
    const index = chart.panes().length;
    const options = { lineWidth: 2, priceLineVisible: false, lastValueVisible: true };
    this.value = chart.addSeries(LineSeries, { ...options, title }, index);
    this.truth = null;
    if (name === "persistence") {
      const truth = { ...options, lineWidth: 1, title: "φ" };
      this.truth = chart.addSeries(LineSeries, truth, index);
    }
    chart.panes()[index].setStretchFactor(SHARE_OF_PANE);
    this.colour();
  }

  show({ rows, null_value: middle, null_band: band }, timeframe) {
    const length = TIMEFRAMES.get(timeframe) * 1000;
    const values = new Map();
    const truths = new Map();
    for (const [end, value, phi] of rows) {
      const time = (Math.ceil(end / length) * length - length) / 1000; // the candle it ends in
      if (value !== null) values.set(time, { time, value });
      if (phi !== null) truths.set(time, { time, value: phi });
    }
    this.value.setData([...values.values()]);
    this.truth?.setData([...truths.values()]);
    this.#lines.forEach((line) => this.value.removePriceLine(line));
    const levels = [middle, ...(band ?? [])];
    this.#lines = levels.map((price, i) => this.value.createPriceLine({
      price,
      color: colour("--muted"),
      lineWidth: 1,
      lineStyle: i === 0 ? LineStyle.Dotted : LineStyle.Dashed,
      axisLabelVisible: false,
    }));
  }

  colour() {
    this.value.applyOptions({ color: colour("--accent") });
    this.truth?.applyOptions({ color: colour("--phi-plus") });
    this.#lines.forEach((line) => line.applyOptions({ color: colour("--muted") }));
  }

  remove() {
    if (this.truth) this.chart.removeSeries(this.truth);
    this.chart.removeSeries(this.value);
  }
}

/** The chosen measures of one instrument; `choice` is the fieldset of their check boxes. */
export class IndicatorPanes {
  #panes = new Map();
  #timeframe = null;
  #start = null;

  constructor(chart, symbol, choice) {
    this.chart = chart;
    this.symbol = symbol;
    this.choice = choice;
    choice.addEventListener("change", () => this.#choose());
    onThemeChange(() => this.#panes.forEach((pane) => pane.colour()));
    setInterval(() => this.#refresh(), REFRESH_MS);
  }

  /** Show the measures for a chart whose first candle opened at `start` (epoch ms). */
  show(timeframe, start) {
    this.#timeframe = timeframe;
    this.#start = start;
    this.#choose();
    this.#refresh();
  }

  #choose() {
    if (this.#start === null) return;
    for (const box of this.choice.querySelectorAll("input")) {
      const pane = this.#panes.get(box.value);
      if (box.checked && !pane) {
        const made = new Pane(this.chart, box.value, box.parentElement.textContent.trim());
        this.#panes.set(box.value, made);
        this.#read(made);
      } else if (!box.checked && pane) {
        pane.remove();
        this.#panes.delete(box.value);
      }
    }
  }

  #refresh() {
    this.#panes.forEach((pane) => this.#read(pane));
  }

  async #read(pane) {
    const timeframe = this.#timeframe;
    const minutes = TIMEFRAMES.get(timeframe) / 60;
    const step = pane.name === "persistence" ? minutes * TICKS_PER_MINUTE : minutes;
    const start = Math.max(this.#start, Date.now() - MOST_WINDOWS * minutes * 60_000);
    const path = `/api/v1/indicators/${pane.name}/${encodeURIComponent(this.symbol)}/rolling/`;
    try {
      const answer = await fetch(`${path}?step=${step}&start=${start}`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      const table = await answer.json();
      if (timeframe === this.#timeframe && this.#panes.has(pane.name)) pane.show(table, timeframe);
    } catch (error) {
      console.warn(`${pane.name}: ${error.message}`); // asked again in a minute
    }
  }
}
