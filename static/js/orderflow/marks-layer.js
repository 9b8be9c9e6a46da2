// Marks over the footprint: stacked imbalances, absorption, large trades, naked points of control,
// unfinished auctions.

import { absorptions } from "./absorption.js";
import { stackedImbalances } from "./imbalances.js";
import { Layer } from "./layer.js";
import { nakedPocs } from "./naked-pocs.js";
import { unfinishedAuctions } from "./unfinished-auctions.js";

const MOST_POCS = 12;
const SMALLEST_PX = 3; // radius of a bubble
const LARGEST_PX = 20;
const TEXT_PX = 40; // wider bars show texts
const ZONE_BARS = 40; // a zone, or the line of an unfinished auction, is at most so long

export class MarksLayer extends Layer {
  #prints = [];
  #pocs = null;
  #stacks = new WeakMap(); // marks of a bar -> {stack, found}

  /**
   * @param {(bar: object) => number[]} marksOf imbalances of a bar, by row
   * @param {(ms: number) => number} placeOf position of a time in bars
   */
  constructor(look, marksOf, placeOf) {
    super(look, "top");
    Object.assign(this, { marksOf, placeOf });
  }

  /** @param {import("./prints.js").Print[]} prints ascending */
  showPrints(prints) {
    this.#prints = prints;
    this.redraw();
  }

  get prints() {
    return this.#prints;
  }

  /** The bars have changed. */
  changed() {
    this.#pocs = null;
  }

  paint(frame) {
    const { show } = this.look.settings;
    const bars = this.look.bars();
    const from = Math.max(0, Math.floor(-frame.x(0) / frame.spacing) - ZONE_BARS);
    const to = Math.min(bars.length - 1, Math.ceil((frame.width - frame.x(0)) / frame.spacing));
    if (show.includes("imbalances")) for (let i = from; i <= to; i += 1) this.#zones(frame, bars, i);
    if (show.includes("absorption")) for (let i = from; i <= to; i += 1) this.#absorptions(frame, bars[i], i);
    if (show.includes("unfinished")) this.#unfinished(frame, bars, from, Math.min(to, bars.length - 2));
    if (show.includes("pocs")) this.#nakedPocs(frame, bars);
    if (show.includes("prints")) this.#bubbles(frame);
  }

