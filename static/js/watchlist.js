// The watchlist page: updates the rows that the server rendered.

import { bindConnection } from "./connection.js";
import { MarketStream } from "./market-stream.js";
import { QuoteLine } from "./quote-line.js";

const elements = document.querySelectorAll("#watchlist tbody tr");
const lines = new Map([...elements].map((row) => [row.dataset.symbol, new QuoteLine(row)]));

// The stream emits at most once per animation frame.
function take({ detail: { symbol, rows } }) {
  const line = lines.get(symbol);
  line.take(rows);
  line.paint();
}

if (lines.size) {
  const since = Object.fromEntries([...lines].map(([symbol, line]) => [symbol, line.lastSeq]));
  const stream = new MarketStream({ since, newestOnly: true });
  bindConnection(document.getElementById("connection"), stream);
  stream.addEventListener("ticks", take);
  stream.start();
}
