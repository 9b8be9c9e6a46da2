// The colours of the drawings, from the tokens of the theme.

import { colour } from "../theme.js";

const TOKENS = ["up", "down", "text", "muted", "surface", "line", "accent", "warn", "raised"];
const HEAT = ["--heat-0", "--heat-1", "--heat-2", "--heat-3", "--heat-4"];
export const SHADES = 16;

function channels(text) {
  return text.match(/[\d.]+/g).slice(0, 3).map(Number);
}

/** Text of a colour between two others; `share` 0: the first. */
function mixed(from, to, share) {
  return from.map((value, i) => Math.round(value + (to[i] - value) * share));
}

/** A pixel of an ImageData, as a number. */
function pixel([red, green, blue], alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Pixels of cells without texts: stronger than the shades behind texts. */
function strong(from, to) {
  return Array.from({ length: SHADES }, (_, i) => pixel(mixed(from, to, 0.2 + 0.75 * (i / (SHADES - 1)))));
}

export class Palette {
  constructor() {
    this.read();
  }

  /** Read the tokens again, after the theme has changed. */
  read() {
    for (const name of TOKENS) this[name] = colour(`--${name}`);
    const of = Object.fromEntries(TOKENS.map((name) => [name, channels(this[name])]));
    this.channels = of;
    this.isDark = of.surface[0] + of.surface[1] + of.surface[2] < 384;
    this.upShades = this.#shades(of.surface, of.up);
    this.downShades = this.#shades(of.surface, of.down);
    this.plainShades = this.#shades(of.surface, of.accent);
    this.upPixels = strong(of.surface, of.up);
    this.downPixels = strong(of.surface, of.down);
    this.plainPixels = strong(of.surface, of.accent);
    this.pocPixel = pixel(mixed(of.surface, of.warn, 0.75));
    this.heat = this.#heat(HEAT.map((name) => channels(colour(name))));
  }

  /** Colours from hardly visible to strong; texts stay readable on all of them. */
  #shades(from, to) {
    return Array.from({ length: SHADES }, (_, i) => {
      const share = 0.05 + 0.5 * (i / (SHADES - 1));
      return `rgb(${mixed(from, to, share).join(" ")})`;
    });
  }

  /** 256 pixels from nothing to the largest quantity; the first is transparent. */
  #heat(stops) {
    return Uint32Array.from({ length: 256 }, (_, i) => {
      if (i === 0) return 0;
      const place = (i / 255) * (stops.length - 1);
      const stop = Math.min(stops.length - 2, Math.floor(place));
      return pixel(mixed(stops[stop], stops[stop + 1], place - stop));
    });
  }
}
