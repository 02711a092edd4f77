"""A receiver of webhooks that is not ours: what it says of signatures the library of
Standard Webhooks says.

It answers as it is told: one line on its input is a status. One line on its output is a
request: number and type of the event, how many of the secrets in the file verify it,
when it came, and its identifier.
"""

import datetime
import http.server
import json
import ssl
import sys
import time

import standardwebhooks.webhooks as library

clock, certificate, key, secrets = sys.argv[1:]


class Clock(datetime.datetime):
    """The clock of a test, which is not that of the machine."""

    at = 0

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(cls.at, tz)


if clock == "test":
    library.datetime = Clock


def verified(body, headers):
    count = 0
    with open(secrets, encoding="ascii") as lines:
        for secret in lines.read().split():
            try:
                library.Webhook(secret).verify(body, headers)
                count += 1
            except library.WebhookVerificationError:
                pass
    return count


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        came = time.time()
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        Clock.at = int(self.headers["webhook-timestamp"])
        event = json.loads(body)
        count = verified(body, dict(self.headers))
        same = self.headers["webhook-id"] == event["id"]
        said = [event.get("sequence"), event["type"], count if same else 0, came, event["id"]]
        print(json.dumps(said), flush=True)
        status = int(sys.stdin.readline() or 500)
        self.send_response(status)
        self.send_header("content-length", "2")
        if status == 302:
            self.send_header("location", "https://localhost/")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
server.socket = tls.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
