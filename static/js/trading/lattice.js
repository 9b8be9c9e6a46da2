// Numbers that a user enters: whether they lie on the lattice of an instrument. Pure.

const LONGEST = 20; // characters
const NUMBER = /^(\d+\.?\d*|\.\d+)$/;

/** @typedef {{tickSize: string, lotSize: string}} Sizes of an instrument, exact decimals */

/** Which size each field of an order is a multiple of. */
const SIZE_OF = { quantity: "lotSize", price: "tickSize", trigger_price: "tickSize" };

/**
 * What is wrong with each field of an order or of a change, in the words of the server.
 * @param {Record<string, unknown>} fields those that are no numbers are left out
 * @param {Sizes} sizes
 * @returns {Record<string, string>} by field; empty if nothing is wrong
 */
export function problemsOf(fields, sizes) {
  const found = Object.entries(SIZE_OF).flatMap(([name, size]) => {
    const problem = name in fields ? problemOf(String(fields[name]), sizes[size]) : "";
    return problem ? [[name, problem]] : [];
  });
  return Object.fromEntries(found);
}

/** What is wrong with the text of a positive multiple of a step; "" if nothing is. */
export function problemOf(text, step) {
  if (text === "") return "is missing";
  if (text.length > LONGEST || !NUMBER.test(text)) return `${text} is not a decimal number such as 12.5`;
  const places = Math.max(placesOf(text), placesOf(step));
  const units = inUnits(text, places);
  if (units === 0n) return `${text} is not positive`;
  return units % inUnits(step, places) === 0n ? "" : `${text} is not a multiple of ${step}`;
}

/** Whether two texts are the same number. */
export function isSame(a, b) {
  return Number(a) === Number(b);
}

/** The text of the next multiple of a step, at least one step. */
export function stepped(text, direction, { step, decimals }) {
  const steps = Math.max(1, Math.round(Number(text) / step) + direction);
  return (steps * step).toFixed(decimals);
}

function placesOf(text) {
  return text.includes(".") ? text.length - text.indexOf(".") - 1 : 0;
}

/** A decimal as a whole number of units of its last place. */
function inUnits(text, places) {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(places, "0"));
}
