"""Supabase's Send SMS hook, signed by the Python implementation of Standard Webhooks."""

import json
from datetime import datetime, timezone
from uuid import uuid4

from standardwebhooks import Webhook

from service import Ingress, TestCase, number_and_code, received


def call(ingress, secrets, body):
    """A call as Supabase Auth makes it: a new id for each try, and the signatures separated by a comma and a space."""
    webhook_id, now = str(uuid4()), datetime.now(timezone.utc)
    signatures = [Webhook(secret.removeprefix("v1,")).sign(webhook_id, now, body) for secret in secrets]
    return ingress.post(
        body,
        {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": ", ".join(signatures),
        },
    )


class Supabase(TestCase):
    def test_tries_are_one_message_also_while_a_secret_is_replaced(self):
        ingress = Ingress("supabase")
        other = "v1,whsec_" + "A" * 43 + "="
        digits, code = number_and_code()
        metadata = {"uuid": str(uuid4()), "time": "2026-11-30T12:00:00Z", "name": "send-sms", "ip_address": "::1"}
        # As a version before September 2025 writes it: the number of a pending change stands beside the confirmed one.
        user = {"id": str(uuid4()), "phone": "4531000000", "new_phone": digits}
        body = json.dumps({"metadata": metadata, "user": user, "sms": {"otp": code}})
        for secrets in ([ingress.secret], [other, ingress.secret], [ingress.secret, other]):
            self.assertEqual(call(ingress, secrets, body), (200, {}))
        self.assertEqual(call(ingress, [other], body), (401, {}))
        texts = received(digits)
        self.assertEqual(len(texts), 1)
        self.assertIn(code, texts[0])
        self.assertEqual(self.outcomes(ingress, digits[2:], code), ["stored", "repeated", "repeated", "refused"])
