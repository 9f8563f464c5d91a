// Was der Server mit einem Code meldet: der Satz zu jedem Code. Ein Code ohne Satz erscheint in den Worten des Servers.

import type { Cause, NoFallback, NotAgain, VersionFault } from "../../api/types";
import { decisions, type MessageTemplates, type TemplateValues } from "../message-templates";

const times = (count: number) => (count === 1 ? "einmal" : `${count}-mal`);

const because: Record<VersionFault["code"], string> = {
  misbehaved: "Sie hat sich falsch verhalten",
  "mostly-failed": "Die meisten ihrer Versuche sind fehlgeschlagen",
  "failed-more": "Sie ist häufiger fehlgeschlagen als die vorige Version",
};

const causes: Record<Cause, string> = {
  "not-sent": "Die Nachricht wurde mit Sicherheit nicht gesendet",
  "in-doubt": "Es ist nicht bekannt, ob die Nachricht gesendet wurde",
  content: "Der Anbieter hat den Text oder den Absender abgelehnt",
  account: "Die Verbindung kann nicht senden, bis ihre Einstellungen oder ihr Konto korrigiert sind",
  recipient: "Die Telefonnummer nimmt keine Nachrichten an",
  destination: "Der Anbieter sendet nicht in dieses Land",
  fraud: "Der Anbieter vermutet Betrug",
  fault: "Der Konnektor hat sich falsch verhalten, bevor etwas gesendet wurde",
};

const notAgain: Record<NotAgain, string> = {
  "second-message": "ein weiterer Versuch würde eine zweite Nachricht senden",
  "maybe-second-message": "ein weiterer Versuch könnte eine zweite Nachricht senden",
  "same-end": "ein weiterer Versuch mit derselben Verbindung würde genauso fehlschlagen",
  "max-tries": "die Verbindung hat alle ihre Versuche verbraucht",
  "retry-budget": "zu viele Nachrichten werden gerade wiederholt",
  "too-late": "die Nachricht wäre vor dem nächsten Versuch abgelaufen",
};

const noFallback: Record<NoFallback, string> = {
  silence: "laut den Regeln ist keine Nachricht besser als eine zweite",
  none: "es gibt keine andere Verbindung",
  "no-template": "die nächste Verbindung hat keine eigene Vorlage",
};

/** `32 `, `1 bis 64 `, or nothing. */
const length = (min: string, max: string): string => (max === "" ? "" : min === max ? `${max} ` : `${min} bis ${max} `);

