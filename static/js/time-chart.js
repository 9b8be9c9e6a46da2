// A chart on the time axis of candles: draws a CandleSeries with lightweight-charts and reports the
// visible range. What a candle looks like is up to its subclasses.

import {
  ColorType, createChartEx, CrosshairMode,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { CandleSeries, TIMEFRAMES } from "./candle-series.js";
import { clock } from "./clock.js";
import { LOCALE } from "./locale.js";
import { Overlay } from "./overlays.js";
import { colour, onThemeChange } from "./theme.js";
import { TimeAxis, tickMark } from "./time-axis.js";

const NARROWEST_PX = 1; // narrowest candle when zooming out
const FONT_REM = 0.79;
const RIGHT_OFFSET = 6;
const SHARE_OF_PANE = 0.3; // of a measure, relative to the height of the candles
const SETTLED_MS = 150; // without a movement
const GLIDE_MS = 200; // after a touch ends, the chart may glide on

const fingers = matchMedia("(pointer: coarse)");
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/** Sizes follow the font size of the page, which grows with the screen. */
export function pixels(rem) {
  return Math.round(rem * parseFloat(getComputedStyle(document.documentElement).fontSize));
}

/** Draw points that are new or changed; copies, because lightweight-charts writes into them. */
export function updatePoints(series, points) {
  for (const point of points) series.update({ ...point });
}

/**
 * Indices are positions in the series; a view is {from, to} in fractional indices. Events:
 * "view" {view}: on every movement; "settled" {view}: after it; "point" {index | null}: cross-hair.
 */
export class TimeChart extends EventTarget {
  /** @type {Set<Overlay>} */
  #overlays = new Set();
  #isDrawing = false;
  #isPressed = false;
  #movedAt = 0;
  #settling = 0;
  #drawnUntil = -Infinity; // openedAt of the last candle drawn
  #coming = null; // the view to be applied by the time scale in the next frame
  #isResetting = false; // the next frame shows the newest candles

  /**
   * @param {HTMLElement} element
   * @param {object} options
   * @param {number} options.usualPx width of a candle
   * @param {number} options.widestPx its width when there are few
   * @param {number} [options.rightOffset] empty candles before the price axis
   */
  constructor(element, { usualPx, widestPx, rightOffset = RIGHT_OFFSET }) {
    super();
    Object.assign(this, { element, usualPx, widestPx, rightOffset });
    this.series = new CandleSeries(element.dataset.timeframe);
    this.chart = createChartEx(element, new TimeAxis(), {
      autoSize: true,
      layout: {
        attributionLogo: false,
        fontFamily: getComputedStyle(document.body).fontFamily,
        fontSize: pixels(FONT_REM),
      },
      crosshair: { mode: CrosshairMode.Normal },
      kineticScroll: { touch: !stillness.matches, mouse: false },
      localization: {
        locale: LOCALE,
        dateFormat: "yyyy-MM-dd",
        timeFormatter: (time) => clock.format(time * 1000, "full"),
      },
      timeScale: {
        timeVisible: true, secondsVisible: false, tickMarkFormatter: tickMark,
        rightOffset, barSpacing: usualPx, minBarSpacing: NARROWEST_PX,
      },
    });
    onThemeChange(() => this.colour());
    clock.addEventListener("change", () => this.#redrawAxis());
    this.#listen();
  }

  /** Draw the candles as `main`, a series of the library. */
  begin(main) {
    this.main = main;
    this.colour();
  }

  #listen() {
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.#moved());
    this.chart.subscribeCrosshairMove(({ logical }) => this.#tellPoint(logical ?? null));
    this.element.addEventListener("pointerdown", () => (this.#isPressed = true));
    for (const end of ["pointerup", "pointercancel"]) {
      addEventListener(end, () => {
        this.#isPressed = false;
        this.#settleSoon();
      });
    }
  }

  // The visible range.

  /** Whether the chart is being dragged or still glides. */
  get isHeld() {
    const mayGlide = fingers.matches && !stillness.matches;
    return this.#isPressed || (mayGlide && performance.now() - this.#movedAt < GLIDE_MS);
  }

  /** @returns {{from: number, to: number} | null} */
  get view() {
    return this.#coming ?? this.chart.timeScale().getVisibleLogicalRange();
  }

  set view({ from, to }) {
    this.chart.timeScale().setVisibleLogicalRange({ from, to });
    this.#expect({ from, to });
  }

  /** Set the view for the next frame of the time scale; null: the newest candles. */
  #expect(view) {
    this.#coming = view;
    this.#isResetting = view === null;
    requestAnimationFrame(() => {
      if (this.#coming !== view) return;
      this.#coming = null;
      this.#isResetting = false;
    });
  }

  /** Indices of the first and last visible candle, or null. */
  get visible() {
    const { view, series: { candles } } = this;
    if (!view || candles.length === 0) return null;
    const from = Math.max(0, Math.round(view.from));
    const to = Math.min(candles.length - 1, Math.round(view.to));
    return from <= to ? { from, to } : null;
  }

  /** Whether the newest candle is visible and live. */
  get isFollowing() {
    return this.series.isLive && Math.round(this.view?.to ?? Infinity) >= this.series.candles.length - 1;
  }

  #moved() {
    if (this.#isDrawing) return;
    this.#movedAt = performance.now();
    this.#emit("view", { view: this.view });
    this.#settleSoon();
  }

  #settleSoon() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      if (this.#isPressed) return;
      this.#emit("view", { view: this.view });
      this.#emit("settled", { view: this.view });
    }, SETTLED_MS);
  }

  /** Where the cross-hair of the keyboard points at a candle. */
  priceOf(candle) {
    return candle.close;
  }

  /** Put the cross-hair on a candle; null removes it. */
  point(index) {
    const candle = index === null ? null : this.series.candles[index];
    if (candle) this.chart.setCrosshairPosition(this.priceOf(candle), candle.time, this.main);
    else this.chart.clearCrosshairPosition();
    this.#tellPoint(index);
  }

  #tellPoint(logical) {
    const index = logical === null ? null : Math.round(logical);
    this.#emit("point", { index: index in this.series.candles ? index : null });
  }

  // Drawing.

  /** Draw another series, or the same one after its candles moved by `shift`. */
  draw(series, shift = 0) {
    const { view } = this;
    this.#isDrawing = true;
    this.series = series;
    this.element.dataset.timeframe = series.timeframe;
    this.main.setData(series.candles);
    this.#overlays.forEach((overlay) => overlay.draw(series));
    const { view: now } = this;
    const isMoved = !this.#isResetting && view && now && (now.from !== view.from + shift || now.to !== view.to + shift);
    if (isMoved) this.view = { from: view.from + shift, to: view.to + shift };
    this.#isDrawing = false;
    this.#noteDrawn();
  }

  /** Show the newest candles at the default width. */
  showNewest() {
    const { candles, timeframe } = this.series;
    const share = this.element.clientWidth / (candles.length + this.rightOffset);
    const axis = this.chart.timeScale();
    axis.applyOptions({
      barSpacing: Math.min(this.widestPx, Math.max(this.usualPx, share)),
      timeVisible: TIMEFRAMES.get(timeframe) < TIMEFRAMES.get("1d"),
    });
    axis.resetTimeScale();
    this.#expect(null);
    this.#moved();
  }

  /** Show the candles between two times (epoch ms), both included. */
  showSpan({ from, to }) {
    const { series } = this;
    const timeVisible = TIMEFRAMES.get(series.timeframe) < TIMEFRAMES.get("1d");
    this.chart.timeScale().applyOptions({ timeVisible });
    const first = series.indexAt(from - 1) + 1;
    this.view = { from: first, to: Math.max(series.indexAt(to), first + 1) };
    this.#moved();
  }

  /** Draw candles changed by ticks. */
  update(changed) {
    const isInside = ({ openedAt }) => openedAt < this.#drawnUntil;
    if ([...changed].some(isInside)) this.draw(this.series);
    else updatePoints(this.main, [...changed]);
    this.#noteDrawn();
  }

  #noteDrawn() {
    this.#drawnUntil = this.series.last?.openedAt ?? -Infinity;
    this.element.dataset.candles = this.series.candles.length;
  }

  /** Add a line below or over the candles, on their time axis. */
  addOverlay(line, title) {
    const overlay = new Overlay(line, title);
    this.#overlays.add(overlay);
    return overlay;
  }

  removeOverlay(overlay) {
    this.#overlays.delete(overlay);
    this.chart.removeSeries(overlay.line);
  }

  /** Give a new pane of a measure its height. */
  sizePane(pane) {
    pane.setStretchFactor(SHARE_OF_PANE);
  }

  get overlays() {
    return [...this.#overlays];
  }

  /** Return a canvas of the whole chart. */
  picture() {
    return this.chart.takeScreenshot(true);
  }

  /** Rebuild the axis marks, which depend on the zone, by setting the points again. */
  #redrawAxis() {
    const { series, view } = this;
    this.draw(new CandleSeries(series.timeframe));
    this.draw(series);
    if (view) this.view = view;
  }

  /** Position of a time on the axis in candles; the edges of a candle are at -/+ 0.5. */
  placeOf(ms) {
    const { candles, timeframe } = this.series;
    const index = this.series.indexAt(ms);
    if (index < 0) return -0.5;
    const share = (ms - candles[index].openedAt) / (TIMEFRAMES.get(timeframe) * 1000);
    return index - 0.5 + Math.min(1, share);
  }

  /** Use the colours of the theme. */
  colour() {
    const [surface, grid, line, muted] = ["--surface", "--chart-grid", "--line", "--muted"].map(colour);
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
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
