#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::Actor;

fn given(events: Vec<AccessEvent>) -> AggregateTestExecutor<OrganisationAccess> {
    TestFramework::with(()).given(events)
}

fn account(n: u128) -> AccountId {
    AccountId(Uuid::from_u128(n))
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn by(n: u128) -> Actor {
    account(n).actor().parse().unwrap()
}

fn service() -> Actor {
    "service/cli".parse().unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn asked(change: AccessCommand, by: Actor) -> ChangeAccess {
    ChangeAccess { by, change }
}

fn role_of(n: u128, role: Role) -> AssignRole {
    AssignRole {
        account: account(n),
        role,
        sites: None,
    }
}

fn assign(n: u128, role: Role, by: Actor) -> ChangeAccess {
    asked(AccessCommand::AssignRole(role_of(n, role)), by)
}

fn admit(n: u128, role: Role, invited_by: Option<u128>) -> ChangeAccess {
    let admit = AdmitMember {
        member: role_of(n, role),
        invited_by: invited_by.map(account),
    };
    asked(AccessCommand::Admit(admit), service())
}

fn assigned(n: u128, role: Role) -> AccessEvent {
    RoleAssigned {
        account: account(n),
        role,
        sites: None,
        invited_by: None,
    }
    .into()
}

fn deactivate(n: u128, by: Actor) -> ChangeAccess {
    let account = account(n);
    asked(AccessCommand::Deactivate(DeactivateMember { account }), by)
}

fn deactivated(n: u128) -> AccessEvent {
    MemberDeactivated {
        account: account(n),
    }
    .into()
}

fn grant(role: Role, organisation: &str, days: i64) -> ChangeAccess {
    let change = AccessCommand::Grant(GrantAccess {
        own: slug("northsea"),
        organisation: slug(organisation),
        role,
        sites: None,
        until: now() + TimeDelta::days(days),
        now: now(),
    });
    asked(change, service())
}

fn granted(role: Role, days: i64) -> AccessEvent {
    AccessGranted {
        organisation: slug("verico"),
        role,
        sites: None,
        until: now() + TimeDelta::days(days),
    }
    .into()
}

fn revoke(role: Role) -> ChangeAccess {
    let change = AccessCommand::Revoke(RevokeAccess {
        organisation: slug("verico"),
        role,
        now: now(),
    });
    asked(change, service())
}

fn secret(n: u128) -> CredentialId {
    CredentialId(Uuid::from_u128(1_000 + n))
}

fn key(n: u128) -> ApiKeyId {
    ApiKeyId(Uuid::from_u128(500 + n))
}

fn issued() -> ApiKeyIssued {
    ApiKeyIssued {
        key: key(1),
        credential: secret(1),
        role: Role::Operator,
        permissions: vec![slug("record-capture")],
        sites: None,
        until: now() + TimeDelta::days(30),
    }
}

fn rotate(days: i64, overlap_seconds: u32) -> ChangeAccess {
    let change = AccessCommand::RotateKey(RotateApiKey {
        key: key(1),
        credential: secret(2),
        until: now() + TimeDelta::days(days),
        overlap_seconds,
        now: now(),
    });
    asked(change, service())
}

fn state(events: Vec<AccessEvent>) -> OrganisationAccess {
    let mut access = OrganisationAccess::default();
    for event in events {
        access.apply(event);
    }
    access
}

#[test]
fn a_member_gets_a_role_and_another_one() {
    given(vec![])
        .when(assign(1, Role::Admin, service()))
        .then_expect_events(vec![assigned(1, Role::Admin)]);
    given(vec![assigned(1, Role::Admin), assigned(2, Role::Operator)])
        .when(assign(2, Role::SiteManager, by(1)))
        .then_expect_events(vec![assigned(2, Role::SiteManager)]);
    given(vec![assigned(1, Role::Admin), assigned(2, Role::Operator)])
        .when(assign(2, Role::Operator, by(1)))
        .then_expect_error(AccessRejection::Unchanged);
}

#[test]
fn a_member_of_before_can_become_one_again() {
    given(vec![assigned(2, Role::Operator), deactivated(2)])
        .when(assign(2, Role::Operator, by(1)))
        .then_expect_events(vec![assigned(2, Role::Operator)]);
}

#[test]
fn nobody_changes_their_own_role_or_leaves_by_themselves() {
    for command in [
        assign(1, Role::Operator, by(1)),
        assign(1, Role::Admin, by(1)),
        deactivate(1, by(1)),
    ] {
        given(vec![assigned(1, Role::Admin), assigned(2, Role::Admin)])
            .when(command)
            .then_expect_error(AccessRejection::OwnRole);
    }
}

#[test]
fn who_lost_the_role_a_moment_ago_changes_nothing_any_more() {
    let demoted = || {
        vec![
            assigned(1, Role::Admin),
            assigned(2, Role::Admin),
            assigned(1, Role::Mrv),
        ]
    };
    let left = || {
        vec![
            assigned(1, Role::Admin),
            assigned(2, Role::Admin),
            deactivated(1),
        ]
    };
    for before in [demoted, left] {
        for change in [
            assign(3, Role::Admin, by(1)),
            deactivate(2, by(1)),
            ChangeAccess {
                by: by(1),
                ..rotate(60, 600)
            },
        ] {
            given(before())
                .when(change)
                .then_expect_error(AccessRejection::NoLonger);
        }
    }
    given(vec![assigned(1, Role::Mrv)])
        .when(ChangeAccess {
            by: by(1),
            ..grant(Role::Verifier, "verico", 30)
        })
        .then_expect_error(AccessRejection::NoLonger);
    given(vec![assigned(1, Role::HqManager)])
        .when(ChangeAccess {
            by: by(1),
            ..grant(Role::Verifier, "verico", 30)
        })
        .then_expect_events(vec![granted(Role::Verifier, 30)]);
}

#[test]
fn a_second_factor_is_reset_by_another_administrator() {
    let reset = |n: u128| {
        AccessCommand::Note(AccessNote::SecondFactorReset {
            account: account(n),
            since: now(),
        })
    };
    let members = || vec![assigned(1, Role::Admin), assigned(2, Role::Operator)];
    let expected = SecondFactorReset {
        account: account(2),
    };
    given(members())
        .when(asked(reset(2), by(1)))
        .then_expect_events(vec![expected.into()]);
    given(members())
        .when(asked(reset(1), by(1)))
        .then_expect_error(AccessRejection::OwnRole);
    given(members())
        .when(asked(reset(1), by(2)))
        .then_expect_error(AccessRejection::NoLonger);
}

#[test]
fn what_is_noted_is_an_event_and_changes_nothing_of_what_holds() {
    let account = account(2);
    let invitation = crate::InvitationId(Uuid::from_u128(7));
    let (role, sites) = (Role::Operator, Some(vec![slug("plant-1")]));
    let reader = by(2);
    let invited = UserInvited {
        invitation,
        role,
        sites: sites.clone(),
    };
    let exported = LedgerExported {
        entries: 9,
        reader: Some(reader.clone()),
    };
    let compromised = true;
    let notes: [(AccessNote, AccessEvent); 12] = [
        (
            AccessNote::AccountAdded { account, role },
            AccountAdded { account, role }.into(),
        ),
        (
            AccessNote::AccountErased { account },
            AccountErased { account }.into(),
        ),
        (
            AccessNote::MfaEnrolled { account },
            MfaEnrolled { account }.into(),
        ),
        (
            AccessNote::MfaDisabled { account },
            MfaDisabled { account }.into(),
        ),
        (
            AccessNote::PasswordReset { account },
            PasswordReset { account }.into(),
        ),
        (
            AccessNote::IdentityLinked { account },
            IdentityLinked { account }.into(),
        ),
        (
            AccessNote::IdentityUnlinked { account },
            IdentityUnlinked { account }.into(),
        ),
        (
            AccessNote::UserInvited {
                invitation,
                role,
                sites,
            },
            invited.into(),
        ),
        (
            AccessNote::InvitationWithdrawn { invitation },
            InvitationWithdrawn { invitation }.into(),
        ),
        (
            AccessNote::RegistrationDeclined { account },
            RegistrationDeclined { account }.into(),
        ),
        (
            AccessNote::TokenKeysRotated { compromised },
            TokenKeysRotated { compromised }.into(),
        ),
        (
            AccessNote::LedgerExported { reader, entries: 9 },
            exported.into(),
        ),
    ];
    let before = vec![assigned(1, Role::Admin), assigned(2, Role::Operator)];
    for (note, event) in notes {
        given(before.clone())
            .when(asked(AccessCommand::Note(note), by(1)))
            .then_expect_events(vec![event.clone()]);
        let after = [before.clone(), vec![event]].concat();
        assert_eq!(state(after), state(before.clone()));
    }
}

#[test]
fn who_is_admitted_is_new_so_that_no_newer_decision_is_undone() {
    given(vec![assigned(1, Role::Admin)])
        .when(admit(2, Role::Operator, None))
        .then_expect_events(vec![assigned(2, Role::Operator)]);
    for before in [
        vec![assigned(2, Role::Mrv)],
        vec![assigned(2, Role::Operator), deactivated(2)],
    ] {
        given(before)
            .when(admit(2, Role::Operator, None))
            .then_expect_error(AccessRejection::Known {
                account: account(2),
            });
    }
}

#[test]
fn an_invitation_is_named_by_the_entry_and_holds_as_long_as_who_gave_it_is_a_member() {
    let invited = RoleAssigned {
        account: account(2),
        role: Role::Operator,
        sites: None,
        invited_by: Some(account(1)),
    };
    // Who runs the platform is no member.
    for before in [vec![], vec![assigned(1, Role::HqManager)]] {
        given(before)
            .when(admit(2, Role::Operator, Some(1)))
            .then_expect_events(vec![invited.clone().into()]);
    }
    given(vec![assigned(1, Role::HqManager), deactivated(1)])
        .when(admit(2, Role::Operator, Some(1)))
        .then_expect_error(AccessRejection::InviterLeft);
}

#[test]
fn the_last_administrator_stays_one_whoever_asks() {
    let last = AccessRejection::LastOwner {
        account: account(1),
    };
    for command in [deactivate(1, service()), assign(1, Role::Mrv, service())] {
        given(vec![
            assigned(1, Role::Admin),
            assigned(2, Role::Admin),
            deactivated(2),
        ])
        .when(command)
        .then_expect_error(last.clone());
    }
    given(vec![assigned(1, Role::Admin), assigned(2, Role::Admin)])
        .when(deactivate(1, by(2)))
        .then_expect_events(vec![deactivated(1)]);
}

#[test]
fn only_some_roles_are_limited_to_sites_and_then_to_at_least_one() {
    let limited = |role, sites: &[&str]| {
        let sites = Some(sites.iter().map(|site| slug(site)).collect());
        let assign = AssignRole {
            sites,
            ..role_of(2, role)
        };
        asked(AccessCommand::AssignRole(assign), by(1))
    };
    let expected = RoleAssigned {
        account: account(2),
        role: Role::Operator,
        sites: Some(vec![slug("plant-1"), slug("plant-2")]),
        invited_by: None,
    };
    given(vec![])
        .when(limited(Role::Operator, &["plant-2", "plant-1", "plant-2"]))
        .then_expect_events(vec![expected.into()]);
    given(vec![])
        .when(limited(Role::Operator, &[]))
        .then_expect_error(AccessRejection::NoSite);
    given(vec![])
        .when(limited(Role::Mrv, &["plant-1"]))
        .then_expect_error(AccessRejection::NotBySite { role: Role::Mrv });
}

#[test]
fn devices_and_services_are_no_members() {
    for role in [Role::Device, Role::Service] {
        given(vec![])
            .when(assign(1, role, service()))
            .then_expect_error(AccessRejection::NoMember { role });
    }
}

#[test]
fn verifiers_regulators_and_auditors_of_others_are_let_look_until_a_day() {
    given(vec![])
        .when(grant(Role::Verifier, "verico", 30))
        .then_expect_events(vec![granted(Role::Verifier, 30)]);
    given(vec![granted(Role::Verifier, 30)])
        .when(grant(Role::Verifier, "verico", 60))
        .then_expect_events(vec![granted(Role::Verifier, 60)]);
    given(vec![])
        .when(grant(Role::Operator, "verico", 30))
        .then_expect_error(AccessRejection::NotGranted {
            role: Role::Operator,
        });
    given(vec![])
        .when(grant(Role::Auditor, "northsea", 30))
        .then_expect_error(AccessRejection::OwnOrganisation {
            organisation: slug("northsea"),
        });
    for days in [0, -1, 3 * 366] {
        given(vec![])
            .when(grant(Role::Verifier, "verico", days))
            .then_expect_error(AccessRejection::Until {
                until: now() + TimeDelta::days(days),
                latest: now() + LONGEST,
            });
    }
}

#[test]
fn a_grant_that_holds_is_revoked_once() {
    let revoked = AccessRevoked {
        organisation: slug("verico"),
        role: Role::Verifier,
    };
    given(vec![granted(Role::Verifier, 30)])
        .when(revoke(Role::Verifier))
        .then_expect_events(vec![revoked.clone().into()]);
    for before in [
        vec![granted(Role::Verifier, 30), revoked.into()],
        vec![granted(Role::Verifier, -1)],
        vec![granted(Role::Auditor, 30)],
    ] {
        given(before)
            .when(revoke(Role::Verifier))
            .then_expect_error(AccessRejection::UnknownGrant {
                organisation: slug("verico"),
                role: Role::Verifier,
            });
    }
}

#[test]
fn a_rotated_key_opens_by_both_secrets_for_a_while_and_a_revoked_one_by_none() {
    let rotated = ApiKeyRotated {
        key: key(1),
        credential: secret(2),
        until: now() + TimeDelta::days(60),
        previous_until: now() + TimeDelta::seconds(600),
    };
    given(vec![issued().into()])
        .when(rotate(60, 600))
        .then_expect_events(vec![rotated.clone().into()]);
    let access = state(vec![issued().into(), rotated.clone().into()]);
    let opens = |access: &OrganisationAccess, n, seconds| {
        let at = now() + TimeDelta::seconds(seconds);
        access.key(key(1)).unwrap().opens(secret(n), at)
    };
    assert!(opens(&access, 1, 599) && !opens(&access, 1, 600));
    assert!(opens(&access, 2, 0) && opens(&access, 2, 59 * 86_400));
    assert!(!opens(&access, 2, 60 * 86_400) && !opens(&access, 3, 0));

    let revoked = ApiKeyRevoked { key: key(1) };
    let access = state(vec![issued().into(), rotated.into(), revoked.into()]);
    assert!(!opens(&access, 1, 0) && !opens(&access, 2, 0));
}

#[test]
fn the_secret_before_a_rotation_lives_no_longer_than_it_would_have() {
    let mut short = issued();
    short.until = now() + TimeDelta::seconds(5);
    let expected = ApiKeyRotated {
        key: key(1),
        credential: secret(2),
        until: now() + TimeDelta::days(60),
        previous_until: now() + TimeDelta::seconds(5),
    };
    given(vec![short.into()])
        .when(rotate(60, 600))
        .then_expect_events(vec![expected.into()]);
    given(vec![issued().into()])
        .when(rotate(60, LONGEST_OVERLAP + 1))
        .then_expect_error(AccessRejection::Overlap {
            most: LONGEST_OVERLAP,
        });
    given(vec![issued().into(), ApiKeyRevoked { key: key(1) }.into()])
        .when(rotate(60, 0))
        .then_expect_error(AccessRejection::UnknownKey { key: key(1) });
}

#[test]
fn a_key_has_a_role_of_people_permissions_and_an_end() {
    let issue = |role, permissions: Vec<Slug>, days| {
        let change = AccessCommand::IssueKey(IssueApiKey {
            key: key(1),
            credential: secret(1),
            role,
            permissions,
            sites: None,
            until: now() + TimeDelta::days(days),
            now: now(),
        });
        asked(change, service())
    };
    let some = || vec![slug("record-capture")];
    given(vec![])
        .when(issue(Role::Operator, some(), 30))
        .then_expect_events(vec![issued().into()]);
    given(vec![])
        .when(issue(Role::Operator, vec![], 30))
        .then_expect_error(AccessRejection::NoPermission);
    let role = Role::Service;
    given(vec![])
        .when(issue(role, some(), 30))
        .then_expect_error(AccessRejection::NoMember { role });
    given(vec![])
        .when(issue(Role::Operator, some(), 1_000))
        .then_expect_error(AccessRejection::Until {
            until: now() + TimeDelta::days(1_000),
            latest: now() + LONGEST,
        });
}

#[test]
fn settings_are_off_until_they_are_changed() {
    let settings = AccessSettings {
        self_registration: true,
        second_factor_required: false,
    };
    assert_eq!(
        OrganisationAccess::default().settings(),
        AccessSettings::default()
    );
    let changed = AccessSettingsChanged {
        self_registration: true,
        second_factor_required: false,
    };
    given(vec![])
        .when(asked(AccessCommand::ChangeSettings(settings), service()))
        .then_expect_events(vec![changed.clone().into()]);
    given(vec![changed.into()])
        .when(asked(AccessCommand::ChangeSettings(settings), service()))
        .then_expect_error(AccessRejection::Unchanged);
}

/// Anybody asks anything of anybody, the platform too.
fn any_change() -> impl Strategy<Value = ChangeAccess> {
    let who = || 0..4_u128;
    let asks = (0..5_u128).prop_map(|n| if n == 4 { service() } else { by(n) });
    let role = prop_oneof![
        3 => Just(Role::Admin),
        1 => proptest::sample::select(Role::ACCOUNTS.to_vec()),
    ];
    (who(), role, asks, any::<bool>()).prop_map(|(n, role, asks, leaves)| {
        if leaves {
            deactivate(n, asks)
        } else {
            assign(n, role, asks)
        }
    })
}

proptest! {
    #[test]
    fn no_sequence_of_changes_leaves_an_organisation_without_an_owner_once_it_had_one(
        changes in proptest::collection::vec(any_change(), 1..60)
    ) {
        let mut access = OrganisationAccess::default();
        let mut had_one = false;
        for change in changes {
            let own = match &change.change {
                AccessCommand::AssignRole(AssignRole { account, .. })
                | AccessCommand::Deactivate(DeactivateMember { account }) => {
                    change.by.as_str() == account.actor()
                }
                _ => false,
            };
            match access.decide(change) {
                Ok(event) => {
                    prop_assert!(!own, "somebody changed their own role");
                    access.apply(event);
                }
                Err(rejection) => prop_assert_ne!(rejection.to_string(), ""),
            }
            had_one |= access.owners().next().is_some();
            prop_assert_eq!(had_one, access.owners().next().is_some());
        }
    }
}
