// What the server says about ingresses in English only, by its own sentence. A sentence that is missing here is shown in English, and is
// marked as such; the story of the German pages fails if that is a setup step.

const setup: Record<string, string> = {
  "In Logto's console, open Connectors > Email and SMS > SMS > HTTP SMS and enter:":
    "Öffnen Sie in der Konsole von Logto `Connectors > Email and SMS > SMS > HTTP SMS`, und tragen Sie ein:",
  "Self-hosted: set these variables of Supabase Auth and restart it. The address must be https, or local.":
    "Selbst betrieben: Setzen Sie diese Variablen von Supabase Auth, und starten Sie es neu. Die Adresse muss mit https beginnen oder lokal sein.",
  "Hosted: in the dashboard, open Authentication > Hooks > Send SMS hook, choose HTTPS, and enter this address and secret:":
    "Gehostet: Öffnen Sie im Dashboard `Authentication > Hooks > Send SMS hook`, wählen Sie `HTTPS`, und tragen Sie diese Adresse und dieses Secret ein:",
  "Create the provider. The response contains its id and `signingKey`:":
    "Legen Sie den Anbieter an. Die Antwort enthält seine ID und den `signingKey`:",
  "Enter the `signingKey` as the secret of this ingress. Until then every call is refused.":
    "Geben Sie den `signingKey` als Secret dieser Anbindung ein. Bis dahin wird jeder Aufruf abgelehnt.",
  "Activate the provider:": "Aktivieren Sie den Anbieter:",
  "Add the channel to the configuration of Kratos. The body passes everything that Kratos knows; the default body works, too.":
    "Fügen Sie den Kanal zur Konfiguration von Kratos hinzu. Dieser `body` übergibt alles, was Kratos weiß; der voreingestellte funktioniert auch.",
  "Set these variables of the application that uses `@better-auth/infra`:":
    "Setzen Sie diese Variablen der Anwendung, die `@better-auth/infra` verwendet:",
  "In FusionAuth, open Settings > Messengers, add a Generic messenger, and enter. Give it a read timeout of at least 1,000 ms:":
    "Öffnen Sie in FusionAuth `Settings > Messengers`, fügen Sie einen `Generic messenger` mit einem Lese-Timeout von mindestens 1.000 ms hinzu, und tragen Sie ein:",
  "In authentik, edit the SMS Authenticator Setup stage, choose the provider Generic, and enter:":
    "Bearbeiten Sie in authentik die Phase `SMS Authenticator Setup`, wählen Sie den Anbieter `Generic`, und tragen Sie ein:",
  "In Authgear's portal, open Advanced > Custom SMS gateway, choose Webhook, and enter this address:":
    "Öffnen Sie im Portal von Authgear `Advanced > Custom SMS gateway`, wählen Sie `Webhook`, und tragen Sie diese Adresse ein:",
  "Enter the webhook's signature key as the secret of this ingress. Until then every call is refused.":
    "Geben Sie den Signaturschlüssel des Webhooks als Secret dieser Anbindung ein. Bis dahin wird jeder Aufruf abgelehnt.",
  "In Authsignal's portal, open Authenticators > SMS, choose the webhook provider, and enter this address:":
    "Öffnen Sie im Portal von Authsignal `Authenticators > SMS`, wählen Sie den Webhook-Anbieter, und tragen Sie diese Adresse ein:",
  "Enter your tenant's API secret key as the secret of this ingress. Until then every call is refused.":
    "Geben Sie den geheimen API-Schlüssel Ihres Mandanten als Secret dieser Anbindung ein. Bis dahin wird jeder Aufruf abgelehnt.",
  "Update the passwordless SMS connection with Auth0's Management API. For Descope, choose `bearer` as the authentication.":
    "Ändern Sie die passwortlose SMS-Verbindung über die Management API von Auth0. Für Descope wählen Sie `bearer` als Authentifizierung.",
  "In Descope, add a generic SMS gateway connector, and enter. Auth0 signs a token instead: see `jwt-hs256`.":
    "Fügen Sie in Descope einen `Generic SMS Gateway` hinzu, und tragen Sie ein. Auth0 signiert stattdessen ein Token: siehe `jwt-hs256`.",
  "In Casdoor, add a provider of the category SMS and the type Custom HTTP SMS, and enter:":
    "Fügen Sie in Casdoor einen Anbieter der Kategorie `SMS` und vom Typ `Custom HTTP SMS` hinzu, und tragen Sie ein:",
  "In the SMS authenticator of the MFA plugin, enter:": "Tragen Sie im SMS-Authenticator des MFA-Plug-ins ein:",
  "Send requests like this one:": "Senden Sie Anfragen wie diese:",
  "Sign each request as Standard Webhooks specifies, with this secret:":
    "Signieren Sie jede Anfrage nach Standard Webhooks mit diesem Secret:",
  "Add `Authorization: Bearer` and a token that is signed with HS256 under this secret, and has `exp` or `iat`:":
    "Fügen Sie `Authorization: Bearer` und ein Token hinzu, das mit HS256 und diesem Secret signiert ist und `exp` oder `iat` enthält:",
  "Use this account and token in place of Twilio's:": "Verwenden Sie dieses Konto und dieses Token anstelle derer von Twilio:",
  "Point the SDK here. In Node.js:": "Geben Sie dem SDK diese Adresse. In Node.js:",
  "In Python:": "In Python:",
  "An application that uses an API key takes this one, beside the account:":
    "Eine Anwendung mit API-Schlüssel verwendet diesen, neben dem Konto:",
  "Any SID of a Verify service is accepted, like this one:": "Jede SID eines Verify-Dienstes wird angenommen, zum Beispiel diese:",
};

