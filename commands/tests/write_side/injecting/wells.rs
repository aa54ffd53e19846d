use sealrock_access::Role;
use sealrock_commands::Context;
use sealrock_domain::telemetry::Source;
use sealrock_domain::well::{MitKind, WellEvent, WellKind};

use super::field::*;
use crate::fixture::{admin, slug};

#[tokio::test]
async fn a_well_stands_on_an_asset_of_its_kind() {
    let (f, _) = with_a_well(Source::Real).await;
    let registered = |kind, name: &str| {
        let (commands, well) = (f.commands.clone(), register(kind, name));
        async move { refusal(commands.register_well(&admin(), well).await) }
    };
    let (code, message) = registered(WellKind::Injector, "well-9").await;
    assert_eq!(code, "NOT_FOUND", "{message}");
    let (code, message) = registered(WellKind::Monitor, "stack-1").await;
    assert_eq!(code, "REJECTED", "{message}");
    assert!(
        message.contains("register an asset of kind monitoring_well"),
        "{message}"
    );
    let (_, message) = registered(WellKind::Injector, "injector-1").await;
    assert!(message.contains("already registered"), "{message}");
}

#[tokio::test]
async fn limits_are_proposed_at_the_site_and_approved_at_headquarters() {
    let (f, _) = with_a_well(Source::Real).await;
    let (commands, well) = (&f.commands, injector());
    let approved = |who: Context| {
        let (commands, well) = (commands.clone(), injector());
        async move { commands.approve_permit_limits(&who, &well, 1).await }
    };
    let proposed = commands
        .propose_permit_limits(&hq_manager(), &well, limits())
        .await;
    assert_eq!(refusal(proposed).0, "FORBIDDEN");
    let other = person(4, Role::SiteManager);
    commands
        .propose_permit_limits(&other, &well, limits())
        .await
        .unwrap();
    assert_eq!(refusal(approved(site_manager()).await).0, "FORBIDDEN");
    // The same person in another role is the same person.
    let (code, message) = refusal(approved(person(4, Role::HqManager)).await);
    assert_eq!(code, "SELF_APPROVAL", "{message}");
    approved(hq_manager()).await.unwrap();
}

#[tokio::test]
async fn nobody_of_another_organisation_operates_a_well() {
    let (f, _) = injecting(Source::Real).await;
    let mut stranger = operator();
    if let sealrock_access::Principal::User { organisation, .. } = &mut stranger.principal {
        *organisation = Some(slug("southsea"));
    }
    let stopped = f
        .commands
        .stop_injection(&stranger, &injector(), None)
        .await;
    assert_eq!(refusal(stopped).0, "FORBIDDEN");
    let by_the_admin = f.commands.stop_injection(&admin(), &injector(), None).await;
    assert_eq!(refusal(by_the_admin).0, "FORBIDDEN");
}

#[tokio::test]
async fn a_failed_test_and_the_shut_in_that_follows_are_one_append() {
    let (f, _) = injecting(Source::Real).await;
    let before = f.entries().await.len();
    let failed = test(MitKind::External, false, 1);
    let (context, well) = (operator(), injector());
    let record = || f.commands.record_mit(&context, &well, failed.clone());
    let done = record().await.unwrap();
    assert!(record().await.unwrap().duplicate);
    let entries = f.entries().await;
    let kinds: Vec<&str> = entries[before..]
        .iter()
        .map(|recorded| recorded.entry.kind.as_str())
        .collect();
    assert_eq!(kinds, ["MitRecorded", "WellShutIn"]);
    assert_eq!(done.receipt.last.0, done.receipt.first.0 + 1);
    let (code, message) = refusal(
        f.commands
            .start_injection(&operator(), &injector(), None)
            .await,
    );
    assert_eq!(code, "NOT_IN_FORCE", "{message}");
    assert!(message.contains("Close the cause"), "{message}");
}

#[tokio::test]
async fn what_is_told_later_is_recorded_with_its_time_and_a_repetition_with_the_first_receipt() {
    let (f, _) = injecting(Source::Real).await;
    let (at, context, well) = (time(day(2), 6), operator(), injector());
    let stop = || f.commands.stop_injection(&context, &well, Some(at));
    let done = stop().await.unwrap();
    let again = stop().await.unwrap();
    assert!(again.duplicate && again.receipt == done.receipt);
    let entries = f.entries().await;
    let (_, last) = events::<WellEvent>(&entries).pop().unwrap();
    let WellEvent::InjectionStopped(stopped) = last else {
        panic!("{last:?}")
    };
    assert_eq!(stopped.at, at);
}
