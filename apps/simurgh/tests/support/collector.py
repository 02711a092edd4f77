"""A collector of traces that is not ours: what it reads is what OpenTelemetry's own
messages read (opentelemetry-proto), and a member that they do not know is an error.

It answers what the file `answer` says: a status, then the value of Retry-After if there is
one; `partial` takes all but one span. Each request is a line of its output. A request to
another path than that of traces is one of a webhook.
"""

import base64
import http.server
import json
import pathlib
import re
import ssl
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])


def octets(text, digits):
    """OTLP has hexadecimal where JSON of Protocol Buffers has base64."""
    assert re.fullmatch("[0-9a-f]{%d}" % digits, text), text
    return base64.b64encode(bytes.fromhex(text)).decode()


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def read(body):
    given = json.loads(body)
    for resource in given["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                span["traceId"] = octets(span["traceId"], 32)
                span["spanId"] = octets(span["spanId"], 16)
                if "parentSpanId" in span:
                    span["parentSpanId"] = octets(span["parentSpanId"], 16)
                assert isinstance(span["startTimeUnixNano"], str), span
    message = json_format.ParseDict(given, ExportTraceServiceRequest())
    return [
        {
            "resource": attributes(resource.resource.attributes),
            "scope": scope.scope.name,
            "trace": span.trace_id.hex(),
            "span": span.span_id.hex(),
            "parent": span.parent_span_id.hex(),
            "flags": span.flags,
            "name": span.name,
            "kind": span.kind,
            "begun": span.start_time_unix_nano,
            "ended": span.end_time_unix_nano,
            "attributes": attributes(span.attributes),
            "status": span.status.code,
        }
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        said = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
        answer = (folder / "answer").read_text(encoding="ascii").split()
        status, reply = 204, b""
        if self.path.endswith("/v1/traces"):
            try:
                said["spans"] = read(body)
                said["body"] = body
            except Exception as error:  # the test shows it
                said["error"] = repr(error)
            response = ExportTraceServiceResponse()
            if answer[0] == "partial":
                response.partial_success.rejected_spans = 1
                response.partial_success.error_message = "one is too long"
                said["partial"] = True
            status = 200 if answer[0] == "partial" else int(answer[0])
            reply = json_format.MessageToJson(response).encode()
        said["status"] = status
        print(json.dumps(said), flush=True)
        self.send_response(status)
        if len(answer) > 1:
            self.send_header("retry-after", answer[1])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Collector)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(folder / "server.pem", folder / "server.key")
server.socket = tls.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
