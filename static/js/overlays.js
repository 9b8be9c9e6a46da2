// Lines on the time axis of the candles, such as the measures in the panes below.

/**
 * A line of points, drawn only at candles, so that it never extends the time axis.
 * @typedef {{time: number, value: number}} Point time in seconds, ascending
 */
export class Overlay {
  /** @type {Point[]} */
  #points = [];
  #values = new Map(); // time -> value

  /** @param {{setData(points: Point[]): void}} line a series of lightweight-charts */
  constructor(line, title) {
    this.line = line;
    this.title = title;
  }

  /** @param {Point[]} points */
  setPoints(points, series) {
    this.#points = points;
    this.#values = new Map(points.map(({ time, value }) => [time, value]));
    this.draw(series);
  }

  draw(series) {
    this.line.setData(this.#points.filter(({ time }) => {
      const ms = time * 1000;
      return series.candles[series.indexAt(ms)]?.openedAt === ms;
    }));
  }

  /** The value at a candle, or undefined. */
  at(candle) {
    return this.#values.get(candle.time);
  }
}
