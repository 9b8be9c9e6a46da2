// What of an open order can change, and the request for it. Pure.

import { isSame } from "./lattice.js";

/** @typedef {{name: string, label: string, value: number}} Field */

/**
 * The fields of an order that can change.
 * @returns {Field[]}
 */
export function fieldsOf(order) {
  const { quantity, price, trigger_price: trigger, state } = order;
  const fields = [{ name: "quantity", label: "Quantity", value: quantity }];
  if (price !== null) fields.push({ name: "price", label: "Price", value: price });
  if (state === "untriggered") fields.push({ name: "trigger_price", label: "Trigger price", value: trigger });
  return fields;
}

/**
 * The body of the request: only what differs from the order, so that a fill or another change in
 * the meantime is not undone.
 * @param {Record<string, string>} texts by field
 */
export function changesOf(order, texts) {
  return Object.fromEntries(Object.entries(texts).filter(([name, text]) => !isSame(text, order[name])));
}
