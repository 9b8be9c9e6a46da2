// Times as text, in UTC or in the time zone of the browser.

import { LOCALE } from "./locale.js";

const KEY = "zone";
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const FORMATS = {
  time: TIME,
  second: { ...TIME, second: "2-digit" },
  day: { day: "numeric", month: "short" },
  month: { month: "short" },
  year: { year: "numeric" },
  date: { year: "numeric", month: "short", day: "numeric", weekday: "short" },
  full: { year: "numeric", month: "short", day: "numeric", ...TIME },
};

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is blocked: each page starts in UTC
  }
}

function remember(zone) {
  try {
    localStorage.setItem(KEY, zone);
  } catch {
    // then for this page only
  }
}

/** Emits "change" when the zone is switched. */
class Clock extends EventTarget {
  #formats = new Map();
  zone = remembered() === "local" ? "local" : "UTC";

  /** Display name of the zone. */
  get name() {
    return this.zone === "UTC" ? "UTC" : Intl.DateTimeFormat(LOCALE).resolvedOptions().timeZone;
  }

  switchZone() {
    this.zone = this.zone === "UTC" ? "local" : "UTC";
    this.#formats.clear();
    remember(this.zone);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {keyof FORMATS} kind */
  format(ms, kind) {
    if (!this.#formats.has(kind)) {
      const timeZone = this.zone === "UTC" ? { timeZone: "UTC" } : {};
      this.#formats.set(kind, new Intl.DateTimeFormat(LOCALE, { ...FORMATS[kind], ...timeZone }));
    }
    return this.#formats.get(kind).format(ms);
  }

  /** Local time of the zone at `ms`, encoded as if it were UTC. */
  wall(ms) {
    return this.zone === "UTC" ? ms : ms - new Date(ms).getTimezoneOffset() * 60_000;
  }
}

export const clock = new Clock();
