// The footprint as a custom series of lightweight-charts: texts, coloured cells or candles.

import { customSeriesDefaultOptions } from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { CellTiles } from "./cell-tiles.js";
import { diagonalImbalances } from "./imbalances.js";
import { levelOfDetail, roundUp } from "./levels-of-detail.js";
import { drawCandle, TextBars } from "./text-bars.js";

const SEPARATED_PX = 7; // bars at least this wide have gaps

/** A pane view of the library. `look` has settings, palette, texts and sizes. */
export class FootprintSeries {
  #data = null;
  #marks = new WeakMap(); // bar -> its imbalances
  #marksOf = ""; // the thresholds that they were computed with

  constructor(look) {
    this.look = look;
    this.tiles = new CellTiles();
    this.texts = new TextBars(look, (bar) => this.marksOf(bar));
    /** What was drawn last: text, colour or candle. */
    this.detail = "";
  }

  // What the library asks.

  renderer() {
    return { draw: (target, priceToY) => this.#draw(target, priceToY) };
  }

  update(data) {
    this.#data = data;
  }

  priceValueBuilder({ high, low, close }) {
    const { tickSize } = this.look.sizes;
    return [high * tickSize, low * tickSize, close * tickSize];
  }

  isWhitespace(bar) {
    return bar.cells === undefined;
  }

  defaultOptions() {
    return { ...customSeriesDefaultOptions, lastValueVisible: true, priceLineVisible: true };
  }

  /** Bars from this index on have changed. */
  changed(from = 0) {
    this.tiles.forget(from);
  }

  /** The imbalances of a bar, for each row. */
  marksOf(bar) {
    const { ratio, difference, zeros } = this.look.settings;
    const basis = `${ratio} ${difference} ${zeros}`;
    if (basis !== this.#marksOf) this.#marks = new WeakMap();
    this.#marksOf = basis;
    const known = this.#marks.get(bar);
    if (known?.volume === bar.volume) return known.marks;
    const marks = diagonalImbalances(bar.cells, bar.step, { ratio, difference, ignoreZeros: !zeros });
    this.#marks.set(bar, { volume: bar.volume, marks });
    return marks;
  }

  #draw(target, priceToY) {
    const { bars, visibleRange, barSpacing } = this.#data ?? {};
    if (!visibleRange || !bars.length) return;
    target.useBitmapCoordinateSpace((space) => {
      const frame = this.#frame(space, priceToY, barSpacing);
      if (!frame) return;
      const from = Math.max(0, Math.ceil(visibleRange.from));
      const to = Math.min(bars.length - 1, Math.floor(visibleRange.to));
      const shown = [];
      for (let i = from; i <= to; i += 1) if (bars[i].originalData.cells) shown.push(bars[i]);
      if (shown.length === 0) return;
      const step = shown.at(-1).originalData.step;
      const { settings } = this.look;
      this.detail = levelOfDetail(settings, barSpacing, (step * frame.tickPx) / space.verticalPixelRatio);
      if (this.detail === "candle") this.#candles(frame, shown);
      else if (this.detail === "colour") this.#colours(frame, { from, to }, bars[from], shown);
      else this.texts.draw(frame, shown, (bars) => this.#largest(bars));
    });
  }

  /** The mapping of prices to pixels: the scale is linear, so two prices say all. */
  #frame({ context, bitmapSize, horizontalPixelRatio, verticalPixelRatio }, priceToY, barSpacing) {
    const { tickSize } = this.look.sizes;
    const { close } = this.#data.bars.at(-1).originalData;
    const [y, above] = [priceToY(close * tickSize), priceToY((close + 1) * tickSize)];
    if (y === null || above === null) return null;
    const tickPx = (y - above) * verticalPixelRatio;
    const top = (ticks) => (y * verticalPixelRatio) - (ticks - close + 0.5) * tickPx; // upper edge of a tick
    return {
      context, tickPx, top, height: bitmapSize.height,
      ratio: horizontalPixelRatio, vertical: verticalPixelRatio, spacing: barSpacing * horizontalPixelRatio,
    };
  }

  /** The largest quantity of a cell among bars, rounded, so that colours do not flicker. */
  #largest(bars) {
    const { settings: { cells: mode } } = this.look;
    let largest = 1;
    for (const { originalData: { cells: { ticks, sell, buy } } } of bars) {
      for (let i = 0; i < ticks.length; i += 1) {
        const lots = mode === "bidask" ? Math.max(sell[i], buy[i])
          : mode === "delta" ? Math.abs(buy[i] - sell[i]) : sell[i] + buy[i];
        if (lots > largest) largest = lots;
      }
    }
    return roundUp(largest);
  }

  #candles(frame, shown) {
    for (const { x, originalData } of shown) {
      drawCandle(frame, originalData, this.look.palette, x * frame.ratio, Math.floor(frame.spacing * 0.35));
    }
  }

  #colours(frame, range, first, shown) {
    const { context, spacing, top, ratio } = frame;
    const { settings, palette } = this.look;
    // The library computes x of visible bars only.
    const place = { left: (index) => first.x * ratio + (index - range.from - 0.5) * spacing, top };
    const look = { mode: settings.cells, largest: this.#largest(shown), palette };
    this.tiles.draw(context, this.look.bars(), range, place, look);
    if (spacing < SEPARATED_PX * ratio) return;
    context.fillStyle = palette.surface;
    for (const { x, originalData: { high, low, step } } of shown) {
      const upper = top(high + step);
      context.fillRect(Math.round(x * ratio + spacing / 2 - ratio), upper, Math.round(2 * ratio), top(low - step) - upper);
    }
    for (const bar of shown) this.#body(frame, bar);
  }

  /** A thin line from open to close over coloured cells. */
  #body({ context, top, ratio, spacing }, { x, originalData: { open, close } }) {
    const { palette } = this.look;
    context.fillStyle = close >= open ? palette.up : palette.down;
    const upper = top(Math.max(open, close));
    const left = Math.round(x * ratio - spacing / 2 + ratio);
    context.fillRect(left, upper, Math.max(1, Math.round(1.5 * ratio)), Math.max(1, top(Math.min(open, close) - 1) - upper));
  }
}
