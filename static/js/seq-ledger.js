// Tracks which ticks of one instrument have arrived, by seq. Pure: no page, no network.

/** Rows may arrive late or twice; each seq counts as new once. */
export class SeqLedger {
  /** @type {[number, number][]} gaps: first and last missing seq, ascending */
  #holes = [];

  /** @param {number} last newest known seq; 0: none, the first seq to arrive starts the ledger */
  constructor(last = 0) {
    this.last = last;
  }

  get holes() {
    return this.#holes.map((hole) => [...hole]);
  }

  /** Record the arrival of `seq`; return whether it is new. */
  take(seq) {
    if (seq > this.last) {
      if (this.last > 0) this.skip(seq - 1);
      this.last = seq;
      return true;
    }
    return this.#cut(seq, seq);
  }

  /** Continue after `seq`; missing ticks before it may still arrive late. */
  skip(seq) {
    if (seq > this.last) this.#holes.push([this.last + 1, seq]);
    this.last = Math.max(this.last, seq);
  }

  /** Stop waiting for from..to. */
  close(from, to) {
    this.#cut(from, to);
  }

  /** Remove from..to from the gaps; return whether any of it was missing. */
  #cut(from, to) {
    const before = this.#holes;
    if (!before.some(([a, b]) => a <= to && from <= b)) return false;
    this.#holes = before
      .flatMap(([a, b]) => [[a, Math.min(b, from - 1)], [Math.max(a, to + 1), b]])
      .filter(([a, b], i, all) => a <= b && !(i && all[i - 1][0] === a && all[i - 1][1] === b));
    return true;
  }
}
