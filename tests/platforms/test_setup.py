"""What `setup` prints for a generic ingress works as it is pasted."""

import shlex
import subprocess

from service import Ingress, TestCase, number_and_code, received


class Setup(TestCase):
    def test_the_request_for_each_method_can_be_pasted(self):
        for method, rest in (("bearer", {}), ("basic", {}), ("header", {"header": "X-Api-Key"}), ("none", {})):
            with self.subTest(method):
                ingress = Ingress("generic", authentication={"type": method, **rest})
                digits, code = number_and_code()
                [step] = ingress.setup
                command = step["snippet"].replace(ingress.shown_address, ingress.address)
                command = command.replace("4512345678", digits).replace("123456", code)
                pasted = subprocess.run(["bash", "-c", f"{command} --silent --fail"], capture_output=True, text=True)
                self.assertEqual(pasted.returncode, 0, f"{shlex.split(command)[:4]} {pasted.stderr}")
                self.assertEqual(len(received(digits)), 1)
                self.assertIn("message", pasted.stdout)
