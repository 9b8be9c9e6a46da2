// The candle chart: one CandleSeries drawn with lightweight-charts.

import {
  CandlestickSeries, ColorType, createChart, CrosshairMode,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { CandleSeries, TIMEFRAMES } from "./candle-series.js";
import { LOCALE } from "./locale.js";
import { RegimesBand } from "./regimes-band.js";
import { colour, onThemeChange } from "./theme.js";

const PRELOAD_CANDLES = 100; // ask for older ones before the edge is seen
const NARROWEST_PX = 8;
const WIDEST_PX = 24; // where there are few candles
const RIGHT_OFFSET = 6; // empty candles before the price axis

const bar = ({ openedAt, open, high, low, close }) => ({ time: openedAt / 1000, open, high, low, close });

/** Calls `onEdge()` near the oldest candle and `onCrosshair(candle | null)`. */
export class Chart {
  #changed = new Set();
  #painting = false;

  constructor(element, { precision, tickSize, onEdge, onCrosshair }) {
    this.element = element;
    this.series = new CandleSeries(element.dataset.timeframe, []);
    this.chart = createChart(element, {
      autoSize: true,
      localization: { locale: LOCALE },
      layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily },
      crosshair: { mode: CrosshairMode.Normal },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: RIGHT_OFFSET, barSpacing: NARROWEST_PX },
    });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision, minMove: tickSize },
    });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.12, bottom: 0.1 } });
    this.band = new RegimesBand((ms) => this.#logicalAt(ms));
    this.candles.attachPrimitive(this.band);
    this.#colour();
    onThemeChange(() => this.#colour());
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range && range.from < PRELOAD_CANDLES && this.series.candles.length) onEdge();
    });
    this.chart.subscribeCrosshairMove(({ time }) => {
      const at = time === undefined ? null : this.series.indexAt(time * 1000);
      onCrosshair(at === null ? null : this.series.candles[at] ?? null);
    });
  }

  /** Show another history. */
  show(timeframe, candles) {
    const sameAxis = timeframe === this.series.timeframe && this.series.candles.length > 0;
    this.series = new CandleSeries(timeframe, candles);
    this.element.dataset.timeframe = timeframe;
    this.#setData();
    if (!sameAxis) this.#resetAxis();
  }

  #resetAxis() {
    const { candles, timeframe } = this.series;
    const share = this.element.clientWidth / (candles.length + RIGHT_OFFSET);
    const axis = this.chart.timeScale();
    axis.applyOptions({
      barSpacing: Math.min(WIDEST_PX, Math.max(NARROWEST_PX, share)),
      timeVisible: TIMEFRAMES.get(timeframe) < TIMEFRAMES.get("1d"),
    });
    axis.resetTimeScale();
  }

  prepend(candles) {
    if (this.series.prepend(candles)) this.#setData();
  }

  /** Take ticks; they are drawn once per animation frame. */
  take(rows) {
    this.series.take(rows).forEach((candle) => this.#changed.add(candle));
    if (this.#painting || this.#changed.size === 0) return;
    this.#painting = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#painting = false;
    const changed = [...this.#changed].sort((a, b) => a.openedAt - b.openedAt);
    this.#changed.clear();
    const drawnUntil = this.candles.data().at(-1)?.time ?? 0;
    if (changed.some((candle) => candle.openedAt / 1000 < drawnUntil)) this.#setData();
    else changed.forEach((candle) => this.candles.update(bar(candle)));
    this.#count();
  }

  #setData() {
    this.#changed.clear();
    this.candles.setData(this.series.candles.map(bar));
    this.#count();
  }

  #count() {
    this.element.dataset.candles = this.series.candles.length;
  }

  /** The place of a moment on the time axis, in candles; the edges of a candle are at -/+ 0.5. */
  #logicalAt(ms) {
    const { candles, timeframe } = this.series;
    const index = this.series.indexAt(ms);
    if (index < 0) return -0.5;
    const share = (ms - candles[index].openedAt) / (TIMEFRAMES.get(timeframe) * 1000);
    return index - 0.5 + Math.min(1, share);
  }

  #colour() {
    const [surface, grid, line, muted, up, down] = [
      "--surface", "--chart-grid", "--line", "--muted", "--up", "--down",
    ].map(colour);
    this.chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: surface },
        textColor: muted,
        panes: { separatorColor: line, separatorHoverColor: line },
      },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    this.candles.applyOptions({
      upColor: up, borderUpColor: up, wickUpColor: up,
      downColor: down, borderDownColor: down, wickDownColor: down,
    });
    this.band.readColours();
  }
}
