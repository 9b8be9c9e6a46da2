// The time axis: days, months and years begin as in the time zone of the clock.

import {
  defaultHorzScaleBehavior, TickMarkType,
} from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { clock } from "./clock.js";

const HOUR_MS = 3_600_000;
const WEIGHT_OF_DAY = 50;
const WEIGHT_OF_MONTH = 60;
const WEIGHT_OF_YEAR = 70;
/** Weights that the library gives to marks within a day. */
const WITHIN_A_DAY = [
  [12 * HOUR_MS, 33], [6 * HOUR_MS, 32], [3 * HOUR_MS, 31], [HOUR_MS, 30],
  [HOUR_MS / 2, 22], [HOUR_MS / 12, 21], [HOUR_MS / 60, 20],
];

/** Weight of a mark at `wall` after a point at `before` (both local ms). */
export function weightOf(wall, before) {
  const [a, b] = [new Date(wall), new Date(before)];
  if (a.getUTCFullYear() !== b.getUTCFullYear()) return WEIGHT_OF_YEAR;
  if (a.getUTCMonth() !== b.getUTCMonth()) return WEIGHT_OF_MONTH;
  if (a.getUTCDate() !== b.getUTCDate()) return WEIGHT_OF_DAY;
  const found = WITHIN_A_DAY.find(([ms]) => Math.floor(wall / ms) !== Math.floor(before / ms));
  return found?.[1] ?? 0;
}

export class TimeAxis extends defaultHorzScaleBehavior() {
  fillWeightsForPoints(points, start = 0) {
    const wallOf = (point) => clock.wall(point.originalTime * 1000);
    let before = start > 0 ? wallOf(points[start - 1]) : null;
    for (let i = start; i < points.length; i += 1) {
      const wall = wallOf(points[i]);
      // Assume that the point before the first is as far away as the second.
      before ??= points.length > 1 ? 2 * wall - wallOf(points[1]) : wall - 1;
      points[i].timeWeight = weightOf(wall, before);
      before = wall;
    }
  }
}

const KINDS = new Map([
  [TickMarkType.Year, "year"], [TickMarkType.Month, "month"], [TickMarkType.DayOfMonth, "day"],
  [TickMarkType.Time, "time"], [TickMarkType.TimeWithSeconds, "time"],
]);

export function tickMark(time, type) {
  return clock.format(time * 1000, KINDS.get(type));
}
