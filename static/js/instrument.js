// The instrument page: connects history, stream, chart and controls.

import { Announcer } from "./announcer.js";
import { CandleValues } from "./candle-values.js";
import { CandleWindow } from "./candle-window.js";
import { TIMEFRAMES } from "./candle-series.js";
import { Chart } from "./chart.js";
import { ChartKeys } from "./chart-keys.js";
import { ChartTable } from "./chart-table.js";
import { clock } from "./clock.js";
import { bindConnection } from "./connection.js";
import { saveAnswer, savePicture } from "./exports.js";
import { History } from "./history.js";
import { IndicatorPanes } from "./indicators.js";
import { MarketStream } from "./market-stream.js";
import { bindMenus } from "./menus.js";
import { QuoteLine } from "./quote-line.js";
import { RegimesReader } from "./regimes-reader.js";
import { TimeframeBar } from "./timeframe-bar.js";
import { addressOf, readAddress, writeAddress } from "./view-address.js";

const MOST_ROWS_OF_A_FILE = 10_000;

const find = (id) => document.getElementById(id);
const page = find("instrument");
const { symbol } = page.dataset;
const element = find("chart");
const quote = new QuoteLine(page);
const history_ = new History(symbol);
const announcer = new Announcer(find("announcer"));
const say = (text) => announcer.say(text);

const chart = new Chart(element, {
  precision: quote.precision, tickSize: Number(page.dataset.tickSize),
});
const candles = new CandleWindow(history_, element.dataset.timeframe, () => chart.isHeld);
const regimes = new RegimesReader(history_, chart.band);
const panes = new IndicatorPanes(chart, symbol, find("panes"));
const values = new CandleValues(find("values"), chart, quote.precision);
const table = new ChartTable(find("chart-table"), chart, (candle) => values.cells(candle));
const timeframes = new TimeframeBar(document.querySelector(".timeframes"));
const help = find("help");
const keys = new ChartKeys(chart, {
  first: () => candles.first(),
  newest: goToNewest,
  help: () => help.showModal(),
  table: toggleTable,
}, say, (candle) => values.describe(candle));

let trading = null;
const tradingReady = find("trading") ? openTrading() : null;
let stream = null;
let pointed = null; // index under the cross-hair
let hasMoved = false; // the user changed the view, so the URL must contain it
let opening = null; // the view that is being read

// History and ticks.

function open(view) {
  const { timeframe, from, to } = view;
  opening = view;
  element.setAttribute("aria-busy", "true");
  if (from === null) candles.newest(timeframe);
  else candles.around(timeframe, from, to ?? Date.now());
}

candles.addEventListener("replaced", ({ detail: { view } }) => {
  const { series } = candles;
  opening = null;
  chart.draw(series);
  pointed = null;
  if (view === "start") chart.showSpan(startOf(series));
  else if (view) chart.showSpan({ from: view.from, to: Math.min(view.to, series.last?.openedAt ?? 0) });
  else chart.showNewest();
  element.setAttribute("aria-busy", "false");
  performance.mark("chart"); // the page is usable from here on
  showMessage(series.candles.length ? "" : "No ticks have been recorded here yet. They appear as soon as something drives this instrument.");
  listen();
  values.show(null);
  if (element.matches(":focus")) keys.tell();
});
candles.addEventListener("moved", ({ detail: { shift } }) => {
  chart.draw(candles.series, shift);
  if (pointed !== null) pointed += shift;
});
candles.addEventListener("changed", ({ detail }) => {
  chart.update(detail.candles);
  if (!find("chart-message").hidden) showMessage("");
  values.show(pointed);
  table.refresh();
  trading?.fills.draw();
});
candles.addEventListener("failed", ({ detail: { error } }) => {
  element.setAttribute("aria-busy", "false");
  showMessage(`The history could not be read: ${error.message}`, true);
});

/** Show the first candles, as many as were visible. */
function startOf({ candles: all }) {
  const width = chart.view ? Math.ceil(chart.view.to - chart.view.from) : 100;
  const last = all[Math.min(all.length - 1, Math.max(10, width))];
  return { from: all[0]?.openedAt ?? 0, to: last?.openedAt ?? 0 };
}

function showMessage(text, canRetry = false) {
  const message = find("chart-message");
  message.hidden = text === "";
  message.querySelector("p").textContent = text;
  find("retry").hidden = !canRetry;
}

/** Only instruments with an order book load the panels; the chart works without them. */
async function openTrading() {
  try {
    const { Trading } = await import("./trading/trading.js");
    trading = new Trading({ page, chart, say, help: () => help.showModal() });
  } catch (error) {
    console.error(error);
    Object.assign(find("book-note"), { hidden: false, textContent: "The trading panels could not be loaded. Load the page again." });
  }
}

