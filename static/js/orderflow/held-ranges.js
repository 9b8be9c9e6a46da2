// Which stretches of time are held: a set of ranges [from, to) of epoch milliseconds. Pure.

/** @typedef {[number, number]} Range from, to; `to` is not part of it */

/**
 * Return `ranges` with one more, joined where they touch, ascending.
 * @param {Range[]} ranges disjoint, ascending
 * @returns {Range[]}
 */
export function withRange(ranges, [from, to]) {
  if (from >= to) return ranges;
  const apart = ranges.filter(([a, b]) => b < from || to < a);
  const joined = ranges.filter(([a, b]) => !(b < from || to < a));
  const starts = joined.map(([a]) => a);
  const ends = joined.map(([, b]) => b);
  return [...apart, [Math.min(from, ...starts), Math.max(to, ...ends)]].sort(([a], [b]) => a - b);
}

/**
 * Return what of [from, to) no range contains, ascending.
 * @param {Range[]} ranges disjoint, ascending
 * @returns {Range[]}
 */
export function missing(ranges, [from, to]) {
  const found = [];
  let at = from;
  for (const [a, b] of ranges) {
    if (b <= at) continue;
    if (a >= to) break;
    if (a > at) found.push([at, a]);
    at = b;
  }
  if (at < to) found.push([at, to]);
  return found;
}
