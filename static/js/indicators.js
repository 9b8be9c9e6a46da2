// Measures in panes under the candles, on the same time axis.

import { LineSeries, LineStyle } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { TIMEFRAMES } from "./candle-series.js";
import { colour, onThemeChange } from "./theme.js";

const REFRESH_MS = 60_000;
const MOST_WINDOWS = 4_000; // per request; beyond it the panes are empty
const MOST_POINTS = 500_000; // per request: the server rejects more
const TRIES = 5; // of a request while the server is busy
const TICKS_PER_MINUTE = 60;
const CLOSES = 501; // per window: the fewest that all measures accept, available early in a new market
const SHARE_OF_PANE = 0.3; // relative to the height of the candles
const TITLES_PX = 560; // narrower charts have no room for line titles

/** Fetch, retrying while the server answers 503 with Retry-After. */
async function fetchPatiently(address) {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(address);
    const wait_s = Number(answer.headers.get("Retry-After"));
    if (answer.status !== 503 || !wait_s || tries === TRIES) return answer;
    await new Promise((resolve) => setTimeout(resolve, wait_s * 1000));
  }
}

/** One measure: its line, its null band and, if it estimates phi, the true phi. */
class Pane {
  #lines = [];

  /** `box` is the check box of the measure; its label is the title. */
  constructor(chart, box) {
    const title = box.nextSibling.data.trim();
    this.chart = chart;
    this.name = box.value;
    this.readsTicks = box.dataset.reads === "ticks";
    const index = chart.chart.panes().length;
    const options = { lineWidth: 2, priceLineVisible: false, lastValueVisible: true };
    const hasRoom = chart.element.clientWidth >= TITLES_PX;
    this.value = this.#line({ ...options, title: hasRoom ? title : "" }, index, title);
    this.truth = null;
    if ("estimatesPhi" in box.dataset) {
      const truth = { ...options, lineWidth: 1, title: hasRoom ? "φ" : "", lastValueVisible: hasRoom };
      this.truth = this.#line(truth, index, "Mean φ");
    }
    chart.chart.panes()[index].setStretchFactor(SHARE_OF_PANE);
    this.colour();
  }

  #line(options, index, title) {
    return this.chart.addOverlay(this.chart.chart.addSeries(LineSeries, options, index), title);
  }

  show({ rows, null_value: middle, null_band: band }, timeframe) {
    const length = TIMEFRAMES.get(timeframe) * 1000;
    const values = new Map();
    const truths = new Map();
    for (const [end, value, phi] of rows) {
      const time = (Math.ceil(end / length) * length - length) / 1000; // the candle in which it ends
      if (value !== null) values.set(time, { time, value });
      if (phi !== null) truths.set(time, { time, value: phi });
    }
    this.value.setPoints([...values.values()], this.chart.series);
    this.truth?.setPoints([...truths.values()], this.chart.series);
    this.#lines.forEach((line) => this.value.line.removePriceLine(line));
    const levels = [middle, ...(band ?? [])];
    this.#lines = levels.map((price, i) => this.value.line.createPriceLine({
      price,
      color: colour("--muted"),
      lineWidth: 1,
      lineStyle: i === 0 ? LineStyle.Dotted : LineStyle.Dashed,
      axisLabelVisible: false,
    }));
  }

  colour() {
    this.value.line.applyOptions({ color: colour("--accent") });
    this.truth?.line.applyOptions({ color: colour("--phi-plus") });
    this.#lines.forEach((line) => line.applyOptions({ color: colour("--muted") }));
  }

  remove() {
    if (this.truth) this.chart.removeOverlay(this.truth);
    this.chart.removeOverlay(this.value);
  }
}

/** The selected measures of one instrument; `choice` is the fieldset of check boxes. */
export class IndicatorPanes {
  #panes = new Map();
  #timeframe = null;
  #span = null; // {from, to} epoch ms: the loaded range

  constructor(chart, symbol, choice) {
    this.chart = chart;
    this.symbol = symbol;
    this.choice = choice;
    choice.addEventListener("change", () => this.#choose());
    onThemeChange(() => this.#panes.forEach((pane) => pane.colour()));
    setInterval(() => this.#refresh(), REFRESH_MS);
  }

  /** Show the measures of a span (epoch ms), with as much again on both sides. */
  show(timeframe, { from, to }) {
    const isHere = this.#span && this.#span.from <= from && to <= this.#span.to;
    if (isHere && timeframe === this.#timeframe) return;
    const most = (MOST_WINDOWS / 2) * TIMEFRAMES.get(timeframe) * 1000;
    const margin = Math.min(to - from, Math.max(0, most - (to - from) / 2));
    this.#timeframe = timeframe;
    this.#span = { from: Math.max(from - margin, to - most, 0), to: to + margin };
    this.#refresh();
    this.#choose();
  }

  #choose() {
    if (this.#span === null) return;
    for (const box of this.choice.querySelectorAll("input")) {
      const pane = this.#panes.get(box.value);
      if (box.checked && !pane) {
        const made = new Pane(this.chart, box);
        this.#panes.set(box.value, made);
        this.#read(made);
      } else if (!box.checked && pane) {
        pane.remove();
        this.#panes.delete(box.value);
        this.#explain(pane, null);
      }
    }
  }

  #refresh() {
    this.#panes.forEach((pane) => this.#read(pane));
  }

  async #read(pane) {
    const timeframe = this.#timeframe;
    const span = this.#span;
    const isWanted = () => span === this.#span && this.#panes.get(pane.name) === pane;
    const minutes = TIMEFRAMES.get(timeframe) / 60;
    const pointsPerMinute = pane.readsTicks ? TICKS_PER_MINUTE : 1;
    const { from, to: end } = span;
    const start = Math.max(from, end - (MOST_POINTS / pointsPerMinute) * 60_000);
    const step = minutes * pointsPerMinute;
    const query = pane.readsTicks ? { step, start, end } : { n: CLOSES, step, start, end };
    const path = `/api/v1/indicators/${pane.name}/${encodeURIComponent(this.symbol)}/rolling/`;
    try {
      const answer = await fetchPatiently(`${path}?${new URLSearchParams(query)}`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      const table = await answer.json();
      if (!isWanted()) return;
      pane.show(table, timeframe);
      this.#explain(pane, table.rows.length ? null : table.reason);
    } catch (error) {
      if (isWanted()) this.#explain(pane, `${error.message}; asked again in a minute`);
    }
  }

  /** Show next to the name of a measure why its pane is empty. */
  #explain(pane, reason) {
    const box = this.choice.querySelector(`[value="${pane.name}"]`);
    const note = box.parentElement.querySelector("small");
    note.textContent = reason === null ? "" : `: ${reason}`;
  }
}
