// Footprint candles ("bars") as integers: prices in ticks, quantities in lots. Pure.

/**
 * The rows of a bar, ascending. Row i covers the prices from ticks[i] to ticks[i] + step - 1.
 * @typedef {{ticks: number[], sell: number[], buy: number[], trades: number[]}} Cells
 *
 * @typedef {object} Bar
 * @property {number} time opening time in seconds, for the chart
 * @property {number} openedAt opening time in milliseconds
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} volume
 * @property {number} delta bought minus sold
 * @property {number} deltaMin least delta after any of the trades
 * @property {number} deltaMax greatest delta after any of the trades
 * @property {number} trades
 * @property {number} poc row with most volume
 * @property {number} valueLow lowest row of the value area
 * @property {number} valueHigh highest row of the value area
 * @property {number} step ticks per row
 * @property {Cells} cells
 * @property {number} firstSeq
 * @property {number} lastSeq
 *
 * @typedef {{tickSize: number, lotSize: number}} Sizes
 */

/** Return the row that contains a price in ticks. */
export function rowOf(ticks, step) {
  return Math.floor(ticks / step) * step;
}

/**
 * Return the bars of an API table {columns, rows}.
 * @param {Sizes} sizes
 * @returns {Bar[]}
 */
export function readBars({ columns, rows }, sizes) {
  const read = barReader(columns, sizes);
  return rows.map(read);
}

/** Return a function that reads a row of the API with these columns. */
export function barReader(columns, { tickSize, lotSize }) {
  const at = Object.fromEntries(columns.map((name, index) => [name, index]));
  const ticks = (price) => Math.round(price / tickSize);
  const lots = (quantity) => Math.round(quantity / lotSize);
  return (row) => {
    const price = (name) => ticks(row[at[name]]);
    const quantity = (name) => lots(row[at[name]]);
    const cells = readCells(row[at.clusters], ticks, lots);
    return {
      time: row[at.opened_at] / 1000,
      openedAt: row[at.opened_at],
      open: price("open"), high: price("high"), low: price("low"), close: price("close"),
      volume: quantity("volume"), delta: quantity("delta"),
      deltaMin: quantity("delta_min"), deltaMax: quantity("delta_max"),
      trades: sum(cells.trades),
      poc: price("poc"), valueLow: price("value_low"), valueHigh: price("value_high"),
      step: row[at.step],
      cells,
      firstSeq: row[at.first_seq], lastSeq: row[at.last_seq],
    };
  };
}

function readCells(clusters, ticks, lots) {
  const cells = { ticks: [], sell: [], buy: [], trades: [] };
  for (const [price, sell, buy, trades] of clusters) {
    cells.ticks.push(ticks(price));
    cells.sell.push(lots(sell));
    cells.buy.push(lots(buy));
    cells.trades.push(trades);
  }
  return cells;
}

export function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
