"""Publishes one batch and waits for PUBACK and receipt.

publish.py CREDENTIALS.json BATCH.json, where CREDENTIALS.json is what `sealrock device add … --json`
printed. Prints the receipt; exit 1 if there is none within ten seconds.
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
    receipts = []

    def received(client, _, message):
        receipts.append(message.payload.decode())
        client.disconnect()

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(device["id"], device["secret"])
    receipt_topic = device["topic"].removesuffix("/batch") + "/receipt"
    client.on_connect = lambda *_: client.subscribe(receipt_topic, qos=1)
    client.on_subscribe = lambda *_: client.publish(device["topic"], batch, qos=1)
    client.on_publish = lambda *_: print("PUBACK: the batch is durable", file=sys.stderr)
    client.on_message = received
    client.connect(broker.hostname, broker.port)
    patience = threading.Timer(10, client.disconnect)
    patience.start()
    client.loop_forever()
    patience.cancel()
    print("\n".join(receipts))
    return 0 if receipts else 1


sys.exit(main(*sys.argv[1:]))
