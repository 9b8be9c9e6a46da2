// The fills of one aggressive order as one trade. Pure.

/**
 * Join fills that follow each other at one moment on one side.
 *
 * A joined row has the seq and price of its last fill and the quantity of all.
 * @param {any[][]} rows [seq, ms, price, quantity, side], ascending
 */
export function joinFills(rows) {
  const found = [];
  for (const row of rows) {
    const [seq, ms, price, quantity, side] = row;
    const open = found.at(-1);
    if (open && open[1] === ms && open[4] === side && open[0] === seq - 1) {
      found[found.length - 1] = [seq, ms, price, open[3] + quantity, side];
    } else found.push(row);
  }
  return found;
}
