// The order-flow page: connects history, stream, chart, replay and controls.

import { Announcer } from "../announcer.js";
import { CandleSeries, TIMEFRAMES } from "../candle-series.js";
import { ChartTable } from "../chart-table.js";
import { clock } from "../clock.js";
import { bindConnection } from "../connection.js";
import { IndicatorPanes } from "../indicators.js";
import { MarketStream } from "../market-stream.js";
import { bindMenus } from "../menus.js";
import { QuoteLine } from "../quote-line.js";
import { onThemeChange } from "../theme.js";
import { TimeframeBar } from "../timeframe-bar.js";
import { MarketFeed } from "../trading/market-feed.js";
import { formatOf } from "../trading/prices.js";
import { TimeAndSales } from "../trading/time-and-sales.js";
import { BarCache } from "./bar-cache.js";
import { BarFeed } from "./bar-feed.js";
import { BarHistory } from "./bar-history.js";
import { BarValues } from "./bar-values.js";
import { BarWindow } from "./bar-window.js";
import { FlowApi } from "./flow-api.js";
import { FlowChart } from "./flow-chart.js";
import { FlowKeys } from "./flow-keys.js";
import { NumberTexts } from "./number-texts.js";
import { Replay } from "./replay.js";
import { ReplayControls } from "./replay-controls.js";
import { RowsTable } from "./rows-table.js";
import { readSettings, writeSettings } from "./settings.js";
import { SettingsPanel } from "./settings-panel.js";
import { Studies } from "./studies.js";

const NEWEST_TRADES = 50;
const BEAT_MS = 1_000;
const MEASURED = { trades: 2_000, slots: 300 }; // in a window of a measure: about five minutes
const RETRY_MS = 3_000; // after bars could not be read
const STUDIES_MS = 200; // at most this often while the view moves
const NEEDS_BARS = ["timeframe", "step"];
const MOVES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "+", "=", "-", "_"]);
const NEEDS_PANES = ["show", "bands", "anchor", "reset"];

const find = (id) => document.getElementById(id);
const page = find("orderflow");
const element = find("chart");
const { symbol, precision } = page.dataset;
const sizes = { tickSize: Number(page.dataset.tickSize), lotSize: Number(page.dataset.lotSize) };
const format = formatOf({ ...sizes, precision: Number(precision) });
const announcer = new Announcer(find("announcer"));
const say = (text) => announcer.say(text);

const settings = readSettings(location.search);
element.dataset.timeframe = settings.timeframe;
const api = new FlowApi(symbol);
const cache = new BarCache().open();
const history_ = new BarHistory(api, cache, sizes);
const quote = new QuoteLine(page);
const chart = new FlowChart(element, {
  precision: Number(precision), sizes, settings,
  texts: new NumberTexts(sizes.lotSize, Number(page.dataset.lotDecimals)),
});
const bars = new BarWindow(history_, settings.timeframe, () => chart.isHeld);
const studies = new Studies(chart, api);
const values = new BarValues(find("values"), chart, Number(precision));
const timeframes = new TimeframeBar(document.querySelector(".timeframes"));
const table = new ChartTable(find("chart-table"), chart, (bar) => values.cells(bar));
const rows = new RowsTable(find("rows-table"), values);
const panel = new SettingsPanel(page, settings);
const measures = new IndicatorPanes(chart, symbol, find("measures"), {
  trades: { n: MEASURED.trades, perMinute: tradesPerMinute },
  bests: { n: MEASURED.slots, perMinute: () => 60 },
});
const feed = new MarketFeed({ symbol, tickSize: sizes.tickSize, lastTrade: Number(page.dataset.lastTrade) });
const barFeed = new BarFeed(symbol, sizes);
const sales = new TimeAndSales(find("sales"), format);
const replay = new Replay(api, history_, sizes);
const controls = new ReplayControls(find("replay"), replay, { open: startReplay, close: endReplay }, say);
const help = find("help");
const keys = new FlowKeys(chart, {
  first: () => replay.isOpen || bars.first(),
  newest: goToNewest,
  help: () => help.showModal(),
  table: toggleTable,
  replayFrom: (ms) => (replay.isOpen ? endReplay() : startReplay(ms)),
  play: () => controls.toggle(),
  stepReplay: (ms) => replay.isOpen && replay.step(ms),
}, panel, say, (bar) => values.describe(bar));

let stream = null;
let pointed = null; // index under the cross-hair
let hasMoved = false; // the user changed the view, so the URL must contain it
let studiesTimer = 0;
let asked = null; // what was last read, or is being read
let retryTimer = 0;

