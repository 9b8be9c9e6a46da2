// The order-flow chart: the footprint with its layers, the cumulative delta, the table of bars.

import {
  CandlestickSeries, LineSeries, LineStyle,
} from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { colour } from "../theme.js";
import { pixels, TimeChart, updatePoints } from "../time-chart.js";
import { BarTableSeries, TABLE_PX } from "./bar-table-series.js";
import { BookLayer } from "./book-layer.js";
import { FootprintSeries } from "./footprint-series.js";
import { HeatLayer } from "./heat-layer.js";
import { textPx } from "./levels-of-detail.js";
import { MarksLayer } from "./marks-layer.js";
import { Palette } from "./palette.js";
import { ProfileLayer } from "./profile-layer.js";
import { cumulativeDelta, sessionOf, vwap } from "./vwap.js";

const USUAL_REM = 5.2; // wide enough for the texts of cells
const FRACTIONS = 1.15; // times as wide for quantities with decimals
const WIDEST_PX = 130;
const RIGHT_BARS = { wide: 2, narrow: 0.9 }; // room for the book
const NARROW_PX = 640;
const DELTA_SHARE = 0.13; // of the height of the chart
const LEAST_DELTA_PX = 52;
const MEASURE_SHARE = 0.13;
const LEAST_MAIN_SHARE = 0.4;
const QUIET = { lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false };
const MOST_BANDS = 3;
const READABLE_PX = 13; // height of a row
const SHARE_OF_PRICES = 0.86; // of the height of the pane, the rest are margins

/**
 * What all drawings share.
 * @typedef {object} Look
 * @property {object} settings
 * @property {Palette} palette
 * @property {import("./number-texts.js").NumberTexts} texts
 * @property {import("./bars.js").Sizes} sizes
 * @property {string} font
 * @property {number} zoom of the texts of the page, which grow with the screen
 * @property {() => import("./bars.js").Bar[]} bars
 */

export class FlowChart extends TimeChart {
  #delta = null;
  #table = null;
  #lines = new Map(); // name -> series of the library
  #arranged = "";
  /** Rows of the session before the first bar, and before it since the anchor. */
  #before = { session: null, anchor: null };

  /**
   * @param {HTMLElement} element
   * @param {object} options
   * @param {number} options.precision decimals of prices
   * @param {import("./bars.js").Sizes} options.sizes
   */
  constructor(element, { precision, sizes, settings, texts }) {
    const rightOffset = RIGHT_BARS[element.clientWidth < NARROW_PX ? "narrow" : "wide"];
    const usualPx = pixels(USUAL_REM) * (texts.decimals ? FRACTIONS : 1);
    super(element, { usualPx, widestPx: WIDEST_PX, rightOffset });
    /** @type {Look} */
    this.look = {
      settings, palette: new Palette(), texts, sizes,
      font: getComputedStyle(document.body).fontFamily,
      zoom: pixels(1) / 16,
      bars: () => this.series.candles,
    };
    this.footprint = new FootprintSeries(this.look);
    const main = this.chart.addCustomSeries(this.footprint, {
      priceFormat: { type: "price", precision, minMove: sizes.tickSize },
      autoscaleInfoProvider: (original) => this.#fit(original()),
    });
    main.priceScale().applyOptions({ scaleMargins: { top: 0.09, bottom: 1 - SHARE_OF_PRICES - 0.09 } });
    this.#addLayers(main);
    this.begin(main);
    this.arrange();
    new ResizeObserver(() => this.#sizePanes()).observe(element);
  }

  #addLayers(main) {
    const placeOf = (ms) => this.placeOf(ms);
    this.heat = new HeatLayer(this.look, placeOf);
    this.heat.isBehindTexts = () => this.footprint.detail === "text";
    this.profile = new ProfileLayer(this.look);
    this.book = new BookLayer(this.look);
    this.marks = new MarksLayer(this.look, (bar) => this.footprint.marksOf(bar), placeOf);
    for (const layer of [this.heat, this.profile, this.book, this.marks]) main.attachPrimitive(layer);
  }