const refusals: Record<string, string> = {
  "the ingress has no secret yet, so that every call is refused; enter the one that the platform has made":
    "Die Anbindung hat noch kein Secret, deshalb wird jeder Aufruf abgelehnt. Geben Sie das Secret ein, das die Plattform erzeugt hat.",
  "the call has no secret or signature, or has it twice; compare how the platform authenticates with this ingress":
    "Der Aufruf hat kein Secret oder keine Signatur, oder hat sie doppelt. Vergleichen Sie, wie sich die Plattform authentifiziert, mit dieser Anbindung.",
  "the secret or signature is wrong; compare it with the one in the platform's configuration":
    "Das Secret oder die Signatur ist falsch. Vergleichen Sie es mit der Konfiguration der Plattform.",
  "the signed time is more than 5 minutes away from the clock here; check both clocks, or the call was recorded and repeated":
    "Die signierte Zeit weicht mehr als 5 Minuten von der Uhr des Servers ab. Prüfen Sie beide Uhren; vielleicht wurde der Aufruf auch aufgezeichnet und wiederholt.",
  "the token is for another audience": "Das Token ist für eine andere Audience.",
  "the ingress is disabled; enable it to send messages": "Die Anbindung ist ausgeschaltet. Schalten Sie sie ein, um Nachrichten zu senden.",
  "the request must be JSON or a form; set its content type to `application/json` or `application/x-www-form-urlencoded`":
    "Die Anfrage muss JSON oder ein Formular sein. Setzen Sie ihren Content-Type auf `application/json` oder `application/x-www-form-urlencoded`.",
  "the body is not valid JSON with an object, or has a member twice":
    "Die Anfrage ist kein gültiges JSON mit einem Objekt, oder enthält ein Feld doppelt.",
  "the form has a field twice, or more than 200 fields": "Das Formular enthält ein Feld doppelt, oder mehr als 200 Felder.",
  "the request has no phone number; check the names of its fields": "Die Anfrage enthält keine Telefonnummer. Prüfen Sie die Feldnamen.",
  "the request has neither a code nor a text; check the names of its fields":
    "Die Anfrage enthält weder einen Code noch einen Text. Prüfen Sie die Feldnamen.",
  "the code must have 4 to 12 letters (a-z, A-Z) and digits": "Der Code muss aus 4 bis 12 Buchstaben (a–z, A–Z) und Ziffern bestehen.",
  "the text holds no code, a run of 4 to 10 digits; to send or ignore such messages, set `messagesWithoutCode`":
    "Der Text enthält keinen Code aus 4 bis 10 Ziffern. Unter „Nachrichten ohne Code“ stellen Sie ein, ob solche Nachrichten gesendet oder ignoriert werden.",
  "the text holds several runs of 4 to 10 digits, any of which may be the code; let the platform pass the code, or set `messagesWithoutCode` to `send`":
    "Der Text enthält mehrere Folgen von 4 bis 10 Ziffern, von denen jede der Code sein kann. Lassen Sie die Plattform den Code übergeben, oder senden Sie Nachrichten ohne Code unverändert.",
  "the message has no code; to send or ignore such messages, set `messagesWithoutCode`":
    "Die Nachricht enthält keinen Code. Unter „Nachrichten ohne Code“ stellen Sie ein, ob solche Nachrichten gesendet oder ignoriert werden.",
  "the text does not contain the code; set `text` to `template`, or correct the platform's text":
    "Der Text enthält den Code nicht. Senden Sie die Vorlage der Verbindung, oder korrigieren Sie den Text der Plattform.",
  "the request is not for an SMS; only SMS can be sent here": "Die Anfrage ist nicht für eine SMS. Hier können nur SMS gesendet werden.",
  "`ContentSid` names a template at Twilio, which is not known here; pass `Body`":
    "`ContentSid` bezeichnet eine Vorlage bei Twilio, die hier nicht bekannt ist. Übergeben Sie `Body`.",
  "`StatusCallback` is not served here; leave it out": "`StatusCallback` gibt es hier nicht. Lassen Sie es weg.",
  "too many requests are in progress; the platform may repeat this one":
    "Zu viele Anfragen sind in Bearbeitung. Die Plattform kann diese wiederholen.",
  "the number is empty; write it like +4512345678": "Die Nummer ist leer. Übergeben Sie sie wie +4512345678.",
  "the number {0} does not start with `+`; write it with `+` and the calling code of its country, like +4512345678; or give the ingress a default region":
    "Die Nummer {0} beginnt nicht mit `+`. Übergeben Sie sie mit `+` und Landesvorwahl wie +4512345678, oder wählen Sie unter „Land der Nummern ohne Landesvorwahl“ ein Land.",
  "the number {0} contains characters that are not digits; write `+` and digits, like +4512345678, without extensions or letters":
    "Die Nummer {0} enthält andere Zeichen als Ziffern. Übergeben Sie `+` und Ziffern wie +4512345678, ohne Durchwahl und Buchstaben.",
  "the number {0} starts with a calling code that no country has; check the digits after the `+`":
    "Die Nummer {0} beginnt mit einer Landesvorwahl, die es nicht gibt. Prüfen Sie die Ziffern nach dem `+`.",
  "the number {0} is too short for {1}; digits are missing": "Die Nummer {0} ist für {1} zu kurz. Es fehlen Ziffern.",
  "the number {0} is too long for {1}; check for digits that were typed twice":
    "Die Nummer {0} ist für {1} zu lang. Prüfen Sie, ob Ziffern doppelt sind.",
  "the number {0} has a length that no number of {1} has; check its digits":
    "Die Nummer {0} hat eine Länge, die keine Nummer von {1} hat. Prüfen Sie ihre Ziffern.",
  "no connection is active; save a connection and activate it at `/active-connection`":
    "Keine Verbindung ist aktiv. Speichern Sie eine Verbindung, und aktivieren Sie sie.",
  "the database does not respond; nothing was stored, try again":
    "Die Datenbank antwortet nicht. Es wurde nichts gespeichert; versuchen Sie es erneut.",
  "too many requests are waiting; try again in a moment": "Zu viele Anfragen warten. Versuchen Sie es gleich noch einmal.",
  "the body is too large": "Die Anfrage ist zu groß.",
  "the body did not arrive in full": "Die Anfrage ist nicht vollständig angekommen.",
};

