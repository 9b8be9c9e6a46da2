// The heat map of the book behind the footprint. The grid is painted once, then copied in each frame.

import { Layer } from "./layer.js";

const BEHIND_TEXTS = 0.45; // opacity
const ALONE = 0.6;
const EQUAL = 1e-6; // bars

export class HeatLayer extends Layer {
  #grid = null;
  #image = null; // {canvas, low, count}

  /** @param {(ms: number) => number} placeOf position of a time in bars */
  constructor(look, placeOf) {
    super(look, "bottom");
    this.placeOf = placeOf;
    this.isBehindTexts = () => false;
  }

  get grid() {
    return this.#grid;
  }

  /** Show a grid, null: nothing; after its columns have changed, show it again. */
  show(grid) {
    this.#grid = grid;
    this.#image = null;
    this.redraw();
  }

  /** Paint again with the colours of the theme. */
  recolour() {
    this.show(this.#grid);
  }

  /** Paint the grid to an image of one pixel per cell. */
  render() {
    const { extent, columns } = this.#grid;
    if (extent.count === 0) return null;
    const image = new ImageData(columns.length, extent.count);
    this.#grid.paint(new Uint32Array(image.data.buffer), extent, this.look.palette.heat, this.#grid.cap());
    const canvas = new OffscreenCanvas(columns.length, extent.count);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return { canvas, ...extent };
  }

  paint(frame) {
    if (!this.#grid || !this.look.settings.show.includes("heat")) return;
    this.#image ??= this.render();
    if (!this.#image) return;
    const { context, tickPx, y } = frame;
    const { step } = this.#grid;
    const { low, count } = this.#image;
    const top = y((low + count) * step - 0.5);
    context.globalAlpha = this.isBehindTexts() ? BEHIND_TEXTS : ALONE;
    this.#runs().forEach(({ first, after, from, to }) => {
      const [left, right] = [frame.x(from), frame.x(to)];
      if (right <= 0 || left >= frame.width) return;
      context.imageSmoothingEnabled = right - left < after - first;
      context.drawImage(this.#image.canvas, first, 0, after - first, count, left, top, right - left, count * step * tickPx);
    });
  }

  /** Stretches of equally wide columns; where bars without trades are missing, a stretch ends. */
  #runs() {
    const { columns, columnMs } = this.#grid;
    const runs = [];
    columns.forEach(({ at }, i) => {
      const [from, to] = [this.placeOf(at), this.placeOf(at + columnMs)];
      const width = to - from;
      const last = runs.at(-1);
      if (last && Math.abs(last.to - from) < EQUAL && Math.abs(last.width - width) < EQUAL) {
        Object.assign(last, { after: i + 1, to });
      } else if (width > EQUAL) runs.push({ first: i, after: i + 1, from, to, width });
    });
    return runs;
  }
}
