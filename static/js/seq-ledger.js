// Which ticks of one instrument have come, by seq. Pure: no page, no network.

/** Rows may come late or twice; each seq is new once. */
export class SeqLedger {
  /** @type {[number, number][]} seqs that were skipped, first and last, ascending */
  #holes = [];

  /** @param {number} last newest seq that is known; 0: none, the first to come starts it */
  constructor(last = 0) {
    this.last = last;
  }

  get holes() {
    return this.#holes.map((hole) => [...hole]);
  }

  /** Note that `seq` came; return whether it is new. */
  take(seq) {
    if (seq > this.last) {
      if (this.last > 0) this.skip(seq - 1);
      this.last = seq;
      return true;
    }
    return this.#cut(seq, seq);
  }

  /** What comes next is after `seq`; what did not come before it may still come, late. */
  skip(seq) {
    if (seq > this.last) this.#holes.push([this.last + 1, seq]);
    this.last = Math.max(this.last, seq);
  }

  /** Nothing from `from` to `to` is waited for any more. */
  close(from, to) {
    this.#cut(from, to);
  }

  /** Take from..to out of the holes; return whether there was something of it. */
  #cut(from, to) {
    const before = this.#holes;
    if (!before.some(([a, b]) => a <= to && from <= b)) return false;
    this.#holes = before
      .flatMap(([a, b]) => [[a, Math.min(b, from - 1)], [Math.max(a, to + 1), b]])
      .filter(([a, b], i, all) => a <= b && !(i && all[i - 1][0] === a && all[i - 1][1] === b));
    return true;
  }
}
