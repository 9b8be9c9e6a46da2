// Unfinished auctions: ends of a bar at which both sides traded. Pure.

/**
 * Return the ends of a bar at which buyers and sellers both traded: "high", "low".
 *
 * An auction is finished at the high when nobody sells into the last buyers there, and at the low
 * when nobody buys from the last sellers. Where it is unfinished, the price often returns.
 * @param {import("./bars.js").Bar} bar
 * @returns {{end: "high" | "low", ticks: number}[]} ticks: the lowest price of the row
 */
export function unfinishedAuctions({ cells: { ticks, sell, buy } }) {
  const last = ticks.length - 1;
  const isUnfinished = (row) => sell[row] > 0 && buy[row] > 0;
  const found = [];
  if (isUnfinished(last)) found.push({ end: "high", ticks: ticks[last] });
  if (isUnfinished(0)) found.push({ end: "low", ticks: ticks[0] });
  return found;
}
