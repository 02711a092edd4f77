"""Subscribes to events at an MQTT broker, with a session that outlasts it, and prints
each as a line of JSON. Arguments: port, CA, user, password, topic."""

import json
import sys

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, ca, user, password, topic = sys.argv[1:]


def subscribed(client, _data, _mid, _reasons, _properties):
    print(json.dumps({"subscribed": topic}), flush=True)


def connected(client, _data, _flags, reason, _properties):
    client.subscribe(topic, qos=1)


def came(_client, _data, message):
    said = {
        "topic": message.topic,
        "qos": message.qos,
        "content_type": getattr(message.properties, "ContentType", None),
        "event": json.loads(message.payload),
    }
    print(json.dumps(said), flush=True)


client = Client("receiver", protocol=MQTTv5)
client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, came
client.username_pw_set(user, password)
client.tls_set(ca)
# Its certificate has another name than its address.
client.tls_insecure_set(True)
client.reconnect_delay_set(1, 1)
kept = Properties(PacketTypes.CONNECT)
kept.SessionExpiryInterval = 3600
client.connect("127.0.0.1", int(port), 60, clean_start=False, properties=kept)
client.loop_forever(retry_first_connection=True)
