// The instrument page: history from the API, then every tick from the stream.

import { TIMEFRAMES } from "./candle-series.js";
import { Chart } from "./chart.js";
import { bindConnection } from "./connection.js";
import { History, PAGE_CANDLES } from "./history.js";
import { IndicatorPanes } from "./indicators.js";
import { MarketStream } from "./market-stream.js";
import { QuoteLine } from "./quote-line.js";

const page = document.getElementById("instrument");
const message = document.getElementById("chart-message");
const values = document.getElementById("values");
const { symbol } = page.dataset;
const element = document.getElementById("chart");
const quote = new QuoteLine(page);
const history_ = new History(symbol);

const chart = new Chart(element, {
  precision: quote.precision,
  tickSize: Number(page.dataset.tickSize),
  onEdge: loadOlder,
  onCrosshair: (candle) => showValues(candle ?? chart.series.candles.at(-1), candle === null),
});

const panes = new IndicatorPanes(chart.chart, symbol, document.getElementById("panes"));

let timeframe = element.dataset.timeframe;
let reading = 0; // number of the newest read of the history; older answers are dropped
let queued = null; // ticks that came while the history was read
let reachedStart = false;
let readingOlder = false;
let stream = null;

function showMessage(text, canRetry) {
  message.hidden = text === "";
  message.querySelector("p").textContent = text;
  document.getElementById("retry").hidden = !canRetry;
}

/** Read the newest history, put it on the chart, then the ticks that came meanwhile. */
async function load() {
  const number = (reading += 1);
  queued ??= [];
  element.setAttribute("aria-busy", "true");
  try {
    const candles = await history_.candles(timeframe);
    if (number !== reading) return;
    const rows = queued;
    queued = null;
    reachedStart = candles.length < PAGE_CANDLES;
    chart.show(timeframe, candles);
    listen();
    stream.skipTo(symbol, chart.series.lastSeq);
    take(rows);
    showMessage(candles.length ? "" : "No ticks have been recorded yet.", false);
    showValues(chart.series.candles.at(-1), true);
    if (candles.length) {
      readRegimes(candles[0].openedAt);
      panes.show(timeframe, candles[0].openedAt);
    }
  } catch (error) {
    if (number === reading) showMessage(`The history could not be read: ${error.message}`, true);
  } finally {
    if (number === reading) element.setAttribute("aria-busy", "false");
  }
}

async function loadOlder() {
  if (readingOlder || reachedStart || queued) return;
  readingOlder = true;
  const [number, end] = [reading, chart.series.candles[0].openedAt];
  try {
    const candles = await history_.candles(timeframe, end);
    if (number !== reading) return;
    reachedStart = candles.length < PAGE_CANDLES;
    chart.prepend(candles);
    if (candles.length) {
      readRegimes(candles[0].openedAt, end);
      panes.show(timeframe, candles[0].openedAt);
    }
  } catch (error) {
    console.warn(`older candles: ${error.message}`); // asked again at the next scroll
  } finally {
    readingOlder = false;
  }
}

/** The band is an extra: without it the chart still stands. */
async function readRegimes(start, end = null) {
  try {
    chart.band.add(await history_.regimes(start, end));
  } catch (error) {
    console.warn(`regimes: ${error.message}`);
  }
}

function take(rows) {
  if (rows.length === 0) return;
  quote.take(rows);
  if (queued) {
    queued.push(...rows);
    return;
  }
  const wasEmpty = chart.series.candles.length === 0;
  chart.take(rows);
  if (wasEmpty) showMessage("", false);
  paint();
}

function paint() {
  quote.paint();
  if (!pointing) showValues(chart.series.candles.at(-1), true);
}

let pointing = false;

function showValues(candle, isNewest) {
  pointing = !isNewest;
  if (!candle) return;
  const text = (price) => price.toFixed(quote.precision);
  const middle = candle.openedAt + (TIMEFRAMES.get(chart.series.timeframe) * 1000) / 2;
  const at = isNewest ? Infinity : middle;
  const regime = isNewest ? chart.band.sorted.at(-1) : chart.band.at(at);
  const shown = {
    time: new Date(candle.openedAt).toISOString().slice(0, 16).replace("T", " "),
    open: text(candle.open),
    high: text(candle.high),
    low: text(candle.low),
    close: text(candle.close),
    phi: regime ? regime.phi.toFixed(2).replace("-", "\u2212") : "–",
  };
  for (const [name, value] of Object.entries(shown)) {
    values.querySelector(`[data-value=${name}]`).textContent = value;
  }
}

/** Start the stream where the first history ends. */
function listen() {
  if (stream) return;
  stream = new MarketStream({
    since: { [symbol]: chart.series.lastSeq },
    kinds: ["quotes", "status", "regimes"],
  });
  bindConnection(document.getElementById("connection"), stream);
  stream.addEventListener("ticks", ({ detail }) => take(detail.rows));
  stream.addEventListener("gap", load);
  stream.addEventListener("regime", ({ detail: { data } }) => {
    chart.band.add([{ phi: data[0], startedAt: data[1], endedAt: Infinity }]);
  });
  stream.start();
}

function choose(name) {
  timeframe = name;
  document.querySelectorAll(".timeframes a").forEach((link) => {
    if (link.dataset.timeframe === name) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
  load();
}

document.querySelector(".timeframes").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  choose(link.dataset.timeframe);
});
addEventListener("popstate", () => {
  choose(new URLSearchParams(location.search).get("timeframe") ?? "1m");
});
document.getElementById("retry").addEventListener("click", load);
load();
