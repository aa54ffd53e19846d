//! Samples of access.

use sealrock_domain::access::{
    AccessEvent, AccessGranted, AccessRevoked, AccessSettingsChanged, AccountAdded, AccountErased,
    ApiKeyIssued, ApiKeyRevoked, ApiKeyRotated, IdentityLinked, IdentityUnlinked,
    InvitationWithdrawn, LedgerExported, MemberDeactivated, MfaDisabled, MfaEnrolled,
    PasswordReset, RegistrationDeclined, Role, RoleAssigned, SecondFactorReset,
    SignInBurstDetected, TokenKeysRotated, UserInvited,
};
use sealrock_domain::{AccountId, ApiKeyId, InvitationId};

use super::{credential, parse};

const ADA: &str = "0192a1b2-c3d4-7e5f-8a9b-0000000000aa";
const INVITATION: &str = "0192a1b2-c3d4-7e5f-8a9b-0000000000cc";
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

fn people() -> Vec<(&'static str, AccessEvent)> {
    let account: AccountId = parse(ADA);
    let invitation: InvitationId = parse(INVITATION);
    let least = UserInvited {
        invitation,
        role: Role::SiteManager,
        sites: None,
    };
    let full = UserInvited {
        sites: Some(vec![parse("plant-1")]),
        ..least.clone()
    };
    let compromised = TokenKeysRotated { compromised: true };
    let added = AccountAdded {
        account,
        role: Role::Auditor,
    };
    vec![
        ("AccountAdded.v1", added.into()),
        ("AccountErased.v1", AccountErased { account }.into()),
        ("UserInvited.v1", full.into()),
        ("UserInvited.v1.least", least.into()),
        (
            "InvitationWithdrawn.v1",
            InvitationWithdrawn { invitation }.into(),
        ),
        (
            "RegistrationDeclined.v1",
            RegistrationDeclined { account }.into(),
        ),
        ("MfaEnrolled.v1", MfaEnrolled { account }.into()),
        ("MfaDisabled.v1", MfaDisabled { account }.into()),
        ("PasswordReset.v1", PasswordReset { account }.into()),
        ("IdentityLinked.v1", IdentityLinked { account }.into()),
        ("IdentityUnlinked.v1", IdentityUnlinked { account }.into()),
        ("TokenKeysRotated.v1", compromised.into()),
    ]
}

fn exports() -> Vec<(&'static str, AccessEvent)> {
    let least = LedgerExported {
        entries: 4711,
        reader: None,
    };
    let full = LedgerExported {
        reader: Some(parse(&format!("user/{ADA}"))),
        ..least.clone()
    };
    vec![
        ("LedgerExported.v1", full.into()),
        ("LedgerExported.v1.least", least.into()),
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
    [members(), people(), exports(), grants(), keys()].concat()
}
