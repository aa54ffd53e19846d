//! A real program that signs, in Python with `openssl` for the signatures.

use std::os::unix::fs::PermissionsExt;

use sealrock_ledger::{LedgerName, LogKey};

use super::*;
use crate::keys::{KeyFiles, KeySource};

/// Signs with a key file; does something else when a file of that name lies beside it.
const SIGNER: &str = r#"#!/usr/bin/env python3
import base64, os, subprocess, sys, tempfile, time
here = os.path.dirname(os.path.abspath(__file__))
says = lambda name: os.path.exists(os.path.join(here, name))
with open(os.path.join(here, "starts"), "a") as starts:
    starts.write(sys.argv[1] + " " + sys.argv[2] + "\n")
assert sys.argv[1] == "--quiet", sys.argv
print(open(os.path.join(here, "vkey")).read().strip(), flush=True)
for line in sys.stdin:
    if says("dead"):
        sys.exit(3)
    if says("slow"):
        time.sleep(30)
    text = base64.b64decode(line)
    if says("wrong"):
        text += b"!"
    with tempfile.NamedTemporaryFile() as message:
        message.write(text)
        message.flush()
        signature = subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", os.path.join(here, "key.pem"),
             "-in", message.name], check=True, capture_output=True).stdout
    print(base64.b64encode(signature).decode(), flush=True)
"#;

pub(crate) struct Kms {
    folder: tempfile::TempDir,
    key: LogKey,
    name: LedgerName,
    origin: Origin,
}

impl Kms {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name: LedgerName = "northsea".parse().expect("a name");
        let origin = Origin::new("sealrock.test", &name);
        let key = LogKey::generate(&origin).expect("a key");
        let kms = Self {
            folder,
            key,
            name,
            origin,
        };
        kms.write("kms-sign", SIGNER);
        std::fs::set_permissions(kms.path("kms-sign"), std::fs::Permissions::from_mode(0o755))
            .expect("executable");
        kms.write("vkey", kms.key.vkey());
        kms.write("key.pem", &pem(kms.key.to_secret()));
        kms
    }

    pub(crate) fn path(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).expect("written");
    }

    fn starts(&self) -> usize {
        let starts = std::fs::read_to_string(self.path("starts")).unwrap_or_default();
        assert!(
            starts
                .lines()
                .all(|line| line == format!("--quiet {}", self.origin))
        );
        starts.lines().count()
    }

    fn command(&self) -> String {
        format!("{} --quiet", self.path("kms-sign").display())
    }

    pub(crate) fn keys(&self) -> KeyFiles {
        KeyFiles::with_programs(self.path("keys"), vec![self.command()])
    }

    fn signer(&self) -> ProgramSigner {
        let patience = Duration::from_secs(20);
        ProgramSigner::start(&self.command(), &self.origin, patience).expect("started")
    }
}

