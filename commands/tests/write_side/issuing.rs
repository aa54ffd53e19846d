//! Credits for stored CO2, through the ledger of the storage and that of the registry.

use chrono::Datelike;
use sealrock_access::{AccountId, Principal, Role};
use sealrock_commands::{
    CommandError, Commands, Context, IssuanceName, IssuanceRequest, RequestedIssuance, StorageLoss,
};
use sealrock_domain::mass_account::{
    MassAccountEvent, MassAccountId, NetMassRecorded, RangeFinalised, RangeReserved,
};
use sealrock_domain::organisation::RegisterOrganisation;
use sealrock_domain::telemetry::Source;
use sealrock_domain::{AssetId, Citation, EventType};
use sealrock_eventstore::{Append, EventStore, Expected, NewEvent, Receipt, Recorded, Retention};
use sealrock_ledger::Index;
use serde_json::Value;
use uuid::Uuid;

use crate::continuing::proceed;
use crate::fixture::{Fixture, admin, context, organisation, site, slug, with_a_site};
use crate::injecting::field;

/// Registry `ccr`, and an account of `plant-1` with 5000.9 kg in 2026.
async fn fixture() -> Fixture {
    let f = with_a_site().await;
    register(&f.commands, "ccr").await;
    store_net_mass(&f.store, "northsea", 1, "5000.9").await;
    f
}

async fn register(commands: &Commands, registry: &str) {
    commands
        .register_organisation(&admin(), as_registry(registry))
        .await
        .unwrap();
}

fn as_registry(name: &str) -> RegisterOrganisation {
    RegisterOrganisation {
        registry: true,
        ..organisation(name)
    }
}

/// As the approval of an injection day does.
async fn store_net_mass(store: &EventStore, org: &str, day: u32, kilograms: &str) {
    let (of, site) = (slug(org), slug("plant-1"));
    let event = NetMassRecorded {
        well: AssetId::of(&of, &site, &slug("well-1")),
        org: of,
        site,
        day: format!("2026-11-{day:02}").parse().unwrap(),
        mass_kg: kilograms.parse().unwrap(),
    };
    append_to_account(store, org, event.into()).await;
}

/// Puts an event into the account of `plant-1` in 2026, whatever its rules say.
async fn append_to_account(store: &EventStore, org: &str, event: MassAccountEvent) {
    let ledger = store.existing(&org.parse().unwrap()).await.unwrap();
    let stream = MassAccountId::of(&slug(org), &slug("plant-1"), 2026).stream();
    let encoded = event.encode();
    let append = Append {
        actor: "service/test".to_owned(),
        command: Uuid::now_v7(),
        input_hash: [0; 32],
        cause: String::new(),
        via: "test".to_owned(),
        received_at: chrono::Utc::now(),
        unchanged: None,
        events: vec![NewEvent {
            stream,
            expected: Expected::Any,
            kind: encoded.kind.to_owned(),
            schema: encoded.schema,
            media: "application/json".to_owned(),
            bytes: serde_json::to_vec(&encoded.payload).unwrap(),
            retention: Retention::Kept,
        }],
    };
    store.append(ledger.id, append).await.unwrap();
}

fn person(n: u128, role: Role, organisation: Option<&str>) -> Context {
    context(Principal::signed_in(
        AccountId(Uuid::from_u128(n)),
        format!("user-{n}").parse().unwrap(),
        role,
        organisation.map(slug),
    ))
}

fn mrv() -> Context {
    person(1, Role::Mrv, Some("northsea"))
}

fn registrar() -> Context {
    person(2, Role::Registry, Some("ccr"))
}

fn manager() -> Context {
    context(Principal::Service {
        name: slug("issuing"),
    })
}

fn request(tonnes: u64) -> IssuanceRequest {
    IssuanceRequest {
        organisation: slug("northsea"),
        site: slug("plant-1"),
        year: 2026,
        registry: slug("ccr"),
        tonnes,
    }
}

fn name(requested: &RequestedIssuance) -> IssuanceName {
    IssuanceName {
        registry: slug("ccr"),
        organisation: slug("northsea"),
        site: slug("plant-1"),
        year: 2026,
        issuance: requested.issuance,
    }
}

