// Rows of bars: merging, the point of control and the value area. Pure.

import { rowOf } from "./bars.js";

const VALUE_SHARE = 70; // per cent

/**
 * Return the rows of several bars as one set of rows of `step` ticks, which must be a multiple of
 * theirs.
 * @param {{cells: import("./bars.js").Cells, step: number}[]} parts
 * @returns {import("./bars.js").Cells}
 */
export function mergeCells(parts, step) {
  const sums = new Map();
  for (const { cells: { ticks, sell, buy, trades } } of parts) {
    for (let i = 0; i < ticks.length; i += 1) {
      const row = rowOf(ticks[i], step);
      let entry = sums.get(row);
      if (!entry) sums.set(row, (entry = [0, 0, 0]));
      entry[0] += sell[i];
      entry[1] += buy[i];
      entry[2] += trades[i];
    }
  }
  const rows = [...sums.keys()].sort((a, b) => a - b);
  const column = (which) => rows.map((row) => sums.get(row)[which]);
  return { ticks: rows, sell: column(0), buy: column(1), trades: column(2) };
}

/** Return the smallest step into which rows of all these steps fit. */
export function commonStep(steps) {
  const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));
  return [...new Set(steps)].reduce((common, step) => (common * step) / divisor(common, step), 1);
}

/**
 * Return the point of control and the value area of rows, or null without rows. As in the API: of
 * several rows with the most volume, the lowest; the larger neighbour is added until the area has
 * 70 % of the volume, of two equal ones the lower.
 * @returns {{poc: number, valueLow: number, valueHigh: number, volume: number} | null} rows in ticks
 */
export function valueArea({ ticks, sell, buy }) {
  if (ticks.length === 0) return null;
  const lots = ticks.map((_, i) => sell[i] + buy[i]);
  const volume = lots.reduce((sum, value) => sum + value, 0);
  let poc = 0;
  for (let i = 1; i < lots.length; i += 1) if (lots[i] > lots[poc]) poc = i;
  let [low, high, inside] = [poc, poc, lots[poc]];
  while (100 * inside < VALUE_SHARE * volume) {
    const below = low > 0 ? lots[low - 1] : -1;
    const above = high < lots.length - 1 ? lots[high + 1] : -1;
    if (above > below) inside += lots[(high += 1)];
    else inside += lots[(low -= 1)];
  }
  return { poc: ticks[poc], valueLow: ticks[low], valueHigh: ticks[high], volume };
}