  #stacksOf(bar) {
    const { stack } = this.look.settings;
    const marks = this.marksOf(bar);
    const known = this.#stacks.get(marks);
    if (known?.stack === stack) return known.found;
    const found = stackedImbalances(bar.cells, bar.step, marks, stack);
    this.#stacks.set(marks, { stack, found });
    return found;
  }

  /** A zone reaches from its bar to the first later bar that trades in it. */
  #zones({ context, x, y, ratio, spacing }, bars, index) {
    const { palette } = this.look;
    const bar = bars[index];
    if (!bar.cells) return;
    for (const { side, low, high } of this.#stacksOf(bar)) {
      const top = high + bar.step - 1;
      let end = index + 1;
      while (end < bars.length && end - index < ZONE_BARS && !(bars[end].low <= top && low <= bars[end].high)) end += 1;
      const left = x(index) - spacing / 2;
      const right = x(Math.min(end, bars.length - 1)) + spacing / 2;
      const [upper, lower] = [y(top + 0.5), y(low - 0.5)];
      context.fillStyle = side === "buy" ? palette.up : palette.down;
      context.globalAlpha = 0.12;
      context.fillRect(left + spacing, upper, Math.max(0, right - left - spacing), lower - upper);
      context.globalAlpha = 1;
      context.fillRect(side === "buy" ? left + spacing - 3 * ratio : left + ratio, upper, 2 * ratio, lower - upper);
    }
  }

  /** A triangle beside the row: below absorbed selling, above absorbed buying. */
  #absorptions({ context, x, y, ratio, spacing }, bar, index) {
    if (!bar.cells) return;
    const { palette, settings } = this.look;
    const thresholds = { ratio: settings.absorption, volume: settings.absorption_volume };
    for (const { side, ticks } of absorptions(bar, thresholds)) {
      const way = side === "sell" ? 1 : -1; // down the screen
      const edge = side === "sell" ? y(bar.low - 0.5) : y(bar.high + 0.5);
      const size = Math.min(6 * ratio, spacing / 2);
      context.fillStyle = palette.accent;
      context.beginPath();
      context.moveTo(x(index), edge + way * 3 * ratio);
      context.lineTo(x(index) - size, edge + way * (3 * ratio + 1.4 * size));
      context.lineTo(x(index) + size, edge + way * (3 * ratio + 1.4 * size));
      context.fill();
      const top = y(ticks + bar.step - 0.5);
      context.strokeStyle = palette.accent;
      context.lineWidth = 1.5 * ratio;
      if (spacing > 20 * ratio) context.strokeRect(x(index) - spacing / 2 + 2 * ratio, top, spacing - 4 * ratio, y(ticks - 0.5) - top);
    }
  }

  /** A bracket at the end of each closed bar, and a line from it to the first later bar that trades there. */
  #unfinished({ context, x, y, ratio, spacing }, bars, from, to) {
    context.strokeStyle = this.look.palette.accent;
    context.lineWidth = 1.5 * ratio;
    context.beginPath();
    for (let i = from; i <= to; i += 1) {
      const bar = bars[i];
      for (const { end, ticks } of bar.cells ? unfinishedAuctions(bar) : []) {
        const at = Math.round(end === "high" ? y(ticks + bar.step - 0.5) : y(ticks - 0.5));
        const until = x(this.#returnTo(bars, i, ticks)) - spacing / 2;
        context.moveTo(x(i) - spacing / 2 + ratio, at);
        context.lineTo(Math.max(x(i) + spacing / 2 - ratio, until), at);
      }
    }
    context.stroke();
  }

  /** The first bar after one that trades in a row of it, or where its line ends. */
  #returnTo(bars, index, ticks) {
    const { step } = bars[index];
    let end = index + 1;
    while (end < bars.length && end - index < ZONE_BARS && !(bars[end].low < ticks + step && ticks <= bars[end].high)) end += 1;
    return end;
  }

  #nakedPocs({ context, x, y, width, ratio, spacing }, bars) {
    this.#pocs ??= nakedPocs(bars.slice(0, -1), MOST_POCS);
    const { palette } = this.look;
    context.strokeStyle = palette.warn;
    context.lineWidth = ratio;
    context.setLineDash([2 * ratio, 3 * ratio]);
    context.beginPath();
    for (const { index, ticks, step } of this.#pocs) {
      const at = Math.round(y(ticks + (step - 1) / 2)) + 0.5;
      const last = bars.at(-1);
      if (last.low <= ticks + step - 1 && ticks <= last.high) continue; // the open bar trades there
      context.moveTo(x(index) + spacing / 2, at);
      context.lineTo(width, at);
    }
    context.stroke();
    context.setLineDash([]);
  }

  #bubbles({ context, x, y, width, ratio, spacing }) {
    const { palette } = this.look;
    const largest = this.#prints.reduce((most, { lots }) => Math.max(most, lots), 1);
    for (const { at, ticks, lots, side } of this.#prints) {
      const place = x(this.placeOf(at));
      if (place < 0 || place > width) continue;
      const radius = Math.max(SMALLEST_PX, LARGEST_PX * Math.sqrt(lots / largest)) * ratio;
      context.beginPath();
      context.arc(place, y(ticks), radius, 0, 2 * Math.PI);
      context.fillStyle = context.strokeStyle = side === "buy" ? palette.up : palette.down;
      context.globalAlpha = spacing > TEXT_PX * ratio ? 0.12 : 0.35; // texts stay readable
      context.fill();
      context.globalAlpha = 0.8;
      context.lineWidth = ratio;
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}
