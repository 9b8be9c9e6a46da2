// The book as it is at the moment that is shown, as bars at the right of the pane.

import { setFont } from "./canvas-texts.js";
import { Layer } from "./layer.js";

const SHARE = 0.13; // of the width of the pane
const WIDEST_PX = 170;
const TEXT_ROW_PX = 11;
const MOST_ROWS = 400; // above and below the best prices

export class BookLayer extends Layer {
  #book = null;

  constructor(look) {
    super(look, "normal");
  }

  /** @param {import("../trading/order-book.js").OrderBook | null} book shown from now on */
  show(book) {
    this.#book = book;
    this.redraw();
  }

  paint(frame) {
    const book = this.#book;
    if (!book?.seq && book?.seq !== 0) return;
    if (!this.look.settings.show.includes("book")) return;
    const step = this.look.bars().at(-1).step;
    const rows = [...this.#rows(book, "bids", step), ...this.#rows(book, "asks", step)];
    const seen = rows.filter(({ ticks }) => frame.y(ticks) > 0 && frame.y(ticks + step) < frame.height);
    const largest = Math.max(1e-9, ...seen.map(({ quantity }) => quantity));
    seen.forEach((row) => this.#row(frame, row, step, largest));
  }

  /** Rows of one side, from the best price on. */
  #rows(book, side, step) {
    const best = book.best(side);
    if (best === null) return [];
    const sums = new Map();
    const way = side === "bids" ? -1 : 1;
    for (let i = 0; i < MOST_ROWS * step; i += 1) {
      const ticks = best + way * i;
      const quantity = book.quantity(side, ticks);
      if (quantity === 0) continue;
      const row = Math.floor(ticks / step) * step;
      sums.set(row, (sums.get(row) ?? 0) + quantity);
    }
    return [...sums].map(([ticks, quantity]) => ({ ticks, quantity, side }));
  }

  #row({ context, width, ratio, vertical, tickPx, y }, { ticks, quantity, side }, step, largest) {
    const { palette, texts, sizes } = this.look;
    const room = Math.min(SHARE * width, WIDEST_PX * ratio);
    const length = (room * quantity) / largest;
    const height = Math.max(1, step * tickPx - vertical);
    const top = y(ticks + step - 0.5);
    context.globalAlpha = 0.45;
    context.fillStyle = side === "bids" ? palette.up : palette.down;
    context.fillRect(width - length, top, length, height);
    if (height < TEXT_ROW_PX * vertical) return;
    context.globalAlpha = 1;
    const px = Math.min(11 * this.look.zoom, Math.floor((height / vertical) * 0.7));
    setFont(context, px * vertical, this.look.font);
    context.textAlign = "right";
    context.fillStyle = palette.text;
    context.fillText(texts.plain(Math.round(quantity / sizes.lotSize)), width - 4 * ratio, top + height / 2);
  }
}
