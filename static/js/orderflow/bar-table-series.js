// The table under the bars: volume, delta, its extremes and trades, as a custom series.

import { customSeriesDefaultOptions } from "../../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { setFont } from "./canvas-texts.js";
import { percent } from "./number-texts.js";
import { SHADES } from "./palette.js";

const TEXT_PX = 34; // narrowest bar with texts
const FONT_PX = 11;
const ROW_PX = 17;

const lots = (value, texts) => texts.plain(value);
const signedLots = (value, texts) => texts.signed(value);

/** Title, what is shown, whether with a sign, its text. */
const ROWS = [
  ["Volume", ({ volume }) => volume, false, lots],
  ["Delta", ({ delta }) => delta, true, signedLots],
  ["Delta %", ({ delta, volume }) => (volume ? (100 * delta) / volume : 0), true, percent],
  ["Max Δ", ({ deltaMax }) => deltaMax, true, signedLots],
  ["Min Δ", ({ deltaMin }) => deltaMin, true, signedLots],
  ["Trades", ({ trades }) => trades, false, String],
];
export const TABLE_PX = ROWS.length * ROW_PX;

export class BarTableSeries {
  #data = null;

  /** @param {object} look palette, texts, font */
  constructor(look) {
    this.look = look;
  }

  renderer() {
    return { draw: (target) => this.#draw(target) };
  }

  update(data) {
    this.#data = data;
  }

  priceValueBuilder() {
    return [0, 1, 0];
  }

  isWhitespace(bar) {
    return bar.cells === undefined;
  }

  defaultOptions() {
    return customSeriesDefaultOptions;
  }

  #draw(target) {
    const { bars, visibleRange, barSpacing } = this.#data ?? {};
    if (!visibleRange) return;
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio, verticalPixelRatio: vertical }) => {
      const from = Math.max(0, Math.floor(visibleRange.from));
      const to = Math.min(bars.length - 1, Math.ceil(visibleRange.to));
      const shown = bars.slice(from, to + 1).filter(({ originalData }) => originalData.cells);
      const frame = { context, ratio, vertical, spacing: barSpacing * ratio, height: bitmapSize.height / ROWS.length };
      setFont(context, FONT_PX * this.look.zoom * vertical, this.look.font);
      frame.titles = ROWS.map(([title]) => context.measureText(title).width + 10 * ratio);
      ROWS.forEach((row, i) => this.#row(frame, shown, row, i));
      this.#titles(frame);
    });
  }

  #row({ context, spacing, height, ratio, titles }, bars, [, read, isSigned, write], number) {
    const { palette, texts } = this.look;
    const largest = bars.reduce((most, { originalData }) => Math.max(most, Math.abs(read(originalData))), 1);
    const top = Math.round(number * height);
    const gap = spacing > 6 * ratio ? ratio : 0;
    const hasText = spacing >= TEXT_PX * this.look.zoom * ratio;
    context.textAlign = "center";
    for (const { x, originalData } of bars) {
      const value = read(originalData);
      const shades = !isSigned ? palette.plainShades : value >= 0 ? palette.upShades : palette.downShades;
      context.fillStyle = shades[Math.min(SHADES - 1, Math.floor((SHADES * Math.abs(value)) / largest))];
      const left = Math.round(x * ratio - spacing / 2);
      context.fillRect(left, top, Math.round(x * ratio + spacing / 2) - left - gap, Math.round(height) - ratio);
      if (!hasText) continue;
      context.fillStyle = palette.text;
      const text = write(value, texts);
      const isNear = x * ratio - spacing / 2 < titles[number];
      const isHidden = isNear && x * ratio - context.measureText(text).width / 2 < titles[number];
      if (!isHidden) context.fillText(text, x * ratio, top + height / 2);
    }
  }

  #titles({ context, height, ratio, vertical, titles }) {
    const { palette } = this.look;
    context.textAlign = "left";
    ROWS.forEach(([title], i) => {
      const top = Math.round(i * height);
      context.globalAlpha = 0.85;
      context.fillStyle = palette.surface;
      context.fillRect(0, top, titles[i], Math.round(height) - vertical);
      context.globalAlpha = 1;
      context.fillStyle = palette.muted;
      context.fillText(title, 4 * ratio, top + height / 2);
    });
  }
}