fn cite(receipt: &Receipt, index: Index) -> Citation {
    Citation::new(receipt.ledger.as_str(), index.0).unwrap()
}

async fn requested(f: &Fixture, tonnes: u64) -> RequestedIssuance {
    f.commands
        .request_issuance(&mrv(), &request(tonnes))
        .await
        .unwrap()
}

async fn opened(f: &Fixture, tonnes: u64) -> RequestedIssuance {
    let requested = requested(f, tonnes).await;
    let source = cite(&requested.done.receipt, requested.done.receipt.first);
    f.commands.open_issuance(&manager(), &source).await.unwrap();
    requested
}

async fn entry(f: &Fixture, ledger: &str, index: Index) -> Recorded {
    let ledger = f.store.existing(&ledger.parse().unwrap()).await.unwrap();
    f.store.read(ledger.id, index, 1).await.unwrap().remove(0)
}

fn payload(recorded: &Recorded) -> Value {
    serde_json::from_slice(&recorded.payload.as_ref().unwrap().bytes).unwrap()
}

fn code(error: &CommandError) -> &'static str {
    match error {
        CommandError::Refused { code, .. } => code,
        CommandError::Rejected(_) => "REJECTED",
        CommandError::NotFound(_) => "NOT_FOUND",
        CommandError::Denied(_) => "FORBIDDEN",
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn credits_are_issued_for_kilograms_of_one_ledger_in_another_and_each_step_cites_the_last() {
    let f = fixture().await;
    let requested = requested(&f, 3).await;
    assert_eq!(
        (requested.range.from_kg(), requested.range.to_kg()),
        (0, 3000)
    );
    let reserved = cite(&requested.done.receipt, requested.done.receipt.first);

    let opened = f
        .commands
        .open_issuance(&manager(), &reserved)
        .await
        .unwrap();
    let request_entry = entry(&f, "ccr", opened.receipt.first).await;
    assert_eq!(request_entry.entry.cause, reserved.to_string());
    assert_eq!(request_entry.entry.actor, "service/issuing");
    assert_eq!(payload(&request_entry)["source"], reserved.to_string());

    let issued = f
        .commands
        .approve_issuance(&registrar(), &name(&requested))
        .await
        .unwrap();
    assert_eq!(
        issued.serials.to_string(),
        "SR:ccr:northsea:plant-1:2026:1-3"
    );
    let receipt = &issued.done.receipt;
    let approval = entry(&f, "ccr", receipt.first).await;
    let credits = entry(&f, "ccr", receipt.last).await;
    assert_eq!(receipt.last.0 - receipt.first.0, 1);
    assert_eq!(approval.entry.kind, "IssuanceApproved");
    assert_eq!(
        approval.entry.cause,
        cite(&opened.receipt, opened.receipt.first).to_string()
    );
    assert_eq!(credits.entry.kind, "CreditsIssued");
    assert_eq!(credits.entry.stream, issued.block.stream());
    assert_eq!(payload(&credits)["holder"], "northsea");

    let decided = cite(receipt, receipt.last);
    let finished = f
        .commands
        .finish_issuance(&manager(), &decided)
        .await
        .unwrap();
    let finalised = entry(&f, "northsea", finished.receipt.first).await;
    assert_eq!(finalised.entry.kind, "RangeFinalised");
    assert_eq!(finalised.entry.cause, decided.to_string());
    assert_eq!(payload(&finalised)["serials"], issued.serials.to_string());
}

#[tokio::test]
async fn a_refusal_releases_the_kilograms_and_they_can_be_requested_again() {
    let f = fixture().await;
    let first = opened(&f, 5).await;
    let reason = "the meter is not calibrated".parse().unwrap();
    let refused = f
        .commands
        .refuse_issuance(&registrar(), &name(&first), &reason)
        .await
        .unwrap();
    let decided = cite(&refused.receipt, refused.receipt.first);
    let finished = f
        .commands
        .finish_issuance(&manager(), &decided)
        .await
        .unwrap();
    let released = entry(&f, "northsea", finished.receipt.first).await;
    assert_eq!(released.entry.kind, "RangeReleased");
    assert_eq!(payload(&released)["reason"], "the meter is not calibrated");
    let second = opened(&f, 5).await;
    assert_eq!(second.range, first.range);
    assert_ne!(second.issuance, first.issuance);
}

#[tokio::test]
async fn each_step_that_is_sent_again_is_recorded_once() {
    let f = fixture().await;
    let (asking, approving) = (mrv(), registrar());
    let first = f
        .commands
        .request_issuance(&asking, &request(2))
        .await
        .unwrap();
    let again = f
        .elsewhere()
        .await
        .request_issuance(&asking, &request(2))
        .await
        .unwrap();
    assert_eq!((again.issuance, again.range), (first.issuance, first.range));
    assert!(again.done.duplicate);
    let reserved = cite(&first.done.receipt, first.done.receipt.first);
    let opened = f
        .commands
        .open_issuance(&manager(), &reserved)
        .await
        .unwrap();
    let again = f
        .commands
        .open_issuance(&manager(), &reserved)
        .await
        .unwrap();
    assert_eq!((again.receipt, again.duplicate), (opened.receipt, true));
    let issued = f
        .commands
        .approve_issuance(&approving, &name(&first))
        .await
        .unwrap();
    let again = f
        .commands
        .approve_issuance(&approving, &name(&first))
        .await
        .unwrap();
    assert_eq!((again.block, again.done.duplicate), (issued.block, true));
    let decided = cite(&issued.done.receipt, issued.done.receipt.last);
    let finished = f
        .commands
        .finish_issuance(&manager(), &decided)
        .await
        .unwrap();
    let again = f
        .commands
        .finish_issuance(&manager(), &decided)
        .await
        .unwrap();
    assert_eq!((again.receipt, again.duplicate), (finished.receipt, true));
    let later = f
        .commands
        .open_issuance(&manager(), &reserved)
        .await
        .unwrap();
    assert!(later.duplicate, "opened long ago");
}

#[tokio::test]
async fn more_than_the_account_holds_is_refused() {
    let f = fixture().await;
    requested(&f, 4).await;
    let refused = f.commands.request_issuance(&mrv(), &request(2)).await;
    let error = refused.unwrap_err();
    assert_eq!(code(&error), "LIMIT_EXCEEDED");
    assert!(error.to_string().contains("longest free range has 1000 kg"));
}

#[tokio::test]
async fn a_request_names_a_registry_a_site_and_a_possible_quantity() {
    let f = fixture().await;
    f.commands
        .register_organisation(&admin(), organisation("southsea"))
        .await
        .unwrap();
    let cases = [
        (
            IssuanceRequest {
                registry: slug("southsea"),
                ..request(1)
            },
            "REJECTED",
        ),
        (
            IssuanceRequest {
                registry: slug("northsea"),
                ..request(1)
            },
            "REJECTED",
        ),
        (
            IssuanceRequest {
                registry: slug("nobody"),
                ..request(1)
            },
            "NOT_FOUND",
        ),
        (
            IssuanceRequest {
                site: slug("plant-9"),
                ..request(1)
            },
            "NOT_FOUND",
        ),
        (
            IssuanceRequest {
                year: 2025,
                ..request(1)
            },
            "LIMIT_EXCEEDED",
        ),
        (request(0), "OUT_OF_RANGE"),
    ];
    let before = f.entries().await.len();
    for (request, expected) in cases {
        let error = f
            .commands
            .request_issuance(&mrv(), &request)
            .await
            .unwrap_err();
        assert_eq!(code(&error), expected, "{error}");
    }
    assert_eq!(f.entries().await.len(), before);
}

#[tokio::test]
async fn who_requests_may_not_decide_and_who_decides_is_of_the_registry() {
    let f = fixture().await;
    let requested = opened(&f, 1).await;
    let name = name(&requested);
    let reason = "no".parse().unwrap();
    // The same person, who has changed to the registry since.
    let same_person = person(1, Role::Registry, Some("ccr"));
    let of_nobody = person(3, Role::Registry, None);
    let of_northsea = person(4, Role::Registry, Some("northsea"));
    for (who, expected) in [
        (mrv(), "FORBIDDEN"),
        (admin(), "FORBIDDEN"),
        (of_northsea, "FORBIDDEN"),
        (same_person, "SELF_APPROVAL"),
        (of_nobody, "FORBIDDEN"),
        (manager(), "SELF_APPROVAL"),
    ] {
        let approval = f.commands.approve_issuance(&who, &name).await.unwrap_err();
        assert_eq!(code(&approval), expected, "{approval}");
        let refusal = f.commands.refuse_issuance(&who, &name, &reason).await;
        assert_eq!(code(&refusal.unwrap_err()), expected);
    }
    let denied = f.commands.request_issuance(&registrar(), &request(1)).await;
    assert_eq!(code(&denied.unwrap_err()), "FORBIDDEN");
    for person in [mrv(), registrar(), admin()] {
        let source = cite(&requested.done.receipt, requested.done.receipt.first);
        let denied = f.commands.open_issuance(&person, &source).await;
        assert_eq!(code(&denied.unwrap_err()), "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_decision_is_final_and_one_of_something_unknown_is_none() {
    let f = fixture().await;
    let requested = opened(&f, 1).await;
    let name = name(&requested);
    f.commands
        .approve_issuance(&registrar(), &name)
        .await
        .unwrap();
    let reason = "second thoughts".parse().unwrap();
    let late = f
        .commands
        .refuse_issuance(&registrar(), &name, &reason)
        .await;
    assert_eq!(code(&late.unwrap_err()), "LOCKED");
    let late = f.commands.approve_issuance(&registrar(), &name).await;
    assert_eq!(code(&late.unwrap_err()), "LOCKED");
    let unknown = IssuanceName {
        issuance: Uuid::nil(),
        ..name
    };
    let unknown = f.commands.approve_issuance(&registrar(), &unknown).await;
    assert_eq!(code(&unknown.unwrap_err()), "NOT_FOUND");
}

#[tokio::test]
async fn a_step_rests_on_what_the_cited_entry_says_and_on_nothing_else() {
    let f = fixture().await;
    let requested = opened(&f, 1).await;
    let receipt = &requested.done.receipt;
    let beside = cite(receipt, Index(receipt.first.0 - 1));
    let nowhere = cite(receipt, Index(9999));
    let elsewhere = Citation::new("sealrock.test/nobody", 0).unwrap();
    for (source, expected) in [
        (&beside, "REJECTED"),
        (&nowhere, "NOT_FOUND"),
        (&elsewhere, "NOT_FOUND"),
    ] {
        let opened = f.commands.open_issuance(&manager(), source).await;
        assert_eq!(code(&opened.unwrap_err()), expected);
        let finished = f.commands.finish_issuance(&manager(), source).await;
        assert_eq!(code(&finished.unwrap_err()), expected);
    }
    // The request at the registry decides nothing.
    let ccr = f.store.existing(&"ccr".parse().unwrap()).await.unwrap();
    let last = Index(f.store.size(ccr.id).await.unwrap() - 1);
    let request = Citation::new(ccr.origin.as_str(), last.0).unwrap();
    let finished = f.commands.finish_issuance(&manager(), &request).await;
    assert_eq!(code(&finished.unwrap_err()), "REJECTED");
}

#[tokio::test]
async fn what_another_registry_says_ends_no_reservation() {
    let f = fixture().await;
    register(&f.commands, "other").await;
    let requested = requested(&f, 1).await;
    // A registry that refuses what was never requested of it.
    let other = f.store.existing(&"other".parse().unwrap()).await.unwrap();
    let payload = serde_json::json!({
        "by": "user/00000000-0000-0000-0000-000000000009", "issuance": requested.issuance,
        "organisation": "other", "reason": "not ours",
    });
    let id = MassAccountId::of(&slug("northsea"), &slug("plant-1"), 2026);
    let append = Append {
        actor: "service/test".to_owned(),
        command: Uuid::now_v7(),
        input_hash: [0; 32],
        cause: String::new(),
        via: "test".to_owned(),
        received_at: chrono::Utc::now(),
        unchanged: None,
        events: vec![NewEvent {
            stream: format!("issuance/northsea/{id}"),
            expected: Expected::Any,
            kind: "IssuanceRefused".to_owned(),
            schema: 1,
            media: "application/json".to_owned(),
            bytes: payload.to_string().into_bytes(),
            retention: Retention::Kept,
        }],
    };
    let forged = f.store.append(other.id, append).await.unwrap().receipt;
    let decided = cite(&forged, forged.first);
    let finished = f.commands.finish_issuance(&manager(), &decided).await;
    assert_eq!(code(&finished.unwrap_err()), "REJECTED");
}

fn loss(kilograms: &str) -> StorageLoss {
    StorageLoss {
        organisation: slug("northsea"),
        site: slug("plant-1"),
        year: 2026,
        mass: kilograms.parse().unwrap(),
        occurred_on: chrono::Utc::now().date_naive(),
        reason: "a flange leaked".parse().unwrap(),
        evidence: Vec::new(),
    }
}

#[tokio::test]
async fn a_loss_before_the_decision_stops_it_until_it_is_made_good() {
    let f = fixture().await;
    let requested = opened(&f, 5).await;
    f.commands
        .record_storage_loss(&mrv(), loss("100.9"))
        .await
        .unwrap();
    let refused = f
        .commands
        .approve_issuance(&registrar(), &name(&requested))
        .await
        .unwrap_err();
    assert_eq!(code(&refused), "LIMIT_EXCEEDED");
    assert!(refused.to_string().contains("100 kg more"), "{refused}");
    store_net_mass(&f.store, "northsea", 2, "100").await;
    f.commands
        .approve_issuance(&registrar(), &name(&requested))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_loss_after_the_issuance_leaves_a_deficit_in_which_nothing_is_reserved() {
    let f = fixture().await;
    let requested = opened(&f, 5).await;
    f.commands
        .approve_issuance(&registrar(), &name(&requested))
        .await
        .unwrap();
    f.commands
        .record_storage_loss(&mrv(), loss("9000"))
        .await
        .unwrap();
    store_net_mass(&f.store, "northsea", 2, "8000").await;
    let refused = f.commands.request_issuance(&mrv(), &request(1)).await;
    let error = refused.unwrap_err();
    assert_eq!(code(&error), "LIMIT_EXCEEDED");
    assert!(error.to_string().contains("1000 kg more"), "{error}");
    store_net_mass(&f.store, "northsea", 3, "2000").await;
    let next = f
        .commands
        .request_issuance(&mrv(), &request(1))
        .await
        .unwrap();
    assert_eq!(next.range.from_kg(), 5000);
}

#[tokio::test]
async fn an_impossible_loss_is_refused_and_a_possible_one_is_recorded_once() {
    let f = fixture().await;
    let tomorrow = chrono::Utc::now().date_naive().succ_opt().unwrap();
    let origin = f.ledger().await.origin;
    let nowhere = Citation::new(origin.as_str(), 9999).unwrap();
    let ccr = f.store.existing(&"ccr".parse().unwrap()).await.unwrap();
    let other_ledger = Citation::new(ccr.origin.as_str(), 0).unwrap();
    for (loss, expected) in [
        (loss("0"), "OUT_OF_RANGE"),
        (
            StorageLoss {
                occurred_on: tomorrow,
                ..loss("1")
            },
            "OUT_OF_RANGE",
        ),
        (
            StorageLoss {
                year: 2999,
                ..loss("1")
            },
            "OUT_OF_RANGE",
        ),
        (
            StorageLoss {
                site: slug("plant-9"),
                ..loss("1")
            },
            "NOT_FOUND",
        ),
        (
            StorageLoss {
                evidence: vec![nowhere],
                ..loss("1")
            },
            "NOT_FOUND",
        ),
        (
            StorageLoss {
                evidence: vec![other_ledger],
                ..loss("1")
            },
            "NOT_FOUND",
        ),
    ] {
        let error = f
            .commands
            .record_storage_loss(&mrv(), loss)
            .await
            .unwrap_err();
        assert_eq!(code(&error), expected, "{error}");
    }
    let denied = f
        .commands
        .record_storage_loss(&registrar(), loss("1"))
        .await;
    assert_eq!(code(&denied.unwrap_err()), "FORBIDDEN");
    let (context, evidence) = (mrv(), Citation::new(origin.as_str(), 0).unwrap());
    let possible = || StorageLoss {
        evidence: vec![evidence.clone()],
        ..loss("1")
    };
    let first = f
        .commands
        .record_storage_loss(&context, possible())
        .await
        .unwrap();
    let again = f
        .commands
        .record_storage_loss(&context, possible())
        .await
        .unwrap();
    assert_eq!((again.receipt, again.duplicate), (first.receipt, true));
}

#[tokio::test]
async fn a_registry_has_no_sites_and_a_name_keeps_its_kind() {
    let f = fixture().await;
    let mut at_registry = site("plant-1");
    at_registry.org = slug("ccr");
    let refused = f.commands.register_site(&admin(), at_registry).await;
    assert_eq!(code(&refused.unwrap_err()), "REJECTED");
    for wrong in [organisation("ccr"), as_registry("northsea")] {
        let refused = f.commands.register_organisation(&admin(), wrong).await;
        assert_eq!(code(&refused.unwrap_err()), "REJECTED");
    }
}

/// Real registries and demonstrations have nothing to do with each other, in either direction.
#[tokio::test]
async fn a_demonstration_gets_no_credits_of_a_real_registry_nor_the_other_way_round() {
    let f = fixture().await;
    let demo = Commands::new(f.store.clone(), true);
    register(&demo, "demo-registry").await;
    demo.register_organisation(&admin(), organisation("demo-org"))
        .await
        .unwrap();
    let mut place = site("plant-1");
    place.org = slug("demo-org");
    demo.register_site(&admin(), place).await.unwrap();
    store_net_mass(&f.store, "demo-org", 1, "5000").await;
    let ask = |organisation: &str, registry: &str| {
        let who = person(1, Role::Mrv, Some(organisation));
        let request = IssuanceRequest {
            organisation: slug(organisation),
            registry: slug(registry),
            ..request(1)
        };
        let commands = f.commands.clone();
        async move { commands.request_issuance(&who, &request).await }
    };
    for (organisation, registry) in [("demo-org", "ccr"), ("northsea", "demo-registry")] {
        let error = ask(organisation, registry).await.unwrap_err();
        assert_eq!(code(&error), "REJECTED", "{error}");
    }
    ask("demo-org", "demo-registry").await.unwrap();
}

/// A reservation that stands in a ledger though no command of ours would have made it: the registry
/// looks for itself.
#[tokio::test]
async fn the_registry_side_refuses_a_demonstration_even_if_kilograms_are_set_aside_for_it() {
    let f = fixture().await;
    let demo = Commands::new(f.store.clone(), true);
    register(&demo, "demo-registry").await;
    let northsea = f.ledger().await;
    let issuance = Uuid::now_v7();
    let payload = serde_json::json!({
        "by": "user/00000000-0000-0000-0000-000000000001", "from_kg": 0, "to_kg": 1000,
        "issuance": issuance, "registry": "demo-registry",
    });
    let append = Append {
        actor: "service/test".to_owned(),
        command: Uuid::now_v7(),
        input_hash: [0; 32],
        cause: String::new(),
        via: "test".to_owned(),
        received_at: chrono::Utc::now(),
        unchanged: None,
        events: vec![NewEvent {
            stream: MassAccountId::of(&slug("northsea"), &slug("plant-1"), 2026).stream(),
            expected: Expected::Any,
            kind: "RangeReserved".to_owned(),
            schema: 1,
            media: "application/json".to_owned(),
            bytes: payload.to_string().into_bytes(),
            retention: Retention::Kept,
        }],
    };
    let forged = f.store.append(northsea.id, append).await.unwrap().receipt;
    let opened = f
        .commands
        .open_issuance(&manager(), &cite(&forged, forged.first))
        .await;
    assert_eq!(code(&opened.unwrap_err()), "REJECTED");
}

#[tokio::test]
async fn of_two_that_ask_at_once_for_the_last_tonnes_one_gets_them() {
    let f = fixture().await;
    let elsewhere = f.elsewhere().await;
    let (one, other) = (mrv(), person(5, Role::Mrv, Some("northsea")));
    let wanted = request(3);
    let (first, second) = tokio::join!(
        f.commands.request_issuance(&one, &wanted),
        elsewhere.request_issuance(&other, &wanted)
    );
    let mut won = [first, second].into_iter().flatten();
    assert_eq!(won.next().unwrap().range.from_kg(), 0);
    assert!(won.next().is_none());
}

/// The whole chain in one ledger: sealed hours, a day that is recorded and approved, kilograms.
#[tokio::test]
async fn credits_of_a_real_ledger_rest_on_real_evidence_only() {
    for (source, holds) in [(Source::Real, true), (Source::Simulator, false)] {
        let (f, gauge) = field::injecting(source).await;
        register(&f.commands, "ccr").await;
        let yesterday = field::day(1);
        field::seal_day(&f, &gauge, yesterday).await;
        field::record(&f.commands, field::injected(yesterday))
            .await
            .unwrap();
        let approved = field::approve(&f.commands, field::site_manager(), yesterday).await;
        let approved = approved.unwrap().receipt;
        let request = IssuanceRequest {
            year: yesterday.year(),
            ..request(40)
        };
        let requested = f.commands.request_issuance(&mrv(), &request).await;
        if !holds {
            let error = requested.unwrap_err();
            assert_eq!(code(&error), "LIMIT_EXCEEDED");
            assert!(error.to_string().contains("holds 0 kg net"), "{error}");
            continue;
        }
        let requested = requested.unwrap();
        assert_eq!(requested.range.kilograms(), 40_000);
        let [approval, mass] = [approved.first, approved.last];
        assert_eq!(
            entry(&f, "northsea", approval).await.entry.kind,
            "InjectionDayApproved"
        );
        let mass = entry(&f, "northsea", mass).await;
        assert_eq!(mass.entry.kind, "NetMassRecorded");
        let reserved = entry(&f, "northsea", requested.done.receipt.first).await;
        assert_eq!(reserved.entry.stream, mass.entry.stream);
    }
}

/// The end of the registry's ledger is lost, with the decision on two tonnes that the ledger of the
/// storage knows of.
#[tokio::test]
async fn serials_that_only_the_storage_remembers_are_not_given_again() {
    let f = fixture().await;
    let issuance = Uuid::from_u128(77);
    let reserved = RangeReserved {
        issuance,
        registry: slug("ccr"),
        from_kg: 0,
        to_kg: 2000,
        by: format!("user/{}", Uuid::from_u128(1)).parse().unwrap(),
    };
    let serials = "SR:ccr:northsea:plant-1:2026:1-2".parse().unwrap();
    let finalised = RangeFinalised { issuance, serials };
    append_to_account(&f.store, "northsea", reserved.into()).await;
    append_to_account(&f.store, "northsea", finalised.into()).await;

    let requested = opened(&f, 3).await;
    let issued = f
        .commands
        .approve_issuance(&registrar(), &name(&requested))
        .await
        .unwrap();
    let serials = issued.serials.to_string();
    assert_eq!(serials, "SR:ccr:northsea:plant-1:2026:3-5");
    let decided = cite(&issued.done.receipt, issued.done.receipt.last);
    let finished = f.commands.finish_issuance(&manager(), &decided).await;
    assert!(!finished.unwrap().duplicate);
}

/// A part of the storage's ledger is lost while an issuance is on its way, and another one goes on.
#[tokio::test]
async fn an_issuance_goes_on_in_the_ledger_that_continues_the_one_it_began_in() {
    let f = fixture().await;
    let early = requested(&f, 2).await;
    let late = opened(&f, 1).await;
    let continued = proceed(&f).await.ledger;
    let source = cite(&early.done.receipt, early.done.receipt.first);
    let opened = f.commands.open_issuance(&manager(), &source).await.unwrap();
    // The read model may know the entry that was carried over instead.
    let entries = f.store.read(continued.id, Index(0), 1_000).await.unwrap();
    let carried = entries
        .iter()
        .find(|recorded| recorded.entry.cause == source.to_string())
        .unwrap();
    let carried = Citation::new(continued.origin.as_str(), carried.entry.index.0).unwrap();
    let again = f
        .commands
        .open_issuance(&manager(), &carried)
        .await
        .unwrap();
    assert_eq!((again.receipt, again.duplicate), (opened.receipt, true));
    for requested in [early, late] {
        let issued = f
            .commands
            .approve_issuance(&registrar(), &name(&requested))
            .await
            .unwrap();
        let decided = cite(&issued.done.receipt, issued.done.receipt.last);
        let finished = f.commands.finish_issuance(&manager(), &decided).await;
        assert_eq!(finished.unwrap().receipt.ledger, continued.origin);
    }
    let refused = f.commands.request_issuance(&mrv(), &request(3)).await;
    assert_eq!(code(&refused.unwrap_err()), "LIMIT_EXCEEDED");
}
