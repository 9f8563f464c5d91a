"""What the HTTP channel of Kratos' courier posts: its Jsonnet bodies, rendered for each type of message."""

import base64
import json
import re

import _jsonnet

from service import Ingress, TestCase, number_and_code, received

# Renders the same body as the one that Kratos has by default. It has neither `login_code` nor `registration_code`.
DEFAULT = """
function(ctx)
  local data(name) = if 'template_data' in ctx then std.get(ctx.template_data, name) else null;
  { recipient: ctx.recipient, template_type: ctx.template_type, subject: ctx.subject, body: ctx.body } +
  { [name]: data(name) for name in ['to', 'recovery_code', 'recovery_url', 'verification_url', 'verification_code'] }
"""

# The type of message, the name of its code, the usage, and the text of Kratos' template.
MESSAGES = (
    ("login_code_valid", "login_code", "sign-in", "Your login code is: {}\n"),
    ("registration_code_valid", "registration_code", "register", "Your registration code is: {0}\n\n@example.com #{0}\n"),
    ("verification_code_valid", "verification_code", "bind-new-identifier", "Your verification code is: {}\n"),
    # The model of a recovery by SMS writes its code as that of a verification.
    ("recovery_code_valid", "verification_code", "forgot-password", "Your recovery code is: {}\n\nIt expires in 60 minutes.\n"),
)


def context(digits, template_type, data, text):
    return {
        "recipient": f"+{digits}",
        "subject": "",
        "body": text,
        "template_type": template_type,
        "template_data": {"to": f"+{digits}", "identity": {"id": "1"}, "expires_in_minutes": 60, **data},
        "message_type": "sms",
    }


class Kratos(TestCase):
    def post(self, ingress, source, ctx):
        body = _jsonnet.evaluate_snippet("body.jsonnet", source, tla_codes={"ctx": json.dumps(ctx)})
        return ingress.post(body, {"X-Api-Key": ingress.secret})

    def sends(self, ingress, source):
        for template_type, name, usage, text in MESSAGES:
            digits, code = number_and_code()
            ctx = context(digits, template_type, {name: code}, text.format(code))
            # The courier repeats a message that it takes for failed.
            for _ in range(2):
                self.assertEqual(self.post(ingress, source, ctx), (200, {}), template_type)
            texts = received(digits)
            self.assertEqual(len(texts), 1, template_type)
            self.assertIn(code, texts[0])
            self.assertEqual(ingress.calls()[0]["usage"], usage)
            self.assertEqual(self.outcomes(ingress, digits[2:], code)[-2:], ["stored", "repeated"], template_type)

    def test_the_default_body_works(self):
        self.sends(Ingress("kratos"), DEFAULT)

    def test_the_body_of_the_set_up_works(self):
        ingress = Ingress("kratos")
        source = re.search(r"base64://(\S+)", ingress.setup[0]["snippet"])[1]
        self.sends(ingress, base64.b64decode(source).decode())

    def test_notices_without_a_code_are_refused_ignored_or_sent(self):
        text = "The address of your account was changed."
        for action, status, count in (("refuse", 400, 0), ("ignore", 200, 0), ("send", 200, 1)):
            ingress = Ingress("kratos", settings={"messagesWithoutCode": action})
            digits, _ = number_and_code()
            ctx = context(digits, "verifiable_address_changed", {}, text)
            self.assertEqual(self.post(ingress, DEFAULT, ctx)[0], status, action)
            self.assertEqual(received(digits), [text] * count)
            self.outcomes(ingress, digits[2:])

    def test_an_invalid_code_is_a_notice_without_a_code(self):
        # Sent to somebody who has no account: it must not reach a phone as a code.
        ingress = Ingress("kratos", settings={"messagesWithoutCode": "ignore"})
        digits, _ = number_and_code()
        ctx = context(digits, "recovery_code_invalid", {}, "You tried to recover an account that does not exist.")
        self.assertEqual(self.post(ingress, DEFAULT, ctx), (200, {}))
        self.assertEqual(received(digits), [])