/// The seed of a secret in text form as a PKCS #8 file.
fn pem(secret: &str) -> String {
    let encoded = secret.splitn(5, '+').nth(4).expect("a secret");
    let seed = BASE64_STANDARD.decode(encoded).expect("base64");
    let prefix = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let der = BASE64_STANDARD.encode([&prefix[..], &seed[1..]].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
}

fn reason(refused: Result<[u8; 64], SignError>) -> String {
    match refused {
        Err(SignError::Unavailable { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_signs_for_a_new_ledger_and_is_started_once() {
    let kms = Kms::new();
    let keys = kms.keys();
    let made = keys.unused(&kms.name, &kms.origin, &[]).expect("a key");
    assert_eq!(made.vkey(), kms.key.vkey());
    let signer = keys
        .signer(&kms.name, &kms.origin, kms.key.vkey())
        .expect("the same");
    for text in ["one", "two"] {
        let signature = signer.by.sign_text(text.as_bytes()).expect("signed");
        assert_eq!(signature, kms.key.sign_statement(text.as_bytes()));
    }
    assert_eq!(kms.starts(), 1);
    // Whoever keeps keys there does not find the next one in a file.
    let known = [sealrock_ledger::KeyRange::only(made.vkey())];
    let refused = keys.unused(&kms.name, &kms.origin, &known).err();
    let why = refused.expect("no new key").to_string();
    assert!(why.contains("log_signer_next"), "{why}");
    assert!(!kms.path("keys").exists());
}

#[test]
fn a_program_that_died_is_named_and_started_again() {
    let kms = Kms::new();
    let signer = kms.signer();
    kms.write("dead", "");
    let why = reason(signer.sign_text(b"text"));
    assert!(
        why.contains("kms-sign --quiet") && why.contains("exit status: 3"),
        "{why}"
    );
    std::fs::remove_file(kms.path("dead")).expect("removed");
    signer.sign_text(b"text").expect("it was started again");
    assert_eq!(kms.starts(), 2);
}

/// For the first ledger it says nothing before a file `go` is there.
const SLOW_TO_START: &str = r#"#!/bin/sh
here=$(dirname "$0")
case "$1" in *northsea)
    touch "$here/started"
    while [ ! -e "$here/go" ]; do sleep 0.05; done ;;
esac
cat "$here/vkey-${1##*/}"
cat > /dev/null
"#;

#[test]
fn a_program_that_starts_slowly_keeps_nobody_from_another_ledger() {
    let kms = Kms::new();
    kms.write("kms-sign", SLOW_TO_START);
    let other: LedgerName = "southsea".parse().expect("a name");
    let elsewhere = Origin::new("sealrock.test", &other);
    let key = LogKey::generate(&elsewhere).expect("a key");
    kms.write("vkey-northsea", &format!("{}\n", kms.key.vkey()));
    kms.write("vkey-southsea", &format!("{}\n", key.vkey()));
    let mut programs = Programs::new(vec![kms.path("kms-sign").display().to_string()]);
    programs.patience = Duration::from_secs(20);
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| programs.of(&kms.origin).next().expect("one").map(drop));
        while !kms.path("started").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let quick = programs.of(&elsewhere).next().expect("one");
        assert_eq!(quick.expect("started").vkey(), key.vkey());
        kms.write("go", "");
        let slow = slow.join().expect("no panic");
        slow.expect("it was given its time, and the other did not wait for it");
    });
}

#[test]
fn a_program_that_is_slow_is_ended_and_its_late_answer_is_never_taken_for_another() {
    let kms = Kms::new();
    let mut signer = kms.signer();
    signer.patience = Duration::from_millis(300);
    kms.write("slow", "");
    let why = reason(signer.sign_text(b"first"));
    assert!(why.contains("did not answer within 0.3 s"), "{why}");
    std::fs::remove_file(kms.path("slow")).expect("removed");
    signer.patience = Duration::from_secs(20);
    let second = signer.sign_text(b"second").expect("it was started again");
    assert_eq!(second, kms.key.sign_statement(b"second"));
}

#[test]
fn a_wrong_signature_is_not_used() {
    let kms = Kms::new();
    let signer = kms.signer();
    kms.write("wrong", "");
    let why = reason(signer.sign_text(b"text"));
    assert!(why.contains("wrong signature"), "{why}");
}

#[test]
fn a_program_whose_key_changed_is_not_used() {
    let kms = Kms::new();
    let signer = kms.signer();
    kms.write("dead", "");
    reason(signer.sign_text(b"text"));
    std::fs::remove_file(kms.path("dead")).expect("removed");
    let other = LogKey::generate(&kms.origin).expect("a key");
    kms.write("vkey", other.vkey());
    let why = reason(signer.sign_text(b"text"));
    assert!(why.contains(other.vkey()), "{why}");
}

#[test]
fn a_program_that_is_not_there_or_has_no_key_of_this_ledger_is_named() {
    let kms = Kms::new();
    let other: LedgerName = "southsea".parse().expect("a name");
    let elsewhere = Origin::new("sealrock.test", &other);
    let refused = kms.keys().unused(&other, &elsewhere, &[]).err();
    let why = refused.expect("another ledger's key").to_string();
    assert!(
        why.contains("not of sealrock.test/ledger/southsea"),
        "{why}"
    );
    let missing = KeyFiles::with_programs(kms.path("keys"), vec!["/no/such/program".into()]);
    let refused = missing.unused(&kms.name, &kms.origin, &[]).err();
    let why = refused.expect("no program").to_string();
    assert!(
        why.contains("/no/such/program") && why.contains("cannot be started"),
        "{why}"
    );
}
