//! Samples of access.

use sealrock_domain::access::{
    AccessEvent, AccessGranted, AccessRevoked, AccessSettingsChanged, ApiKeyIssued, ApiKeyRevoked,
    ApiKeyRotated, LedgerExported, MemberDeactivated, Role, RoleAssigned, SecondFactorReset,
    SignInBurstDetected,
};
use sealrock_domain::{AccountId, ApiKeyId};

use super::{credential, parse};

const ADA: &str = "0192a1b2-c3d4-7e5f-8a9b-0000000000aa";
const KEY: &str = "0192a1b2-c3d4-7e5f-8a9b-0000000000bb";

fn members() -> Vec<(&'static str, AccessEvent)> {
    let account: AccountId = parse(ADA);
    let least = RoleAssigned {
        account,
        role: Role::SiteManager,
        sites: None,
        invited_by: None,
    };
    let full = RoleAssigned {
        sites: Some(vec![parse("plant-1"), parse("plant-2")]),
        invited_by: Some(parse(ADA)),
        ..least.clone()
    };
    let burst = SignInBurstDetected {
        account,
        failures: 20,
    };
    let settings = AccessSettingsChanged {
        self_registration: false,
        second_factor_required: true,
    };
    vec![
        ("RoleAssigned.v1", full.into()),
        ("RoleAssigned.v1.least", least.into()),
        ("MemberDeactivated.v1", MemberDeactivated { account }.into()),
        ("SecondFactorReset.v1", SecondFactorReset { account }.into()),
        ("SignInBurstDetected.v1", burst.into()),
        ("AccessSettingsChanged.v1", settings.into()),
    ]
}

fn grants() -> Vec<(&'static str, AccessEvent)> {
    let least = AccessGranted {
        organisation: parse("verico"),
        role: Role::Verifier,
        sites: None,
        until: parse("2027-03-31T00:00:00Z"),
    };
    let full = AccessGranted {
        sites: Some(vec![parse("plant-1")]),
        ..least.clone()
    };
    let revoked = AccessRevoked {
        organisation: parse("verico"),
        role: Role::Verifier,
    };
    vec![
        ("AccessGranted.v1", full.into()),
        ("AccessGranted.v1.least", least.into()),
        ("AccessRevoked.v1", revoked.into()),
        ("LedgerExported.v1", LedgerExported { entries: 4711 }.into()),
    ]
}

fn keys() -> Vec<(&'static str, AccessEvent)> {
    let key: ApiKeyId = parse(KEY);
    let least = ApiKeyIssued {
        key,
        credential: credential(1),
        role: Role::Operator,
        permissions: vec![parse("read-telemetry"), parse("record-capture")],
        sites: None,
        until: parse("2027-03-31T00:00:00Z"),
    };
    let full = ApiKeyIssued {
        sites: Some(vec![parse("plant-1")]),
        ..least.clone()
    };
    let rotated = ApiKeyRotated {
        key,
        credential: credential(2),
        until: parse("2027-09-30T00:00:00Z"),
        previous_until: parse("2027-03-02T12:00:00Z"),
    };
    vec![
        ("ApiKeyIssued.v1", full.into()),
        ("ApiKeyIssued.v1.least", least.into()),
        ("ApiKeyRotated.v1", rotated.into()),
        ("ApiKeyRevoked.v1", ApiKeyRevoked { key }.into()),
    ]
}

pub fn access() -> Vec<(&'static str, AccessEvent)> {
    [members(), grants(), keys()].concat()
}
