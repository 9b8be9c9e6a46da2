// Bars with the texts of their cells. Each is painted once to a picture and then only copied, until the
// bar, the zoom or a setting changes: texts are by far the most expensive part of a frame.

import { setFont } from "./canvas-texts.js";
import { shadeOf } from "./cell-tiles.js";

const CANDLE_SHARE = 0.07; // of the width of a bar
const GAP_PX = 3;
const LEAST_TEXT_PX = 7.5;
const MOST_TEXT_PX = 13;
const CHARACTER_EM = 0.6; // width of a digit, about
const MOST_PICTURES = 64;
const TALLEST_PX = 4_000; // taller bars are mostly outside of the pane, and drawn directly

/** Draw a candle whose middle is at `at`; `half`: half the width of its body in pixels. */
export function drawCandle({ context, top, ratio }, { open, high, low, close }, palette, at, half) {
  context.fillStyle = close >= open ? palette.up : palette.down;
  const wick = Math.max(1, Math.round(ratio));
  context.fillRect(Math.round(at - wick / 2), top(high), wick, top(low - 1) - top(high));
  const upper = top(Math.max(open, close));
  const width = Math.max(1, 2 * Math.max(0.5, half));
  context.fillRect(Math.round(at - half), upper, width, Math.max(1, top(Math.min(open, close) - 1) - upper));
}

export class TextBars {
  #pictures = new Map(); // bar -> {key, canvas}, the most recently drawn last

  /** @param {(bar: object) => number[]} marksOf imbalances of a bar, by row */
  constructor(look, marksOf) {
    Object.assign(this, { look, marksOf });
  }

  /**
   * @param {object} frame the mapping of prices to pixels
   * @param {{x: number, originalData: import("./bars.js").Bar}[]} shown
   * @param {(bars: object[]) => number} largestOf the quantity of the strongest colour
   */
  draw(frame, shown, largestOf) {
    const { settings } = this.look;
    const largest = largestOf(shown);
    const rowPx = (frame.tickPx * shown.at(-1).originalData.step) / frame.vertical;
    const fontPx = this.#fontPx(frame, rowPx, largest) * frame.vertical;
    for (const bar of shown) {
      const own = settings.scale === "view" ? largest : largestOf([bar]);
      this.#bar(frame, bar, own, fontPx);
    }
  }

  /** Size of the texts: they fit into the height of a row and the width of a cell. */
  #fontPx({ spacing, ratio }, rowPx, largest) {
    const { settings, texts, zoom } = this.look;
    const longest = Math.max(texts.plain(largest).length, texts.decimals ? texts.decimals + 2 : 0);
    const cellPx = (spacing / ratio) * (settings.cells === "bidask" ? 0.41 : 0.85);
    const most = Math.min(MOST_TEXT_PX * zoom, Math.floor(rowPx * 0.72), cellPx / (CHARACTER_EM * longest));
    return Math.max(LEAST_TEXT_PX, most);
  }

  #bar(frame, { x, originalData: bar }, largest, fontPx) {
    const { ticks } = bar.cells;
    const highest = ticks.at(-1) + bar.step - 1;
    const left = Math.round(x * frame.ratio - frame.spacing / 2);
    const top = Math.floor(frame.top(highest));
    const height = Math.ceil(frame.top(ticks[0] - 1)) - top + 1;
    if (top > frame.height || top + height < 0) return;
    if (height > TALLEST_PX) {
      this.#paint({ ...frame, left }, bar, largest, fontPx);
      return;
    }
    const picture = this.#picture(frame, bar, { highest, height }, largest, fontPx);
    frame.context.drawImage(picture, left, top);
  }

  #picture(frame, bar, { highest, height }, largest, fontPx) {
    const { settings, palette } = this.look;
    const { ratio, vertical, spacing, tickPx } = frame;
    const key = [
      spacing.toFixed(2), tickPx.toFixed(3), largest, fontPx, settings.cells, palette.isDark, settings.show.includes("imbalances"),
      settings.ratio, settings.difference, settings.zeros, bar.lastSeq, bar.volume,
    ].join(" ");
    const known = this.#pictures.get(bar);
    this.#pictures.delete(bar);
    const canvas = known?.key === key ? known.canvas : new OffscreenCanvas(Math.ceil(spacing), height);
    this.#pictures.set(bar, { key, canvas });
    if (this.#pictures.size > MOST_PICTURES) this.#pictures.delete(this.#pictures.keys().next().value);
    if (canvas === known?.canvas) return canvas;
    const own = {
      context: canvas.getContext("2d"), ratio, vertical, spacing, tickPx, height, left: 0,
      top: (price) => (highest - price) * tickPx,
    };
    this.#paint(own, bar, largest, fontPx);
    return canvas;
  }

  /** Paint a bar whose left edge is at `frame.left`. */
  #paint(frame, bar, largest, fontPx) {
    const { context, spacing, ratio } = frame;
    const { settings, palette, font } = this.look;
    setFont(context, fontPx, font);
    const left = frame.left + GAP_PX * ratio;
    const width = spacing - 2 * GAP_PX * ratio;
    const stick = Math.max(3 * ratio, Math.round(width * CANDLE_SHARE));
    drawCandle(frame, bar, palette, left + stick / 2, Math.max(1, Math.floor(stick / 2)));
    const box = { left: Math.round(left + stick + ratio), width: Math.round(width - stick - ratio) };
    const marks = settings.show.includes("imbalances") ? this.marksOf(bar) : null;
    this.#rows(frame, bar, box, marks, largest);
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
      const row = {
        ...box, top: y, height: Math.max(1, rowHeight - 1), sell: sell[i], buy: buy[i], mark: marks?.[i] ?? 0,
        isValue: ticks[i] >= valueLow && ticks[i] <= valueHigh,
      };
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
