import { resolve, type SendboxOptions } from "./config.js";
import { Messages } from "./messages.js";
import { defaultRuntime, Transport } from "./transport.js";
import { Verifications } from "./verifications.js";

/**
 * A client of one tenant of a Sendbox server. It holds no connection of its own and can be used by many callers at the same time.
 *
 * ```ts
 * const sendbox = new Sendbox({ baseUrl: "https://sendbox.example.com", apiKey: "sbx_…", tenant: "acme" });
 * const verification = await sendbox.verifications.start({ to: "+4512345678", usage: "sign-in" });
 * await sendbox.verifications.check(verification.id, { code: "123456" });
 * ```
 *
 * Printing it shows no option: the API key is in a private field.
 */
export class Sendbox {
  /** Codes that Sendbox makes, sends and checks. */
  readonly verifications: Verifications;
  /** Codes that your platform makes, and checks itself. */
  readonly messages: Messages;

  /** @throws InvalidArgumentError if an option is missing or invalid. */
  constructor(options?: SendboxOptions);
  /** @internal */
  constructor(options?: SendboxOptions, runtime?: typeof defaultRuntime);
  constructor(options: SendboxOptions = {}, runtime = defaultRuntime) {
    const transport = new Transport(resolve(options), runtime);
    this.verifications = new Verifications(transport);
    this.messages = new Messages(transport);
  }
}
