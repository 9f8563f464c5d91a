// Was der Server mit einem Code sagt: der Satz zu jedem Code. Ein Code ohne Satz erscheint in den Worten des Servers.

import type { MessageTemplates, TemplateValues } from "../message-templates";

const times = (count: number) => (count === 1 ? "einmal" : `${count}-mal`);

const because: Record<string, string> = {
  misbehaved: "Sie hat versagt",
  "mostly-failed": "Die meisten ihrer Versuche misslangen",
  "failed-more": "Ihr misslang mehr als der Version davor",
};

const causes: Record<string, string> = {
  "not-sent": "Die Nachricht wurde sicher nicht gesendet",
  "in-doubt": "Niemand weiß, ob die Nachricht gesendet wurde",
  content: "Der Anbieter hat die Nachricht so nicht angenommen",
  account: "Die Verbindung kann nicht senden, bis ihre Einstellungen oder ihr Konto in Ordnung sind",
  recipient: "Die Nummer nimmt keine Nachrichten an",
  destination: "Der Anbieter sendet nicht in dieses Land",
  fraud: "Der Anbieter vermutet Betrug",
  fault: "Der Konnektor hat versagt, bevor etwas gesendet war",
};

const notAgain: Record<string, string> = {
  "second-message": "ihr Anbieter würde aus einem weiteren Versuch eine zweite Nachricht machen",
  "maybe-second-message": "ein weiterer Versuch könnte eine zweite Nachricht sein",
  "same-end": "ein weiterer Versuch derselben Verbindung würde ebenso enden",
  "most-tries": "die Verbindung hat es so oft versucht, wie sie darf",
  "retry-budget": "zu viele Nachrichten werden gerade wiederholt",
  "too-late": "die Pause vor einem weiteren Versuch endet, wenn ihre Zeit um ist",
};

const noFallback: Record<string, string> = {
  silence: "dem Mandanten ist keine Nachricht lieber als eine zweite",
  none: "es gibt keine andere Verbindung",
  "no-template": "die nächste Verbindung hat keine eigene Vorlage",
};

