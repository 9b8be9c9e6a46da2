// Prices and quantities of an instrument as text.

/** @returns {number} decimals of a step such as 0.25 or 0.001 */
export function decimals(step) {
  const text = Number(step).toFixed(10).replace(/0+$/, "");
  return text.length - text.indexOf(".") - 1;
}

/** @param {{tickSize: number, lotSize: number, precision: number}} sizes */
export function formatOf({ tickSize, lotSize, precision }) {
  const lots = decimals(lotSize);
  return {
    price: (price) => Number(price).toFixed(precision),
    ofTicks: (ticks) => (ticks * tickSize).toFixed(precision),
    quantity: (quantity) => Number(quantity).toFixed(lots),
    money: (amount) => Number(amount).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  };
}
