// Builds bars from trades, and longer bars from shorter ones. Pure.

import { openedAt } from "../candle-series.js";
import { rowOf } from "./bars.js";
import { mergeCells, valueArea } from "./cells.js";

/** @typedef {import("./bars.js").Bar} Bar */

/** Makes the bars of one timeframe from trades in ascending order. */
export class BarBuilder {
  /**
   * @param {string} timeframe
   * @param {(openedAt: number) => number} stepOf ticks per row of the bar that opens then
   * @param {Bar | null} first the beginning of the first bar, whose trades are not repeated
   */
  constructor(timeframe, stepOf, first = null) {
    Object.assign(this, { timeframe, stepOf });
    /** @type {Bar[]} ascending; the last one may still grow */
    this.bars = first ? [structuredClone(first)] : [];
  }

  /** Add a trade: its seq, time (epoch ms), price in ticks, lots and the side of the aggressor. */
  add(seq, at, ticks, lots, side) {
    const opened = openedAt(at, this.timeframe);
    let bar = this.bars.at(-1);
    if (!bar || bar.openedAt !== opened) this.bars.push((bar = newBar(opened, ticks, this.stepOf(opened), seq)));
    bar.high = Math.max(bar.high, ticks);
    bar.low = Math.min(bar.low, ticks);
    bar.close = ticks;
    bar.volume += lots;
    bar.delta += side === "buy" ? lots : -lots;
    bar.deltaMin = Math.min(bar.deltaMin, bar.delta);
    bar.deltaMax = Math.max(bar.deltaMax, bar.delta);
    bar.trades += 1;
    bar.lastSeq = seq;
    addToCells(bar.cells, rowOf(ticks, bar.step), lots, side);
  }

  /** Compute the points of control and value areas of the newest bars, from `index` on. */
  settle(index = this.bars.length - 1) {
    for (const bar of this.bars.slice(Math.max(0, index))) Object.assign(bar, levelsOf(bar.cells));
  }
}

function newBar(opened, ticks, step, seq) {
  return {
    time: opened / 1000, openedAt: opened, open: ticks, high: ticks, low: ticks, close: ticks,
    volume: 0, delta: 0, deltaMin: Infinity, deltaMax: -Infinity, trades: 0,
    poc: 0, valueLow: 0, valueHigh: 0, step,
    cells: { ticks: [], sell: [], buy: [], trades: [] },
    firstSeq: seq, lastSeq: seq,
  };
}

function addToCells(cells, row, lots, side) {
  const { ticks, sell, buy, trades } = cells;
  let at = ticks.length;
  while (at > 0 && ticks[at - 1] > row) at -= 1;
  if (at === 0 || ticks[at - 1] !== row) {
    ticks.splice(at, 0, row);
    for (const column of [sell, buy, trades]) column.splice(at, 0, 0);
  } else at -= 1;
  (side === "buy" ? buy : sell)[at] += lots;
  trades[at] += 1;
}

function levelsOf(cells) {
  const { poc, valueLow, valueHigh } = valueArea(cells);
  return { poc, valueLow, valueHigh };
}

/**
 * Return the bar that consecutive bars with one step make together, opened at `opened`.
 * @param {Bar[]} bars ascending, at least one
 * @returns {Bar}
 */
export function joinBars(bars, opened) {
  const [first, last] = [bars[0], bars.at(-1)];
  const cells = mergeCells(bars, first.step);
  let [delta, deltaMin, deltaMax] = [0, Infinity, -Infinity];
  for (const bar of bars) {
    deltaMin = Math.min(deltaMin, delta + bar.deltaMin);
    deltaMax = Math.max(deltaMax, delta + bar.deltaMax);
    delta += bar.delta;
  }
  return {
    time: opened / 1000, openedAt: opened,
    open: first.open, close: last.close,
    high: Math.max(...bars.map(({ high }) => high)),
    low: Math.min(...bars.map(({ low }) => low)),
    volume: bars.reduce((sum, { volume }) => sum + volume, 0),
    delta, deltaMin, deltaMax,
    trades: bars.reduce((sum, { trades }) => sum + trades, 0),
    ...levelsOf(cells), step: first.step, cells,
    firstSeq: first.firstSeq, lastSeq: last.lastSeq,
  };
}
