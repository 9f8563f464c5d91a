"""Twilio's SDK for Python, with its base URL changed."""

import json
import re
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl

from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from service import Ingress, TestCase, number_and_code, received

SERVICE = "VA00000000000000000000000000000002"


def client(ingress, token=None):
    pointed = Client(ingress.username, token or ingress.secret)
    pointed.api.base_url = ingress.address
    pointed.verify.base_url = ingress.address
    return pointed


class Twilio(TestCase):
    @contextmanager
    def refused(self, status, code, *hidden):
        """Expects an error with Twilio's code, which tells nothing."""
        with self.assertRaises(TwilioRestException) as raised:
            yield
        error = raised.exception
        self.assertEqual((error.status, error.code), (status, code), error.msg)
        self.assert_hidden(f"{error.msg} {error.details}", *hidden)

    def test_messages_are_created_and_retrieved(self):
        ingress = Ingress("twilio")
        messages = client(ingress).messages
        digits, code = number_and_code()
        body = f"Your Acme code is {code}"
        created = messages.create(to=f"+{digits}", from_="+15005550006", body=body)
        self.assertRegex(created.sid, "^SM[0-9a-f]{32}$")
        self.assertIn(created.status, ("queued", "sending", "sent"))
        self.assertEqual(created.account_sid, ingress.username)
        self.assertIsNone(created.error_code)
        self.assertIsNotNone(created.date_created)
        shown = {name: value for name, value in vars(created).items() if not name.startswith("_")}
        self.assert_hidden(shown, digits[2:], code, ingress.secret)
        self.assertEqual(self.received_count(digits, 1), [body])
        for _ in range(200):
            fetched = messages(created.sid).fetch()
            if fetched.status == "sent":
                break
        self.assertEqual((fetched.sid, fetched.status), (created.sid, "sent"))
        self.outcomes(ingress, digits[2:], code)

    def test_a_status_callback_is_one_that_the_sdks_validator_accepts(self):
        # What Sendbox sends is compared with this file by a test of its own.
        recorded = json.loads(Path("status-callback.json").read_text("utf-8"))
        parameters = dict(parse_qsl(recorded["body"]))
        validator = RequestValidator(recorded["authToken"])
        self.assertTrue(validator.validate(recorded["url"], parameters, recorded["signature"]))
        changed = {**parameters, "MessageStatus": "delivered"}
        self.assertFalse(validator.validate(recorded["url"], changed, recorded["signature"]))

    def test_errors_have_the_codes_of_twilio(self):
        ingress = Ingress("twilio")
        messages = client(ingress).messages
        digits, code = number_and_code()
        to, sender, body = f"+{digits}", "+15005550006", f"Your code is {code}"
        hidden = (digits[2:], code, ingress.secret)
        wrong = ("1" if ingress.secret[0] == "0" else "0") + ingress.secret[1:]
        with self.refused(401, 20003, *hidden):
            client(ingress, wrong).messages.create(to=to, from_=sender, body=body)
        with self.refused(400, 21211, *hidden):
            messages.create(to="+453", from_=sender, body=body)
        with self.refused(400, 21602, *hidden):
            messages.create(to=to, from_=sender, body="Hello")
        with self.refused(404, 20404, *hidden):
            messages("SM" + "0" * 32).fetch()
        self.assertEqual(received(digits), [])

    def test_codes_are_started_and_checked(self):
        ingress = Ingress("twilio")
        verify = client(ingress).verify.v2.services(SERVICE)
        for by in ("to", "verification_sid"):
            digits, _ = number_and_code()
            to = f"+{digits}"
            started = verify.verifications.create(to=to, channel="sms")
            self.assertEqual((started.status, started.valid, started.service_sid), ("pending", False, SERVICE))
            code = re.search(r"\d{6}", self.received_count(digits, 1)[0])[0]
            wrong = "000001" if code == "000000" else "000000"
            target = {"to": to} if by == "to" else {"verification_sid": started.sid}
            pending = verify.verification_checks.create(code=wrong, **target)
            self.assertEqual((pending.sid, pending.status, pending.valid), (started.sid, "pending", False), by)
            approved = verify.verification_checks.create(code=code, **target)
            self.assertEqual((approved.sid, approved.status, approved.valid), (started.sid, "approved", True), by)
            self.assertEqual(verify.verifications(started.sid).fetch().status, "approved")
            with self.refused(404, 20404, digits[2:], code):
                verify.verification_checks.create(code=code, **target)
            self.outcomes(ingress, digits[2:], code)
        for parameters in ({"to": to, "channel": "call"}, {"to": "+453", "channel": "sms"}):
            with self.refused(400, 60200, digits[2:]):
                verify.verifications.create(**parameters)
