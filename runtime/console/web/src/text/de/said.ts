// Was der Server mit einem Code sagt: der Satz zu jedem Code. Ein Code ohne Satz erscheint in den Worten des Servers.

import type { Tellers } from "../said";

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

export const said: { said: Tellers } = {
  said: {
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
      "message-new": (v) => `neu: Nachricht und Empfänger gehen an ${place(v.text("place"))} (${v.text("methods")})`,
      "message-gone": (v) => `nicht mehr: Nachricht und Empfänger gehen an ${place(v.text("place"))} (${v.text("methods")})`,
      "secret-sent-new": (v) => `neu: Das Geheimnis \`${v.text("secret")}\` geht an ${place(v.text("place"))} (${v.text("methods")})`,
      "secret-sent-gone": (v) => `nicht mehr: Das Geheimnis \`${v.text("secret")}\` geht an ${place(v.text("place"))} (${v.text("methods")})`,
      "secret-signs-new": (v) => `neu: Das Geheimnis \`${v.text("secret")}\` unterschreibt Anfragen an ${place(v.text("place"))} (${v.text("methods")})`,
      "secret-signs-gone": (v) => `nicht mehr: Das Geheimnis \`${v.text("secret")}\` unterschreibt Anfragen an ${place(v.text("place"))} (${v.text("methods")})`,
      "reveals-new": () => "neu: Sie kann Versiegeltes lesen (Codes, Nummern, Texte, Geheimnisse), wo man es ihr erlaubt",
      "reveals-gone": () => "nicht mehr: Sie liest Versiegeltes",
      version: (v) => `Version des Autors: ${v.text("before")} → ${v.text("after")}`,
      "parameter-new-required": (v) => `neuer Parameter \`${v.text("parameter")}\`: muss angegeben werden`,
      "parameter-new-optional": (v) => `neuer Parameter \`${v.text("parameter")}\`: kann angegeben werden`,
      "secret-new-required": (v) => `neuer Parameter \`${v.text("parameter")}\`, ein Geheimnis: muss angegeben werden`,
      "secret-new-optional": (v) => `neuer Parameter \`${v.text("parameter")}\`, ein Geheimnis: kann angegeben werden`,
      "parameter-gone": (v) => `Parameter \`${v.text("parameter")}\` gibt es nicht mehr`,
      "parameter-required": (v) => `Parameter \`${v.text("parameter")}\` muss jetzt angegeben werden`,
      "parameter-secret": (v) => `Parameter \`${v.text("parameter")}\` ist jetzt ein Geheimnis`,
      "parameter-open": (v) => `Parameter \`${v.text("parameter")}\` ist kein Geheimnis mehr`,
      "parameter-changed": (v) => `Parameter \`${v.text("parameter")}\` ist anders beschrieben`,
      content: (v, by) => `was sie nimmt: ${by.content(v.text("before"))} → ${by.content(v.text("after"))}. Vorlagen müssen neu geschrieben werden`,
      "usages-new": (v, by) => `Anlässe, die sie kann, neu: ${by.usages(v.text("usages"))}`,
      "usages-gone": (v, by) => `Anlässe, die sie kann, nicht mehr: ${by.usages(v.text("usages"))}`,
      "locales-new": (v, by) => `Sprachen, die sie nennt, neu: ${by.names(v.text("locales"))}`,
      "locales-gone": (v, by) => `Sprachen, die sie nennt, nicht mehr: ${by.names(v.text("locales"))}`,
      "reports-new": () => "neu: Sie liest Zustellberichte",
      "reports-gone": () => "nicht mehr: Sie liest Zustellberichte",
      "idempotent-new": () => "neu: Ein wiederholter Schlüssel ist beim Anbieter eine Nachricht",
      "idempotent-gone": () => "nicht mehr: Ein wiederholter Schlüssel ist beim Anbieter eine Nachricht",
    },

    decision: Object.fromEntries(
      Object.entries<Tellers["decision"][string]>({
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
      }).map(([code, follows]): [string, Tellers["decision"][string]] => [
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
  },
};

/** `https://api.example.com, any path` */
function place(place: string): string {
  return place.replace(/, any path$/, ", jeder Pfad");
}
