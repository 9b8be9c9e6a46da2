// Parts of a page that refresh themselves from the server: <div id="..." data-refresh-s="3">.
// All parts of a page are read with one request, as often as the most frequent of them asks for.

const ANSWER_MS = 15_000; // a server that takes longer is considered hung
const parts = [...document.querySelectorAll("[data-refresh-s]")];

/** Fetch the page again and apply the changes to its parts, keeping the focus. */
async function refresh() {
  const headers = { "X-Refresh": "1" }; // messages for the user are left to the next page
  const answer = await fetch(location.href, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
  if (answer.redirected) throw new Error("the session has ended: log in again");
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (!fresh) throw new Error("the page has changed: load it again");
    update(part, fresh);
  }
}

/** Update `old` to match `fresh` element by element, keeping focus and scroll positions. */
function update(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (isKeyed(fresh)) return updateRows(old, fresh);
  const isLeaf = fresh.children.length === 0 || old.children.length !== fresh.children.length;
  const isOther = [...fresh.children].some((child, i) => child.tagName !== old.children[i]?.tagName);
  if (isLeaf || isOther) {
    if (old.innerHTML !== fresh.innerHTML) old.innerHTML = fresh.innerHTML;
    return;
  }
  [...fresh.children].forEach((child, i) => update(old.children[i], child));
  const texts = (element) => [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
  const [before, after] = [texts(old), texts(fresh)];
  after.forEach((text, i) => {
    if (before[i] && before[i].data !== text.data) before[i].data = text.data;
  });
}

/** Tell whether all children have an id, as rows do that come, go and change places. */
function isKeyed({ children }) {
  return children.length > 0 && [...children].every(({ id }) => id);
}

/** Update rows by their ids: what is open or focused in a row stays in that row. */
function updateRows(old, fresh) {
  const focused = document.activeElement;
  const wanted = new Set([...fresh.children].map(({ id }) => id));
  for (const row of [...old.children]) if (!wanted.has(row.id)) row.remove();
  const rows = new Map([...old.children].map((row) => [row.id, row]));
  let place = old.firstElementChild;
  for (const row of [...fresh.children]) {
    const known = rows.get(row.id);
    if (known) update(known, row);
    if (known && known === place) place = place.nextElementSibling;
    else old.insertBefore(known ?? row, place);
  }
  // An element loses the focus when its row is moved.
  if (old.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

function tell(problem) {
  for (const part of parts) {
    part.classList.toggle("outdated", problem !== "");
    if (problem) part.title = `Not up to date: ${problem}`;
    else part.removeAttribute("title");
  }
}

async function refreshRepeatedly() {
  const pauseMs = 1000 * Math.min(...parts.map((part) => part.dataset.refreshS));
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (document.hidden) continue;
    await refresh().then(() => tell(""), (error) => tell(error.message));
  }
}

if (parts.length > 0) refreshRepeatedly();
