// The clock of a replay: which past moment is shown. Pure: the real time is passed in.

export class ReplayClock {
  #from; // epoch ms at which the clock was last set
  #since = null; // real time of that, null: paused

  /** @param {number} moment epoch ms */
  constructor(moment, speed = 1) {
    this.#from = moment;
    this.speed = speed;
  }

  get isRunning() {
    return this.#since !== null;
  }

  /** Return the moment shown at the real time `now` (ms). */
  at(now) {
    if (this.#since === null) return this.#from;
    return Math.floor(this.#from + (now - this.#since) * this.speed);
  }

  start(now) {
    if (!this.isRunning) this.#since = now;
  }

  pause(now) {
    this.#from = this.at(now);
    this.#since = null;
  }

  set(moment, now) {
    this.#from = moment;
    if (this.isRunning) this.#since = now;
  }

  /** Change the speed without a jump. */
  setSpeed(speed, now) {
    this.set(this.at(now), now);
    this.speed = speed;
  }
}
