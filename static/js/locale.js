// The language of the browser, if its own Intl supports it.

function isKnown(name) {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(name).length > 0;
  } catch {
    return false; // e.g. "en-US@posix", which some browsers report
  }
}

/** A language tag that Intl supports. */
export const LOCALE = (navigator.languages ?? [navigator.language]).find(isKnown) ?? "en";
