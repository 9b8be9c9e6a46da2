// How much of a bar is drawn at a zoom: text, coloured cells, or a candle. Pure.

const ROW_PX = 9.5; // lowest row with readable text
const TEXT_PX = { bidask: 62, delta: 40, volume: 40, profile: 44 };
const COLOUR_PX = 3; // narrowest bar with cells
const LEAST_ROW_PX = 0.6;

/** Return how wide a bar must be for texts. */
export function textPx({ cells }) {
  return TEXT_PX[cells];
}

/**
 * @param {{cells: string}} settings
 * @param {number} barPx distance between bars
 * @param {number} rowPx height of a row
 * @returns {"text" | "colour" | "candle"}
 */
export function levelOfDetail(settings, barPx, rowPx) {
  if (barPx >= textPx(settings) && rowPx >= ROW_PX) return "text";
  return barPx >= COLOUR_PX && rowPx >= LEAST_ROW_PX ? "colour" : "candle";
}

/** Return the next number of the series 1, 2, 5, 10, 20 ... that is at least `value`. */
export function roundUp(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((digit) => digit * power).find((round) => round >= value);
}
