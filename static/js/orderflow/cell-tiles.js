// Coloured cells of many bars as images: a tile of 128 bars is painted once and then only copied.

import { SHADES } from "./palette.js";

const BARS = 128;
const COLUMNS = 2; // pixels per bar: sold and bought

/** The shade of a quantity in relation to the largest one. */
export function shadeOf(lots, largest) {
  return Math.min(SHADES - 1, Math.floor(SHADES * Math.sqrt(lots / largest)));
}

export class CellTiles {
  #tiles = new Map(); // number -> {canvas, low, unit}
  #basis = "";

  /** Forget the tiles from bar `from` on. */
  forget(from = 0) {
    for (const number of this.#tiles.keys()) if ((number + 1) * BARS > from) this.#tiles.delete(number);
  }

  /**
   * Copy the cells of bars from..to (indices) to a canvas.
   * @param {CanvasRenderingContext2D} context in bitmap pixels
   * @param {import("./bars.js").Bar[]} bars
   * @param {object} place
   * @param {(index: number) => number} place.left left edge of a bar in pixels
   * @param {(ticks: number) => number} place.top upper edge of the row of one tick at a price
   * @param {object} look mode, largest, palette
   */
  draw(context, bars, { from, to }, { left, top }, look) {
    const basis = `${look.mode} ${look.largest} ${look.palette.isDark}`;
    if (basis !== this.#basis) this.#tiles.clear();
    this.#basis = basis;
    context.imageSmoothingEnabled = false;
    for (let number = Math.floor(from / BARS); number * BARS <= to; number += 1) {
      const tile = this.#tile(number, bars, look);
      if (!tile) continue;
      const first = Math.max(from, number * BARS);
      const after = Math.min(to + 1, (number + 1) * BARS);
      const [x, right] = [left(first), left(after)];
      const y = top(tile.low + tile.unit * tile.canvas.height - 1);
      context.drawImage(
        tile.canvas, (first - number * BARS) * COLUMNS, 0, (after - first) * COLUMNS, tile.canvas.height,
        x, y, right - x, top(tile.low - 1) - y,
      );
    }
  }

  #tile(number, bars, look) {
    let tile = this.#tiles.get(number);
    if (tile === undefined) {
      tile = painted(bars.slice(number * BARS, (number + 1) * BARS), look);
      this.#tiles.set(number, tile);
    }
    return tile;
  }
}

/** Return a canvas with a column of cells per bar, the highest price on top; null without cells. */
function painted(bars, { mode, largest, palette }) {
  const filled = bars.filter(({ cells }) => cells.ticks.length);
  if (filled.length === 0) return null;
  const unit = filled.reduce((common, { step }) => divisor(common, step), 0);
  const low = Math.min(...filled.map(({ cells }) => cells.ticks[0]));
  const high = Math.max(...filled.map(({ cells, step }) => cells.ticks.at(-1) + step));
  const [width, height] = [BARS * COLUMNS, Math.ceil((high - low) / unit)];
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  bars.forEach((bar, i) => paintBar(pixels, width, bar, COLUMNS * i, { low, unit, height, mode, largest, palette }));
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return { canvas, low: Math.floor(low / unit) * unit, unit };
}

function paintBar(pixels, width, { cells: { ticks, sell, buy }, step, poc }, x, frame) {
  const { low, unit, height, palette } = frame;
  for (let i = 0; i < ticks.length; i += 1) {
    const [left, right] = ticks[i] === poc
      ? [palette.pocPixel, palette.pocPixel] : cellPixels(sell[i], buy[i], frame);
    const bottom = height - Math.round((ticks[i] - low) / unit) - 1;
    for (let y = bottom; y > bottom - step / unit && y >= 0; y -= 1) {
      pixels[y * width + x] = left;
      pixels[y * width + x + 1] = right;
    }
  }
}

function cellPixels(sell, buy, { mode, largest, palette }) {
  const { upPixels, downPixels, plainPixels } = palette;
  if (mode === "bidask") return [downPixels[shadeOf(sell, largest)], upPixels[shadeOf(buy, largest)]];
  if (mode === "delta") {
    const delta = buy - sell;
    const found = (delta >= 0 ? upPixels : downPixels)[shadeOf(Math.abs(delta), largest)];
    return [found, found];
  }
  const found = plainPixels[shadeOf(sell + buy, largest)];
  return [found, found];
}

function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}
