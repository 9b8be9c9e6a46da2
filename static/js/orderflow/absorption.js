// Absorption: heavy aggression at the end of a bar that did not move the price. Pure.

const REACH = 2; // rows from the low or the high of a bar

/**
 * Return the rows in which aggression was absorbed.
 *
 * Selling is absorbed in one of the two lowest rows if at least `volume` lots were sold there and at
 * least `ratio` per cent of the mean sold per row of the bar, and the bar closed above the row.
 * Buying, in the two highest rows, likewise. One row per side at most: that with more.
 * @param {import("./bars.js").Bar} bar
 * @param {{ratio: number, volume: number}} thresholds
 * @returns {{side: "buy" | "sell", ticks: number, lots: number}[]} side: of the aggressors
 */
export function absorptions({ cells, close, step }, thresholds) {
  const { ticks, sell, buy } = cells;
  const count = ticks.length;
  const ends = Math.min(REACH, count);
  const low = strongest(sell, 0, ends, thresholds);
  const high = strongest(buy, count - ends, count, thresholds);
  const found = [];
  if (low >= 0 && close >= ticks[low] + step) found.push({ side: "sell", ticks: ticks[low], lots: sell[low] });
  if (high >= 0 && close < ticks[high]) found.push({ side: "buy", ticks: ticks[high], lots: buy[high] });
  return found;
}

/** Return the index of the largest of lots[from..to - 1] if it passes the thresholds, else -1. */
function strongest(lots, from, to, { ratio, volume }) {
  const total = lots.reduce((sum, value) => sum + value, 0);
  let best = -1;
  for (let i = from; i < to; i += 1) if (best < 0 || lots[i] > lots[best]) best = i;
  if (best < 0 || lots[best] < volume) return -1;
  return 100 * lots[best] * lots.length >= ratio * total ? best : -1;
}
