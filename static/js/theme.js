// The theme: that of the system until the user switches it. A cookie stores the choice, so that the
// server renders the next page in the right colours.

const YEAR_S = 31_536_000;
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

export function currentTheme() {
  return document.documentElement.dataset.theme ?? (darkSystem.matches ? "dark" : "light");
}

/** Call `listener` when the user or the system changes the theme. */
export function onThemeChange(listener) {
  darkSystem.addEventListener("change", listener);
  document.addEventListener("themechange", listener);
}

/** Return the current value of the token `name`, e.g. "--up", as rgb() text. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function switchTheme() {
  const theme = currentTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR_S}; samesite=lax`;
  document.dispatchEvent(new Event("themechange"));
}

document.getElementById("theme")?.addEventListener("click", switchTheme);
