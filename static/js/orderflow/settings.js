// The settings of the page, kept in its URL so that a view can be shared. Pure.

import { TIMEFRAMES } from "../candle-series.js";

export const CELLS = ["bidask", "delta", "volume", "profile"];
export const LAYERS = [
  "heat", "profile", "delta", "vwap", "imbalances", "prints", "absorption", "pocs", "unfinished", "table", "book",
];
export const PROFILES = ["visible", "session", "range"];
export const SCALES = ["view", "bar"];
export const FITS = ["rows", "bars"];
export const STEPS = [1, 2, 4, 5, 8, 10, 16, 20, 25, 40, 50, 100];
export const SPEEDS = [1, 2, 5, 10, 30, 60, 120, 300];

const choice = (names, initial) => ({
  initial, read: (text) => (names.includes(text) ? text : initial), write: String,
});
const whole = (initial, least, most) => ({
  initial,
  read: (text) => {
    const number = Number(text);
    return Number.isInteger(number) && number >= least && number <= most ? number : initial;
  },
  write: String,
});
const auto = (initial, least, most) => {
  const number = whole(initial, least, most);
  return { initial: "auto", read: (text) => (/^\d+$/.test(text) ? number.read(text) : "auto"), write: String };
};
const switched = (initial) => ({
  initial,
  read: (text) => (text === "on" ? true : text === "off" ? false : initial),
  write: (value) => (value ? "on" : "off"),
});
const several = (names, initial) => ({
  initial,
  read: (text) => (text === "" ? [] : names.filter((name) => text.split(".").includes(name))),
  write: (values) => values.join("."),
});
const words = {
  initial: [],
  read: (text) => [...new Set(text.split("."))].filter((word) => /^[a-z0-9_]+$/.test(word)),
  write: (values) => values.join("."),
};
const decimal = (initial, least, most) => ({
  initial,
  read: (text) => {
    const number = Number(text);
    return text !== "" && number >= least && number <= most ? number : initial;
  },
  write: String,
});
const moment = {
  initial: null,
  read: (text) => {
    const ms = Date.parse(text);
    return Number.isNaN(ms) ? null : ms;
  },
  write: (ms) => new Date(ms).toISOString().replace(/(:00)?\.000Z$/, "Z"),
};

/** @type {Record<string, {initial: any, read(text: string): any, write(value: any): string}>} */
const SETTINGS = {
  timeframe: choice([...TIMEFRAMES.keys()], "1m"),
  cells: choice(CELLS, "bidask"),
  step: auto(1, 1, 100_000),
  scale: choice(SCALES, "view"),
  fit: choice(FITS, "rows"),
  show: several(LAYERS, ["heat", "profile", "delta", "vwap", "imbalances", "prints", "table", "book"]),
  measures: words,
  profile: choice(PROFILES, "visible"),
  profile_from: moment,
  profile_to: moment,
  anchor: moment,
  bands: whole(2, 0, 3),
  reset: switched(true),
  ratio: whole(300, 100, 10_000),
  difference: whole(30, 0, 1_000_000_000),
  stack: whole(3, 2, 50),
  zeros: switched(true),
  prints: auto(100, 1, 1_000_000_000),
  orders: switched(false),
  absorption: whole(300, 100, 10_000),
  absorption_volume: whole(30, 1, 1_000_000_000),
  depth: decimal(0.5, 0.01, 20),
  from: moment,
  to: moment,
  replay: moment,
  speed: whole(10, 1, 3_600),
};

/** The meaning of a setting that is not in the URL. */
export function initialOf(name) {
  return SETTINGS[name].initial;
}

/** Return all settings of a query string; invalid ones have their initial values. */
export function readSettings(search) {
  const query = new URLSearchParams(search);
  return Object.fromEntries(Object.entries(SETTINGS).map(([name, { initial, read }]) => (
    [name, query.has(name) ? read(query.get(name)) : initial]
  )));
}

/** Return the query string that `readSettings` reads; it names only what differs from the initial values. */
export function writeSettings(settings) {
  const query = new URLSearchParams();
  for (const [name, { initial, write }] of Object.entries(SETTINGS)) {
    const value = settings[name];
    const isInitial = value === null || write(value) === (initial === null ? null : write(initial));
    if (!isInitial || name === "timeframe") query.set(name, write(value));
  }
  return `?${query.toString().replaceAll("%3A", ":")}`;
}

/** Return the setting `name` as it would be read from `text`. */
export function readSetting(name, text) {
  return SETTINGS[name].read(text);
}