export const serverMessages: { serverMessages: MessageTemplates } = {
  serverMessages: {
    attention: {
      "no-active-connection": (v, by) =>
        `Keine Verbindung ist aktiv, also kann nichts gesendet werden, und Abläufe sind eingeschaltet (${by.flows(v.text("flows"))}). Richten Sie eine Verbindung ein und aktivieren Sie sie.`,
      "no-country": () => "Kein Land ist erlaubt, also wird jede Nachricht abgelehnt. Nennen Sie in den Regeln die Länder Ihrer Nutzer.",
      "template-missing": (v, by) =>
        `Abläufe sind eingeschaltet, und \`${v.text("connection")}\` hat keine Vorlage für: ${by.usages(v.text("missing"))}. Fügen Sie sie der Verbindung hinzu.`,
      "connection-unfit": (v) =>
        `\`${v.text("connection")}\` passt nicht mehr zu ihrem Konnektor und kann nicht senden. Speichern Sie die Verbindung neu: Dabei steht an jedem Feld, was nicht passt.`,
      "connection-untested": (v) =>
        `\`${v.text("connection")}\` ist aktiv, und so, wie sie jetzt ist, wurde noch keine Probe angenommen. Senden Sie eine Probe.`,
      "few-accepted": (v, by) =>
        `Von den ${by.number(v.number("messages"))} Nachrichten ${v.text("span") === "hour" ? "der letzten Stunde" : "des letzten Tages"} nahmen Anbieter nur ${v.number("percent")} % an. Sehen Sie nach, was misslang.`,
      "few-delivered": (v, by) =>
        `Von den ${by.number(v.number("messages"))} Nachrichten des letzten Tages, über die Anbieter berichtet haben, wurden ${v.number("percent")} % nicht zugestellt. Sehen Sie die Gründe nach Ländern an, und fragen Sie den Anbieter nach seinem Weg oder dem Absender.`,
      "account-refused": (v, by) =>
        `\`${v.text("connection")}\` ist in der letzten Stunde ${times(v.number("times"))} gescheitert (${by.failure(v.text("class"))}). ${by.advice(v.text("class"))}`,
      "account-recovered": (v, by) =>
        `\`${v.text("connection")}\` ist in der letzten Stunde ${times(v.number("times"))} gescheitert (${by.failure(v.text("class"))}). ${by.advice(v.text("class"))} Seither hat sie gesendet.`,
      "connection-rests": (v) => `\`${v.text("connection")}\` ist zu oft gescheitert und ruht bis zu fünf Minuten; nur Ersatzverbindungen senden für sie.`,
      "numbers-held": (v, by) =>
        `${v.number("thousands") === 1 ? "Tausend" : `${v.number("thousands")} Tausend`} Nummern sind bis ${by.time(v.text("until"))} gesperrt, weil ein Anbieter Betrug vermutet; an sie wird nichts gesendet.`,
      "spend-cap-reached": () =>
        "Die Ausgabengrenze dieses Monats ist erreicht: Bis zum nächsten werden Nachrichten abgelehnt. Heben Sie sie an, oder warten Sie.",
      "spend-cap-near": (v) => `${v.number("percent")} % der Ausgabengrenze dieses Monats sind verbraucht; bei 100 % werden Nachrichten abgelehnt.`,
      "version-taken-back": (v, by) =>
        `Eine Version von \`${v.text("connector")}\` wurde von selbst zurückgenommen, ${by.time(v.text("at"))}: ${because[v.text("because")] ?? "Warum, steht bei ihren Versionen"}.`,
      "country-pumped": (v, by) =>
        `${v.number("percent")} % der ${by.number(v.number("verifications"))} Prüfungen des letzten Tages in ${by.country(v.text("country"))} wurden abgeschlossen, anderswo ${v.number("elsewhere")} %: Vielleicht lässt jemand zum eigenen Gewinn Nachrichten dorthin senden. Senken Sie die Grenzen, oder nehmen Sie das Land aus den Regeln.`,
      "secrets-old": (v, by) =>
        `Geheimnisse von \`${v.text("connection")}\` sind älter als ein Jahr: ${by.names(v.text("names"))}${v.number("more") > 0 ? ` und ${v.number("more")} weitere` : ""}. Erneuern Sie sie beim Anbieter und hier.`,
    },

    difference: {
      "host-new": (v) => `neuer Server: ${v.text("methods")} ${place(v.text("place"))} (${v.text("purpose")})`,
      "host-gone": (v) => `kein Server mehr: ${v.text("methods")} ${place(v.text("place"))} (${v.text("purpose")})`,
      "method-new": (v) => `neue Methode: ${v.text("methods")} bei ${place(v.text("place"))}`,
      "method-gone": (v) => `keine Methode mehr: ${v.text("methods")} bei ${place(v.text("place"))}`,
      "paths-new": (v) => `neue Pfade: ${v.text("methods")} ${place(v.text("place"))}`,
      "paths-gone": (v) => `keine Pfade mehr: ${v.text("methods")} ${place(v.text("place"))}`,
      "message-new": (v) => `neu: Nachricht und Empfänger gehen an ${place(v.text("place"))} (${v.text("methods")}): ${places(v)}`,
      "message-gone": (v) => `nicht mehr: Nachricht und Empfänger gehen an ${place(v.text("place"))} (${v.text("methods")}): ${places(v)}`,
      "places-new": (v) => `neue Stellen bei ${place(v.text("place"))} (${v.text("methods")}): ${places(v)}`,
      "places-gone": (v) => `nicht mehr an diesen Stellen bei ${place(v.text("place"))} (${v.text("methods")}): ${places(v)}`,
      "secret-sent-new": (v) => `neu: Das Geheimnis \`${v.text("secret")}\` geht an ${place(v.text("place"))} (${v.text("methods")})`,
      "secret-sent-gone": (v) => `nicht mehr: Das Geheimnis \`${v.text("secret")}\` geht an ${place(v.text("place"))} (${v.text("methods")})`,
      "secret-signs-new": (v) => `neu: Das Geheimnis \`${v.text("secret")}\` unterschreibt Anfragen an ${place(v.text("place"))} (${v.text("methods")})`,
      "secret-signs-gone": (v) => `nicht mehr: Das Geheimnis \`${v.text("secret")}\` unterschreibt Anfragen an ${place(v.text("place"))} (${v.text("methods")})`,
      "reveals-new": () => "neu: Sie kann Versiegeltes lesen (Codes, Nummern, Texte, Geheimnisse), wo man es ihr erlaubt",
      "reveals-gone": () => "nicht mehr: Sie liest Versiegeltes",
      name: (v) => `Sie heißt „${v.text("after")}“ und nicht mehr „${v.text("before")}“`,
      description: (v) => `Sie beschreibt sich als „${v.text("after")}“ und nicht mehr als „${v.text("before")}“`,
      readme: () => "Ihre Anleitung ist eine andere: Lesen Sie sie",
      logo: () => "Ihr Logo ist ein anderes",
      purpose: (v) => `wofür ${place(v.text("place"))} da ist: „${v.text("after")}“ und nicht mehr „${v.text("before")}“`,
      version: (v) => `Version des Autors: ${v.text("before")} → ${v.text("after")}`,
      "version-same": (v) => `Version des Autors: noch immer \`${v.text("version")}\`, obwohl die Datei eine andere ist`,
      "parameter-new-required": (v) => `neuer Parameter \`${v.text("parameter")}\`: muss angegeben werden`,
      "parameter-new-optional": (v) => `neuer Parameter \`${v.text("parameter")}\`: kann angegeben werden`,
      "secret-new-required": (v) => `neuer Parameter \`${v.text("parameter")}\`, ein Geheimnis: muss angegeben werden`,
      "secret-new-optional": (v) => `neuer Parameter \`${v.text("parameter")}\`, ein Geheimnis: kann angegeben werden`,
      "parameter-gone": (v) => `Parameter \`${v.text("parameter")}\` gibt es nicht mehr`,
      "parameter-required": (v) => `Parameter \`${v.text("parameter")}\` muss jetzt angegeben werden`,
      "parameter-optional": (v) => `Parameter \`${v.text("parameter")}\` muss nicht mehr angegeben werden`,
      "parameter-secret": (v) => `Parameter \`${v.text("parameter")}\` ist jetzt ein Geheimnis`,
      "parameter-open": (v) =>
        `Das Geheimnis \`${v.text("parameter")}\` würde im Klartext übergeben: Der Parameter ist kein Geheimnis mehr`,
      "parameter-changed": (v, by) => `Parameter \`${v.text("parameter")}\` ist anders beschrieben: ${by.names(v.text("keywords"))}`,
      "default-new": (v) => `Vorgabe für \`${v.text("parameter")}\`, neu: \`${v.text("after")}\``,
      "default-changed": (v) => `Vorgabe für \`${v.text("parameter")}\`: \`${v.text("before")}\` → \`${v.text("after")}\``,
      "default-gone": (v) => `Vorgabe für \`${v.text("parameter")}\`, nicht mehr: \`${v.text("before")}\``,
      "fill-new": (v) => `neu: Sendbox füllt \`${v.text("parameter")}\` von selbst aus, mit \`${v.text("fill")}\``,
      "fill-gone": (v) => `nicht mehr: Sendbox füllt \`${v.text("parameter")}\` von selbst aus, mit \`${v.text("fill")}\``,
      "schema-changed": (v, by) => `Das Schema der Parameter ist anders: ${by.names(v.text("keywords"))}`,
      "template-changed": () => "Vorlagen sind anders beschrieben",
      content: (v, by) => `was sie nimmt: ${by.content(v.text("before"))} → ${by.content(v.text("after"))}. Vorlagen müssen neu geschrieben werden`,
      "usages-new": (v, by) => `Anlässe, die sie kann, neu: ${by.usages(v.text("usages"))}`,
      "usages-gone": (v, by) => `Anlässe, die sie kann, nicht mehr: ${by.usages(v.text("usages"))}`,
      "locales-new": (v, by) => `Sprachen, die sie nennt, neu: ${by.names(v.text("locales"))}`,
      "locales-gone": (v, by) => `Sprachen, die sie nennt, nicht mehr: ${by.names(v.text("locales"))}`,
      "reports-new": () => "neu: Sie liest Zustellberichte",
      "reports-gone": () => "nicht mehr: Sie liest Zustellberichte",
      "idempotent-new": () => "neu: Ein wiederholter Schlüssel ist beim Anbieter eine Nachricht",
      "idempotent-gone": () => "nicht mehr: Ein wiederholter Schlüssel ist beim Anbieter eine Nachricht",
      "connection-reach-new": (v) => `sie würde erreichen: ${place(v.text("place"))}`,
      "connection-reach-gone": (v) => `sie würde nicht mehr erreichen: ${place(v.text("place"))}`,
      "connection-message-new": (v) => `ihre Nachrichten gingen an: ${place(v.text("place"))}`,
      "connection-secret-new": (v) => `ihr Geheimnis \`${v.text("secret")}\` ginge an: ${place(v.text("place"))}`,
      "connection-default-new": (v) => `ihr Parameter \`${v.text("parameter")}\` wäre ausgefüllt, mit der Vorgabe \`${v.text("after")}\``,
      "connection-default-gone": (v) =>
        `ihr Parameter \`${v.text("parameter")}\` wäre nicht mehr ausgefüllt, mit der Vorgabe \`${v.text("before")}\``,
      "connection-fill-new": (v) => `in ihrem Parameter \`${v.text("parameter")}\` stünde die Adresse ihrer Zustellberichte`,
      "connection-secret-gone": (v) =>
        `ihr Geheimnis \`${v.text("secret")}\` würde nicht übergeben: Die Version hat keinen solchen Parameter`,
    },

    decision: Object.fromEntries(
      Object.entries<MessageTemplates["decision"][string]>({
        "no-other-connection": () => "keine andere Verbindung wird versucht",
        expired: () => "ihre Zeit ist um, und danach wird nichts gesendet",
        "most-messages": (v) => `der Mandant erlaubt je Anfrage höchstens ${v.number("most") === 1 ? "eine Nachricht" : `${v.number("most")} Nachrichten`}`,
        "most-attempts": (v) => `mehr als ${v.number("most")} Versuche gibt es je Nachricht nicht`,
        nothing: (v) => `${notAgain[v.text("notAgain")] ?? v.text("notAgain")}, und ${noFallback[v.text("noFallback")] ?? v.text("noFallback")}`,
        again: (v) => `dieselbe Verbindung versucht es noch einmal (Versuch ${v.number("number")} von ${v.number("most")})`,
        "again-same-key": (v) =>
          `dieselbe Verbindung versucht es noch einmal (Versuch ${v.number("number")} von ${v.number("most")}), mit demselben Schlüssel, aus dem ihr Anbieter eine einzige Nachricht macht`,
        "other-version": () => "diese Version des Konnektors wird erprobt, also wird die davor gefragt",
        "next-connection": (v) => `${notAgain[v.text("notAgain")] ?? v.text("notAgain")}, also wird die nächste Verbindung versucht`,
        "next-connection-no-pause": () => "der Anbieter verlangt eine lange Pause, also wird die nächste Verbindung versucht",
      }).map(([code, follows]): [string, MessageTemplates["decision"][string]] => [
        code,
        (v, by) => `${causes[v.text("cause")] ?? v.text("cause")} (${by.failure(v.text("class"))}); ${follows(v, by)}.`,
      ]),
    ),

    fault: {
      misbehaved: (v) => `Sie hat in ${v.number("faults")} von ${v.number("attempts")} Versuchen versagt; sehen Sie deren Verlauf an`,
      "mostly-failed": (v) => `${v.number("failed")} ihrer ${v.number("attempts")} Versuche misslangen`,
      "failed-more": (v) =>
        `${v.number("percent")} % ihrer ${v.number("attempts")} Versuche misslangen, bei der Version davor ${v.number("before")} % von ${v.number("attemptsBefore")}`,
    },

    field: {
      required: () => "fehlt",
      "one-needed": (v) => `eines davon ist nötig: ${v.text("bound")}`,
      secret: () => "ist kein gültiger Wert für dieses Geheimnis",
      "secret-unsealed": () => "ist als Geheimnis gespeichert, und diese Version des Konnektors würde es im Klartext lesen",
      type: (v) => `muss ${types[v.text("bound")] ?? "von anderer Art"} sein`,
      enum: (v) => `muss eines davon sein: ${v.text("bound")}`,
      pattern: (v) => `passt nicht zum Muster \`${v.text("bound")}\``,
      format: (v) => `muss ${formats[v.text("bound")] ?? `vom Format „${v.text("bound")}“`} sein`,
      "min-length": (v) => `ist zu kurz: mindestens ${v.number("bound")} Zeichen`,
      "max-length": (v) => `ist zu lang: höchstens ${v.number("bound")} Zeichen`,
      minimum: (v) => `ist zu klein: mindestens ${v.text("bound")}`,
      maximum: (v) => `ist zu groß: höchstens ${v.text("bound")}`,
      range: (v, by) => `muss zwischen ${by.number(v.number("least"))} und ${by.number(v.number("most"))} liegen`,
      "min-items": (v) => `hat zu wenige Einträge: mindestens ${v.number("bound")}`,
      "max-items": (v) => `hat zu viele Einträge: höchstens ${v.number("bound")}`,
      unknown: () => "ist hier nicht bekannt, oder enthält etwas, das hier nicht bekannt ist",
      empty: () => "ist leer",
      twice: () => "steht zweimal da",
      passed: () => "ist schon vorbei; nennen Sie einen späteren Zeitpunkt oder keinen",
      hidden: () => "enthält ein unsichtbares Zeichen; tippen Sie es neu",
      space: () => "beginnt oder endet mit einem Leerzeichen; entfernen Sie es",
      name: (v) => `muss aus ${v.number("least")} bis ${v.number("most")} der Zeichen a–z, 0–9 und - bestehen und darf nicht mit - beginnen oder enden`,
      "language-tag": () => "muss eine Sprache sein, etwa `da` oder `pt-BR`",
      "phone-number": () => "ist keine Nummer, die eine Nachricht bekommen kann; schreiben Sie sie mit + und Ländervorwahl, etwa +4512345678",
      "ip-address": () => "muss eine IPv4- oder IPv6-Adresse sein",
      "code-form": (v) => `muss aus ${v.number("least")} bis ${v.number("most")} Buchstaben (a–z, A–Z) und Ziffern bestehen`,
      digits: (v) => `muss aus ${v.number("least")} bis ${v.number("most")} Ziffern bestehen`,
      domain: () => "muss eine Domain in Kleinbuchstaben sein, etwa `example.com`, ohne `https://` und ohne Port",
      country: () => "ist kein Land: zwei Großbuchstaben, etwa `DK`, oder `001` für keines",
      currency: () => "muss aus drei Großbuchstaben bestehen, etwa `EUR` (ISO 4217)",
      "no-connection": () => "ist keine Verbindung dieses Mandanten; speichern Sie sie erst, oder nennen Sie eine andere",
      "asked-anew": () => "wird neu verlangt: Geben Sie den Wert des Mandanten für den Betrieb an",
      "templates-missing": (v, by) => `Vorlagen fehlen für: ${by.usages(v.text("bound"))}`,
      "template-fallback": () => "„Alles übrige“ braucht eine Vorlage ohne Sprache, für Sprachen, die keine haben",
      "template-twice": () => "gilt für denselben Zweck und dieselbe Sprache wie eine andere; entfernen Sie eine",
      "template-no-code": () => "enthält kein `{{code}}`, also hätte die Nachricht keinen Code; fügen Sie es ein",
      "template-not-text": () => "hat `template`, und dieser Konnektor braucht `content`, einen Text mit `{{code}}`",
      "template-not-provider": () => "hat `content`, und dieser Konnektor braucht `template`, eine Vorlage des Anbieters",
    },

    hint: {
      "other-script": (v) =>
        `${v.text("characters")}${v.number("more") > 0 ? ` und ${v.number("more")} weitere` : ""}: Das gibt es in GSM 03.38 nicht, und auch nichts Ähnliches. Darum ist der Text UCS-2: In ein Segment passen 70 Zeichen, nicht 160.`,
      "write-otherwise": (v) =>
        `Der Text ist UCS-2, weil er Zeichen enthält, die es in GSM 03.38 nicht gibt. Schreiben Sie statt dessen: ${v.text("instead").split(", ").map(otherwise).join(", ")}${v.number("more") > 0 ? ` (und ${v.number("more")} weitere)` : ""}. ${
          v.number("then") < v.number("segments")
            ? `Dann bräuchte er ${v.number("then")} statt ${v.number("segments")} Segmente.`
            : "Dann passen in ein Segment 160 Zeichen, nicht 70."
        }`,
      shorten: (v) =>
        `Der Text braucht ${v.number("segments")} Segmente; mit ${v.number("over")} Zeichen weniger ${v.number("segments") === 2 ? "nur eines" : `nur ${v.number("segments") - 1}`}.`,
    },

    problem: {
      "bad-request": () => "Fehlerhafte Anfrage",
      "malformed-json": () => "Kein gültiges JSON",
      unauthenticated: () => "Nicht angemeldet",
      "unauthenticated-detail": () => "Der Schlüssel fehlt, ist unbekannt, abgelaufen oder widerrufen.",
      "scope-missing": () => "Ein Recht fehlt",
      "platform-only": () => "Nur für die Plattform",
      "platform-only-detail": () => "Das darf nur der Schlüssel der Plattform. Fragen Sie, wer sie betreibt.",
      "cross-site": () => "Nicht von der Konsole",
      "cross-site-detail": () => "Die Anfrage zeigt nicht, dass sie von einer Seite dieses Servers kommt. Laden Sie die Seite neu.",
      "sign-in-in-clear": () => "Anmeldung im Klartext",
      "sign-in-in-clear-detail": () =>
        "Der Schlüssel kam über ein Netz ohne TLS. Öffnen Sie die Konsole mit `https://`, oder auf der Maschine selbst mit `http://127.0.0.1`.",
      "country-not-allowed": () => "Land nicht erlaubt",
      "country-not-allowed-detail": () => "Das Land der Nummer steht nicht auf der Liste des Mandanten. Fügen Sie es in den Regeln hinzu, wenn Nachrichten dorthin gehen sollen.",
      "not-found": () => "Nicht gefunden",
      "method-not-allowed": () => "So geht das hier nicht",
      "request-timeout": () => "Zu langsam",
      "request-timeout-detail": () => "Die Anfrage kam nicht rechtzeitig an. Versuchen Sie es noch einmal.",
      conflict: () => "Etwas steht dem entgegen",
      "diff-changed": () => "Inzwischen hat sich etwas geändert",
      "diff-changed-detail": () => "Was sich ändern würde, ist nicht mehr das, was bestätigt wurde. Sehen Sie es neu an, und bestätigen Sie das.",
      "approval-needed": () => "Zustimmung nötig",
      "approval-needed-detail": () => "Die Version darf mehr als die aktive, oder sie stellt sich anders vor, und niemand hat dem zugestimmt. Lesen Sie die Unterschiede, und stimmen Sie ihnen zu.",
      "needed-by-flows": () => "Abläufe brauchen sie",
      "needed-by-flows-detail": () => "Eingeschaltete Abläufe brauchen diese Verbindung. Aktivieren Sie erst eine andere, oder schalten Sie die Abläufe aus.",
      "flow-off": () => "Ablauf ist ausgeschaltet",
      "flow-off-detail": () => "Der Mandant hat diesen Ablauf ausgeschaltet. Schalten Sie ihn bei den Abläufen ein.",
      "no-active-connection": () => "Keine aktive Verbindung",
      "no-active-connection-detail": () => "Keine Verbindung ist eingerichtet, die senden könnte. Speichern Sie eine, und aktivieren Sie sie.",
      "idempotency-in-flight": () => "Noch im Gange",
      "idempotency-in-flight-detail": () => "Die erste Anfrage mit diesem Schlüssel ist noch im Gange. Fragen Sie gleich noch einmal.",
      "verification-ended": () => "Prüfung beendet",
      "verification-ended-detail": () => "Die Prüfung ist bestätigt, abgelaufen, erschöpft, abgebrochen oder ersetzt. Beginnen Sie eine neue.",
      "body-too-large": () => "Zu groß",
      "unsupported-media-type": () => "Andere Art von Daten",
      "invalid-input": () => "Eingabe nicht in Ordnung",
      "idempotency-mismatch": () => "Schlüssel schon benutzt",
      "idempotency-mismatch-detail": () => "Dieser Idempotency-Key gehört zu einer anderen Anfrage.",
      "wrong-code": () => "Falscher Code",
      "wrong-code-detail": () => "Der Code ist falsch, und der Versuch zählt.",
      "message-not-sent": () => "Nachricht nicht gesendet",
      limited: () => "Grenze erreicht",
      // Die Konsole meldet nichts: diese vier sieht nur ein Anbieter.
      "report-not-authentic": () => "Bericht nicht echt",
      "report-malformed": () => "Kein Zustellbericht",
      "report-unread": () => "Bericht nicht gelesen",
      busy: () => "Zu viel auf einmal",
      internal: () => "Innerer Fehler",
      "internal-detail": () => "Sendbox ist gescheitert. Nennen Sie dem Betreiber die Anfrage; im Protokoll steht mehr dazu.",
      "store-unavailable": () => "Speicher nicht verfügbar",
      "store-unavailable-detail": () => "Der Speicher antwortet nicht. Nichts wurde angenommen. Versuchen Sie es noch einmal.",
      "store-uncertain": () => "Ergebnis unbekannt",
      "store-uncertain-detail": () => "Der Speicher fiel aus, während dies geschrieben wurde. Vielleicht gilt es: Sehen Sie nach, bevor Sie es wiederholen.",
      stopping: () => "Wird beendet",
      "stopping-detail": () => "Dieser Server hört gerade auf. Versuchen Sie es noch einmal; ein anderer antwortet, oder dieser nach dem Neustart.",
    },
  },
};