export const serverMessages: { serverMessages: MessageTemplates } = {
  serverMessages: {
    attention: {
      "no-active-connection": (v, by) =>
        `Keine Verbindung ist aktiv, deshalb kann nichts gesendet werden, aber Abläufe sind eingeschaltet (${by.flows(v.text("flows"))}). Richten Sie eine Verbindung ein, und aktivieren Sie sie.`,
      "no-country": () => "Kein Land ist erlaubt, deshalb wird jede Nachricht abgelehnt. Wählen Sie in den Regeln die Länder Ihrer Nutzer aus.",
      "template-missing": (v, by) =>
        `Abläufe sind eingeschaltet, aber \`${v.text("connection")}\` hat keine Vorlage für: ${by.usages(v.text("missing"))}. Fügen Sie der Verbindung die Vorlagen hinzu.`,
      "connection-incompatible": (v) =>
        `\`${v.text("connection")}\` ist nicht mehr mit ihrem Konnektor kompatibel und kann nicht senden. Speichern Sie die Verbindung erneut: Sie sehen dann bei jedem Feld, was nicht passt.`,
      "connection-untested": (v) =>
        `\`${v.text("connection")}\` ist aktiv, aber in der jetzigen Konfiguration wurde noch keine Testnachricht angenommen. Senden Sie eine Testnachricht.`,
      "few-accepted": (v, by) =>
        `Von den ${by.number(v.number("messages"))} Nachrichten ${v.text("span") === "hour" ? "der letzten Stunde" : "des letzten Tages"} haben Anbieter nur ${v.number("percent")} % angenommen. Prüfen Sie, was fehlgeschlagen ist.`,
      "few-delivered": (v, by) =>
        `Von den ${by.number(v.number("messages"))} Nachrichten des letzten Tages, zu denen es Zustellberichte gibt, wurden ${v.number("percent")} % nicht zugestellt. Prüfen Sie die Gründe nach Ländern, und fragen Sie den Anbieter nach seiner Route oder dem Absender.`,
      "account-refused": (v, by) =>
        `\`${v.text("connection")}\` ist in der letzten Stunde ${times(v.number("times"))} fehlgeschlagen (${by.failure(v.text("class"))}). ${by.advice(v.text("class"))}`,
      "account-recovered": (v, by) =>
        `\`${v.text("connection")}\` ist in der letzten Stunde ${times(v.number("times"))} fehlgeschlagen (${by.failure(v.text("class"))}). ${by.advice(v.text("class"))} Seitdem hat sie wieder gesendet.`,
      "connection-paused": (v) =>
        `\`${v.text("connection")}\` ist zu oft fehlgeschlagen und pausiert bis zu fünf Minuten; solange senden nur ihre Ausweichverbindungen.`,
      "numbers-held": (v, by) =>
        `${by.number(v.number("thousands") * 1000)} Telefonnummern sind bis ${by.time(v.text("until"))} gesperrt, weil ein Anbieter Betrug vermutet. An sie wird nichts gesendet.`,
      "spend-cap-reached": () =>
        "Das Ausgabenlimit für diesen Monat ist erreicht: Bis zum nächsten Monat werden Nachrichten abgelehnt. Erhöhen Sie das Limit, oder warten Sie.",
      "spend-cap-near": (v) => `${v.number("percent")} % des Ausgabenlimits für diesen Monat sind verbraucht. Bei 100 % werden Nachrichten abgelehnt.`,
      "version-rolled-back": (v, by) =>
        `Sendbox hat eine Version von \`${v.text("connector")}\` am ${by.time(v.text("at"))} automatisch zurückgesetzt: ${because[v.text("because") as VersionFault["code"]] ?? "Den Grund sehen Sie bei den Versionen"}.`,
      "country-pumped": (v, by) =>
        `${v.number("percent")} % der ${by.number(v.number("verifications"))} Verifizierungen des letzten Tages in ${by.country(v.text("country"))} wurden abgeschlossen, in anderen Ländern ${v.number("elsewhere")} %. Möglicherweise lässt jemand Nachrichten dorthin senden, um daran zu verdienen. Senken Sie die Limits, oder entfernen Sie das Land aus den Regeln.`,
      "secrets-old": (v, by) =>
        `Secrets von \`${v.text("connection")}\` sind älter als ein Jahr: ${by.names(v.text("names"))}${v.number("more") > 0 ? ` und ${v.number("more")} weitere` : ""}. Erneuern Sie sie beim Anbieter und hier.`,
    },

    difference: {
      "host-new": (v) => `neuer Host: ${v.text("methods")} ${host(v.text("target"))} (${v.text("purpose")})`,
      "host-gone": (v) => `entfernter Host: ${v.text("methods")} ${host(v.text("target"))} (${v.text("purpose")})`,
      "method-new": (v) => `neue Methode: ${v.text("methods")} bei ${host(v.text("target"))}`,
      "method-gone": (v) => `entfernte Methode: ${v.text("methods")} bei ${host(v.text("target"))}`,
      "paths-new": (v) => `neue Pfade: ${v.text("methods")} ${host(v.text("target"))}`,
      "paths-gone": (v) => `entfernte Pfade: ${v.text("methods")} ${host(v.text("target"))}`,
      "message-new": (v) => `neu: Nachricht und Empfänger gehen an ${host(v.text("target"))} (${v.text("methods")}): ${messageFields(v)}`,
      "message-gone": (v) => `nicht mehr: Nachricht und Empfänger gehen an ${host(v.text("target"))} (${v.text("methods")}): ${messageFields(v)}`,
      "placement-new": (v) => `neue Felder bei ${host(v.text("target"))} (${v.text("methods")}): ${messageFields(v)}`,
      "placement-gone": (v) => `entfernte Felder bei ${host(v.text("target"))} (${v.text("methods")}): ${messageFields(v)}`,
      "secret-sent-new": (v) => `neu: Das Secret \`${v.text("secret")}\` geht an ${host(v.text("target"))} (${v.text("methods")})`,
      "secret-sent-gone": (v) => `nicht mehr: Das Secret \`${v.text("secret")}\` geht an ${host(v.text("target"))} (${v.text("methods")})`,
      "secret-signs-new": (v) => `neu: Das Secret \`${v.text("secret")}\` signiert Anfragen an ${host(v.text("target"))} (${v.text("methods")})`,
      "secret-signs-gone": (v) => `nicht mehr: Das Secret \`${v.text("secret")}\` signiert Anfragen an ${host(v.text("target"))} (${v.text("methods")})`,
      "reveals-new": () => "neu: Sie kann versiegelte Werte lesen (Codes, Telefonnummern, Texte, Secrets), wo Sie es erlauben",
      "reveals-gone": () => "nicht mehr: Sie liest versiegelte Werte",
      name: (v) => `Name: „${v.text("before")}“ → „${v.text("after")}“`,
      description: (v) => `Beschreibung: „${v.text("before")}“ → „${v.text("after")}“`,
      readme: () => "README geändert: Lesen Sie es",
      logo: () => "Logo geändert",
      purpose: (v) => `Zweck von ${host(v.text("target"))}: „${v.text("before")}“ → „${v.text("after")}“`,
      version: (v) => `Version des Autors: ${v.text("before")} → ${v.text("after")}`,
      "version-same": (v) => `Version des Autors: unverändert \`${v.text("version")}\`, obwohl die Datei eine andere ist`,
      "parameter-new-required": (v) => `neuer Parameter \`${v.text("parameter")}\`, erforderlich`,
      "parameter-new-optional": (v) => `neuer Parameter \`${v.text("parameter")}\`, optional`,
      "secret-new-required": (v) => `neuer Parameter \`${v.text("parameter")}\`, ein Secret, erforderlich`,
      "secret-new-optional": (v) => `neuer Parameter \`${v.text("parameter")}\`, ein Secret, optional`,
      "parameter-gone": (v) => `Parameter \`${v.text("parameter")}\` wurde entfernt`,
      "parameter-required": (v) => `Parameter \`${v.text("parameter")}\` ist jetzt erforderlich`,
      "parameter-optional": (v) => `Parameter \`${v.text("parameter")}\` ist jetzt optional`,
      "parameter-secret": (v) => `Parameter \`${v.text("parameter")}\` ist jetzt ein Secret`,
      "parameter-open": (v) =>
        `Das Secret \`${v.text("parameter")}\` würde im Klartext übergeben: Der Parameter ist kein Secret mehr`,
      "parameter-changed": (v, by) => `Definition des Parameters \`${v.text("parameter")}\` geändert: ${by.names(v.text("keywords"))}`,
      "default-new": (v) => `Standardwert für \`${v.text("parameter")}\`, neu: \`${v.text("after")}\``,
      "default-changed": (v) => `Standardwert für \`${v.text("parameter")}\`: \`${v.text("before")}\` → \`${v.text("after")}\``,
      "default-gone": (v) => `Standardwert für \`${v.text("parameter")}\`, entfernt: \`${v.text("before")}\``,
      "fill-new": (v) => `neu: Sendbox füllt \`${v.text("parameter")}\` automatisch mit ${fill(v)} aus`,
      "fill-gone": (v) => `nicht mehr: Sendbox füllt \`${v.text("parameter")}\` automatisch mit ${fill(v)} aus`,
      "schema-changed": (v, by) => `Schema der Parameter geändert: ${by.names(v.text("keywords"))}`,
      "template-changed": () => "Schema der Vorlagen geändert",
      content: (v, by) => `Inhalt: ${by.content(v.text("before"))} → ${by.content(v.text("after"))}. Vorlagen müssen neu geschrieben werden`,
      "usages-new": (v, by) => `neue Verwendungszwecke: ${by.usages(v.text("usages"))}`,
      "usages-gone": (v, by) => `entfernte Verwendungszwecke: ${by.usages(v.text("usages"))}`,
      "locales-new": (v, by) => `neue Sprachen: ${by.names(v.text("locales"))}`,
      "locales-gone": (v, by) => `entfernte Sprachen: ${by.names(v.text("locales"))}`,
      "reports-new": () => "neu: Sie liest Zustellberichte",
      "reports-gone": () => "nicht mehr: Sie liest Zustellberichte",
      "idempotent-new": () => "neu: Der Anbieter sendet nur eine Nachricht, wenn ein Idempotenzschlüssel wiederholt wird",
      "idempotent-gone": () => "nicht mehr: Der Anbieter sendet nur eine Nachricht, wenn ein Idempotenzschlüssel wiederholt wird",
      "connection-reach-new": (v) => `sie würde neu erreichen: ${host(v.text("target"))}`,
      "connection-reach-gone": (v) => `sie würde nicht mehr erreichen: ${host(v.text("target"))}`,
      "connection-message-new": (v) => `ihre Nachrichten würden gesendet an: ${host(v.text("target"))}`,
      "connection-secret-new": (v) => `ihr Secret \`${v.text("secret")}\` würde gesendet an: ${host(v.text("target"))}`,
      "connection-default-new": (v) => `ihr Parameter \`${v.text("parameter")}\` würde mit dem Standardwert \`${v.text("after")}\` ausgefüllt`,
      "connection-default-gone": (v) =>
        `ihr Parameter \`${v.text("parameter")}\` würde nicht mehr mit dem Standardwert \`${v.text("before")}\` ausgefüllt`,
      "connection-fill-new": (v) => `ihr Parameter \`${v.text("parameter")}\` würde mit der Adresse ihrer Zustellberichte ausgefüllt`,
      "connection-secret-gone": (v) =>
        `ihr Secret \`${v.text("secret")}\` würde nicht übergeben: Die Version hat keinen solchen Parameter`,
    },

    decision: decisions(causes, (name) => name, {
      "no-other-connection": () => "keine andere Verbindung wird versucht",
      expired: () => "die Nachricht ist abgelaufen und wird nicht mehr gesendet",
      "max-messages": (v) => `die Regeln erlauben höchstens ${v.number("max")} SMS pro Anfrage`,
      "max-attempts": (v) => `pro Nachricht gibt es höchstens ${v.number("max")} Versuche`,
      nothing: (v) => `${notAgain[v.text("noRetry") as NotAgain]}, und ${noFallback[v.text("noFallback") as NoFallback]}`,
      retry: (v) => `dieselbe Verbindung versucht es noch einmal (Versuch ${v.number("number")} von ${v.number("max")})`,
      "retry-same-key": (v) =>
        `dieselbe Verbindung versucht es noch einmal (Versuch ${v.number("number")} von ${v.number("max")}), mit demselben Idempotenzschlüssel, damit der Anbieter nur eine Nachricht sendet`,
      "other-version": () => "diese Version des Konnektors wird noch bewertet, deshalb wird die vorige versucht",
      "next-connection": (v) => `${notAgain[v.text("noRetry") as NotAgain]}, deshalb wird die nächste Verbindung versucht`,
      "next-connection-no-pause": () => "der Anbieter verlangt eine lange Pause, deshalb wird die nächste Verbindung versucht",
    }),

    fault: {
      misbehaved: (v) =>
        `Sie hat sich in ${v.number("faults")} von ${v.number("attempts")} Versuchen falsch verhalten; sehen Sie sich deren Traces an`,
      "mostly-failed": (v) => `${v.number("failed")} ihrer ${v.number("attempts")} Versuche sind fehlgeschlagen`,
      "failed-more": (v) =>
        `${v.number("percent")} % ihrer ${v.number("attempts")} Versuche sind fehlgeschlagen, bei der vorigen Version ${v.number("before")} % von ${v.number("attemptsBefore")}`,
    },

    field: {
      required: () => "fehlt",
      "one-required": (v) => `eines davon ist erforderlich: ${v.text("bound")}`,
      secret: () => "ist kein gültiger Wert für dieses Secret",
      "secret-unsealed": () => "ist als Secret gespeichert, und diese Version des Konnektors würde es im Klartext lesen",
      type: (v) => `muss ${types[v.text("bound")] ?? "einen anderen Typ haben"}`,
      enum: (v) => `muss einer dieser Werte sein: ${v.text("bound")}`,
      url: (v) => `muss eine URL sein, die mit ${v.text("bound").split(", ").map((one) => `\`${one}\``).join(" oder ")} beginnt, ohne Leerzeichen, Benutzernamen und Fragment`,
      characters: (v) =>
        `muss aus ${v.text("prefix") && `\`${v.text("prefix")}\` und `}${length(v.text("min"), v.text("max"))}Zeichen bestehen: ${v.text("characters").replace("space", "Leerzeichen")}`,
      "visible-ascii": (v) => `muss aus ${length(v.text("min"), v.text("max"))}sichtbaren ASCII-Zeichen ohne Leerzeichen bestehen`,
      form: () => "hat nicht die richtige Form; die Beschreibung des Feldes nennt sie",
      excluded: () => "lässt sich nicht mit den anderen gesetzten Parametern kombinieren",
      format: (v) => `muss ${formats[v.text("bound")] ?? `das Format „${v.text("bound")}“ haben`}`,
      "min-length": (v) => `ist zu kurz: mindestens ${v.number("bound")} Zeichen`,
      "max-length": (v) => `ist zu lang: höchstens ${v.number("bound")} Zeichen`,
      minimum: (v) => `ist zu klein: mindestens ${v.text("bound")}`,
      maximum: (v) => `ist zu groß: höchstens ${v.text("bound")}`,
      range: (v, by) => `muss zwischen ${by.number(v.number("min"))} und ${by.number(v.number("max"))} liegen`,
      "min-items": (v) => `hat zu wenige Einträge: mindestens ${v.number("bound")}`,
      "max-items": (v) => `hat zu viele Einträge: höchstens ${v.number("bound")}`,
      unknown: () => "ist hier nicht bekannt oder enthält etwas, das hier nicht bekannt ist",
      empty: () => "ist leer",
      duplicate: () => "ist doppelt vorhanden",
      "in-past": () => "liegt in der Vergangenheit; geben Sie einen späteren Zeitpunkt oder keinen an",
      hidden: () => "enthält ein unsichtbares Zeichen; geben Sie den Wert neu ein",
      space: () => "beginnt oder endet mit einem Leerzeichen; entfernen Sie es",
      name: (v) => `muss aus ${v.number("min")} bis ${v.number("max")} der Zeichen a–z, 0–9 und - bestehen und darf nicht mit - beginnen oder enden`,
      "language-tag": () => "muss ein Sprachcode sein, zum Beispiel `da` oder `pt-BR`",
      "phone-number": () => "ist keine Nummer, die Nachrichten empfangen kann; geben Sie sie mit + und Landesvorwahl ein, zum Beispiel +4512345678",
      "ip-address": () => "muss eine IPv4- oder IPv6-Adresse sein",
      "code-format": (v) => `muss aus ${v.number("min")} bis ${v.number("max")} Buchstaben (a–z, A–Z) und Ziffern bestehen`,
      digits: (v) => `muss aus ${v.number("min")} bis ${v.number("max")} Ziffern bestehen`,
      domain: () => "muss eine Domain in Kleinbuchstaben sein, zum Beispiel `example.com`, ohne `https://` und ohne Port",
      country: () => "ist kein Land: zwei Großbuchstaben, zum Beispiel `DK`, oder `001` für Nummern ohne Land",
      currency: () => "muss aus drei Großbuchstaben bestehen, zum Beispiel `EUR` (ISO 4217)",
      "unknown-connection": () => "ist keine Verbindung dieses Mandanten; speichern Sie sie zuerst, oder geben Sie eine andere an",
      "secret-for-other-hosts": (v) =>
        `ist für andere Hosts gespeichert: Geben Sie den Wert neu ein, damit er an ${v.text("bound")} gesendet wird`,
      "secret-required": () => "muss neu eingegeben werden: Geben Sie den Wert des Produktionsmandanten ein",
      "templates-missing": (v, by) => `Vorlagen fehlen für: ${by.usages(v.text("bound"))}`,
      "template-fallback": () => "„Allgemein“ braucht eine Vorlage ohne Sprache, für Sprachen ohne eigene Vorlage",
      "template-duplicate": () => "hat denselben Verwendungszweck und dieselbe Sprache wie eine andere Vorlage; entfernen Sie eine",
      "template-no-code": () => "enthält kein `{{code}}`, die Nachricht hätte also keinen Code; fügen Sie es ein",
      "template-braces": () => "enthält `{code}`, `{minutes}` oder `{locale}` in einfachen Klammern, was so gesendet würde; schreiben Sie zwei, wie in `{{code}}`",
      "template-too-long": (v) => `hat ohne Platzhalter mehr als ${v.text("bound")} Zeichen, also mehr als jede Nachricht`,
      "template-not-text": () => "hat `template`, aber dieser Konnektor braucht `content`, einen Text mit `{{code}}`",
      "template-not-provider": () => "hat `content`, aber dieser Konnektor braucht `template`, eine Vorlage des Anbieters",
    },

    hint: {
      "other-script": (v) =>
        `${v.text("characters")}${v.number("more") > 0 ? ` und ${v.number("more")} weitere` : ""}: Diese Zeichen gibt es in GSM 03.38 nicht, und auch keine ähnlichen. Deshalb wird der Text als UCS-2 gesendet, mit 70 statt 160 Zeichen pro Segment.`,
      "write-otherwise": (v) =>
        `Der Text wird als UCS-2 gesendet, weil er Zeichen enthält, die es in GSM 03.38 nicht gibt. Schreiben Sie stattdessen: ${v.text("instead").split(", ").map(replacement).join(", ")}${v.number("more") > 0 ? ` (und ${v.number("more")} weitere)` : ""}. ${
          v.number("then") < v.number("segments")
            ? `Dann braucht er ${v.number("then")} statt ${v.number("segments")} Segmente.`
            : "Dann passen 160 statt 70 Zeichen in ein Segment."
        }`,
      shorten: (v) =>
        `Der Text braucht ${v.number("segments")} Segmente; mit ${v.number("over")} Zeichen weniger ${v.number("segments") === 2 ? "nur eines" : `nur ${v.number("segments") - 1}`}.`,
    },

    problem: {
      "bad-request": () => "Ungültige Anfrage",
      "malformed-json": () => "Kein gültiges JSON",
      unauthenticated: () => "Nicht angemeldet",
      "unauthenticated-detail": () => "Der Schlüssel fehlt, ist unbekannt, abgelaufen oder widerrufen.",
      "insufficient-scope": () => "Fehlende Berechtigung",
      "platform-only": () => "Nur mit dem Plattformschlüssel",
      "platform-only-detail": () => "Das ist nur mit dem Plattformschlüssel möglich. Wenden Sie sich an den Betreiber der Plattform.",
      "cross-site": () => "Anfrage nicht von der Konsole",
      "cross-site-detail": () => "Die Anfrage weist nicht nach, dass sie von einer Seite dieses Servers kommt. Laden Sie die Seite neu.",
      "insecure-transport": () => "Anmeldung ohne Verschlüsselung",
      "insecure-transport-detail": () =>
        "Der Schlüssel wurde ohne TLS über ein Netzwerk gesendet. Öffnen Sie die Konsole mit `https://`, oder auf dem Server selbst mit `http://127.0.0.1`.",
      "country-not-allowed": () => "Land nicht erlaubt",
      "country-not-allowed-detail": () => "Das Land der Nummer ist für diesen Mandanten nicht erlaubt. Fügen Sie es in den Regeln hinzu, wenn Sie dorthin senden möchten.",
      "number-kind-not-allowed": () => "Art der Nummer nicht erlaubt",
      "number-kind-not-allowed-detail": () => "Die Regeln dieses Mandanten erlauben keine Nachrichten an Nummern dieser Art. Erlauben Sie die Art in den Regeln, wenn Sie dorthin senden möchten.",
      "precondition-failed": () => "Inzwischen geändert",
      "precondition-failed-detail": () => "Jemand anderes hat das geändert, seit Sie diese Seite geöffnet haben. Es wurde nichts gespeichert. Laden Sie die Seite neu, und nehmen Sie Ihre Änderung noch einmal vor.",
      "not-found": () => "Nicht gefunden",
      "method-not-allowed": () => "Methode nicht erlaubt",
      "request-timeout": () => "Zeitüberschreitung",
      "request-timeout-detail": () => "Die Anfrage ist nicht rechtzeitig angekommen. Versuchen Sie es erneut.",
      conflict: () => "Konflikt",
      "diff-changed": () => "Die Änderungen sind nicht mehr aktuell",
      "diff-changed-detail": () => "Die Änderungen sind nicht mehr die, die Sie bestätigt haben. Prüfen Sie sie erneut, und bestätigen Sie sie dann.",
      "approval-required": () => "Freigabe erforderlich",
      "approval-required-detail": () => "Die Version darf mehr als die aktive oder stellt sich anders dar, und niemand hat das freigegeben. Prüfen Sie die Änderungen, und geben Sie sie frei.",
      "connection-in-use": () => "Wird von Abläufen benötigt",
      "connection-in-use-detail": () => "Eingeschaltete Abläufe brauchen diese Verbindung. Aktivieren Sie zuerst eine andere, oder schalten Sie die Abläufe aus.",
      "flow-disabled": () => "Ablauf ist ausgeschaltet",
      "flow-disabled-detail": () => "Der Mandant hat diesen Ablauf ausgeschaltet. Schalten Sie ihn unter „Abläufe“ ein.",
      "notices-disabled": () => "Nachrichten ohne Code sind ausgeschaltet",
      "notices-disabled-detail": () => "Nach den Regeln des Mandanten werden keine Nachrichten ohne Code gesendet. Schalten Sie sie unter „Regeln“ ein.",
      "no-active-connection": () => "Keine aktive Verbindung",
      "no-active-connection-detail": () => "Es gibt keine Verbindung, die senden kann. Speichern Sie eine, und aktivieren Sie sie.",
      "idempotency-in-flight": () => "Anfrage läuft noch",
      "idempotency-in-flight-detail": () => "Die erste Anfrage mit diesem Schlüssel läuft noch. Versuchen Sie es gleich noch einmal.",
      "verification-ended": () => "Verifizierung beendet",
      "verification-ended-detail": () => "Die Verifizierung ist bestätigt, abgelaufen, aufgebraucht, abgebrochen oder ersetzt. Starten Sie eine neue.",
      "body-too-large": () => "Anfrage zu groß",
      "unsupported-media-type": () => "Datentyp nicht unterstützt",
      "invalid-input": () => "Ungültige Eingabe",
      "idempotency-mismatch": () => "Idempotenzschlüssel bereits verwendet",
      "idempotency-mismatch-detail": () => "Dieser Idempotency-Key gehört zu einer anderen Anfrage.",
      "wrong-code": () => "Falscher Code",
      "wrong-code-detail": () => "Der Code ist falsch, und der Versuch zählt.",
      "message-not-sent": () => "Nachricht nicht gesendet",
      "limit-reached": () => "Limit erreicht",
      "quota-reached": () => "Kontingent ausgeschöpft",
      "quota-reached-detail": () => "Der Mandant hat so viel davon, wie er haben darf. Löschen Sie, was nicht mehr gebraucht wird, oder versuchen Sie es später erneut.",
      "too-many-requests": () => "Zu viele Anfragen",
      "too-many-requests-detail": () => "Dieser Schlüssel, sein Mandant oder diese Adresse stellt zu viele Anfragen. Es wurde nichts getan. Warten Sie einen Augenblick, und versuchen Sie es erneut.",
      // Die Konsole sendet keine Zustellberichte: Diese Fehler sieht nur ein Anbieter.
      "report-not-authentic": () => "Zustellbericht nicht authentisch",
      "report-malformed": () => "Ungültiger Zustellbericht",
      "report-unreadable": () => "Zustellbericht nicht gelesen",
      busy: () => "Zu viele Anfragen gleichzeitig",
      internal: () => "Interner Fehler",
      "internal-detail": () => "In Sendbox ist ein Fehler aufgetreten. Nennen Sie dem Betreiber die Anfrage-ID; im Protokoll des Servers steht mehr dazu.",
      "store-unavailable": () => "Datenbank nicht verfügbar",
      "store-unavailable-detail": () => "Die Datenbank antwortet nicht. Es wurde nichts angenommen. Versuchen Sie es erneut.",
      "outcome-unknown": () => "Ergebnis nicht bekannt",
      "outcome-unknown-detail": () => "Die Datenbank ist beim Schreiben ausgefallen. Möglicherweise wurde die Änderung gespeichert: Prüfen Sie das, bevor Sie sie wiederholen.",
      "master-key-missing": () => "Hauptschlüssel fehlt",
      "master-key-missing-detail": () => "Diesem Server fehlt ein Hauptschlüssel, mit dem die Datenbank versiegelt ist. Es wurde nichts gespeichert. Versuchen Sie es erneut: Ein anderer Server antwortet vielleicht.",
      starting: () => "Server startet",
      "starting-detail": () => "Dieser Server startet gerade. Versuchen Sie es gleich noch einmal.",
      stopping: () => "Server wird beendet",
      "stopping-detail": () => "Dieser Server wird gerade beendet. Versuchen Sie es erneut: Ein anderer antwortet, oder dieser nach dem Neustart.",
    },
  },
};

