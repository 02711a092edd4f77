"""An IPA's end of ESipa over MQTT 5, written from docs/esipa-over-mqtt.md: one
request in the ASN.1 binding. Prints the status and the response in hexadecimal
digits, or "no response"."""

import argparse
import os
import ssl
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--eim", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--body", required=True, help="hexadecimal digits")
    parser.add_argument("--response-topic", help="another one than one's own")
    parser.add_argument("--wait", type=float, default=3)
    given = parser.parse_args()

    own = f"esipa/1/{given.eim}/ipa/{given.device}"
    asked = f"esipa/1/{given.eim}/eim/{given.device}/asn1"
    correlation = os.urandom(8)
    subscribed, answered = threading.Event(), threading.Event()
    answers = []

    def on_connect(client, userdata, flags, reason, properties):
        client.subscribe(own, qos=1)

    def on_subscribe(client, userdata, mid, granted, properties):
        if granted[0].value < 0x80:
            subscribed.set()

    def on_message(client, userdata, message):
        if getattr(message.properties, "CorrelationData", None) == correlation:
            answers.append(message)
            answered.set()

    client = mqtt.Client(protocol=mqtt.MQTTv5)
    client.username_pw_set(given.device, given.password)
    client.tls_set(given.ca, tls_version=ssl.PROTOCOL_TLS_CLIENT)
    # The broker of the test is reached by its address.
    client.tls_insecure_set(True)
    client.on_connect, client.on_subscribe = on_connect, on_subscribe
    client.on_message = on_message
    client.connect("127.0.0.1", given.port, clean_start=True)
    client.loop_start()
    if not subscribed.wait(given.wait):
        sys.exit("no subscription")

    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = given.response_topic or own
    properties.CorrelationData = correlation
    properties.MessageExpiryInterval = 30
    client.publish(asked, bytes.fromhex(given.body), qos=1, properties=properties)
    if answered.wait(given.wait):
        response = answers[0]
        status = dict(response.properties.UserProperty)["status"]
        print(status, response.payload.hex().upper())
    else:
        print("no response")
    client.disconnect()
    client.loop_stop()


main()