/** What the stream follows besides quotes. */
const further = {
  get topics() {
    return [barFeed.topic, ...feed.topics].filter((topic) => topic !== "");
  },
  privateTopics: [],
  get places() {
    return { ...barFeed.places, ...feed.places };
  },
};

// History and stream.

function open(span) {
  asked = span;
  clearTimeout(retryTimer);
  const { timeframe, from, to } = span;
  element.setAttribute("aria-busy", "true");
  history_.step = settings.step;
  if (from === null) bars.newest(timeframe);
  else bars.around(timeframe, from, to ?? Date.now());
}

bars.addEventListener("replaced", ({ detail: { view } }) => {
  clearTimeout(retryTimer);
  if (replay.isOpen) return;
  const { series } = bars;
  chart.draw(series);
  pointed = null;
  if (view === "start") chart.showSpan(startOf(series));
  else if (view) chart.showSpan({ from: view.from, to: Math.min(view.to, series.last?.openedAt ?? 0) });
  else chart.showNewest();
  drawn();
  showMessage(series.candles.length ? "" : "No trades have been recorded here yet. They appear as soon as the exchange runs.");
  listen();
});
bars.addEventListener("moved", ({ detail: { shift } }) => {
  if (replay.isOpen) return;
  chart.draw(bars.series, shift);
  if (pointed !== null) pointed += shift;
  studiesSoon();
});
bars.addEventListener("changed", ({ detail }) => {
  if (replay.isOpen) return;
  chart.update(detail.candles);
  const isFailure = !find("retry").hidden; // shown until the bars have been read
  if (!find("chart-message").hidden && !isFailure) showMessage("");
  refresh();
});
bars.addEventListener("failed", ({ detail: { error } }) => {
  element.setAttribute("aria-busy", "false");
  showMessage(`The order flow could not be read: ${error.message}`, true);
  clearTimeout(retryTimer);
  retryTimer = setTimeout(() => replay.isOpen || open(asked), RETRY_MS);
});

/** The page is usable from here on. */
function drawn() {
  element.setAttribute("aria-busy", "false");
  performance.mark("chart");
  values.show(null);
  if (element.matches(":focus")) keys.keys.tell();
}

/** Show what changed with the newest bars. */
function refresh() {
  showValues();
  studiesSoon();
}

/** Show the values of the bars in the line over the chart and in the tables. */
function showValues() {
  values.show(pointed);
  table.refresh();
  if (table.isOpen) rows.show(pointed);
}

function startOf({ candles }) {
  const width = chart.view ? Math.ceil(chart.view.to - chart.view.from) : 20;
  const last = candles[Math.min(candles.length - 1, Math.max(5, width))];
  return { from: candles[0]?.openedAt ?? 0, to: last?.openedAt ?? 0 };
}

function showMessage(text, canRetry = false) {
  const message = find("chart-message");
  message.hidden = text === "";
  message.querySelector("p").textContent = text;
  find("retry").hidden = !canRetry;
}

/** Follow the bars where the history ends; the first time, start the stream. */
function listen() {
  const { timeframe } = bars.series;
  const before = barFeed.topic;
  barFeed.follow(timeframe, settings.step, Math.max(history_.lastSeq, 0));
  if (stream) {
    if (before !== barFeed.topic) stream.renew();
    return;
  }
  stream = new MarketStream({ since: { [symbol]: quote.lastSeq }, further });
  bindConnection(find("connection"), stream);
  stream.addEventListener("ticks", ({ detail: { rows: ticks } }) => {
    quote.take(ticks);
    quote.paint();
  });
  stream.addEventListener("gap", () => restart());
  stream.addEventListener("frame", ({ detail: { frame } }) => {
    if (frame.topic === barFeed.topic) barFeed.hear(frame);
    else if (feed.topics.includes(frame.topic)) feed.hear(frame);
  });
  stream.start();
  setInterval(beat, BEAT_MS);
}

barFeed.addEventListener("bars", ({ detail }) => bars.put(detail.bars));
barFeed.addEventListener("lost", () => restart());
feed.addEventListener("lost", () => stream.renew());
feed.addEventListener("book", () => replay.isOpen || showBook(feed.book, feed.book.at));
feed.addEventListener("trades", ({ detail }) => {
  if (replay.isOpen) return;
  sales.add(detail.rows);
  studies.addTrades(detail.rows);
});

/** Read the bars again: records are missing, or are those of another database. */
function restart() {
  bars.forget();
  studies.forget();
  if (!replay.isOpen) open(viewNow());
}

/** Read what no stream delivers. */
async function beat() {
  if (document.hidden || stream.way !== "polling") return;
  try {
    await Promise.all([bars.catchUp(), feed.poll()]);
  } catch {
    // the stream polls too and shows failures
  }
}

