// The footprint as a custom series of lightweight-charts: texts, coloured cells or candles.

import { customSeriesDefaultOptions } from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { setFont } from "./canvas-texts.js";
import { CellTiles, shadeOf } from "./cell-tiles.js";
import { diagonalImbalances } from "./imbalances.js";
import { levelOfDetail, roundUp } from "./levels-of-detail.js";

const CANDLE_SHARE = 0.07; // of the width of a bar with texts
const GAP_PX = 3;
const LEAST_TEXT_PX = 7.5;
const MOST_TEXT_PX = 13;
const CHARACTER_EM = 0.6; // width of a digit, about
const SEPARATED_PX = 7; // bars at least this wide have gaps

/** A pane view of the library. `look` has settings, palette, texts and sizes. */
export class FootprintSeries {
  #data = null;
  #marks = new WeakMap(); // bar -> its imbalances
  #marksOf = ""; // the thresholds that they were computed with

  constructor(look) {
    this.look = look;
    this.tiles = new CellTiles();
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
      if (this.detail === "candle") shown.forEach((bar) => this.#candle(frame, bar, 0.35));
      else if (this.detail === "colour") this.#colours(frame, { from, to }, bars[from], shown);
      else this.#texts(frame, shown);
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

  #candle({ context, top, ratio, spacing }, { x, originalData: bar }, share, at = x * ratio) {
    const { palette } = this.look;
    const { open, high, low, close } = bar;
    context.fillStyle = close >= open ? palette.up : palette.down;
    const half = Math.max(0.5, Math.floor(spacing * share));
    const wick = Math.max(1, Math.round(ratio));
    context.fillRect(Math.round(at - wick / 2), top(high), wick, top(low - 1) - top(high));
    const upper = top(Math.max(open, close));
    context.fillRect(Math.round(at - half), upper, Math.max(1, 2 * half), Math.max(1, top(Math.min(open, close) - 1) - upper));
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

  // Texts.

  #texts(frame, shown) {
    const { context, tickPx, vertical } = frame;
    const { settings } = this.look;
    const largest = this.#largest(shown);
    const rowPx = (tickPx * shown.at(-1).originalData.step) / vertical;
    setFont(context, this.#textPx(frame, rowPx, largest) * vertical, this.look.font);
    const all = settings.scale === "view" ? largest : 0;
    for (const bar of shown) this.#bar(frame, bar, all || this.#largest([bar]));
  }

  /** Size of the texts: they fit into the height of a row and the width of a cell. */
  #textPx({ spacing, ratio }, rowPx, largest) {
    const { settings, texts } = this.look;
    const longest = Math.max(texts.plain(largest).length, texts.decimals ? texts.decimals + 2 : 0);
    const cellPx = (spacing / ratio) * (settings.cells === "bidask" ? 0.41 : 0.85);
    return Math.max(LEAST_TEXT_PX, Math.min(MOST_TEXT_PX * this.look.zoom, Math.floor(rowPx * 0.72), cellPx / (CHARACTER_EM * longest)));
  }

  #bar(frame, bar, largest) {
    const { spacing, ratio } = frame;
    const { settings } = this.look;
    const left = bar.x * ratio - spacing / 2 + GAP_PX * ratio;
    const width = spacing - 2 * GAP_PX * ratio;
    const stick = Math.max(3 * ratio, Math.round(width * CANDLE_SHARE));
    this.#candle({ ...frame, spacing: stick * 2 }, bar, 0.25, left + stick / 2);
    const box = { left: Math.round(left + stick + ratio), width: Math.round(width - stick - ratio) };
    const marks = settings.show.includes("imbalances") ? this.marksOf(bar.originalData) : null;
    this.#rows(frame, bar.originalData, box, marks, largest);
  }