/** `https://api.example.com, any path` */
function host(text: string): string {
  return text.replace(/, any path$/, ", jeder Pfad");
}

/** `the JSON value `/code` in the query parameter `TemplateParam`` */
function requestField(text: string): string {
  const translations: [RegExp, string][] = [
    [/the query parameter (?=`)/g, "Query-Parameter "],
    [/segment (\d+) of the path/g, "Pfadsegment $1"],
    [/the header (?=`)/g, "Header "],
    [/the form field (?=`)/g, "Formularfeld "],
    [/the JSON value (?=`)/g, "JSON-Wert "],
    [/the XML element (?=`)/g, "XML-Element "],
  ];
  return translations.reduce((translated, [english, german]) => translated.replace(english, german), text);
}

/** The fields of a request that carry the message. */
function messageFields(v: TemplateValues): string {
  const clientIp = v.text("clientIp") ? `; IP-Adresse des Nutzers: ${requestField(v.text("clientIp"))}` : "";
  const format = numberFormats[v.text("format")] ?? v.text("format");
  return `Telefonnummer (${format}): ${requestField(v.text("recipient"))}; Inhalt: ${requestField(v.text("content"))}${clientIp}`;
}

const numberFormats: Record<string, string> = { e164: "E.164", digits: "nur Ziffern", national: "national" };

/** The value with which Sendbox fills in a parameter. */
const fill = (v: TemplateValues): string =>
  v.text("fill") === "report-address" ? "der Adresse für Zustellberichte" : `\`${v.text("fill")}\``;

const types: Record<string, string> = {
  string: "ein Text sein",
  number: "eine Zahl sein",
  integer: "eine ganze Zahl sein",
  boolean: "`true` oder `false` sein",
  array: "eine Liste sein",
  object: "ein Objekt sein",
  null: "leer sein",
};

const formats: Record<string, string> = {
  uri: "eine Adresse mit `https://` sein",
  email: "eine E-Mail-Adresse sein",
  hostname: "ein Hostname sein",
};

/** `` `’` → `'` ``; a character without replacement can be left out. */
function replacement(instead: string): string {
  const [character = "", other] = instead.split(" → ");
  if (other === undefined) return `${character} weglassen`;
  return `${other === "U+0020" ? "ein Leerzeichen" : other} statt ${character}`;
}
