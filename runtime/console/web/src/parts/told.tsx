// A sentence of the server in the language of the page, or in its own words, marked as English.

import type { Sentence } from "../api/types";
import { Said } from "./basics";
import { useTold, type About } from "../text/said";

export function Told({ about, of }: { about: About; of: Sentence }) {
  const told = useTold()(about, of);
  return told === undefined ? <InEnglish text={of.text} /> : <Said text={told} />;
}

/** What the server, a provider or an author wrote, for which there are no other words. */
export function InEnglish({ text }: { text: string }) {
  return <span lang="en"><Said text={text} /></span>;
}
