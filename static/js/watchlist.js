// The watchlist page: rows that the server rendered, kept live.

import { bindConnection } from "./connection.js";
import { MarketStream } from "./market-stream.js";
import { QuoteLine } from "./quote-line.js";

const elements = document.querySelectorAll("#watchlist tbody tr");
const lines = new Map([...elements].map((row) => [row.dataset.symbol, new QuoteLine(row)]));

let painting = false;

function paint() {
  painting = false;
  lines.forEach((line) => line.paint());
}

function take({ detail: { symbol, rows } }) {
  lines.get(symbol)?.take(rows);
  if (painting) return;
  painting = true;
  requestAnimationFrame(paint);
}

if (lines.size) {
  const since = Object.fromEntries([...lines].map(([symbol, line]) => [symbol, line.lastSeq]));
  const stream = new MarketStream({ since });
  bindConnection(document.getElementById("connection"), stream);
  stream.addEventListener("ticks", take);
  stream.start();
}