  get settings() {
    return this.look.settings;
  }

  /** Show the prices of all visible bars, or only as many that texts fit into the rows. */
  #fit(info) {
    const bar = this.series.candles[this.visible?.to ?? -1];
    const isWide = this.chart.timeScale().options().barSpacing >= textPx(this.settings);
    if (!info?.priceRange || !bar || !isWide || this.settings.fit === "bars") return info;
    const { tickSize } = this.look.sizes;
    const { minValue, maxValue } = info.priceRange;
    const room = (this.chart.panes()[0].getHeight() / READABLE_PX) * bar.step * tickSize * SHARE_OF_PRICES;
    if (maxValue - minValue <= room) return info;
    const middle = ((bar.high + bar.low) / 2) * tickSize;
    const low = Math.min(Math.max(middle - room / 2, minValue), maxValue - room);
    return { ...info, priceRange: { minValue: low, maxValue: low + room } };
  }

  priceOf(bar) {
    return bar.close * this.look.sizes.tickSize;
  }

  // Panes.

  /** Add and remove panes and lines according to the settings. */
  arrange() {
    const { show, bands, anchor } = this.settings;
    const wanted = ["delta", "table"].filter((name) => show.includes(name)).join(" ");
    if (wanted !== this.#arranged) this.#arrangePanes(wanted);
    this.#arranged = wanted;
    this.#arrangeLines(show.includes("vwap") ? bands : -1, anchor !== null);
    this.#studies();
  }

  #arrangePanes(wanted) {
    for (const series of [this.#delta, this.#table]) if (series) this.chart.removeSeries(series);
    this.#delta = this.#table = null;
    if (wanted.includes("delta")) {
      const index = this.chart.panes().length;
      this.#delta = this.chart.addSeries(CandlestickSeries, {
        ...QUIET, lastValueVisible: true, borderVisible: false,
        priceFormat: { type: "custom", minMove: 1, formatter: (lots) => this.look.texts.signed(Math.round(lots)) },
      }, index);
    }
    if (wanted.includes("table")) this.#addTable();
    this.#sizePanes();
    this.colour();
  }

  sizePane() {
    this.#sizePanes();
  }

  removeOverlay(overlay) {
    super.removeOverlay(overlay);
    this.#sizePanes();
  }

  /** Give the table the height of its rows, delta and measures a share, and the rest to the bars. */
  #sizePanes() {
    const height = Math.max(200, this.element.clientHeight - this.chart.timeScale().height());
    const delta = this.#delta ? Math.max(LEAST_DELTA_PX, DELTA_SHARE * height) : 0;
    const table = this.#table ? TABLE_PX * this.look.zoom : 0;
    const [main, ...others] = this.chart.panes();
    const own = new Map([[this.#delta, delta], [this.#table, table]].filter(([series]) => series)
      .map(([series, px]) => [series.getPane().paneIndex(), px]));
    const measures = others.length - own.size;
    const room = (1 - LEAST_MAIN_SHARE) * height - delta - table;
    const measure = Math.min(MEASURE_SHARE * height, room / Math.max(1, measures));
    main.setStretchFactor(height - delta - table - measures * measure);
    others.forEach((pane, i) => pane.setStretchFactor(own.get(i + 1) ?? measure));
  }

  #addTable() {
    const index = this.chart.panes().length;
    this.#table = this.chart.addCustomSeries(new BarTableSeries(this.look), { ...QUIET, priceScaleId: "" }, index);
    this.#table.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
  }

  #arrangeLines(bands, isAnchored) {
    const wanted = bands < 0 ? [] : ["vwap"];
    for (let i = 1; i <= Math.min(bands, MOST_BANDS); i += 1) wanted.push(`upper ${i}`, `lower ${i}`);
    if (isAnchored) wanted.push("anchored");
    for (const [name, line] of this.#lines) {
      if (wanted.includes(name)) continue;
      this.chart.removeSeries(line);
      this.#lines.delete(name);
    }
    for (const name of wanted) if (!this.#lines.has(name)) this.#lines.set(name, this.#line(name));
  }

  #line(name) {
    return this.chart.addSeries(LineSeries, {
      ...QUIET, lineWidth: name.includes(" ") ? 1 : 2, color: this.#lineColour(name),
      lineStyle: name.includes(" ") ? LineStyle.Dashed : LineStyle.Solid,
      autoscaleInfoProvider: () => null, // the footprint decides which prices are shown
    }, 0);
  }

  #lineColour(name) {
    return colour(name === "anchored" ? "--vwap-anchored" : "--vwap");
  }

  // Drawing.

  draw(series, shift = 0) {
    this.footprint.changed();
    this.marks.changed();
    super.draw(series, shift);
    this.#studies();
  }

  update(changed) {
    const { candles } = this.series;
    const first = [...changed].reduce((least, bar) => Math.min(least, this.series.indexAt(bar.openedAt)), candles.length);
    this.footprint.changed(first);
    this.marks.changed();
    super.update(changed);
    if (first === candles.length - 1) this.#studies(first);
    else this.#studies();
  }

  /** Settings that change how bars look have changed. */
  redraw() {
    this.footprint.changed();
    this.main.applyOptions({}); // paints again
    for (const layer of [this.heat, this.profile, this.book, this.marks]) layer.redraw();
  }

  /** The rows of trades before the first bar: of its session, and since the anchor. */
  set before(before) {
    this.#before = before;
    this.#studies();
  }

  /** The VWAP in ticks and the deviation after each bar. */
  get vwap() {
    const { session } = this.#before;
    return vwap(this.series.candles, { before: session?.copy() ?? null });
  }

  /** Draw the lines and the cumulative delta; only their last points if `from` is the last bar. */
  #studies(from = 0) {
    const { candles } = this.series;
    if (this.#lines.has("vwap")) this.#drawVwap(this.vwap, from);
    if (this.#lines.has("anchored")) this.#drawAnchored(from);
    if (this.#delta) this.#put(this.#delta, cumulativeDelta(candles, this.settings.reset), from);
    if (this.#table) this.#put(this.#table, candles, from);
  }

  /** A line ends with its session. */
  #drawVwap(means, changed) {
    const { candles } = this.series;
    const isLast = (i) => i + 1 < candles.length && sessionOf(candles[i].openedAt) !== sessionOf(candles[i + 1].openedAt);
    const from = changed > 0 && isLast(changed - 1) ? 0 : changed;
    const point = (time, i, times) => ({ ...this.#point(time, means[i], times), ...(isLast(i) && { color: "transparent" }) });
    for (const [name, line] of this.#lines) {
      if (name === "anchored") continue;
      const [way, number] = name.split(" ");
      const times = way === "vwap" ? 0 : Number(number) * (way === "upper" ? 1 : -1);
      this.#put(line, candles.map(({ time }, i) => point(time, i, times)), from);
    }
  }

  #drawAnchored(from) {
    const { candles } = this.series;
    const means = vwap(candles, { anchor: this.settings.anchor, before: this.#before.anchor?.copy() ?? null });
    this.#put(this.#lines.get("anchored"), candles.map(({ time }, i) => this.#point(time, means[i], 0)), from);
  }

  #point(time, found, times) {
    if (found?.mean === undefined) return { time };
    return { time, value: (found.mean + times * found.deviation) * this.look.sizes.tickSize };
  }

  #put(series, points, from) {
    if (from > 0) updatePoints(series, points.slice(from));
    else series.setData(points);
  }

  colour() {
    super.colour();
    this.look.palette.read();
    const { up, down } = this.look.palette;
    this.main.applyOptions({ priceLineColor: this.look.palette.muted });
    this.#delta?.applyOptions({ upColor: up, wickUpColor: up, downColor: down, wickDownColor: down });
    for (const [name, line] of this.#lines) line.applyOptions({ color: this.#lineColour(name) });
    this.footprint.changed();
    this.heat.recolour();
  }
}
