// Loads the regimes of the visible range and of one screen on both sides.

const LONGEST_VIEW_MS = 14 * 86_400_000; // in longer views a regime is narrower than a pixel

export class RegimesReader {
  #covered = null; // {from, to} epoch ms
  #reading = 0;

  /** @param {import("./regimes-band.js").RegimesBand} band */
  constructor(history, band) {
    this.history = history;
    this.band = band;
  }

  /** Show the regimes between two times (epoch ms). The band is optional: failures only warn. */
  async cover({ from, to }) {
    const span = Math.max(to - from, 60_000);
    if (span > LONGEST_VIEW_MS) return this.#forget();
    if (this.#covered && this.#covered.from <= from && to <= this.#covered.to) return;
    const number = (this.#reading += 1);
    const wish = { from: Math.max(0, Math.floor(from - span)), to: Math.ceil(to + span) };
    try {
      const regimes = await this.history.regimes(wish.from, wish.to);
      if (number !== this.#reading) return;
      this.#covered = wish;
      this.band.replace(regimes);
    } catch (error) {
      console.warn(`regimes: ${error.message}`); // the next move tries again
    }
  }

  begin(regime) {
    if (this.#covered && regime.startedAt <= this.#covered.to) this.band.begin(regime);
  }

  #forget() {
    this.#reading += 1;
    this.#covered = null;
    if (this.band.length) this.band.replace([]);
  }
}
