"""A device whose IPA speaks ESipa over MQTT 5, written from
docs/esipa-over-mqtt.md: it polls its eIM, has its eUICC execute what comes, and
provides the results, until the eIM has nothing more.

The reader is a socket on which this program listens, as vpcd's does: the card
connects, and each message is its length (2 octets) and so many octets. Prints
the port of the reader, then a line for each exchange with the eIM."""

import argparse
import os
import queue
import socket
import ssl
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

ISD_R = bytes.fromhex("A0000005591010FFFFFFFF8900000100")
WAIT = 20


def tlv(tag, *contents):
    """One element; the tag as hexadecimal digits."""
    value = b"".join(contents)
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(octets)]) + octets
    return bytes.fromhex(tag) + length + value


def elements(data):
    """The elements in a row: (tag, value, the whole)."""
    found, at = [], 0
    while at < len(data):
        begin = at
        first = data[at]
        at += 1
        if first & 0x1F == 0x1F:
            while data[at] & 0x80:
                at += 1
            at += 1
        tag = data[begin:at].hex().upper()
        size = data[at]
        at += 1
        if size & 0x80:
            octets = size & 0x7F
            size = int.from_bytes(data[at : at + octets], "big")
            at += octets
        if at + size > len(data):
            sys.exit("an element is longer than what it is in")
        found.append((tag, data[at : at + size], data[begin : at + size]))
        at += size
    return found


class Card:
    """The ISD-R of the card that connects to the reader."""

    def __init__(self, listener):
        self.socket, _ = listener.accept()
        self.socket.settimeout(WAIT)
        self.send(b"\x01")
        data, status = self.command(bytes.fromhex("0070000001"))
        self.channel = data[0]
        select = bytes([self.channel, 0xA4, 4, 0, len(ISD_R)]) + ISD_R
        self.collect(select)

    def send(self, message):
        self.socket.sendall(len(message).to_bytes(2, "big") + message)

    def receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                sys.exit("the card is gone")
            data += more
        return data

    def command(self, apdu):
        self.send(apdu)
        answer = self.receive(int.from_bytes(self.receive(2), "big"))
        return answer[:-2], answer[-2:]

    def collect(self, apdu):
        """One command with all of its response."""
        data, status = self.command(apdu)
        while status[0] == 0x61:
            more, status = self.command(bytes([self.channel, 0xC0, 0, 0, status[1]]))
            data += more
        if status[0] not in (0x90, 0x91):
            sys.exit("the card says " + status.hex())
        return data

    def call(self, function):
        """An ES10 function, in STORE DATA of 255 octets each."""
        blocks = [function[at : at + 255] for at in range(0, len(function), 255)]
        for number, block in enumerate(blocks):
            last = number == len(blocks) - 1
            p1 = 0x91 if last else 0x11
            header = bytes([0x80 | self.channel, 0xE2, p1, number, len(block)])
            answer = self.collect(header + block)
        return answer


class Eim:
    """The eIM behind the broker."""

    def __init__(self, given):
        self.own = f"esipa/1/{given.eim}/ipa/{given.device}"
        self.asked = f"esipa/1/{given.eim}/eim/{given.device}/asn1"
        self.events = queue.Queue()
        client = mqtt.Client(protocol=mqtt.MQTTv5)
        client.username_pw_set(given.device, given.password)
        client.tls_set(given.ca, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.on_connect = lambda client, *_: client.subscribe(self.own, qos=1)
        client.on_subscribe = lambda *event: self.events.put(("granted", event[3][0].value))
        client.on_message = lambda *event: self.events.put(("message", event[2]))
        client.connect(given.broker, given.port, clean_start=True)
        client.loop_start()
        if self.next("granted") >= 0x80:
            sys.exit("the broker lets us not subscribe")
        self.client = client

    def next(self, kind):
        while True:
            try:
                got, event = self.events.get(timeout=WAIT)
            except queue.Empty:
                sys.exit(f"no {kind}")
            if got == kind:
                return event

    def ask(self, body):
        """One request; the status and the body of its response."""
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = self.own
        properties.CorrelationData = os.urandom(8)
        properties.MessageExpiryInterval = WAIT
        self.client.publish(self.asked, body, qos=1, properties=properties)
        while True:
            message = self.next("message")
            of = getattr(message.properties, "CorrelationData", None)
            if of == properties.CorrelationData:
                status = dict(message.properties.UserProperty)["status"]
                print(body[:2].hex().upper(), status, message.payload.hex().upper(), flush=True)
                return status, message.payload


def only(message, tag):
    """The element within a message of this function."""
    [(outer, value, _)] = elements(message)
    if outer != tag:
        sys.exit(f"{outer} in place of {tag}")
    return elements(value)[0]


def round(eim, card, eid):
    """Polls until there is nothing more (SGP.32 3.1.1.1)."""
    for _ in range(10):
        status, answer = eim.ask(tlv("BF4F", tlv("5A", eid)))
        if status != "200":
            sys.exit("not executed")
        tag, _, package = only(answer, "BF4F")
        if tag == "02":
            return
        if tag == "BF51":
            result = card.call(package)
        else:
            # unknownPackage: this device does nothing else.
            result = tlv("A0", tlv("02", b"\x02"))
        status, answer = eim.ask(tlv("BF50", tlv("5A", eid), result))
        if status != "200":
            sys.exit("not executed")
        tag, numbers, _ = only(answer, "BF50")
        if tag == "BF53":
            for _, number, _ in elements(numbers):
                card.call(tlv("BF30", tlv("80", number)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--broker", required=True, help="as in its certificate")
    parser.add_argument("--address", required=True, help="where it is")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--eim", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--password", required=True)
    given = parser.parse_args()

    whole = socket.getaddrinfo

    def resolve(host, *rest, **more):
        return whole(given.address if host == given.broker else host, *rest, **more)

    socket.getaddrinfo = resolve
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(WAIT)
    print(listener.getsockname()[1], flush=True)
    card = Card(listener)
    # GetEuiccData: the EID.
    _, eid, _ = only(card.call(bytes.fromhex("BF3E035C015A")), "BF3E")
    round(Eim(given), card, eid)
    print("nothing more", flush=True)


main()
