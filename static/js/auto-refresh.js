// Elements that refresh themselves from the server: <div id="..." data-refresh-s="3">.

const ANSWER_MS = 15_000; // a server that takes longer is considered hung

/** Fetch the page again and apply the changes to `part`, keeping the focus. */
async function refresh(part) {
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(part.id);
  if (!fresh) throw new Error("the page has changed: load it again");
  update(part, fresh);
}

/** Update `old` to match `fresh` element by element, keeping focus and scroll positions. */
function update(old, fresh) {
  const isLeaf = fresh.children.length === 0 || old.children.length !== fresh.children.length;
  const isOther = [...fresh.children].some((child, i) => child.tagName !== old.children[i]?.tagName);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
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

async function refreshRepeatedly(part) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, part.dataset.refreshS * 1000));
    if (document.hidden) continue;
    try {
      await refresh(part);
      part.classList.remove("outdated");
      part.removeAttribute("title");
    } catch (error) {
      part.classList.add("outdated");
      part.title = `Not up to date: ${error.message}`;
    }
  }
}

document.querySelectorAll("[data-refresh-s]").forEach(refreshRepeatedly);
