// What the chart shows beside the bars and has to be read or computed when the view moves: the heat
// map, the profile, large trades, and the volume before the first bar.

import { TIMEFRAMES } from "../candle-series.js";
import { commonStep, mergeCells, valueArea } from "./cells.js";
import { HeatGrid } from "./heat-grid.js";
import { Prints, select } from "./prints.js";
import { sessionOf, WeightedPrices } from "./vwap.js";

const MOST_COLUMNS = 1_000;
const COLUMN_PX = 2;
const MOST_PRINT_ROWS = 40_000; // trades read for bubbles; views with more have none
const PRINT_PX = 45; // width of the chart per large trade, with an automatic threshold
const RETRY_MS = 5_000;
const REACH_SHARE = 0.01; // rows of the book beside the price, per per cent of depth

/** How many trades the bars have that open in from <= t < to. */
export function tradesBetween(bars, from, to) {
  return bars.reduce((sum, { openedAt, trades }) => sum + (openedAt >= from && openedAt < to ? trades : 0), 0);
}

/** Reads once per key; a newer key replaces an older one. */
class Latest {
  #key = "";
  #failedAt = -Infinity;

  /** Read unless the key is the same; return undefined if it is, or if a newer key came meanwhile. */
  async read(key, read) {
    if (key === this.#key && this.#failedAt === -Infinity) return undefined;
    if (key === this.#key && performance.now() - this.#failedAt < RETRY_MS) return undefined;
    this.#key = key;
    this.#failedAt = -Infinity;
    try {
      const found = await read();
      return key === this.#key ? found : undefined;
    } catch (error) {
      if (key === this.#key) this.#failedAt = performance.now(); // the next move tries again
      console.warn(`order flow: ${error.message}`);
      return undefined;
    }
  }

  forget() {
    this.#key = "";
  }
}

export class Studies {
  #heat = new Latest();
  #before = new Latest();
  #range = new Latest();
  #printsOf = new Latest();
  #cellsBefore = null; // {from, to, cells} rows of one tick
  #cellsOfRange = null;
  #prints = null; // Prints of the span that was read

  /**
   * @param {import("./flow-chart.js").FlowChart} chart
   * @param {import("./flow-api.js").FlowApi} api
   */
  constructor(chart, api) {
    Object.assign(this, { chart, api });
    /** Nothing later than this is shown (epoch ms), null: live. */
    this.until = null;
  }

  get #show() {
    return this.chart.settings.show;
  }

  /** Bring everything up to date with the view. */
  cover(span) {
    this.#coverHeat(span);
    this.#coverBefore();
    this.#coverPrints(span);
    this.profile();
  }

  /** Forget what was read, because another moment or another database is shown. */
  forget() {
    [this.#heat, this.#before, this.#range, this.#printsOf].forEach((latest) => latest.forget());
    this.#cellsBefore = this.#cellsOfRange = this.#prints = null;
  }

  // The heat map.

  async #coverHeat({ from, to }) {
    if (!this.#show.includes("heat")) return this.chart.heat.show(null);
    const end = Math.min(to, this.until === null ? Date.now() : this.until + 1);
    if (end <= from) return;
    const wanted = Math.min(MOST_COLUMNS, Math.max(50, Math.round(this.chart.element.clientWidth / COLUMN_PX)));
    const { grid } = this.chart.heat;
    const columnMs = (end - from) / wanted;
    const isFine = grid && grid.columnMs <= 2 * columnMs && grid.columnMs >= columnMs / 2.5;
    if (isFine && grid.asked === this.chart.settings.depth && grid.start <= from + columnMs && grid.end >= end - 2 * grid.columnMs) return;
    const { depth } = this.chart.settings;
    const query = { start: Math.floor(from), end: Math.ceil(end), columns: wanted, percent: depth };
    const found = await this.#heat.read(JSON.stringify([from, to, wanted, depth, this.until === null]), () => this.api.read("heatmap", query));
    if (found) this.chart.heat.show(Object.assign(HeatGrid.read(found), { asked: depth }));
  }

  /** Continue the heat map with the book of a moment. */
  addBook(at, book) {
    const { grid } = this.chart.heat;
    if (!grid || at < grid.end || at > grid.end + 60 * grid.columnMs) return;
    const { sizes } = this.chart.look;
    const best = book.best("bids") ?? book.best("asks");
    if (best === null) return;
    const reach = Math.max(1, Math.ceil((REACH_SHARE * this.chart.settings.depth * best) / grid.step));
    if (!grid.add(at, book, { reach, lotSize: sizes.lotSize })) return;
    grid.trim(grid.end - MOST_COLUMNS * 2 * grid.columnMs);
    this.chart.heat.show(grid);
  }

  // What traded before the first bar.

  /** Read the rows of one tick between the start of the session, or the anchor, and the first bar. */
  async #coverBefore() {
    const [first] = this.chart.series.candles;
    const { show, anchor, profile } = this.chart.settings;
    if (!first || !(show.includes("vwap") || profile === "session" || anchor !== null)) return;
    const start = sessionOf(first.openedAt);
    const found = await this.#before.read(`${start} ${first.openedAt} ${anchor}`, async () => {
      const read = (from) => (from < first.openedAt ? this.#cells(from, first.openedAt) : null);
      const [session, sinceAnchor] = await Promise.all([read(start), anchor === null ? null : read(anchor)]);
      return { session, sinceAnchor };
    });
    if (!found) return;
    this.#cellsBefore = { from: start, to: first.openedAt, cells: found.session };
    const sums = (cells) => {
      if (!cells) return null;
      const prices = new WeightedPrices(first.close);
      prices.add(cells, 1);
      return prices;
    };
    this.chart.before = { session: sums(found.session), anchor: sums(found.sinceAnchor) };
    this.profile();
  }

  async #cells(start, end) {
    const { rows } = await this.api.read("profile", { start, end, step: 1 });
    const { tickSize, lotSize } = this.chart.look.sizes;
    const lots = (quantity) => Math.round(quantity / lotSize);
    return {
      ticks: rows.map(([price]) => Math.round(price / tickSize)),
      sell: rows.map(([, sell]) => lots(sell)),
      buy: rows.map(([, , buy]) => lots(buy)),
      trades: rows.map(([, , , trades]) => trades),
    };
  }

