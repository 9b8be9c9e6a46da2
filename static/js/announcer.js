// Announcements for screen readers; of several in a row, only the last one.

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
