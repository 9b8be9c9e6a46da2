// What is told to those who listen instead of looking; only the last of several in a row.

const PAUSE_MS = 150;

export class Announcer {
  #timer = 0;

  /** @param {HTMLElement} region a live region */
  constructor(region) {
    this.region = region;
  }

  say(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.region.textContent = text), PAUSE_MS);
  }
}
