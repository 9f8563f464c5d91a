import type { Texts } from "../en";

export const signIn: Pick<Texts, "signIn"> = {
  signIn: {
    title: "Anmelden",
    lead: "Mit dem Schlüssel der Plattform oder einem Ihres Mandanten.",
    key: "Schlüssel",
    submit: "Anmelden",
    working: "Anmeldung läuft …",
    wrong: "Dieser Schlüssel ist unbekannt, abgelaufen oder widerrufen.",
    where: "Den Schlüssel der Plattform hat Sendbox beim ersten Start gezeigt. Schlüssel eines Mandanten entstehen unter „Schlüssel“.",
    safe: "Der Schlüssel wird gegen eine Sitzung getauscht, die kein Skript lesen kann. Er bleibt nicht im Browser.",
    ended: "Ihre Sitzung ist zu Ende. Melden Sie sich neu an, um weiterzumachen.",
    show: "Schlüssel zeigen",
    hide: "Schlüssel verbergen",
  },
};
