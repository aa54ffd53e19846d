#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use chrono::TimeDelta;
use sealrock_domain::DeviceId;
use sealrock_domain::access::Role;
use uuid::Uuid;

use super::*;
use crate::{AccountId, ApiKeyId, Grant};

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn device() -> Principal {
    let (organisation, site, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let id = DeviceId::of(&organisation, &site, &name);
    Principal::Device {
        id,
        organisation,
        site,
        name,
    }
}

fn user(role: Role) -> Principal {
    Principal::signed_in(AccountId(Uuid::nil()), "ada".parse().unwrap(), role, None)
}

/// Of `northsea`.
fn member(role: Role) -> Principal {
    let own = Some(slug("northsea"));
    Principal::signed_in(AccountId(Uuid::nil()), "ada".parse().unwrap(), role, own)
}

/// Nobody may both propose and approve, record and approve, or request and decide: whatever is approved
/// or decided has somebody else who asks for it.
#[test]
fn duties_that_need_two_people_lie_with_two_roles() {
    use Permission as P;
    let pairs = [
        (P::RecordCapture, P::ApproveCapture),
        (P::ProposePermitLimits, P::ApprovePermitLimits),
        (P::RecordInjection, P::ApproveInjection),
        (P::RequestIssuance, P::DecideIssuance),
    ];
    let second = |permission: &P| {
        let name = permission.name();
        name.starts_with("approve-") || name.starts_with("decide-")
    };
    let seconds: Vec<P> = P::ALL.into_iter().filter(second).collect();
    assert_eq!(seconds, pairs.map(|(_, other)| other), "each has its pair");
    for (one, other) in pairs {
        for role in Role::ACCOUNTS {
            assert!(!(one.allows(role) && other.allows(role)), "{role:?}: {one}");
        }
    }
}

#[test]
fn a_device_may_record_batches_at_its_own_site_and_nothing_else() {
    let home = Scope::site(slug("northsea"), slug("plant-1"));
    for permission in Permission::ALL {
        let allowed = authorise(&device(), permission, &home).is_ok();
        assert_eq!(
            allowed,
            permission == Permission::RecordBatch,
            "{permission}"
        );
    }
}

#[test]
fn a_device_may_not_record_elsewhere() {
    for scope in [
        Scope::site(slug("northsea"), slug("plant-2")),
        Scope::site(slug("southsea"), slug("plant-1")),
        Scope::organisation(slug("northsea")),
    ] {
        assert!(
            authorise(&device(), Permission::RecordBatch, &scope).is_err(),
            "{scope}"
        );
    }
}

#[test]
fn an_admin_may_register_and_read_everywhere_but_record_approve_and_decide_nothing() {
    let scope = Scope::organisation(slug("southsea"));
    for permission in Permission::ALL {
        let allowed = authorise(&user(Role::Admin), permission, &scope).is_ok();
        let text = permission.to_string();
        let fact = [
            "record", "seal", "propose", "approve", "operate", "request", "decide", "set", "grant",
        ];
        let of_a_fact = fact.iter().any(|verb| text.split(' ').next() == Some(verb));
        assert_eq!(allowed, !of_a_fact, "{permission}");
    }
}

#[test]
fn an_auditor_may_read_all_evidence_and_write_nothing() {
    let scope = Scope::organisation(slug("southsea"));
    let allowed: Vec<String> = Permission::ALL
        .into_iter()
        .filter(|permission| authorise(&user(Role::Auditor), *permission, &scope).is_ok())
        .map(|permission| permission.to_string())
        .collect();
    assert_eq!(
        allowed,
        [
            "read telemetry",
            "read the ledger",
            "read dead letters",
            "read accounts",
            "read rankings",
            "read credits",
            "read who has access"
        ]
    );
}

#[test]
fn a_denial_names_who_what_and_where() {
    let scope = Scope::site(slug("northsea"), slug("plant-2"));
    let denied = authorise(&device(), Permission::RegisterDevice, &scope).unwrap_err();
    let message = denied.to_string();
    assert!(message.starts_with(&device().actor()), "{message}");
    assert!(
        message.contains("register a device in northsea/plant-2"),
        "{message}"
    );
}

#[test]
fn who_is_limited_to_sites_reaches_these_and_not_the_organisation_as_a_whole() {
    let mut operator = member(Role::Operator);
    if let Principal::User { sites, .. } = &mut operator {
        *sites = Some(vec![slug("plant-1"), slug("plant-3")]);
    }
    let may = |scope: Scope| authorise(&operator, Permission::RecordCapture, &scope).is_ok();
    for site in ["plant-1", "plant-3"] {
        assert!(may(Scope::site(slug("northsea"), slug(site))), "{site}");
        assert!(!may(Scope::site(slug("southsea"), slug(site))), "{site}");
    }
    assert!(!may(Scope::site(slug("northsea"), slug("plant-2"))));
    assert!(!may(Scope::organisation(slug("northsea"))));
}

fn granted(role: Role, sites: Option<Vec<Slug>>, until: DateTime<Utc>) -> Principal {
    let mut principal = member(role);
    if let Principal::User { grants, .. } = &mut principal {
        grants.push(Grant {
            organisation: slug("southsea"),
            sites,
            until,
        });
    }
    principal
}

#[test]
fn a_grant_opens_another_organisation_until_it_ends_to_those_who_look_and_to_nobody_else() {
    let (whole, now) = (Scope::organisation(slug("southsea")), Utc::now());
    for role in Role::ACCOUNTS {
        let person = granted(role, None, now);
        let at = |time| refusal(&person, Permission::ReadCredits, &whole, time);
        let looks = matches!(role, Role::Verifier | Role::Regulator | Role::Auditor);
        let before = at(now - TimeDelta::seconds(1));
        assert_eq!(before.is_none(), looks, "{role}");
        assert_eq!(at(now), Some(Refused::Forbidden), "{role}");
    }
    let verifier = granted(
        Role::Verifier,
        Some(vec![slug("plant-1")]),
        now + TimeDelta::days(1),
    );
    let read = |scope: Scope| authorise(&verifier, Permission::ReadTelemetry, &scope).is_ok();
    assert!(read(Scope::site(slug("southsea"), slug("plant-1"))));
    assert!(!read(Scope::site(slug("southsea"), slug("plant-2"))));
    assert!(!read(whole));
}

#[test]
fn who_approves_decides_or_manages_must_have_proved_who_they_are_within_a_quarter_of_an_hour() {
    let (scope, now) = (Scope::organisation(slug("northsea")), Utc::now());
    for rule in &super::super::TABLE {
        for role in rule.roles.iter().filter(|role| **role != Role::Device) {
            let mut person = member(*role);
            for (ago, fresh) in [(0, true), (899, true), (900, false)] {
                if let Principal::User { stepped_up, .. } = &mut person {
                    *stepped_up = Some(now - TimeDelta::seconds(ago));
                }
                let expected = (rule.step_up && !fresh).then_some(Refused::StepUp);
                let refused = refusal(&person, rule.permission, &scope, now);
                assert_eq!(refused, expected, "{role}: {} after {ago} s", rule.text);
            }
        }
    }
}

#[test]
fn a_missing_step_up_is_told_only_to_who_may_otherwise() {
    let mut operator = member(Role::Operator);
    if let Principal::User { stepped_up, .. } = &mut operator {
        *stepped_up = None;
    }
    let scope = Scope::organisation(slug("northsea"));
    let denied = authorise(&operator, Permission::ApproveCapture, &scope).unwrap_err();
    assert_eq!(denied.why, Refused::Forbidden);
}

#[test]
fn an_issued_password_blocks_everything_and_then_a_missing_second_factor_does() {
    for role in Role::ACCOUNTS {
        let mut person = member(role);
        for (password, refused) in [
            (true, Refused::PasswordChange),
            (false, Refused::SecondFactor),
        ] {
            if let Principal::User {
                must_change_password,
                must_enrol,
                ..
            } = &mut person
            {
                *must_change_password = password;
                *must_enrol = true;
            }
            for permission in Permission::ALL {
                let denied = authorise(&person, permission, &Scope::organisation(slug("northsea")));
                assert_eq!(denied.unwrap_err().why, refused);
            }
        }
    }
}

#[test]
fn a_key_has_no_more_than_its_permissions_its_role_and_what_asks_for_no_person() {
    let scope = Scope::organisation(slug("northsea"));
    let key = |role, permissions: &[Permission]| Principal::ApiKey {
        id: ApiKeyId(Uuid::nil()),
        organisation: slug("northsea"),
        role,
        permissions: permissions.to_vec(),
        sites: None,
    };
    for role in Role::ACCOUNTS {
        for permission in Permission::ALL {
            let all = authorise(&key(role, &Permission::ALL), permission, &scope).is_ok();
            let expected = permission.allows(role) && !permission.rule().step_up;
            assert_eq!(all, expected, "{role}: {permission}");
            assert!(authorise(&key(role, &[]), permission, &scope).is_err());
        }
    }
    let elsewhere = Scope::organisation(slug("southsea"));
    let auditor = key(Role::Auditor, &Permission::ALL);
    assert!(authorise(&auditor, Permission::ReadLedger, &elsewhere).is_err());
}