/** Start the stream where the first history ends. */
async function listen() {
  await tradingReady;
  const { lastSeq, isLive } = candles.series;
  if (stream) {
    if (isLive) stream.skipTo(symbol, lastSeq);
    return;
  }
  const since = isLive ? lastSeq : quote.lastSeq;
  stream = new MarketStream({
    since: { [symbol]: since },
    kinds: ["quotes", "status", "regimes"],
    ...(trading && { further: trading }),
  });
  trading?.attach(stream);
  bindConnection(find("connection"), stream);
  stream.addEventListener("ticks", ({ detail: { rows } }) => {
    quote.take(rows);
    quote.paint();
    candles.take(rows);
  });
  stream.addEventListener("gap", () => open(viewNow()));
  stream.addEventListener("regime", ({ detail: { data } }) => {
    regimes.begin({ phi: data[0], startedAt: data[1], endedAt: Infinity });
  });
  stream.start();
}

// The view.

/** @returns {import("./view-address.js").View} */
function viewNow() {
  if (opening) return opening;
  const { visible, series: { timeframe, candles: all } } = chart;
  if (!visible || !hasMoved) return { timeframe, from: null, to: null };
  const to = chart.isFollowing ? null : all[visible.to].openedAt;
  return { timeframe, from: all[visible.from].openedAt, to };
}

chart.addEventListener("view", ({ detail: { view } }) => {
  if (view) candles.look(view);
  find("to-newest").hidden = chart.isFollowing || chart.series.candles.length === 0;
});
chart.addEventListener("settled", () => {
  const { visible, series } = chart;
  if (!visible) return;
  const length = TIMEFRAMES.get(series.timeframe) * 1000;
  const span = {
    from: series.candles[visible.from].openedAt,
    to: series.candles[visible.to].openedAt + length,
  };
  regimes.cover(span).then(() => values.show(pointed));
  panes.show(series.timeframe, span);
  Object.assign(element.dataset, span);
  writeAddress(viewNow());
  values.show(pointed);
});
chart.addEventListener("point", ({ detail: { index } }) => {
  pointed = index;
  values.show(index);
});
for (const act of ["pointerdown", "wheel", "keydown"]) {
  element.addEventListener(act, () => (hasMoved = true), { passive: true });
}

function goToNewest() {
  hasMoved = false;
  if (candles.series.isLive) {
    chart.showNewest();
    keys.tell();
  } else candles.newest();
}

/** Switch the timeframe, keeping the time span if the view is in the past. */
function choose(timeframe) {
  const view = viewNow();
  const isPast = view.to !== null;
  if (!isPast) hasMoved = false;
  timeframes.mark(timeframe);
  open(isPast ? { ...view, timeframe } : { timeframe, from: null, to: null });
}

timeframes.addEventListener("choose", ({ detail: { timeframe, href } }) => {
  history.pushState(null, "", href);
  choose(timeframe);
});
addEventListener("popstate", () => {
  const view = readAddress();
  hasMoved = view.from !== null;
  timeframes.mark(view.timeframe);
  open(view);
});

// Controls.

function showZone() {
  find("zone").textContent = clock.zone === "UTC" ? "UTC" : "Local";
  find("zone").title = `Times are in ${clock.name}; switch to ${clock.zone === "UTC" ? "local time" : "UTC"}`;
}

function toggleTable() {
  table.toggle();
  find("table-switch").setAttribute("aria-pressed", table.isOpen);
  if (!table.isOpen) element.focus();
}

async function copyLink() {
  const address = location.origin + addressOf({ ...viewNow(), ...spanNow() });
  try {
    await navigator.clipboard.writeText(address);
    say("The link to this view was copied.");
  } catch {
    history.replaceState(null, "", address);
    say("The link is in the address bar.");
  }
}

/** The visible span, from the first candle to the last, whether or not the view follows. */
function spanNow() {
  const { visible, series: { candles: all } } = chart;
  return visible ? { from: all[visible.from].openedAt, to: all[visible.to].openedAt } : {};
}

function fileName(ending) {
  const { from = Date.now() } = spanNow();
  const start = new Date(from).toISOString().slice(0, 16).replaceAll(":", "");
  return `${symbol}-${chart.series.timeframe}-${start}Z.${ending}`;
}

function saveChart() {
  const { from, to } = spanNow();
  const range = from ? `${clock.format(from, "full")} to ${clock.format(to, "full")} ${clock.name}` : "";
  savePicture(chart.picture(), `${symbol} ${chart.series.timeframe}  ${range}`, fileName("png"));
}

function saveCandles() {
  const { from, to } = spanNow();
  if (from === undefined) return;
  const { timeframe } = chart.series;
  saveAnswer(history_.csvAddress(timeframe, from, to + 1, MOST_ROWS_OF_A_FILE), fileName("csv"));
}

clock.addEventListener("change", () => {
  showZone();
  values.show(pointed);
  table.refresh();
  say(`Times are in ${clock.name}.`);
});
const buttons = {
  zone: () => clock.switchZone(),
  "table-switch": toggleTable,
  "to-newest": goToNewest,
  "help-open": () => help.showModal(),
  "copy-link": copyLink,
  "save-png": saveChart,
  "save-csv": saveCandles,
  "table-older": () => keys.page(-1),
  "table-newer": () => keys.page(1),
  retry: () => open(readAddress()),
};
Object.entries(buttons).forEach(([id, act]) => find(id).addEventListener("click", act));
bindMenus();
showZone();

const asked = readAddress();
hasMoved = asked.from !== null;
open(asked);

export { candles, chart, stream, trading };
