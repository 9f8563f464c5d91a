// Messages: your platform makes the code and checks it itself; Sendbox sends it.

import { checkedId, hasIdAndStatus } from "./resource.js";
import type { Message, MessageListParams, NewMessage } from "./schema.js";
import type { IdempotentRequestOptions, RequestOptions, Transport } from "./transport.js";

/** Which messages to list: the filters of the API, and a phone number. That is sent in the body, because URLs are logged on their way. */
export type MessageListFilters = MessageListParams & {
  /** Exactly this phone number (E.164). It cannot be combined with `country`. */
  readonly to?: string;
};

/** A page of messages, newest first. */
export interface MessagePage {
  /** The messages of this page. Their attempts are without details: retrieve a message to see those. */
  readonly items: readonly Message[];
  /** Pass it as `cursor` to get the next page. `undefined` on the last page. */
  readonly nextCursor: string | undefined;
}

/** `sendbox.messages`. The API key needs the scope `send`, and `read` to list messages. */
export class Messages {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Sends a code that your platform made. The `status` of the message says what happened: `accepted` by a provider, `queued` or `sending`
   * while the outcome is open, `in-doubt` if it will never be known.
   *
   * @throws MessageNotSentError if the message is stored and was not sent. Its `storedMessage` says why.
   * @throws LimitReachedError if the policy allows no further message to this number now.
   */
  create(params: NewMessage, options?: IdempotentRequestOptions): Promise<Message> {
    const secrets = [params.to, params.code, params.text];
    const request = { method: "POST", path: ["messages"], body: params, isKeyed: true, secrets } as const;
    return this.#transport.send({ ...request, accepts: isMessage }, options);
  }

  /** Returns the message with every attempt: what was requested, what the provider answered, and what was decided. */
  retrieve(id: string, options?: RequestOptions): Promise<Message> {
    const path = ["messages", checkedId(id, "message")];
    return this.#transport.send({ method: "GET", path, accepts: isMessage }, options);
  }

  /**
   * Cancels a message that waits for an attempt. If an earlier attempt may have reached the recipient, its status becomes `in-doubt`.
   *
   * @throws ConflictError if it is being sent, has ended otherwise, or belongs to a verification.
   */
  cancel(id: string, options?: RequestOptions): Promise<Message> {
    const path = ["messages", checkedId(id, "message"), "cancel"];
    return this.#transport.send({ method: "POST", path, accepts: isMessage }, options);
  }

  /** Returns one page of messages, newest first, including those of verifications. */
  async list(params: MessageListFilters = {}, options?: RequestOptions): Promise<MessagePage> {
    const { to, ...query } = params;
    const request =
      to === undefined
        ? ({ method: "GET", path: ["messages"], query } as const)
        : ({ method: "POST", path: ["messages", "search"], body: params, secrets: [to] } as const);
    const { items, nextCursor } = await this.#transport.send({ ...request, accepts: isPage }, options);
    return { items, nextCursor: nextCursor ?? undefined };
  }

  /** Every message that `list` finds, newest first. Pages are requested as you iterate; `limit` is the size of a page. */
  async *listAll(params: MessageListFilters = {}, options?: RequestOptions): AsyncGenerator<Message, void, undefined> {
    for (let cursor = params.cursor; ; ) {
      const page = await this.list(cursor === undefined ? params : { ...params, cursor }, options);
      yield* page.items;
      if (page.nextCursor === undefined) return;
      cursor = page.nextCursor;
    }
  }
}

function isMessage(body: object): body is Message {
  return hasIdAndStatus(body);
}

function isPage(body: object): body is { items: Message[]; nextCursor?: string | null } {
  return Array.isArray((body as { items?: unknown }).items);
}
