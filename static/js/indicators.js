// Measures in panes under the candles, on the same time axis.

import { LineSeries, LineStyle } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { TIMEFRAMES } from "./candle-series.js";
import { colour, onThemeChange } from "./theme.js";

const REFRESH_MS = 60_000;
const MOST_WINDOWS = 4_000; // per request; beyond it the panes are empty
const MOST_POINTS = 500_000; // per request: the server rejects more
const MOST_STEP = 100_000; // likewise
const TRIES = 5; // of a request while the server is busy
/**
 * What a measure reads: how many in a window, if not its own default, and how many a minute has.
 * @type {Record<string, {n?: number, perMinute(): number}>}
 */
const POINTS = {
  ticks: { perMinute: () => 60 },
  // The fewest that all measures accept, available early in a new market.
  closes: { n: 501, perMinute: () => 1 },
};
const DIGITS = 2; // of the values on the axis, which must not become wider than prices
const LONG = 1000; // larger values have no decimals
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

function shown(value) {
  const text = Math.abs(value) >= LONG ? value.toFixed(0) : String(Number(value.toPrecision(DIGITS)));
  return text.replace("-", "\u2212");
}

/** One measure: its line, its null band and the true value, if it estimates one. */
class Pane {
  #lines = [];
  #table = null;
  #drawn = 0; // rows

  /** `box` is the check box of the measure; its label is the title. */
  constructor(chart, box) {
    const title = box.nextSibling.data.trim();
    this.chart = chart;
    this.name = box.value;
    this.reads = box.dataset.reads;
    const index = chart.chart.panes().length;
    const priceFormat = { type: "custom", minMove: 1e-6, formatter: shown };
    const options = { lineWidth: 2, priceLineVisible: false, lastValueVisible: true, priceFormat };
    const hasRoom = chart.element.clientWidth >= TITLES_PX;
    this.value = this.#line({ ...options, title: hasRoom ? title : "" }, index, title);
    this.truth = null;
    const { truth: name } = box.dataset;
    if (name) {
      const truth = { ...options, lineWidth: 1, title: hasRoom ? name : "", lastValueVisible: hasRoom };
      this.truth = this.#line(truth, index, name === "φ" ? "Mean φ" : `${title}, ${name}`);
    }
    chart.sizePane(chart.chart.panes()[index]);
    this.colour();
  }

  #line(options, index, title) {
    return this.chart.addOverlay(this.chart.chart.addSeries(LineSeries, options, index), title);
  }

  /** Show a table of readings as far as they were known at `until` (epoch ms). */
  show(table, timeframe, until) {
    this.#table = { ...table, timeframe };
    this.#drawn = -1;
    this.limit(until);
    const { null_value: middle, null_band: band } = table;
    this.#lines.forEach((line) => this.value.line.removePriceLine(line));
    const levels = [middle, ...(band ?? [])].filter((level) => level !== null);
    this.#lines = levels.map((price, i) => this.value.line.createPriceLine({
      price,
      color: colour("--muted"),
      lineWidth: 1,
      lineStyle: i === 0 ? LineStyle.Dotted : LineStyle.Dashed,
      axisLabelVisible: false,
    }));
  }

  /** Draw the readings that were known at a moment. */
  limit(until) {
    const { rows, timeframe } = this.#table ?? { rows: [] };
    const known = rows.filter(([end]) => end <= until);
    if (known.length === this.#drawn) return;
    this.#drawn = known.length;
    const length = TIMEFRAMES.get(timeframe) * 1000;
    const values = new Map();
    const truths = new Map();
    for (const [end, value, truth] of known) {
      const time = (Math.ceil(end / length) * length - length) / 1000; // the candle in which it ends
      if (value !== null) values.set(time, { time, value });
      if (truth !== null) truths.set(time, { time, value: truth });
    }
    this.value.setPoints([...values.values()], this.chart.series);
    this.truth?.setPoints([...truths.values()], this.chart.series);
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
  #until = Infinity;

  /** `points`: as POINTS, of further kinds. */
  constructor(chart, symbol, choice, points = {}) {
    this.chart = chart;
    this.symbol = symbol;
    this.choice = choice;
    this.points = { ...POINTS, ...points };
    choice.addEventListener("change", () => this.choose());
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
    this.choose();
  }

  /** Show no reading that was made after this moment (epoch ms). */
  set until(moment) {
    this.#until = moment;
    this.#panes.forEach((pane) => pane.limit(moment));
  }

  /** Show the measures whose boxes are checked. */
  choose() {
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
    const { n, perMinute } = this.points[pane.reads];
    const rate = perMinute();
    const { from, to: end } = span;
    const start = Math.round(Math.max(from, end - (MOST_POINTS / rate) * 60_000));
    const step = Math.min(MOST_STEP, Math.max(1, Math.round(minutes * rate)));
    const query = { ...(n && { n }), step, start, end };
    const path = `/api/v1/indicators/${pane.name}/${encodeURIComponent(this.symbol)}/rolling/`;
    try {
      const answer = await fetchPatiently(`${path}?${new URLSearchParams(query)}`);
      if (!answer.ok) throw new Error((await answer.json()).detail);
      const table = await answer.json();
      if (!isWanted()) return;
      pane.show(table, timeframe, this.#until);
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
