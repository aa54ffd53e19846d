"""A device's side of Sealrock, for Python: numbers batches, signs them, keeps them on disk until they
are acknowledged, and shows the receipts.

    python3 sealrock_device.py keygen meter-7.pem
    sealrock device add --org northsea --site plant-1 --name meter-7 --key meter-7.pem.pub --json > meter-7.json
    echo '[{"metric":"co2_ppm","value":412.7,"unit":"ppm"}]' |
        python3 sealrock_device.py send --credentials meter-7.json --key meter-7.pem --state ./meter-7

or, in a program of yours:

    device = Device(Credentials.read("meter-7.json"), Outbox("./meter-7"), Signer.read("meter-7.pem"))
    device.record([{"metric": "co2_ppm", "value": 412.7, "unit": "ppm"}])   # on disk when it returns
    for receipt in device.flush():                                          # in the ledger then
        print(receipt)

Needs paho-mqtt 2 and cryptography. Without a key the batches go unsigned, which the platform takes
only from a device that never had one.
"""

import argparse
import base64
import hashlib
import json
import os
import sys
import threading
import urllib.error
import urllib.request
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PATIENCE = 30  # seconds for a connection, an acknowledgement, a receipt


class Signer:
    """An Ed25519 key pair, and the frames that it signs."""

    def __init__(self, private_key):
        self._key = private_key
        raw = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public_key = private_key.public_key().public_bytes(*raw)
        self.key_id = hashlib.sha256(self.public_key).digest()[:8]

    @classmethod
    def read(cls, file):
        """Reads a private key: PEM (PKCS #8), or the 64 hex digits of its seed."""
        content = Path(file).read_bytes()
        if b"BEGIN" in content:
            key = serialization.load_pem_private_key(content, password=None)
            if not isinstance(key, Ed25519PrivateKey):
                raise ValueError(f"{file} holds another key than an Ed25519 one")
            return cls(key)
        return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(content.decode())))

    @classmethod
    def generate(cls, file):
        """Makes a key pair; the private key goes to `file` (which must be new), the public to `file`.pub."""
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(private)
        Path(f"{file}.pub").write_bytes(public)
        return cls(key)

    def frame(self, origin, device, batch):
        """The signed frame: 0x01, key id, signature, batch."""
        text = f"sealrock-batch-v1\n{origin}\n{device}\n".encode() + batch
        return b"\x01" + self.key_id + self._key.sign(text) + batch


class Credentials:
    """What `sealrock device add … --json` printed."""

    def __init__(self, fields):
        self.id, self.secret, self.origin = fields["id"], fields["secret"], fields["origin"]
        self.topic, self.mqtt, self.http = fields["topic"], fields["mqtt"], fields["http"]

    @classmethod
    def read(cls, file):
        return cls(json.loads(Path(file).read_text()))

    @property
    def receipt_topic(self):
        return self.topic.removesuffix("/batch") + "/receipt"


