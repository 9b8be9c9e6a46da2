// The volume profile at the left of the pane, with its point of control and value area.

import { Layer } from "./layer.js";

const SHARE = 0.16; // of the width of the pane
const WIDEST_PX = 220;

/**
 * A profile: rows with its levels, in ticks and lots.
 * @typedef {object} Profile
 * @property {import("./bars.js").Cells} cells
 * @property {number} step
 * @property {number} poc
 * @property {number} valueLow
 * @property {number} valueHigh
 */
export class ProfileLayer extends Layer {
  /** @type {Profile | null} */
  #profile = null;

  constructor(look) {
    super(look, "normal");
  }

  get profile() {
    return this.#profile;
  }

  show(profile) {
    this.#profile = profile;
    this.redraw();
  }

  paint(frame) {
    if (!this.#profile || !this.look.settings.show.includes("profile")) return;
    const { context, width, ratio } = frame;
    const { cells: { ticks, sell, buy }, step, valueLow, valueHigh, poc } = this.#profile;
    const { palette } = this.look;
    const room = Math.min(SHARE * width, WIDEST_PX * ratio);
    const largest = ticks.reduce((most, _, i) => Math.max(most, sell[i] + buy[i]), 1);
    const height = Math.max(1, step * frame.tickPx - ratio);
    for (let i = 0; i < ticks.length; i += 1) {
      const y = frame.y(ticks[i] + step - 0.5);
      if (y > frame.height || y + height < 0) continue;
      context.globalAlpha = ticks[i] >= valueLow && ticks[i] <= valueHigh ? 0.42 : 0.2;
      const bought = (room * buy[i]) / largest;
      context.fillStyle = palette.up;
      context.fillRect(0, y, bought, height);
      context.fillStyle = palette.down;
      context.fillRect(bought, y, (room * sell[i]) / largest, height);
    }
    context.globalAlpha = 0.9;
    this.#line(frame, poc, step, palette.warn, [], 1.5);
    this.#line(frame, valueHigh, step, palette.muted, [4, 4], 1);
    this.#line(frame, valueLow, step, palette.muted, [4, 4], 1);
  }

  #line({ context, width, ratio, y }, ticks, step, style, dash, px) {
    const at = Math.round(y(ticks + (step - 1) / 2)) + 0.5;
    context.strokeStyle = style;
    context.lineWidth = px * ratio;
    context.setLineDash(dash.map((length) => length * ratio));
    context.beginPath();
    context.moveTo(0, at);
    context.lineTo(width, at);
    context.stroke();
  }
}
