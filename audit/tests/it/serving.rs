//! A ledger over HTTP, as strangers read it.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use reqwest::{Client, Response, StatusCode};
use sealrock_access::{
    AccountId, Identified, Identify, IdentifyError, Permission, Principal, Role, TokenKey, Tokens,
};
use sealrock_audit::{Begun, Exports, LedgerState, Publisher, Publishing, Readers, router};
use sealrock_eventstore::{Expected, LedgerKind, NewEvent, Retention};
use sealrock_ledger::{LedgerName, Policy, TlogProof, decode_payloads};
use tempfile::tempdir;
use uuid::Uuid;

use crate::ledger::{Ledger, append, files};

/// Who took what of which size, as it was told.
#[derive(Default)]
struct Taken(Mutex<Vec<(String, String, u64)>>);

impl Exports for Taken {
    fn begun<'a>(
        &'a self,
        reader: &'a Principal,
        organisation: &'a LedgerName,
        entries: u64,
    ) -> Begun<'a> {
        let taken = (reader.actor(), organisation.to_string(), entries);
        self.0.lock().unwrap().push(taken);
        Box::pin(async {})
    }
}

/// Knows tokens until its door is shut.
struct Door {
    tokens: Arc<Tokens>,
    shut: AtomicBool,
}

impl Identify for Door {
    fn identify<'a>(&'a self, bearer: &'a str) -> Identified<'a> {
        if self.shut.load(Ordering::Relaxed) {
            let gone = IdentifyError::Unauthenticated("it was revoked".to_owned());
            return Box::pin(std::future::ready(Err(gone)));
        }
        self.tokens.identify(bearer)
    }
}

/// A ledger on a port of loopback, and tokens to read it with.
struct Site {
    ledger: Ledger,
    taken: Arc<Taken>,
    door: Arc<Door>,
    tokens: Arc<Tokens>,
    url: String,
    client: Client,
}

impl Site {
    async fn of(ledger: Ledger, at_once: usize) -> Self {
        let per_second = NonZeroU32::MAX;
        let readers = Readers {
            at_once,
            per_second,
        };
        Self::read_by(ledger, readers).await
    }

    async fn read_by(ledger: Ledger, readers: Readers) -> Self {
        let key = TokenKey::open(&ledger.folder().join("token.key")).unwrap();
        let tokens = Arc::new(Tokens::new(key, "sealrock.test"));
        let client = Client::builder().gzip(false).build().unwrap();
        let publisher = Publisher::new(ledger.store.clone(), Publishing::plain(), client.clone());
        let taken = Arc::<Taken>::default();
        let door = Arc::new(Door {
            tokens: tokens.clone(),
            shut: AtomicBool::new(false),
        });
        let state = LedgerState::new(publisher, door.clone(), taken.clone(), readers);
        let routes = router(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ledger", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            ledger,
            taken,
            door,
            tokens,
            url,
            client,
        }
    }

    async fn with(entries: usize) -> Self {
        Self::of(Ledger::of(entries).await, 4).await
    }

    fn token(&self, role: Role) -> String {
        let principal =
            Principal::signed_in(AccountId(Uuid::nil()), "ada".parse().unwrap(), role, None);
        self.tokens.issue(&principal).token
    }

    /// A path below `northsea`, for an auditor.
    async fn get(&self, path: &str) -> Response {
        self.get_with(path, &[]).await
    }

