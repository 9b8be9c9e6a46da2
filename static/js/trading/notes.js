// What the trading panels say about the state of the book and the connection. Pure.

const LATE_MS = 5_000; // a book further behind its quotes is catching up

/**
 * @param {object} now
 * @param {string} now.state of the stream
 * @param {string | null} [now.transport] that works, null: none
 * @param {import("./order-book.js").OrderBook} now.book
 * @param {number} now.quotedAt time of the newest quote (epoch ms), 0: none
 * @returns {string} "" if the book is live
 */
export function bookNote({ state, transport, book, quotedAt }) {
  if (transport === undefined) return ""; // the page is opening
  if (transport === null) return "The connection is lost. This book is no longer up to date.";
  const behindMs = quotedAt - book.at;
  if (book.seq === 0) return "The book is being built from the history. It appears here shortly.";
  if (book.seq !== null && behindMs > LATE_MS) {
    return `The book is catching up with the quotes. It is ${spanText(behindMs)} behind, and orders are refused until then.`;
  }
  if (state === "stale") return "The market stands still: it is stopped, or cannot be recorded.";
  if (transport === "polling") return "No stream reaches this browser. The book is read once a second.";
  return "";
}

/** @returns {string} "" if the account is live */
export function accountNote(transport) {
  if (transport === "socket" || !transport) return "";
  return "No WebSocket reaches this browser. Orders and positions are read every two seconds.";
}

/** Coarse, because screen readers read every change. */
function spanText(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 2) return "a minute";
  return minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} hours`;
}
