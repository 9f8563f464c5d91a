// Every text of the console. A further language is a further folder of this shape; the compiler names what it lacks.

import { around } from "./around";
import { connecting } from "./connecting";
import { ruling } from "./ruling";
import { said } from "./said";
import { sending } from "./sending";
import { shapes } from "./shapes";
import { versions } from "./versions";
import { words } from "./words";

export const en = {
  code: "en",
  name: "English",
  ...around,
  ...connecting,
  ...versions,
  ...shapes,
  ...sending,
  ...ruling,
  ...said,
  ...words,
};

export type Texts = typeof en;
