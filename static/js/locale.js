// The reader's language, where the browser names one that it knows itself.

function isKnown(name) {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(name).length > 0;
  } catch {
    return false; // e.g. "en-US@posix", which some browsers without a language say
  }
}

/** A language tag that Intl accepts. */
export const LOCALE = (navigator.languages ?? [navigator.language]).find(isKnown) ?? "en";
