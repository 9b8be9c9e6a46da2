// Diagonal and stacked imbalances of a bar. Pure.

/**
 * @typedef {object} Thresholds
 * @property {number} ratio per cent, e.g. 300
 * @property {number} difference lots at least
 * @property {number} stack adjacent rows at least
 * @property {boolean} ignoreZeros whether a row opposite nothing counts as no imbalance
 *
 * @typedef {{side: "buy" | "sell", low: number, high: number}} Stack lowest and highest row
 */

/**
 * Return for each row 1 (buyers), -1 (sellers), 2 (both) or 0.
 *
 * Buyers who lift the ask of a row are compared with the sellers who hit the bid one row below, as
 * they compete for the same spread: buy[p] against sell[p - step], and sell[p] against buy[p + step].
 * @param {import("./bars.js").Cells} cells
 * @param {Thresholds} thresholds
 */
export function diagonalImbalances({ ticks, sell, buy }, step, thresholds) {
  return ticks.map((row, i) => {
    const below = ticks[i - 1] === row - step ? sell[i - 1] : 0;
    const above = ticks[i + 1] === row + step ? buy[i + 1] : 0;
    const buyers = exceeds(buy[i], below, thresholds);
    const sellers = exceeds(sell[i], above, thresholds);
    if (buyers && sellers) return 2;
    return buyers ? 1 : sellers ? -1 : 0;
  });
}

function exceeds(strong, weak, { ratio, difference, ignoreZeros }) {
  if (strong - weak < difference || strong === 0) return false;
  if (weak === 0) return !ignoreZeros;
  return 100 * strong >= ratio * weak;
}

/**
 * Return the runs of at least `stack` adjacent rows with imbalances of one side, ascending.
 * @param {number[]} marks of `diagonalImbalances`
 * @returns {Stack[]}
 */
export function stackedImbalances({ ticks }, step, marks, stack) {
  const found = [];
  for (const [side, sign] of [["buy", 1], ["sell", -1]]) {
    let first = 0;
    for (let i = 0; i <= ticks.length; i += 1) {
      const isMarked = i < ticks.length && (marks[i] === sign || marks[i] === 2);
      const isNext = i > first && ticks[i] === ticks[i - 1] + step;
      if (isMarked && (i === first || isNext)) continue;
      if (i - first >= stack) found.push({ side, low: ticks[first], high: ticks[i - 1] });
      first = isMarked ? i : i + 1;
    }
  }
  return found;
}
