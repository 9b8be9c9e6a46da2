// The initial margin of an order that is being entered. Pure.

/** @typedef {{limit: number, leverage: number}} Tier up to which value of a position, and its largest leverage */

/**
 * Initial margin of a position: each slice of its value pays the rate of its tier.
 * @param {number} value
 * @param {number} leverage that the account chose
 * @param {Tier[]} tiers ascending; the last one has no end
 */
export function initialMargin(value, leverage, tiers) {
  let [margin, below] = [0, 0];
  for (const tier of tiers) {
    const top = tier === tiers.at(-1) ? value : Math.min(value, tier.limit);
    if (top > below) margin += (top - below) / Math.min(leverage, tier.leverage);
    below = tier.limit;
  }
  return margin;
}

/**
 * What an order adds to the initial margin of a position, without its fee and without other orders.
 * The part that closes an opposite position adds nothing.
 * @param {{side: "buy" | "sell", quantity: number, price: number, reduces: boolean}} order
 * @param {{held: number, mark: number, leverage: number}} holding `held` is negative if short
 * @param {Tier[]} tiers
 */
export function marginOfOrder({ side, quantity, price, reduces }, { held, mark, leverage }, tiers) {
  if (reduces) return 0;
  const along = side === "buy" ? held : -held;
  const opened = Math.max(0, quantity + Math.min(0, along)) * price;
  const before = Math.max(0, along) * mark;
  return initialMargin(before + opened, leverage, tiers) - initialMargin(before, leverage, tiers);
}
