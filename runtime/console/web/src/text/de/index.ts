import type { Texts } from "../en";
import { audit } from "./audit";
import { connections } from "./connections";
import { connectors } from "./connectors";
import { enums } from "./enums";
import { flows } from "./flows";
import { ingress } from "./ingress";
import { keys } from "./keys";
import { messages } from "./messages";
import { overview } from "./overview";
import { phone } from "./phone";
import { policy } from "./policy";
import { requestShapes } from "./request-shapes";
import { serverMessages } from "./server-messages";
import { shell } from "./shell";
import { signIn } from "./sign-in";
import { tenants } from "./tenants";
import { versions } from "./versions";
import { webhooks } from "./webhooks";

export const de: Texts = {
  code: "de",
  name: "Deutsch",
  ...audit,
  ...connections,
  ...connectors,
  ...enums,
  ...flows,
  ...ingress,
  ...keys,
  ...messages,
  ...overview,
  ...phone,
  ...policy,
  ...requestShapes,
  ...serverMessages,
  ...shell,
  ...signIn,
  ...tenants,
  ...versions,
  ...webhooks,
};
