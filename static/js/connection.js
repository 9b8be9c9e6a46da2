// The badge that shows the state of the connection.

const MEANING = {
  live: "Prices arrive as they are recorded.",
  stale: "Connected, but the market does not move: it is stopped or cannot be recorded.",
  reconnecting: "The connection is lost; trying again.",
  polling: "Streaming is unavailable; polling once a second.",
  offline: "This device has no network.",
};

export function showState(badge, { state, transport }) {
  badge.dataset.state = state;
  badge.dataset.transport = transport ?? "";
  badge.title = MEANING[state];
  badge.querySelector(".connection-text").textContent = state;
}

/** Update the badge with the state of `stream`. */
export function bindConnection(badge, stream) {
  stream.addEventListener("state", ({ detail }) => showState(badge, detail));
}
