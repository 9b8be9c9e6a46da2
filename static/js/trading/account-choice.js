// The choice among the accounts of a session.

const COOKIE = "account"; // read by the server when it renders a page

/**
 * Use the chosen account, here and on the pages that this browser session opens later.
 * @param {HTMLSelectElement} select
 * @param {(name: string) => void} choose
 */
export function bindAccountChoice(select, choose) {
  select.addEventListener("change", () => {
    if (select.value === "") return;
    remember(select.value);
    choose(select.value);
  });
}

/** A cookie without an end is gone when the browser is closed. */
function remember(name) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${COOKIE}=${encodeURIComponent(name)}; path=/; samesite=lax${secure}`;
}
