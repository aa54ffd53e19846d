"""Publishes one batch with paho-mqtt and waits for PUBACK and receipt.

publish.py CREDENTIALS.json BATCH.json, where CREDENTIALS.json is what `sealrock device add … --json`
printed. Prints the receipt; exit 1 if it is an error or does not come within ten seconds.
"""

import json
import sys
import threading
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt


def main(credentials, batch):
    device = json.load(open(credentials))
    batch = open(batch, "rb").read().strip()
    broker = urlsplit(device["mqtt"])
    receipt_topic = device["topic"].removesuffix("/batch") + "/receipt"
    receipts = []

    def received(client, _, message):
        receipts.append(json.loads(message.payload))
        print("receipt", message.payload.decode())
        client.disconnect()

    def connected(client, _, __, reason, ___):
        if reason.is_failure:
            print("refused:", reason)
            client.disconnect()
        else:
            client.subscribe(receipt_topic, qos=0)

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(device["id"], device["secret"])
    client.on_connect = connected
    client.on_subscribe = lambda *_: client.publish(device["topic"], batch, qos=1)
    client.on_publish = lambda *_: print("PUBACK")
    client.on_message = received
    client.connect(broker.hostname, broker.port)
    patience = threading.Timer(10, client.disconnect)
    patience.start()
    client.loop_forever()
    patience.cancel()
    return 0 if receipts and "error" not in receipts[0] else 1


sys.exit(main(*sys.argv[1:]))
