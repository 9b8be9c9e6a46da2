// Keys of the order-flow chart, besides those of every chart.

import { ChartKeys } from "../chart-keys.js";
import { CELLS, FITS, PROFILES, SPEEDS, STEPS } from "./settings.js";

const NAMES = {
  bidask: "bid and ask", delta: "delta", volume: "volume", profile: "profile",
  visible: "visible bars", session: "session", range: "fixed range",
  bars: "of all visible bars", rows: "that leave rows readable",
};

export class FlowKeys {
  #cursor = null; // index under the cross-hair

  /**
   * @param {import("./flow-chart.js").FlowChart} chart
   * @param {object} actions of the page: first, newest, help, table, replayFrom(ms), play, stepReplay(ms)
   * @param {import("./settings-panel.js").SettingsPanel} panel
   * @param {(text: string) => void} say
   * @param {(bar: object) => string} describe
   */
  constructor(chart, actions, panel, say, describe) {
    Object.assign(this, { chart, actions, panel, say });
    this.keys = new ChartKeys(chart, actions, say, describe);
    chart.addEventListener("point", ({ detail: { index } }) => (this.#cursor = index));
    Object.assign(this.keys.keys, {
      c: () => this.#next("cells", CELLS, "Cells"),
      v: () => this.#next("profile", PROFILES, "Profile"),
      y: () => this.#next("fit", FITS, "Prices"),
      "[": () => this.#step(-1),
      "]": () => this.#step(1),
      a: () => this.#anchor(),
      f: () => this.#range(),
      r: () => actions.replayFrom(this.#moment()),
      p: () => actions.play(),
      " ": () => actions.play(),
      ",": ({ shiftKey }) => actions.stepReplay(shiftKey ? -60_000 : -1_000),
      ".": ({ shiftKey }) => actions.stepReplay(shiftKey ? 60_000 : 1_000),
      "<": () => actions.stepReplay(-60_000),
      ">": () => actions.stepReplay(60_000),
      "{": () => this.#speed(-1),
      "}": () => this.#speed(1),
    });
  }

  /** The bar under the cross-hair, else the last visible one. */
  get #bar() {
    const { chart } = this;
    return chart.series.candles[this.#cursor ?? chart.visible?.to ?? -1];
  }

  #moment() {
    return this.#bar?.openedAt ?? null;
  }

  #next(name, values, title) {
    const value = values[(values.indexOf(this.panel.settings[name]) + 1) % values.length];
    this.panel.set(name, value);
    this.say(`${title}: ${NAMES[value]}`);
  }

  /** A finer or coarser fixed step, starting from the one that is shown. */
  #step(way) {
    const { step } = this.panel.settings;
    const now = step === "auto" ? (this.#bar?.step ?? 1) : step;
    const others = STEPS.filter((value) => (way > 0 ? value > now : value < now));
    const value = way > 0 ? others[0] : others.at(-1);
    if (value === undefined) return;
    this.panel.set("step", value);
    this.say(`${value} ${value === 1 ? "tick" : "ticks"} per row`);
  }

  #speed(way) {
    const index = SPEEDS.findIndex((speed) => speed >= this.panel.settings.speed) + way;
    const speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, index))];
    this.panel.set("speed", speed);
    this.say(`Speed ${speed}`);
  }

  /** Anchor a VWAP at the bar, or remove it if it is there. */
  #anchor() {
    const moment = this.#moment();
    const isThere = this.panel.settings.anchor === moment;
    this.panel.set("anchor", isThere ? null : moment);
    this.say(isThere ? "The anchored VWAP was removed." : "A VWAP is anchored here.");
  }

  /** The first press begins a range at the bar, the second one ends it. */
  #range() {
    const { settings } = this.panel;
    const moment = this.#moment();
    if (moment === null) return;
    const isSecond = settings.profile === "range" && settings.profile_from !== null && settings.profile_to === null;
    if (isSecond) {
      const [from, to] = [settings.profile_from, moment].sort((a, b) => a - b);
      settings.profile_from = from;
      this.panel.set("profile_to", to + 1);
      this.say("The range of the profile ends here.");
    } else {
      Object.assign(settings, { profile_from: moment, profile_to: null });
      this.panel.set("profile", "range");
      this.say("The range of the profile begins here; press F again at its end.");
    }
  }
}
