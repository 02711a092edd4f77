"""An authenticator of passkeys on another library (python3-fido2).

Reads one JSON request from standard input, `create` or `get`, and writes the
answer. The key is kept in the folder that is the first argument.
"""

import base64
import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.ctap2 import AttestationObject, AttestedCredentialData, AuthenticatorData

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def client_data(kind, request):
    return json.dumps(
        {"type": kind, "challenge": request["options"]["challenge"], "origin": request["origin"]}
    ).encode()


def create(folder, request):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with open(os.path.join(folder, "passkey.pem"), "wb") as file:
        file.write(pem)
    identifier = os.urandom(32)
    credential = AttestedCredentialData.create(
        b"\0" * 16, identifier, ES256.from_cryptography_key(key.public_key())
    )
    hash_of_party = hashlib.sha256(request["options"]["rp"]["id"].encode()).digest()
    data = AuthenticatorData.create(
        hash_of_party, PRESENT | VERIFIED | ATTESTED, 1, credential
    )
    attestation = AttestationObject.create("none", data, {})
    return {
        "name": "test",
        "client_data": encode(client_data("webauthn.create", request)),
        "attestation": encode(bytes(attestation.with_string_keys())),
    }


def get(folder, request):
    with open(os.path.join(folder, "passkey.pem"), "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    hash_of_party = hashlib.sha256(request["options"]["rpId"].encode()).digest()
    data = AuthenticatorData.create(hash_of_party, PRESENT | VERIFIED, request["count"])
    client = client_data("webauthn.get", request)
    signed = bytes(data) + hashlib.sha256(client).digest()
    return {
        "id": request["options"]["allowCredentials"][0]["id"],
        "client_data": encode(client),
        "authenticator_data": encode(bytes(data)),
        "signature": encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))),
    }


REQUEST = json.load(sys.stdin)
ANSWER = {"create": create, "get": get}[REQUEST["do"]](sys.argv[1], REQUEST)
json.dump(ANSWER, sys.stdout)
