// Chooses the transport to try next. Pure: no page, no network.

export const WAYS = ["socket", "events", "polling"];
const FIRST_TRIES = 2; // of a transport that never worked, before the next one
const LATER_TRIES = 1;
const PATIENCE = 6; // of a transport that worked: the server may be restarting

export class Ladder {
  #place = 0;
  #tries = 0;
  #most = FIRST_TRIES;

  get way() {
    return WAYS[this.#place];
  }

  /** Record that an attempt with `way` ended, and whether it had worked. */
  ended(worked) {
    if (worked && this.way === "polling") this.#to(0, LATER_TRIES); // a better transport may work again
    else if (worked) this.#to(this.#place, PATIENCE);
    else if (++this.#tries >= this.#most) this.#to((this.#place + 1) % WAYS.length, LATER_TRIES);
  }

  #to(place, most) {
    [this.#place, this.#tries, this.#most] = [place, 0, most];
  }
}
