// The regimes (phi, the truth) as a band under the candles, in step with the time axis.

import { colour } from "./theme.js";

const LARGEST_PHI = 0.8;
const BAND_PX = 14;

/** Return the regimes of an API table {columns, rows}; the one in force ends at Infinity. */
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

/** A primitive of lightweight-charts: attach it to the candle series. */
export class RegimesBand {
  #regimes = new Map(); // startedAt -> regime
  #chart = null;
  #requestUpdate = () => {};

  /** `timeAt(ms)` gives the place of a moment on the axis in candles, null where there is none. */
  constructor(logicalAt) {
    this.logicalAt = logicalAt;
    this.sorted = [];
    this.readColours();
  }

  readColours() {
    this.colours = ["--phi-minus", "--phi-zero", "--phi-plus"].map(colour);
    this.#requestUpdate();
  }

  add(regimes) {
    regimes.forEach((regime) => this.#regimes.set(regime.startedAt, regime));
    this.sorted = [...this.#regimes.values()].sort((a, b) => a.startedAt - b.startedAt);
    // A regime ends where the next one starts, whatever was known when it was read.
    this.sorted.forEach((regime, i) => {
      const next = this.sorted[i + 1]?.startedAt ?? Infinity;
      if (regime.endedAt > next) regime.endedAt = next;
    });
    this.#requestUpdate();
  }

  /** Return the regime in force at `ms`, undefined where none is known. */
  at(ms) {
    return this.sorted.findLast(({ startedAt, endedAt }) => startedAt <= ms && ms < endedAt);
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
    if (!this.#chart) return;
    const scale = this.#chart.timeScale();
    // Only whole candles have a coordinate there; the axis is linear between them.
    const origin = scale.logicalToCoordinate(0);
    if (origin === null) return;
    const perCandle = scale.logicalToCoordinate(1) - origin;
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio, verticalPixelRatio }) => {
      const height = BAND_PX * verticalPixelRatio;
      for (const { phi, startedAt, endedAt } of this.sorted) {
        const [from, to] = [this.logicalAt(startedAt), this.logicalAt(endedAt)];
        if (from === to) continue;
        const left = Math.round((origin + from * perCandle) * ratio);
        const right = Math.round((origin + to * perCandle) * ratio);
        if (right <= 0 || left >= bitmapSize.width) continue;
        context.fillStyle = this.colourOf(phi);
        context.fillRect(left, bitmapSize.height - height, Math.max(1, right - left), height);
      }
    });
  }
}
