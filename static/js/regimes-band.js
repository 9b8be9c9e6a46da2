// The true persistence phi by regime, as a band under the candles on the same time axis.

import { colour } from "./theme.js";

const LARGEST_PHI = 0.8;
const BAND_PX = 14;

/** Return the regimes of an API table {columns, rows}; the current one ends at Infinity. */
export function readRegimes({ columns, rows }) {
  const at = Object.fromEntries(columns.map((name, index) => [name, index]));
  return rows.map((row) => ({
    phi: row[at.phi],
    startedAt: row[at.started_at],
    endedAt: row[at.ended_at] ?? Infinity,
  }));
}

function mix(from, to, share) {
  const parts = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  const [a, b] = [parts(from), parts(to)];
  return `rgb(${a.map((value, i) => Math.round(value + (b[i] - value) * share)).join(" ")})`;
}

/** A lightweight-charts primitive, to be attached to the candle series. */
export class RegimesBand {
  #sorted = [];
  #chart = null;
  #requestUpdate = () => {};

  /** `logicalAt(ms)` returns the position of a time on the axis in candles. */
  constructor(logicalAt) {
    this.logicalAt = logicalAt;
    this.readColours();
  }

  readColours() {
    this.colours = ["--phi-minus", "--phi-zero", "--phi-plus"].map(colour);
    this.#requestUpdate();
  }

  get length() {
    return this.#sorted.length;
  }

  /** The regime currently in force, if known. */
  get newest() {
    const last = this.#sorted.at(-1);
    return last?.endedAt === Infinity ? last : undefined;
  }

  /** Replace the regimes, which must ascend. */
  replace(regimes) {
    this.#sorted = regimes;
    this.#requestUpdate();
  }

  /** Begin a regime, which ends the current one. */
  begin(regime) {
    const before = this.#sorted.filter(({ startedAt }) => startedAt < regime.startedAt);
    const last = before.at(-1);
    if (last?.endedAt > regime.startedAt) before[before.length - 1] = { ...last, endedAt: regime.startedAt };
    this.replace([...before, regime]);
  }

  /** Return the regime in force at `ms`, or undefined. */
  at(ms) {
    const regime = this.#sorted[this.#indexAt(ms)];
    return regime && ms < regime.endedAt ? regime : undefined;
  }

  /** Index of the last regime that began by `ms`, or -1. */
  #indexAt(ms) {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle].startedAt <= ms) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  colourOf(phi) {
    const [minus, zero, plus] = this.colours;
    const share = Math.min(1, Math.abs(phi) / LARGEST_PHI);
    return mix(zero, phi < 0 ? minus : plus, share);
  }

  attached({ chart, requestUpdate }) {
    this.#chart = chart;
    this.#requestUpdate = requestUpdate;
  }

  detached() {
    this.#chart = null;
    this.#requestUpdate = () => {};
  }

  updateAllViews() {}

  paneViews() {
    return [{ zOrder: () => "normal", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target) {
    if (!this.#chart || this.#sorted.length === 0) return;
    const scale = this.#chart.timeScale();
    // The library has coordinates for whole candles only; interpolate between them.
    const origin = scale.logicalToCoordinate(0);
    if (origin === null) return;
    const perCandle = scale.logicalToCoordinate(1) - origin;
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio, verticalPixelRatio }) => {
      const height = BAND_PX * verticalPixelRatio;
      for (const { phi, startedAt, endedAt } of this.#sorted) {
        const [from, to] = [this.logicalAt(startedAt), this.logicalAt(endedAt)];
        if (from === to) continue;
        const left = Math.round((origin + from * perCandle) * ratio);
        const right = Math.round((origin + to * perCandle) * ratio);
        if (right <= 0) continue;
        if (left >= bitmapSize.width) break;
        context.fillStyle = this.colourOf(phi);
        context.fillRect(left, bitmapSize.height - height, Math.max(1, right - left), height);
      }
    });
  }
}