class Outbox:
    """Batches that wait for their acknowledgement: a folder with one file each, named by its seq.

    The count goes on over restarts, so the batches need no `boot`. A file is written whole, and synced,
    before its number counts as used: a number never stands for two contents.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, readings):
        """Numbers and keeps a batch; durable when it returns."""
        seq = max([self._done(), *self.waiting()]) + 1
        batch = {"seq": seq, "readings": readings, "device_time": now()}
        text = json.dumps(batch, separators=(",", ":"), ensure_ascii=False)
        self._write(f"{seq}.json", text.encode())
        return seq

    def waiting(self):
        """Numbers that are not acknowledged yet, in order."""
        return sorted(int(file.stem) for file in self.folder.glob("*.json"))

    def batch(self, seq):
        return (self.folder / f"{seq}.json").read_bytes()

    def acknowledged(self, seq):
        """The platform has it. The count is kept before the file goes."""
        self._write("done", str(max(seq, self._done())).encode())
        (self.folder / f"{seq}.json").unlink()

    def refused(self, seq):
        """The platform never takes it: kept aside for a person to look at."""
        self._write("done", str(max(seq, self._done())).encode())
        (self.folder / f"{seq}.json").rename(self.folder / f"{seq}.refused")

    def _done(self):
        file = self.folder / "done"
        return int(file.read_text()) if file.exists() else 0

    def _write(self, name, content):
        part = self.folder / f"{name}.part"
        with open(part, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        part.rename(self.folder / name)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Device:
    """Records readings and sends what waits, over MQTT 5 or HTTP."""

    def __init__(self, credentials, outbox, signer=None, via="mqtt"):
        self.credentials, self.outbox, self.signer = credentials, outbox, signer
        self._send = self._over_mqtt if via == "mqtt" else self._over_http

    def record(self, readings):
        """Keeps readings ({metric, value, unit}; `at` is now where it is missing) as one batch."""
        return self.outbox.add([{"at": now(), **reading} for reading in readings])

    def flush(self):
        """Sends what waits, in order, and yields a receipt for each: a dict with `seq`, and `index` and
        `ledger` or `error`. What is refused is put aside; where there is no answer, an exception ends it
        and the rest waits for the next time."""
        seqs = self.outbox.waiting()
        if seqs:
            yield from self._send(seqs)

    def payload(self, seq):
        """What is sent: the batch, or the signed frame around it. Ed25519 signs the same text in the
        same way, so a repetition has the same bytes."""
        batch = self.outbox.batch(seq)
        if self.signer is None:
            return batch
        return self.signer.frame(self.credentials.origin, self.credentials.id, batch)

    def _settle(self, seq, receipt):
        if "error" in receipt:
            self.outbox.refused(seq)
        else:
            self.outbox.acknowledged(seq)
        return receipt

    def _over_http(self, seqs):
        media = "application/json" if self.signer is None else "application/vnd.sealrock.signed-batch"
        sign_in = base64.b64encode(f"{self.credentials.id}:{self.credentials.secret}".encode()).decode()
        headers = {"Content-Type": media, "Authorization": f"Basic {sign_in}"}
        for seq in seqs:
            request = urllib.request.Request(self.credentials.http, self.payload(seq), headers)
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                    yield self._settle(seq, json.load(response))
            except urllib.error.HTTPError as error:
                # Only these say that the same bytes may be taken another time.
                if error.code in (401, 408, 503):
                    raise
                problem = json.load(error)
                refusal = {"code": problem["code"], "message": problem["detail"]}
                yield self._settle(seq, {"seq": seq, "error": refusal})

    def _over_mqtt(self, seqs):
        with Connection(self.credentials) as connection:
            for seq in seqs:
                receipt = connection.publish(seq, self.payload(seq))
                yield self._settle(seq, receipt)


class Connection:
    """An MQTT 5 connection that publishes a batch and waits for PUBACK and receipt."""

    def __init__(self, credentials):
        import paho.mqtt.client as mqtt

        self._mqtt, self._credentials = mqtt, credentials
        self._receipts, self._arrived = {}, threading.Condition()
        self._ready, self._refusal = threading.Event(), None
        version = mqtt.CallbackAPIVersion.VERSION2
        self._client = mqtt.Client(version, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(credentials.id, credentials.secret)
        self._client.on_connect, self._client.on_message = self._on_connect, self._on_message
        self._client.on_subscribe = lambda *_: self._ready.set()

    def __enter__(self):
        address = urlsplit(self._credentials.mqtt)
        if address.scheme == "mqtts":
            self._client.tls_set()
        self._client.connect(address.hostname, address.port or 1883)
        self._client.loop_start()
        if not self._ready.wait(PATIENCE) or self._refusal:
            self.__exit__()
            raise ConnectionError(f"not signed in: {self._refusal or 'no answer'}")
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, seq, payload):
        """PUBACK says that the platform has it, or has put it aside; the receipt says which."""
        message = self._client.publish(self._credentials.topic, payload, qos=1)
        message.wait_for_publish(PATIENCE)
        if not message.is_published():
            raise TimeoutError(f"no PUBACK for seq {seq}: it waits")
        with self._arrived:
            if not self._arrived.wait_for(lambda: seq in self._receipts, PATIENCE):
                raise TimeoutError(f"no receipt for seq {seq}: it is sent again the next time")
            return self._receipts.pop(seq)

    def _on_connect(self, client, _userdata, _flags, reason, _properties):
        if reason.is_failure:
            self._refusal = str(reason)
            self._ready.set()
        else:
            client.subscribe(self._credentials.receipt_topic, qos=1)

    def _on_message(self, _client, _userdata, message):
        receipt = json.loads(message.payload)
        with self._arrived:
            self._receipts[receipt["seq"]] = receipt
            self._arrived.notify_all()


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def keygen(arguments):
    signer = Signer.generate(arguments.file)
    print(f"key id {signer.key_id.hex()}; register {arguments.file}.pub, keep {arguments.file}")


def frame(arguments):
    signer = Signer.read(arguments.key)
    batch = sys.stdin.buffer.read()
    sys.stdout.buffer.write(signer.frame(arguments.origin, arguments.id, batch))


def send(arguments):
    signer = Signer.read(arguments.key) if arguments.key else None
    credentials = Credentials.read(arguments.credentials)
    device = Device(credentials, Outbox(arguments.state), signer, arguments.via)
    if not sys.stdin.isatty():
        readings = json.load(sys.stdin)
        if readings:
            device.record(readings)
    refused = 0
    for receipt in device.flush():
        print(json.dumps(receipt))
        refused += "error" in receipt
    return 1 if refused else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("keygen", help="make a key pair")
    command.add_argument("file")
    command.set_defaults(run=keygen)

    command = commands.add_parser("frame", help="sign the batch on standard input")
    command.add_argument("--key", required=True, metavar="FILE")
    command.add_argument("--origin", required=True)
    command.add_argument("--id", required=True)
    command.set_defaults(run=frame)

    command = commands.add_parser("send", help="record the readings on standard input (a JSON list), send what waits")
    command.add_argument("--credentials", required=True, metavar="FILE", help="what `device add --json` printed")
    command.add_argument("--key", metavar="FILE", help="sign with this private key")
    command.add_argument("--state", required=True, metavar="DIR", help="count, and batches that wait")
    command.add_argument("--via", choices=["mqtt", "http"], default="mqtt")
    command.set_defaults(run=send)

    arguments = parser.parse_args()
    sys.exit(arguments.run(arguments))


if __name__ == "__main__":
    main()