    async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = self.client.get(format!("{}/northsea/{path}", self.url));
        let request = request.bearer_auth(self.token(Role::Auditor));
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.send().await.unwrap()
    }

    async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    async fn status(&self, path: &str) -> u16 {
        self.get(path).await.status().as_u16()
    }
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_an_export_is_served_byte_for_byte() {
    let site = Site::with(530).await;
    let dir = tempdir().unwrap();
    site.ledger.export(dir.path()).await;
    let files = files(dir.path());
    assert!(files.len() > 10);
    for (path, bytes) in files {
        assert!(site.bytes(&path).await == bytes, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_what_entries_say_is_told_and_who_looks_at_hashes_is_not() {
    let site = Site::with(3).await;
    for path in ["checkpoint", "policy", "tile/0/000.p/3", "proof/1"] {
        site.bytes(path).await;
    }
    assert!(site.taken.0.lock().unwrap().is_empty());
    for path in ["tile/entries/000.p/3", "payloads/000.p/3", "payload/1"] {
        site.bytes(path).await;
        let told = std::mem::take(&mut *site.taken.0.lock().unwrap());
        let actor = AccountId(Uuid::nil()).actor();
        assert_eq!(told, [(actor, "northsea".to_owned(), 3)], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operational_ledger_is_for_those_who_may_read_it() {
    let site = Site::with(3).await;
    let url = format!("{}/northsea/checkpoint", site.url);
    let unknown = format!("{}/nowhere/checkpoint", site.url);
    for url in [&url, &unknown] {
        let response = site.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(header(&response, "www-authenticate").starts_with("Bearer"));
        assert_eq!(
            header(&response, "content-type"),
            "application/problem+json"
        );
        let problem: serde_json::Value = response.json().await.unwrap();
        assert_eq!(problem["code"], "unauthenticated");
    }
    let with = async |token: String, url: &str| {
        site.client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(with("nonsense".into(), &url).await, 401);
    assert_eq!(with(site.token(Role::Auditor), &url).await, 200);
    assert_eq!(with(site.token(Role::Admin), &url).await, 200);
    assert_eq!(with(site.token(Role::Auditor), &unknown).await, 404);
    let device = Principal::Device {
        id: sealrock_domain::DeviceId::of(
            &"northsea".parse().unwrap(),
            &"plant-1".parse().unwrap(),
            &"meter-7".parse().unwrap(),
        ),
        organisation: "northsea".parse().unwrap(),
        site: "plant-1".parse().unwrap(),
        name: "meter-7".parse().unwrap(),
    };
    assert_eq!(with(site.tokens.issue(&device).token, &url).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_another_organisation_are_told_nothing_not_even_which_ledgers_there_are() {
    let site = Site::with(300).await;
    let routes = [
        "checkpoint",
        "policy",
        "tile/0/000",
        "tile/entries/000",
        "payloads/000",
        "payload/3",
        "proof/3",
        "timestamp",
        "no/such/thing",
    ];
    let answer = async |role: Role, own: &str, ledger: &str, path: &str| {
        let principal = Principal::signed_in(
            AccountId(Uuid::nil()),
            "ada".parse().unwrap(),
            role,
            Some(own.parse().unwrap()),
        );
        let token = site.tokens.issue(&principal).token;
        let url = format!("{}/{ledger}/{path}", site.url);
        let response = site
            .client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        (
            response.status().as_u16(),
            response.text().await.unwrap_or_default(),
        )
    };
    for role in Role::ACCOUNTS {
        for path in routes {
            let (status, told) = answer(role, "southsea", "northsea", path).await;
            assert_eq!(status, 403, "{role}: {path}: {told}");
            let of_none = answer(role, "southsea", "nowhere", path).await;
            assert_eq!(
                of_none,
                (403, told.replace("northsea", "nowhere")),
                "{role}: {path}"
            );
        }
        let (status, _) = answer(role, "northsea", "northsea", "checkpoint").await;
        let expected = if Permission::ReadLedger.allows(role) {
            200
        } else {
            403
        };
        assert_eq!(status, expected, "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_is_for_everybody_and_may_be_kept_by_caches() {
    let site = Site::with(1).await;
    let name = "registry".parse().unwrap();
    let kind = LedgerKind::Registry;
    let registry = site
        .ledger
        .store
        .create_ledger(&name, kind, false)
        .await
        .unwrap();
    let event = |n: usize| NewEvent {
        bytes: format!("{n}").into_bytes(),
        ..large_event(0)
    };
    let many = append((0..256).map(event).collect());
    site.ledger.store.append(registry.id, many).await.unwrap();
    for (path, keep) in [
        ("tile/0/000", "public, max-age=31536000, immutable"),
        ("tile/entries/000", "public, max-age=31536000, immutable"),
        ("tile/1/000.p/1", "public, max-age=3600"),
        ("checkpoint", "public, no-cache"),
        ("payloads/000", "no-store"),
        ("payload/0", "no-store"),
    ] {
        let url = format!("{}/registry/{path}", site.url);
        let response = site.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "cache-control"), keep, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_a_private_ledger_are_kept_by_nobody_else() {
    let site = Site::with(256).await;
    let response = site.get("tile/0/000").await;
    assert_eq!(
        header(&response, "cache-control"),
        "private, max-age=31536000, immutable"
    );
    assert_eq!(header(&response, "vary"), "authorization");
    assert_eq!(
        header(&response, "content-type"),
        "application/octet-stream"
    );
    let response = site.get("checkpoint").await;
    assert_eq!(header(&response, "cache-control"), "private, no-cache");
    assert_eq!(
        header(&response, "content-type"),
        "text/plain; charset=utf-8"
    );

    let tag = header(&response, "etag").to_owned();
    let same = site
        .get_with("checkpoint", &[("if-none-match", &tag)])
        .await;
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    site.ledger.grow(1).await;
    let newer = site
        .get_with("checkpoint", &[("if-none-match", &tag)])
        .await;
    assert_eq!(newer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_are_compressed_for_those_who_ask_and_hashes_are_not() {
    let site = Site::with(256).await;
    for (path, compressed) in [
        ("tile/entries/000", true),
        ("payloads/000", true),
        ("tile/0/000", false),
    ] {
        let whole = site.bytes(path).await;
        let response = site.get_with(path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(
            header(&response, "content-encoding") == "gzip",
            compressed,
            "{path}"
        );
        let varies: Vec<_> = response.headers().get_all("vary").iter().collect();
        assert!(
            varies.iter().any(|name| *name == "authorization"),
            "{varies:?}"
        );
        let received = response.bytes().await.unwrap();
        assert_eq!(received.len() < whole.len(), compressed, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_tells_the_length_and_other_methods_are_refused() {
    let site = Site::with(10).await;
    let url = format!("{}/northsea/tile/0/000.p/10", site.url);
    let token = site.token(Role::Auditor);
    let head = site
        .client
        .head(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.status().as_u16(), header(&head, "content-length")),
        (200, "320")
    );
    assert!(head.bytes().await.unwrap().is_empty());
    let posted = site
        .client
        .post(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(posted.status(), 405);
    assert_eq!(header(&posted, "content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_tile_of_every_width_is_the_beginning_of_the_longest() {
    let site = Site::with(600).await;
    let longest = site.bytes("tile/0/002.p/88").await;
    let full = site.bytes("tile/0/001").await;
    let entries = site.bytes("tile/entries/002.p/88").await;
    for width in [1, 2, 37, 87] {
        assert_eq!(
            site.bytes(&format!("tile/0/002.p/{width}")).await,
            longest[..32 * width]
        );
        assert_eq!(
            site.bytes(&format!("tile/0/001.p/{width}")).await,
            full[..32 * width]
        );
        assert!(entries.starts_with(&site.bytes(&format!("tile/entries/002.p/{width}")).await));
    }
    let upper = site.bytes("tile/1/000.p/2").await;
    assert_eq!(site.bytes("tile/1/000.p/1").await, upper[..32]);
    for path in [
        "tile/0/002.p/89",
        "tile/0/002",
        "tile/0/003.p/1",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/entries/002.p/89",
        "payloads/002.p/89",
        "tile/0/2",
        "tile/0/%30%30%30",
        "tile/0/000.p/256",
        "payload/600",
        "proof/600",
        "tile/63/000",
        "timestamp.tsr",
        "nothing",
    ] {
        assert_eq!(site.status(path).await, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_verifies_by_the_policy_that_is_served() {
    let site = Site::with(300).await;
    let policy = String::from_utf8(site.bytes("policy").await).unwrap();
    let policy: Policy = policy.parse().unwrap();
    let recorded = site
        .ledger
        .store
        .read(site.ledger.info.id, sealrock_ledger::Index(0), 300)
        .await
        .unwrap();
    for index in [0, 1, 255, 256, 299] {
        let proof = TlogProof::parse(&site.bytes(&format!("proof/{index}")).await).unwrap();
        let entry = &recorded[index].entry_bytes;
        assert_eq!(proof.verify(entry, &policy).unwrap().checkpoint.size, 300);
        assert!(proof.verify(&entry[1..], &policy).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_comes_with_its_salt_and_is_gone_when_erased() {
    let site = Site::with(5).await;
    let response = site.get("payload/0").await;
    let salt = header(&response, "sealrock-salt").to_owned();
    assert_eq!(salt.len(), 32);
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(response.bytes().await.unwrap(), r#"{"n":0}"#);

    site.ledger
        .damage("DELETE FROM payloads WHERE index = 0")
        .await;
    let gone = site.get("payload/0").await;
    assert_eq!(gone.status(), StatusCode::GONE);
    assert_eq!(header(&gone, "content-type"), "application/problem+json");
    let bundle = site.bytes("payloads/000.p/5").await;
    let payloads = decode_payloads(&bundle, 5).unwrap();
    let shown: Vec<bool> = payloads.iter().map(|slot| slot.shown().is_some()).collect();
    assert_eq!(shown, [false, true, true, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_many_mebibytes_arrives_whole() {
    let site = Site::with(1).await;
    let events = (0..11).map(|_| large_event(1 << 20)).collect();
    site.ledger
        .store
        .append(site.ledger.info.id, append(events))
        .await
        .unwrap();
    let bundle = site.bytes("payloads/000.p/12").await;
    let payloads = decode_payloads(&bundle, 12).unwrap();
    assert_eq!(payloads[11].shown().unwrap().bytes.len(), 1 << 20);
}

/// A system's buffers between a server and who does not read hold some mebibytes, and one piece is read ahead.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_any_more_gets_no_further_piece_of_a_bundle() {
    let site = Site::with(1).await;
    let events = (0..64).map(|_| large_event(1 << 20)).collect();
    let appended = site
        .ledger
        .store
        .append(site.ledger.info.id, append(events));
    appended.await.unwrap();
    let mut begun = site.get("payloads/000.p/65").await;
    assert_eq!(begun.status(), 200);
    let first = begun.chunk().await.unwrap().unwrap();
    site.door.shut.store(true, Ordering::Relaxed);
    let mut read = first.len();
    let error = loop {
        match begun.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) => panic!("all {read} bytes came"),
            Err(error) => break error,
        }
    };
    assert!(read < 64 << 20, "{read}: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_reads_so_many_files_a_second_and_others_are_not_touched() {
    let readers = Readers {
        at_once: 4,
        per_second: NonZeroU32::MIN,
    };
    let site = Site::read_by(Ledger::of(1).await, readers).await;
    let mut answers = Vec::new();
    let refused = loop {
        let answer = site.get("checkpoint").await;
        if answer.status() != 200 {
            break answer;
        }
        answers.push(answer);
    };
    assert!(answers.len() >= 10, "ten seconds' worth at once");
    assert_eq!(refused.status(), 429);
    assert_eq!(header(&refused, "retry-after"), "1");
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "rate-limited");
    let id = AccountId(Uuid::max());
    let other = Principal::signed_in(id, "eve".parse().unwrap(), Role::Auditor, None);
    let url = format!("{}/northsea/checkpoint", site.url);
    let token = site.tokens.issue(&other).token;
    let answer = site.client.get(url).bearer_auth(token).send().await;
    assert_eq!(answer.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_share_the_few_connections_that_they_have_while_entries_are_appended() {
    let site = Site::of(Ledger::of(520).await, 1).await;
    let reads = join_all((0..60).map(|n| {
        let path = [
            "tile/entries/001",
            "tile/0/001",
            "payloads/000",
            "checkpoint",
        ][n % 4];
        async { site.status(path).await }
    }));
    let (statuses, ()) = tokio::join!(reads, site.ledger.grow(100));
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(
        site.ledger.store.size(site.ledger.info.id).await.unwrap(),
        620
    );
}

fn large_event(bytes: usize) -> NewEvent {
    NewEvent {
        stream: "telemetry/0".into(),
        expected: Expected::Any,
        kind: "SensorBatchRecorded".into(),
        schema: 1,
        media: "application/octet-stream".into(),
        bytes: vec![b'x'; bytes],
        retention: Retention::Batch,
    }
}
