// Deutsch.

import type { Texts } from "../en";
import { around } from "./around";
import { connecting } from "./connecting";
import { ruling } from "./ruling";
import { said } from "./said";
import { sending } from "./sending";
import { shapes } from "./shapes";
import { versions } from "./versions";
import { words } from "./words";

export const de: Texts = {
  code: "de",
  name: "Deutsch",
  ...around,
  ...connecting,
  ...versions,
  ...shapes,
  ...sending,
  ...ruling,
  ...said,
  ...words,
};
