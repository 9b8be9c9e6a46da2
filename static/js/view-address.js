// The URL of a view: ?timeframe=5m&from=2026-01-05T12:00Z&to=2026-01-05T14:00Z

import { TIMEFRAMES } from "./candle-series.js";

const text = (ms) => `${new Date(ms).toISOString().slice(0, 16)}Z`;

function moment(value) {
  const ms = value === null ? NaN : Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}

/** @typedef {{timeframe: string, from: number | null, to: number | null}} View epoch ms */

/** Return the view of the URL; without `to` it follows the newest candle. */
export function readAddress(search = location.search) {
  const query = new URLSearchParams(search);
  const timeframe = query.get("timeframe");
  const [from, to] = [moment(query.get("from")), moment(query.get("to"))];
  return {
    timeframe: TIMEFRAMES.has(timeframe) ? timeframe : "1m",
    from,
    to: from !== null && to !== null && to >= from ? to : null,
  };
}

/** @param {View} view */
export function addressOf({ timeframe, from, to }) {
  const parts = [`timeframe=${timeframe}`];
  if (from !== null) parts.push(`from=${text(from)}`);
  if (to !== null) parts.push(`to=${text(to)}`);
  return `${location.pathname}?${parts.join("&")}`;
}

export function writeAddress(view) {
  const address = addressOf(view);
  if (address !== location.pathname + location.search) history.replaceState(null, "", address);
}
