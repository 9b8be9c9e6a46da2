// The volume-weighted mean price and its deviation bands, and the cumulative delta. Pure.

const DAY_MS = 86_400_000;

/** Return when the session of a moment began: sessions are days in UTC. */
export function sessionOf(ms) {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}

/**
 * Sums over trades: volume, volume x price, volume x price squared, in lots and ticks. Prices are
 * counted from `origin`, so that the squares stay exact and small.
 */
export class WeightedPrices {
  volume = 0;
  #first = 0;
  #second = 0;

  /** @param {number} origin ticks */
  constructor(origin) {
    this.origin = origin;
  }

  /** Add the rows of a bar, each at the middle of its prices. */
  add({ ticks, sell, buy }, step) {
    const middle = (step - 1) / 2 - this.origin;
    for (let i = 0; i < ticks.length; i += 1) {
      const lots = sell[i] + buy[i];
      const price = ticks[i] + middle;
      this.volume += lots;
      this.#first += lots * price;
      this.#second += lots * price * price;
    }
  }

  copy() {
    const copy = new WeightedPrices(this.origin);
    copy.volume = this.volume;
    copy.#first = this.#first;
    copy.#second = this.#second;
    return copy;
  }

  /** Ticks; undefined without volume. */
  get mean() {
    return this.volume ? this.origin + this.#first / this.volume : undefined;
  }

  get deviation() {
    if (!this.volume) return undefined;
    const mean = this.#first / this.volume;
    return Math.sqrt(Math.max(0, this.#second / this.volume - mean * mean));
  }
}

/**
 * Return the mean and the deviation in ticks after each bar; before the anchor, undefined.
 * @param {import("./bars.js").Bar[]} bars ascending
 * @param {object} [options]
 * @param {number | null} [options.anchor] epoch ms; null: each session begins anew
 * @param {WeightedPrices} [options.before] the sums of the first session before the first bar
 */
export function vwap(bars, { anchor = null, before = null } = {}) {
  let sums = before;
  let session = bars.length ? sessionOf(bars[0].openedAt) : 0;
  return bars.map((bar) => {
    if (anchor !== null && bar.openedAt < anchor) return undefined;
    const own = sessionOf(bar.openedAt);
    if (anchor === null && own !== session) [session, sums] = [own, null];
    sums ??= new WeightedPrices(bar.close);
    sums.add(bar.cells, bar.step);
    return { mean: sums.mean, deviation: sums.deviation };
  });
}

/**
 * Return the cumulative delta of each bar as a candle: open, high, low and close in lots.
 * @param {import("./bars.js").Bar[]} bars ascending
 * @param {boolean} isReset whether each session begins at 0
 */
export function cumulativeDelta(bars, isReset) {
  let total = 0;
  let session = null;
  return bars.map(({ openedAt, time, delta, deltaMin, deltaMax }) => {
    const own = sessionOf(openedAt);
    if (isReset && own !== session) total = 0;
    session = own;
    const open = total;
    total += delta;
    return { time, open, high: open + Math.max(0, deltaMax), low: open + Math.min(0, deltaMin), close: total };
  });
}
