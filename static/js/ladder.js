// In which way to try to reach the server next. Pure: no page, no network.

export const WAYS = ["socket", "events", "polling"];
const FIRST_TRIES = 2; // of a way that never worked, before the next one
const LATER_TRIES = 1;
const PATIENCE = 6; // of a way that worked: the server restarts

export class Ladder {
  #place = 0;
  #tries = 0;
  #most = FIRST_TRIES;

  get way() {
    return WAYS[this.#place];
  }

  /** A try of `way` is over; it worked for a while, or not at all. */
  ended(worked) {
    if (worked && this.way === "polling") this.#to(0, LATER_TRIES); // a better one may be back
    else if (worked) this.#to(this.#place, PATIENCE);
    else if (++this.#tries >= this.#most) this.#to((this.#place + 1) % WAYS.length, LATER_TRIES);
  }

  #to(place, most) {
    [this.#place, this.#tries, this.#most] = [place, 0, most];
  }
}
