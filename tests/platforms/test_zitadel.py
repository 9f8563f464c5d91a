"""ZITADEL's HTTP SMS provider, signed as ZITADEL signs."""

import hmac
import json
import time

from service import Ingress, TestCase, number_and_code, received

KEY = "zitadel-signing-key"


def signature(body, at):
    digest = hmac.new(KEY.encode(), f"{at}.{body}".encode(), "sha256").hexdigest()
    return f"t={at},v1={digest}"


class Zitadel(TestCase):
    def call(self, ingress, body, at=None):
        return ingress.post(body, {"ZITADEL-Signature": signature(body, at or int(time.time()))})

    def ingress(self):
        return Ingress("zitadel", authentication={"type": "zitadel-signature", "secrets": [KEY]})

    def test_the_signature_is_that_of_zitadel(self):
        body = '{"contextInfo":{"recipientPhoneNumber":"+4512345678"},"args":{"code":"123456"}}'
        expected = "6b19ae2eda63478e07337ee0dad3770f47cbd412b3077580ce0dca67f3e0139f"
        self.assertEqual(signature(body, 1700000000), f"t=1700000000,v1={expected}")
        # It is authentic, and recorded long ago.
        self.assertEqual(self.call(self.ingress(), body, 1700000000)[0], 401)

    def test_each_event_has_its_usage_and_its_retries_are_one_message(self):
        for event, name, usage in (
            ("user.human.phone.code.added", "code", "bind-new-identifier"),
            ("user.human.mfa.otp.sms.code.added", "oTP", "mfa-verification"),
            ("session.otp.sms.challenged", "oTP", "mfa-verification"),
            ("user.human.password.code.added", "code", "forgot-password"),
            ("user.human.initialization.code.added", "code", "register"),
        ):
            ingress = self.ingress()
            digits, code = number_and_code()
            context = {"recipientPhoneNumber": f"+{digits}", "eventType": event, "provider": {"id": "1"}}
            arguments = {name: code, "domain": "id.example.com", "expiry": 300_000_000_000}
            body = json.dumps({"contextInfo": context, "templateData": {"text": f"{code} it is"}, "args": arguments})
            for _ in range(3):
                self.assertEqual(self.call(ingress, body), (200, {}))
            texts = received(digits)
            self.assertEqual(len(texts), 1, event)
            self.assertIn(code, texts[0])
            self.assertEqual(ingress.calls()[0]["usage"], usage)
            self.assertEqual(self.outcomes(ingress, digits[2:], code), ["stored", "repeated", "repeated"])

    def test_what_a_repetition_cannot_help_is_a_success(self):
        ingress = self.ingress()
        body = json.dumps({"contextInfo": {"recipientPhoneNumber": "+453"}, "args": {"code": "123456"}})
        self.assertEqual(self.call(ingress, body), (200, {"refused": "invalid-number"}))
        self.assertEqual(self.outcomes(ingress), ["refused"])
