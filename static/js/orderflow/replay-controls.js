// The bar of controls of a replay.

import { clock } from "../clock.js";

const STATES = {
  playing: "", paused: "paused", loading: "loading", ended: "no later records",
};
const TELL_MS = 10_000; // screen readers hear the time this often

export class ReplayControls {
  #toldAt = 0;

  /**
   * @param {HTMLElement} element with controls named by data-replay
   * @param {import("./replay.js").Replay} replay
   * @param {object} actions open(ms), close()
   * @param {(text: string) => void} say
   */
  constructor(element, replay, actions, say) {
    Object.assign(this, { element, replay, say });
    this.parts = Object.fromEntries([...element.querySelectorAll("[data-replay]")].map((part) => [part.dataset.replay, part]));
    const { play, back, forward, trade, leave, start } = this.parts;
    play.addEventListener("click", () => this.toggle());
    back.addEventListener("click", () => replay.step(-1_000));
    forward.addEventListener("click", () => replay.step(1_000));
    trade.addEventListener("click", () => replay.stepTrade());
    leave.addEventListener("click", () => actions.close());
    start.addEventListener("change", () => {
      const ms = Date.parse(`${start.value}Z`);
      if (!Number.isNaN(ms)) actions.open(ms);
    });
    replay.addEventListener("state", () => this.show());
    clock.addEventListener("change", () => this.show());
  }

  toggle() {
    if (!this.replay.isOpen) return;
    if (["playing", "loading"].includes(this.replay.state)) this.replay.pause();
    else this.replay.play();
  }

  show() {
    const { replay, parts } = this;
    this.element.hidden = !replay.isOpen;
    if (!replay.isOpen) return;
    const isPlaying = ["playing", "loading"].includes(replay.state);
    parts.play.textContent = isPlaying ? "Pause" : "Play";
    parts.play.setAttribute("aria-pressed", isPlaying);
    parts.state.textContent = STATES[replay.state];
    parts.moment.textContent = `${clock.format(replay.moment, "day")} ${clock.format(replay.moment, "second")}`;
    if (document.activeElement !== parts.start) {
      parts.start.value = new Date(replay.moment).toISOString().slice(0, 19);
    }
    this.#tell();
  }

  #tell() {
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return;
    this.#toldAt = now;
    this.say(`Replay: ${this.parts.moment.textContent}`);
  }
}
