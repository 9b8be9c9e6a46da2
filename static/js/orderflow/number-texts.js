// Quantities as short texts, remembered because the same ones are drawn again and again. Pure.

const MINUS = "\u2212";

/** Text of a number with at most three significant digits beyond a thousand: 12, 0.25, 1.2k, 35k, 1.4M. */
function short(number, decimals) {
  const size = Math.abs(number);
  if (size >= 999_500) return `${trim((size / 1e6).toFixed(size < 1e7 ? 1 : 0))}M`;
  if (size >= 9_999.5) return `${Math.round(size / 1e3)}k`;
  if (size >= 1_000 && decimals) return size.toFixed(0);
  return trim(size.toFixed(Math.min(decimals, size >= 100 ? 1 : 3)));
}

function trim(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Text of a percentage, whole and with its sign. */
export function percent(value) {
  const whole = Math.round(Math.abs(value));
  return `${whole === 0 ? "" : value > 0 ? "+" : MINUS}${whole} %`;
}

export class NumberTexts {
  #plain = new Map();
  #signed = new Map();

  /** @param {number} lotSize quantity of a lot */
  constructor(lotSize, decimals) {
    Object.assign(this, { lotSize, decimals });
  }

  /** Text of a number of lots as a quantity. */
  plain(lots) {
    return this.#of(this.#plain, lots, (text) => (lots < 0 ? MINUS + text : text));
  }

  /** The same with its sign. */
  signed(lots) {
    return this.#of(this.#signed, lots, (text) => (lots > 0 ? `+${text}` : lots < 0 ? MINUS + text : text));
  }

  #of(known, lots, write) {
    let text = known.get(lots);
    if (text === undefined) {
      if (known.size > 50_000) known.clear();
      known.set(lots, (text = write(short(lots * this.lotSize, this.decimals))));
    }
    return text;
  }
}
