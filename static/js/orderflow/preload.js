// Predicts how far ahead of the view the history must be loaded. Pure.

const MEMORY = 0.3; // weight of the newest observation
const SAFETY = 3; // loads may take this many times longer than usual
const LONGEST_PAUSE_MS = 400; // a later movement is a new one
const FIRST_LOAD_MS = 300;

/** Watches the scrolling and the loads; speeds are in bars per millisecond, positive to the right. */
export class Preload {
  #speed = 0;
  #loadMs = FIRST_LOAD_MS;
  #at = null; // {left, ms} of the last movement

  /** @param {number} least bars beside the view that are always loaded */
  constructor(least) {
    this.least = least;
  }

  /** Note where the left end of the view is at a time `ms`; `shift`: bars that were added before it. */
  moved(left, ms) {
    const last = this.#at;
    this.#at = { left, ms };
    if (!last || ms - last.ms > LONGEST_PAUSE_MS) this.#speed = 0;
    else if (ms > last.ms) this.#speed += MEMORY * ((left - last.left) / (ms - last.ms) - this.#speed);
  }

  /** The bars were renumbered by `shift`: that is no movement. */
  shifted(shift) {
    if (this.#at) this.#at.left += shift;
  }

  loaded(ms) {
    this.#loadMs += MEMORY * (ms - this.#loadMs);
  }

  /**
   * Return how many bars must be loaded beside a view of `width` bars: those that the scrolling will
   * have reached by the time a load ends.
   * @param {"older" | "newer"} side
   */
  margin(side, width) {
    const towards = side === "older" ? -this.#speed : this.#speed;
    const ahead = Math.max(0, towards) * this.#loadMs * SAFETY;
    return Math.ceil(Math.max(this.least, width, width + ahead));
  }
}
