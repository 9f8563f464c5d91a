// Exchanges a key for a session. The key is stored neither in the page nor in the browser.

import { useRef, useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { Eye, EyeOff, LogIn } from "lucide-react";
import { call, Problem, setCsrfToken } from "../api/client";
import { client } from "../api/queries";
import type { Session } from "../api/types";
import { Button } from "../components/button";
import { Field } from "../components/field";
import { useDocumentTitle } from "../components/focus";
import { ErrorNotice } from "../components/loaded";
import { Notice } from "../components/notice";
import { languages, useLanguage } from "../text";

export function SignIn({ ended }: { ended: boolean }) {
  const { t, setLanguage } = useLanguage();
  const heading = useRef<HTMLHeadingElement>(null);
  useDocumentTitle(heading);
  const [key, setKey] = useState("");
  const [shown, setShown] = useState(false);
  const signIn = useMutation({
    mutationFn: () => call<Session>("/v1/session", { method: "POST", body: { key: key.trim() } }),
    onSuccess: (session) => {
      setKey("");
      setCsrfToken(session.csrfToken);
      // Forget everything that was loaded for another key.
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
      client.setQueryData(["session"], session);
    },
  });
  const wrong = signIn.error instanceof Problem && signIn.error.status === 401;
  return (
    <main className="standalone sign-in">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim()) signIn.mutate();
        }}
      >
        <div className="sign-in-brand">
          <img src="/console/logo.svg" alt="" width={44} height={44} />
          <span>Sendbox</span>
        </div>
        <h1 ref={heading}>{t.signIn.title}</h1>
        <p className="lead">{t.signIn.lead}</p>
        {ended && !signIn.isError && <Notice tone="info" announce>{t.signIn.ended}</Notice>}
        <Field label={t.signIn.key} error={wrong ? t.signIn.wrong : undefined} help={t.signIn.where}>
          {(ids) => (
            <div className="with-button">
              <input
                {...ids}
                type={shown ? "text" : "password"}
                value={key}
                onChange={(event) => setKey(event.target.value)}
                autoComplete="current-password"
                autoFocus
                spellCheck={false}
                required
              />
              <button
                type="button"
                className="icon-button"
                onClick={() => setShown(!shown)}
                aria-label={shown ? t.signIn.hide : t.signIn.show}
              >
                {shown ? <EyeOff size={18} aria-hidden="true" /> : <Eye size={18} aria-hidden="true" />}
              </button>
            </div>
          )}
        </Field>
        {signIn.isError && !wrong && <ErrorNotice error={signIn.error} />}
        <Button
          type="submit"
          variant="primary"
          className="full"
          busy={signIn.isPending}
          icon={<LogIn size={18} aria-hidden="true" />}
        >
          {signIn.isPending ? t.signIn.working : t.signIn.submit}
        </Button>
        <p className="fine">{t.signIn.safe}</p>
        <label className="compact languages">
          <span className="visually-hidden">{t.shell.language}</span>
          <select value={t.code} onChange={(event) => setLanguage(event.target.value)}>
            {languages.map((language) => (
              <option key={language.code} value={language.code} lang={language.code}>{language.name}</option>
            ))}
          </select>
        </label>
      </form>
    </main>
  );
}
