// Forms of words by number, by the rules of the page's language.

const rules = new Map<string, Intl.PluralRules>();

function rulesOf(language: string): Intl.PluralRules {
  const known = rules.get(language) ?? new Intl.PluralRules(language);
  rules.set(language, known);
  return known;
}

/** `1 segment`, `2 segments` */
export const plural = (count: number, one: string, many: string): string =>
  `${count} ${rulesOf(document.documentElement.lang || "en").select(count) === "one" ? one : many}`;
