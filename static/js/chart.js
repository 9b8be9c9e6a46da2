// The candle chart: candles, the band of regimes below them, and measures in further panes.

import { CandlestickSeries } from "../vendor/lightweight-charts/lightweight-charts.standalone.production.mjs";
import { RegimesBand } from "./regimes-band.js";
import { colour } from "./theme.js";
import { pixels, TimeChart } from "./time-chart.js";

const USUAL_REM = 0.53;
const WIDEST_PX = 24; // widest candle when there are few
const TWO_LINES_PX = 680;

export class Chart extends TimeChart {
  constructor(element, { precision, tickSize }) {
    super(element, { usualPx: pixels(USUAL_REM), widestPx: WIDEST_PX });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      priceFormat: { type: "price", precision, minMove: tickSize },
    });
    this.candles.priceScale().applyOptions({ scaleMargins: { top: this.#top, bottom: 0.1 } });
    this.band = new RegimesBand((ms) => this.placeOf(ms));
    this.candles.attachPrimitive(this.band);
    this.begin(this.candles);
  }

  /** Share of the height for the values above the candles: two lines on narrow charts. */
  get #top() {
    return this.element.clientWidth < TWO_LINES_PX ? 0.2 : 0.12;
  }

  colour() {
    super.colour();
    const [up, down] = ["--up", "--down"].map(colour);
    this.candles.applyOptions({
      borderVisible: false, upColor: up, wickUpColor: up,
      downColor: down, wickDownColor: down,
    });
    this.band.readColours();
  }
}
