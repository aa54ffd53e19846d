"""Stays connected with paho-mqtt by TLS, publishes a batch for each line of its input, and says what
happens: `connected`, `PUBACK`, `refused CODE`, `disconnected CODE`; ends when it is not connected.

stay.py CREDENTIALS.json CA.pem [CERTIFICATE.pem KEY.pem], where CREDENTIALS.json is what `sealrock device
add … --json` printed. With a certificate it presents no secret.
"""

import json
import sys
import threading
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt


def say(*words):
    print(*words, flush=True)


def main(credentials, ca, certificate=None, key=None):
    device = json.load(open(credentials))
    broker = urlsplit(device["mqtt"])
    transport = "websockets" if broker.scheme == "wss" else "tcp"
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, transport=transport
    )
    client.username_pw_set(device["id"], None if certificate else device["secret"])
    client.tls_set(ca_certs=ca, certfile=certificate, keyfile=key)
    client.ws_set_options(path="/mqtt")

    def connected(client, _, __, reason, ___):
        say("refused" if reason.is_failure else "connected", *[reason.value] * reason.is_failure)

    def disconnected(client, _, __, reason, ___):
        say("disconnected", reason.value)
        client.disconnect()

    client.on_connect = connected
    client.on_disconnect = disconnected
    client.on_publish = lambda *_: say("PUBACK")
    try:
        client.connect(broker.hostname, broker.port)
    except OSError as error:
        say("refused", error)
        return 1

    def publish():
        for line in sys.stdin:
            client.publish(device["topic"], line.strip(), qos=1)

    threading.Thread(target=publish, daemon=True).start()
    client.loop_forever(retry_first_connection=False)
    return 0


sys.exit(main(*sys.argv[1:]))