function showBook(book, at) {
  chart.book.show(book);
  studies.addBook(at, book);
}

// The view.

function viewNow() {
  const { visible, series: { timeframe, candles } } = chart;
  if (!visible || !hasMoved) return { timeframe, from: null, to: null };
  return { timeframe, from: candles[visible.from].openedAt, to: chart.isFollowing ? null : candles[visible.to].openedAt };
}

function writeAddress() {
  const { from, to } = viewNow();
  const shown = replay.isOpen
    ? { ...settings, from: null, to: null, replay: replay.moment } : { ...settings, from, to, replay: null };
  const address = location.pathname + writeSettings(shown);
  if (address !== location.pathname + location.search) history.replaceState(null, "", address);
}

chart.addEventListener("view", ({ detail: { view } }) => {
  if (view && !replay.isOpen) bars.look(view);
  find("to-newest").hidden = chart.isFollowing || chart.series.candles.length === 0;
  studiesSoon();
});
chart.addEventListener("settled", () => {
  const span = spanNow();
  if (!span) return;
  studies.cover(span);
  measures.show(chart.series.timeframe, span);
  Object.assign(element.dataset, span);
  writeAddress();
  showValues();
});
chart.addEventListener("point", ({ detail: { index } }) => {
  pointed = index;
  values.show(index);
  if (table.isOpen) rows.show(index);
});
for (const act of ["pointerdown", "wheel"]) {
  element.addEventListener(act, () => (hasMoved = true), { passive: true });
}
element.addEventListener("keydown", ({ key }) => (hasMoved ||= MOVES.has(key)));

/** From the opening of the first visible bar to the end of the last one. */
function spanNow() {
  const { visible, series: { candles, timeframe } } = chart;
  if (!visible) return null;
  return { from: candles[visible.from].openedAt, to: candles[visible.to].openedAt + TIMEFRAMES.get(timeframe) * 1000 };
}

/** Recompute the profile soon; the rest is read when the view has settled. */
function studiesSoon() {
  studiesTimer ||= setTimeout(() => {
    studiesTimer = 0;
    studies.profile();
  }, STUDIES_MS);
}

function tradesPerMinute() {
  const { candles, timeframe } = chart.series;
  const minutes = (chart.series.last.openedAt - candles[0].openedAt) / 60_000 + TIMEFRAMES.get(timeframe) / 60;
  return (chart.series.last.lastSeq - candles[0].firstSeq + 1) / minutes;
}

function goToNewest() {
  hasMoved = false;
  if (chart.series.isLive) {
    chart.showNewest();
    keys.keys.tell();
  } else bars.newest();
}

// Settings.

panel.addEventListener("change", ({ detail: { name } }) => {
  if (NEEDS_PANES.includes(name)) chart.arrange();
  if (name === "speed") replay.speed = settings.speed;
  if (name === "orders") sales.joins = settings.orders;
  if (NEEDS_BARS.includes(name)) reopen();
  else {
    chart.redraw();
    const span = spanNow();
    if (span) studies.cover(span);
  }
  showLevel();
  writeAddress();
});

/** Leave the bars that are shown, because those of another timeframe or step will be. */
function leaveBars() {
  barFeed.leave();
  bars.forget();
  studies.forget();
  chart.heat.show(null);
}

/** Show another timeframe or step, at the same place. */
function reopen() {
  leaveBars();
  const view = viewNow();
  const isPast = view.to !== null;
  if (!isPast) hasMoved = false;
  history_.step = settings.step;
  if (replay.isOpen) replay.open(replay.moment, settings.timeframe, settings.speed);
  else open(isPast ? { ...view, timeframe: settings.timeframe } : { timeframe: settings.timeframe, from: null, to: null });
}

/** Hide the fields that do not matter now. */
function showLevel() {
  find("range-hint").hidden = settings.profile !== "range" || settings.profile_to !== null;
}

timeframes.addEventListener("choose", ({ detail: { timeframe } }) => {
  history.pushState(null, "", location.pathname + writeSettings({ ...settings, timeframe }));
  timeframes.mark(timeframe);
  panel.set("timeframe", timeframe);
});
addEventListener("popstate", () => {
  Object.assign(settings, readSettings(location.search));
  panel.show();
  measures.choose();
  timeframes.mark(settings.timeframe);
  leaveBars();
  begin();
});

// Replay.

/** Replay from a moment; without one, from the middle of what is visible. */
async function startReplay(ms) {
  const { visible, series: { candles } } = chart;
  const moment = ms ?? candles[visible ? Math.floor((visible.from + visible.to) / 2) : 0]?.openedAt;
  if (moment === undefined) return;
  element.setAttribute("aria-busy", "true");
  history_.step = settings.step;
  await replay.open(moment, settings.timeframe, settings.speed);
}

