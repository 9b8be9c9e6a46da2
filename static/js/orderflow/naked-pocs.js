// Points of control at which nothing has traded since. Pure.

/**
 * Return the bars whose row of most volume no later bar has reached, newest first.
 * @param {import("./bars.js").Bar[]} bars ascending
 * @param {number} most how many to return
 * @returns {{index: number, ticks: number, step: number}[]}
 */
export function nakedPocs(bars, most = Infinity) {
  const traded = new Spans();
  const found = [];
  for (let index = bars.length - 1; index >= 0 && found.length < most; index -= 1) {
    const { poc, step, low, high } = bars[index];
    if (!traded.touches(poc, poc + step - 1)) found.push({ index, ticks: poc, step });
    traded.add(low, high);
  }
  return found;
}

/** Disjoint spans of whole numbers, ascending. */
class Spans {
  #spans = [];

  touches(low, high) {
    return this.#spans.some(([from, to]) => from <= high && low <= to);
  }

  add(low, high) {
    const apart = this.#spans.filter(([from, to]) => to < low - 1 || high + 1 < from);
    const joined = this.#spans.filter(([from, to]) => !(to < low - 1 || high + 1 < from));
    const span = [
      Math.min(low, ...joined.map(([from]) => from)), Math.max(high, ...joined.map(([, to]) => to)),
    ];
    this.#spans = [...apart, span].sort(([a], [b]) => a - b);
  }
}