  // The volume profile.

  /** Compute the profile of the visible bars, the session or the range. */
  profile() {
    const { settings, series: { candles }, visible } = this.chart;
    if (!settings.show.includes("profile") || !visible) return this.chart.profile.show(null);
    const [from, to] = this.#spanOfProfile(candles, visible);
    const before = this.#readBefore(candles[0], from, to);
    const begin = before?.to ?? from; // older bars may have been loaded since
    const inside = candles.filter(({ openedAt }) => openedAt >= begin && openedAt < to);
    const parts = inside.map(({ cells, step }) => ({ cells, step }));
    if (before?.cells) parts.push({ cells: before.cells, step: 1 });
    if (settings.profile === "range") this.#coverRange(candles, from, to);
    if (parts.length === 0) return this.chart.profile.show(null);
    const step = commonStep(parts.map((part) => part.step));
    const cells = mergeCells(parts, step);
    this.chart.profile.show({ cells, step, from, to, ...valueArea(cells) });
  }

  /** What was read of the span of a profile, up to a bar that is loaded; null if there is nothing. */
  #readBefore(first, from, to) {
    const { profile } = this.chart.settings;
    const read = { session: this.#cellsBefore, range: this.#cellsOfRange }[profile];
    return read && read.from === from && read.to >= first.openedAt && read.to <= to ? read : null;
  }

  #spanOfProfile(candles, visible) {
    const { profile, profile_from: from, profile_to: to } = this.chart.settings;
    const last = candles[visible.to];
    if (profile === "session") {
      const start = sessionOf(last.openedAt);
      return [start, start + 86_400_000];
    }
    if (profile === "range" && from !== null) return [from, to ?? Infinity];
    return [candles[visible.from].openedAt, last.openedAt + 1];
  }

  /** Read what of a fixed range was traded before the first bar. */
  async #coverRange(candles, from, to) {
    const end = Math.min(to, candles[0].openedAt);
    if (from >= end) return;
    const cells = await this.#range.read(`${from} ${end}`, () => this.#cells(from, end));
    if (!cells) return;
    this.#cellsOfRange = { from, to: end, cells };
    this.profile();
  }

  // Large trades.

  async #coverPrints({ from, to }) {
    if (!this.#show.includes("prints")) return;
    const { timeframe, candles } = this.chart.series;
    if (this.until !== null) return this.#showPrints();
    if (tradesBetween(candles, from, to) > MOST_PRINT_ROWS) return this.#dropPrints();
    const length = TIMEFRAMES.get(timeframe) * 1000;
    const start = Math.floor(from / length) * length;
    const isCovered = this.#prints && this.#prints.from <= start && to <= this.#prints.to;
    if (isCovered) return this.#showPrints();
    const found = await this.#printsOf.read(`${start}`, () => this.api.trades(start, Math.ceil(to), MOST_PRINT_ROWS));
    if (!found) return;
    const prints = new Prints(1, this.chart.look.sizes);
    prints.take(found);
    this.#prints = { prints, from: start, to: Infinity };
    this.#showPrints();
  }

  /** Show no large trades rather than those of a part of the view. */
  #dropPrints() {
    this.#printsOf.forget();
    this.#prints = null;
    this.#showPrints();
  }

  /** Add trades of the stream or of a replay: rows seq, at, price, quantity, side. */
  addTrades(rows) {
    if (!this.#prints) return;
    this.#prints.prints.take(rows);
    this.#showPrints();
  }

  /** Show the large ones of these trades only. */
  setTrades(rows) {
    const prints = new Prints(1, this.chart.look.sizes);
    prints.take(rows);
    this.#prints = { prints, from: 0, to: Infinity };
    this.#showPrints();
  }

  #showPrints() {
    const { prints: least } = this.chart.settings;
    const found = this.#prints?.prints.found ?? [];
    this.chart.marks.showPrints(select(found, least, Math.ceil(this.chart.element.clientWidth / PRINT_PX)));
  }
}