replay.addEventListener("opened", () => {
  page.classList.add("replaying");
  pointed = null; // in the bars that were shown
  chart.draw(new CandleSeries(settings.timeframe, replay.bars));
  chart.showNewest();
  showMoment(null);
  drawn();
  find("replay-switch").setAttribute("aria-pressed", "true");
  controls.show();
  writeAddress();
});
replay.addEventListener("moment", ({ detail: { passed } }) => showMoment(passed));
replay.addEventListener("stop", ({ detail: { moment } }) => studies.addBook(moment, replay.market.book));
replay.nextStop = () => chart.heat.grid?.end ?? Infinity; // a column of the heat map is due
replay.addEventListener("failed", ({ detail: { error } }) => {
  element.setAttribute("aria-busy", "false");
  say(`The replay could not begin: ${error.message}`);
  showMessage(`The replay could not begin: ${error.message}`);
});
replay.addEventListener("state", ({ detail: { state } }) => state !== "playing" && replay.isOpen && writeAddress());

/** Show the moment of the replay. @param {any[][] | null} passed trades since the last one, null: a jump */
function showMoment(passed) {
  const { market, moment } = replay;
  studies.until = moment;
  measures.until = moment;
  if (passed === null) {
    chart.draw(new CandleSeries(settings.timeframe, replay.bars));
    studies.setTrades(market.newestTrades(Infinity));
    sales.clear();
    sales.add(market.newestTrades(NEWEST_TRADES));
    chart.heat.show(null);
    const span = spanNow();
    if (span) studies.cover(span);
  } else if (passed.length) {
    replayBars();
    studies.addTrades(passed);
    sales.add(passed);
    studiesSoon();
  }
  const last = market.newestTrades(1)[0];
  if (last) page.querySelector("[data-replay-price]").textContent = format.price(last[2]);
  showBook(market.book, moment);
  if (passed === null || passed.length) showValues();
  controls.show();
}

/** Draw the bars that trades have changed. */
function replayBars() {
  const { series } = chart;
  const known = series.candles.length;
  const fresh = replay.bars.slice(Math.max(0, known - 1));
  series.candles.splice(Math.max(0, known - 1), 1, ...fresh);
  chart.update(new Set(fresh));
}

function endReplay() {
  replay.close();
  studies.until = null;
  measures.until = Infinity;
  studies.forget();
  chart.heat.show(null);
  page.classList.remove("replaying");
  find("replay-switch").setAttribute("aria-pressed", "false");
  controls.show();
  sales.clear();
  hasMoved = false;
  open({ timeframe: settings.timeframe, from: null, to: null });
}

// Controls.

function showZone() {
  find("zone").textContent = clock.zone === "UTC" ? "UTC" : "Local";
  find("zone").title = `Times are in ${clock.name}; switch to ${clock.zone === "UTC" ? "local time" : "UTC"}`;
}

function toggleTable() {
  table.toggle();
  if (table.isOpen) rows.show(pointed);
  else element.focus();
  find("table-switch").setAttribute("aria-pressed", table.isOpen);
}

async function copyLink() {
  writeAddress();
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link to this view was copied.");
  } catch {
    say("The link is in the address bar.");
  }
}

clock.addEventListener("change", () => {
  showZone();
  showValues();
  say(`Times are in ${clock.name}.`);
});
onThemeChange(() => chart.redraw());
const buttons = {
  zone: () => clock.switchZone(),
  "table-switch": toggleTable,
  "to-newest": goToNewest,
  "help-open": () => help.showModal(),
  "copy-link": copyLink,
  "table-older": () => keys.keys.page(-1),
  "table-newer": () => keys.keys.page(1),
  "replay-switch": () => (replay.isOpen ? endReplay() : startReplay(null)),
  retry: () => open(asked ?? { timeframe: settings.timeframe, from: null, to: null }),
};
Object.entries(buttons).forEach(([id, act]) => find(id).addEventListener("click", act));

/** Show what the settings of the URL say. */
function begin() {
  sales.joins = settings.orders;
  if (replay.isOpen && settings.replay === null) return endReplay();
  hasMoved = settings.from !== null;
  history_.step = settings.step;
  if (settings.replay === null) open(settings);
  else startReplay(settings.replay).then(listen);
}

bindMenus();
showZone();
showLevel();
timeframes.mark(settings.timeframe);
begin();

export { api, barFeed, bars, chart, feed, history_, replay, settings, stream, studies };
