// Verifications: Sendbox makes a code, sends it and checks it.

import { checkedId, hasIdAndStatus } from "./resource.js";
import type { Check, NewVerification, Resend, Verification } from "./schema.js";
import type { IdempotentRequestOptions, RequestOptions, Transport } from "./transport.js";

/** `sendbox.verifications`. The API key needs the scope `verify`. */
export class Verifications {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Makes a code and sends it. Keep the `id`: you check the code against it.
   *
   * @throws MessageNotSentError if the message was not sent. Its `verification` is still pending: resend its code, or cancel it.
   * @throws LimitReachedError if the policy allows no further message to this number now.
   */
  start(params: NewVerification, options?: IdempotentRequestOptions): Promise<Verification> {
    const request = { method: "POST", path: ["verifications"], body: params, isKeyed: true, secrets: [params.to] } as const;
    return this.#transport.send({ ...request, accepts: isVerification }, options);
  }

  /**
   * Checks the code that the user entered. It returns the verification, which is `approved`, only if the code is right. A right code is
   * right once.
   *
   * @throws WrongCodeError if the code is wrong. Ask the user again while its `triesLeft` is above 0.
   * @throws VerificationEndedError if the verification has ended. Start a new one.
   * @throws LimitReachedError if too many codes of this number were wrong.
   */
  check(id: string, params: Check, options?: IdempotentRequestOptions): Promise<Verification> {
    const path = ["verifications", checkedId(id, "verification"), "check"];
    const request = { method: "POST", path, body: params, isKeyed: true, secrets: [params.code] } as const;
    return this.#transport.send({ ...request, accepts: isApproved }, options);
  }

  /**
   * Makes a new code and sends it. Possible from `resendAvailableAt` on, while `sendsLeft` is above 0. The previous code stops working as
   * soon as the message may have been sent.
   *
   * @throws MessageNotSentError if the message was not sent. The previous code still works.
   * @throws LimitReachedError if it is too early, or the policy allows no further message to this number now.
   * @throws VerificationEndedError if the verification has ended. Start a new one.
   */
  resend(id: string, params: Resend = {}, options?: IdempotentRequestOptions): Promise<Verification> {
    const path = ["verifications", checkedId(id, "verification"), "resend"];
    return this.#transport.send({ method: "POST", path, body: params, isKeyed: true, accepts: isVerification }, options);
  }

  /** Returns the verification as it is now. The code is never returned. */
  retrieve(id: string, options?: RequestOptions): Promise<Verification> {
    const path = ["verifications", checkedId(id, "verification")];
    return this.#transport.send({ method: "GET", path, accepts: isVerification }, options);
  }

  /**
   * Ends the verification: its code stops working, and a message that has not been sent yet is not sent. You can cancel it again.
   *
   * @throws VerificationEndedError if it has ended otherwise.
   */
  cancel(id: string, options?: RequestOptions): Promise<Verification> {
    const path = ["verifications", checkedId(id, "verification"), "cancel"];
    return this.#transport.send({ method: "POST", path, accepts: isVerification }, options);
  }
}

function isVerification(body: object): body is Verification {
  return hasIdAndStatus(body);
}

/** A response that something else than Sendbox made must not approve anybody. */
function isApproved(body: object): body is Verification {
  return isVerification(body) && body.status === "approved";
}