/** `https://api.example.com, any path` */
function place(place: string): string {
  return place.replace(/, any path$/, ", jeder Pfad");
}

/** `the JSON value `/code` in the query parameter `TemplateParam`` */
function step(text: string): string {
  const words: [RegExp, string][] = [
    [/the query parameter (?=`)/g, "Abfrageparameter "],
    [/segment (\d+) of the path/g, "Pfadabschnitt $1"],
    [/the header (?=`)/g, "Kopfzeile "],
    [/the form field (?=`)/g, "Formularfeld "],
    [/the JSON value (?=`)/g, "JSON-Wert "],
    [/the XML element (?=`)/g, "XML-Element "],
  ];
  return words.reduce((said, [english, german]) => said.replace(english, german), text);
}

/** Where the message stands in a request. */
function places(v: TemplateValues): string {
  const address = v.text("clientIp") ? `; Adresse des Nutzers: ${step(v.text("clientIp"))}` : "";
  return `Nummer (${v.text("format")}): ${step(v.text("recipient"))}; Inhalt: ${step(v.text("content"))}${address}`;
}

const types: Record<string, string> = {
  string: "ein Text",
  number: "eine Zahl",
  integer: "eine ganze Zahl",
  boolean: "an oder aus",
  array: "eine Liste",
  object: "ein Objekt",
  null: "leer",
};

const formats: Record<string, string> = { uri: "eine Adresse mit `https://`", email: "eine E-Mail-Adresse", hostname: "ein Name eines Servers" };

/** `` `’` → `'` ``; what can be left out stands alone. */
function otherwise(instead: string): string {
  const [character = "", other] = instead.split(" → ");
  if (other === undefined) return `nichts für ${character}`;
  return `${other === "U+0020" ? "ein Leerzeichen" : other} für ${character}`;
}