  #rows(frame, { cells, step, poc, valueLow, valueHigh }, box, marks, largest) {
    const { context, top, height, vertical } = frame;
    const { ticks, sell, buy } = cells;
    const { palette } = this.look;
    const draw = ROWS[this.look.settings.cells];
    for (let i = 0; i < ticks.length; i += 1) {
      const y = Math.round(top(ticks[i] + step - 1));
      const rowHeight = Math.round(top(ticks[i] - 1)) - y;
      if (y > height || y + rowHeight < 0) continue;
      const row = { ...box, top: y, height: Math.max(1, rowHeight - 1), sell: sell[i], buy: buy[i], mark: marks?.[i] ?? 0 };
      row.isValue = ticks[i] >= valueLow && ticks[i] <= valueHigh;
      draw(context, row, largest, this.look, frame.ratio);
      if (ticks[i] === poc) {
        context.strokeStyle = palette.warn;
        context.lineWidth = Math.max(1, Math.round(1.5 * vertical));
        context.strokeRect(row.left + 0.5, row.top + 0.5, row.width - 1, row.height - 1);
      }
    }
    this.#valueArea(frame, valueLow, valueHigh + step - 1, box);
  }

  /** A bracket at the right of the rows of the value area. */
  #valueArea({ context, top, ratio }, low, high, { left, width }) {
    context.fillStyle = this.look.palette.muted;
    const upper = Math.round(top(high));
    context.fillRect(left + width, upper, Math.max(1, Math.round(ratio)), Math.round(top(low - 1)) - upper);
  }
}

// Rows of the cell modes.

const ROWS = {
  bidask(context, row, largest, { palette, texts }, ratio) {
    const half = Math.floor(row.width / 2);
    const middle = row.left + half;
    cell(context, row, row.left, half, palette.downShades[shadeOf(row.sell, largest)]);
    cell(context, row, middle, row.width - half, palette.upShades[shadeOf(row.buy, largest)]);
    const y = row.top + row.height / 2;
    const isSold = row.mark === -1 || row.mark === 2;
    const isBought = row.mark > 0;
    context.textAlign = "right";
    context.fillStyle = isSold ? palette.down : row.sell ? palette.text : palette.muted;
    write(context, texts.plain(row.sell), middle - 3 * ratio, y, isSold);
    context.textAlign = "left";
    context.fillStyle = isBought ? palette.up : row.buy ? palette.text : palette.muted;
    write(context, texts.plain(row.buy), middle + 3 * ratio, y, isBought);
  },

  delta(context, row, largest, { palette, texts }) {
    const delta = row.buy - row.sell;
    const shades = delta >= 0 ? palette.upShades : palette.downShades;
    cell(context, row, row.left, row.width, shades[shadeOf(Math.abs(delta), largest)]);
    centred(context, row, texts.signed(delta), markColour(row, palette));
  },

  volume(context, row, largest, { palette, texts }) {
    const lots = row.sell + row.buy;
    cell(context, row, row.left, row.width, palette.plainShades[shadeOf(lots, largest)]);
    centred(context, row, texts.plain(lots), markColour(row, palette));
  },

  profile(context, row, largest, { palette, texts }, ratio) {
    const lots = row.sell + row.buy;
    const length = (row.width * lots) / largest;
    const sold = Math.round((length * row.sell) / (lots || 1));
    const shade = row.isValue ? 15 : 8;
    cell(context, row, row.left, sold, palette.downShades[shade]);
    cell(context, row, row.left + sold, Math.max(1, Math.round(length) - sold), palette.upShades[shade]);
    context.textAlign = "left";
    context.fillStyle = markColour(row, palette);
    write(context, texts.plain(lots), row.left + 3 * ratio, row.top + row.height / 2, row.mark !== 0);
  },
};

function cell(context, row, left, width, style) {
  context.fillStyle = style;
  context.fillRect(left, row.top, width, row.height);
}

function centred(context, row, text, style) {
  context.textAlign = "center";
  context.fillStyle = style;
  write(context, text, row.left + row.width / 2, row.top + row.height / 2, row.mark !== 0);
}

function markColour({ mark }, palette) {
  if (mark === 0) return palette.text;
  return mark === -1 ? palette.down : palette.up;
}

/** Write a number; strong ones twice, half a pixel apart, which costs less than another font. */
function write(context, text, x, y, isStrong) {
  context.fillText(text, x, y);
  if (isStrong) context.fillText(text, x + 0.6, y);
}