const fields: Record<string, string> = {
  "must have 1 to 128 characters that can be seen": "muss aus 1 bis 128 sichtbaren Zeichen bestehen",
  "names the same field as another one": "bezeichnet dasselbe Feld wie ein anderer Name",
  "may hold 50 words of 1 to 100 bytes": "darf höchstens 50 Anlässe mit je 1 bis 100 Bytes enthalten",
  "must be given for `header`": "fehlt",
  "must be the name of a header that holds nothing but the secret": "muss der Name eines Headers sein, der nur das Secret enthält",
  "must be 1 to 64 visible ASCII characters without `:`": "muss aus 1 bis 64 sichtbaren ASCII-Zeichen ohne `:` bestehen",
  "must be 1 to 200 visible ASCII characters": "muss aus 1 bis 200 sichtbaren ASCII-Zeichen bestehen",
  "must have 8 to 512 visible ASCII characters without spaces": "muss aus 8 bis 512 sichtbaren ASCII-Zeichen ohne Leerzeichen bestehen",
  "must be `v1,whsec_` or `whsec_` and 16 to 96 bytes in base64, as the platform's configuration has it":
    "muss aus `v1,whsec_` oder `whsec_` und 16 bis 96 Bytes in Base64 bestehen, wie in der Konfiguration der Plattform",
};

export const ingressSentences: Record<string, string> = { ...setup, ...refusals, ...fields };
