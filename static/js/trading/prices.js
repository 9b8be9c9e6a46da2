// Prices, quantities and amounts of money as text.

import { LOCALE } from "../locale.js";

const MINUS = "\u2212";
const MONEY = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** @returns {number} decimals of a step such as 0.25 or 0.001 */
export function decimals(step) {
  const text = Number(step).toFixed(10).replace(/0+$/, "");
  return text.length - text.indexOf(".") - 1;
}

/** Text of a number with its sign. */
export function signed(number, text) {
  return (number > 0 ? "+" : number < 0 ? MINUS : "") + text;
}

export function money(amount) {
  return signed(Math.min(0, amount), MONEY.format(Math.abs(amount)));
}

export function profit(amount) {
  return signed(amount, MONEY.format(Math.abs(amount)));
}

/** @typedef {{tickSize: string, lotSize: string, precision: number}} Sizes */

/** Formats by instrument. */
export class Formats {
  #formats = new Map();

  /** @param {Record<string, Sizes>} sizes by symbol */
  constructor(sizes) {
    for (const [symbol, found] of Object.entries(sizes)) this.#formats.set(symbol, formatOf(found));
  }

  /** The format of an instrument, undefined for one that was added since the page was opened. */
  of(symbol) {
    return this.#formats.get(symbol);
  }

  /** A price of an instrument with its decimals, or an average with up to two more. */
  price(symbol, price) {
    return this.of(symbol)?.average(price) ?? String(price);
  }
}

/** @param {Sizes} sizes */
export function formatOf(sizes) {
  const { tickSize, lotSize, precision } = sizes;
  const lots = decimals(lotSize);
  return {
    sizes,
    price: (price) => Number(price).toFixed(precision),
    average: (price) => withDecimals(price, precision),
    ofTicks: (ticks) => (ticks * tickSize).toFixed(precision),
    quantity: (quantity) => Number(quantity).toFixed(lots),
  };
}

/** A number with at least this many decimals, and at most two more. */
function withDecimals(number, fewest) {
  const text = Number(number).toFixed(fewest + 2);
  return text.endsWith("00") ? Number(number).toFixed(fewest) : text;
}
