// A message of the server in the language of the page; without a translation in English, marked as such.

import type { ServerMessage } from "../api/types";
import { useTexts } from "../text";
import type { MessageTopic } from "../text/message-templates";
import { useServerMessages } from "../text/server-messages";
import { WithCode } from "./with-code";

export function ServerText({ topic, message }: { topic: MessageTopic; message: ServerMessage }) {
  const translated = useServerMessages()(topic, message);
  return translated === undefined ? <EnglishText text={message.message} /> : <WithCode text={translated} />;
}

/** What the server or an author wrote in English and the console cannot translate. */
export function EnglishText({ text }: { text: string }) {
  return <span lang="en"><WithCode text={text} /></span>;
}

/** A sentence in the language of the page, and below it what the server says in English. English readers see only that. */
export function ExplainedText({ sentence, text }: { sentence: string; text: string }) {
  const t = useTexts();
  if (t.code === "en") return <WithCode text={text} />;
  return (
    <>
      <p>{sentence}</p>
      <p className="fine">{t.testResult.details}: <q><EnglishText text={text} /></q></p>
    </>
  );
}
