//! Organisations, sites, assets and devices come into being, or do not.

use sealrock_access::Principal;
use sealrock_commands::{CommandError, Commands, Done};
use sealrock_domain::device::{BindDevice, RegisterDevice};
use sealrock_domain::site::RenameSite;
use sealrock_ledger::{Index, LogVerifier};

use crate::fixture::{
    admin, asset, context, device, empty, organisation, site, slug, with_a_device, with_a_site,
};

#[tokio::test]
async fn a_demonstration_says_so_in_its_first_entry() {
    for demo in [false, true] {
        let f = empty().await;
        let commands = Commands::new(f.store.clone(), demo);
        let (context, mut command) = (admin(), organisation("northsea"));
        // What the caller says does not count.
        command.demo = !demo;
        commands
            .register_organisation(&context, command.clone())
            .await
            .unwrap();
        let again = commands.register_organisation(&context, command).await;
        assert!(again.unwrap().duplicate);
        let first = f.entries().await.remove(0).payload.unwrap();
        let payload: serde_json::Value = serde_json::from_slice(&first.bytes).unwrap();
        assert_eq!(
            payload.get("demo"),
            demo.then_some(&serde_json::Value::Bool(true))
        );
    }
}

#[tokio::test]
async fn each_registration_is_an_entry_with_a_signed_receipt() {
    let f = empty().await;
    let receipts = [
        f.commands
            .register_organisation(&admin(), organisation("northsea"))
            .await
            .unwrap(),
        f.commands
            .register_site(&admin(), site("plant-1"))
            .await
            .unwrap(),
        f.commands
            .register_asset(&admin(), asset("stack-1"))
            .await
            .unwrap(),
        f.commands
            .register_device(&admin(), device("meter-7"))
            .await
            .unwrap()
            .done,
    ];
    let ledger = f.ledger().await;
    let verifier = LogVerifier::new(&ledger.vkey).unwrap();
    for (at, Done { receipt, duplicate }) in (0..).zip(&receipts) {
        assert_eq!(
            (receipt.first, receipt.last, *duplicate),
            (Index(at), Index(at), false)
        );
        assert_eq!(receipt.ledger, ledger.origin);
        assert!(verifier.verify(receipt.checkpoint.as_bytes()).unwrap().size > at);
    }
    let entries = f.entries().await;
    let kinds: Vec<&str> = entries.iter().map(|one| one.entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "OrganisationRegistered",
            "SiteRegistered",
            "AssetRegistered",
            "DeviceRegistered"
        ]
    );
    let registered = &entries[3].entry;
    assert_eq!(
        registered.actor,
        "user/00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(registered.stream, device("meter-7").id().stream());
}

#[tokio::test]
async fn what_is_not_there_is_named_with_the_way_out() {
    let f = with_a_site().await;
    let elsewhere = |mut command: RegisterDevice| {
        command.org = slug("southsea");
        command
    };
    let no_site = RegisterDevice {
        site: slug("plant-9"),
        ..device("meter-7")
    };
    let no_asset = RegisterDevice {
        asset: Some(slug("stack-9")),
        ..device("meter-7")
    };
    for (command, what) in [
        (elsewhere(device("meter-7")), "no organisation southsea"),
        (no_site, "no site plant-9"),
        (no_asset, "no asset stack-9"),
    ] {
        let error = f
            .commands
            .register_device(&admin(), command)
            .await
            .unwrap_err();
        assert_not_found(&error, what);
    }
    let mut command = site("plant-2");
    command.org = slug("southsea");
    let error = f
        .commands
        .register_site(&admin(), command)
        .await
        .unwrap_err();
    assert_not_found(&error, "no organisation southsea");
    let mut command = asset("stack-2");
    command.site = slug("plant-9");
    let error = f
        .commands
        .register_asset(&admin(), command)
        .await
        .unwrap_err();
    assert_not_found(&error, "no site plant-9");
    assert_eq!(f.entries().await.len(), 3);
}

fn assert_not_found(error: &CommandError, what: &str) {
    let message = error.to_string();
    assert!(matches!(error, CommandError::NotFound(_)), "{error:?}");
    assert!(
        message.contains(what) && message.contains("register it first"),
        "{message}"
    );
}

fn assert_rejected(error: &CommandError, what: &str) {
    assert!(matches!(error, CommandError::Rejected(_)), "{error:?}");
    assert!(error.to_string().contains(what), "{error}");
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_says_by_whom() {
    let (f, _) = with_a_device().await;
    let error = f
        .commands
        .register_organisation(&admin(), organisation("northsea"))
        .await;
    assert_rejected(&error.unwrap_err(), "already registered as \"North Sea\"");
    let error = f.commands.register_site(&admin(), site("plant-1")).await;
    assert_rejected(&error.unwrap_err(), "already registered as \"The plant-1\"");
    let error = f.commands.register_asset(&admin(), asset("stack-1")).await;
    assert_rejected(&error.unwrap_err(), "already registered as \"The stack-1\"");
    let error = f
        .commands
        .register_device(&admin(), device("meter-7"))
        .await;
    assert_rejected(&error.unwrap_err(), "already registered as \"The meter-7\"");
    assert_eq!(f.entries().await.len(), 4);
}

#[tokio::test]
async fn a_reserved_name_makes_no_ledger() {
    let f = empty().await;
    let error = f
        .commands
        .register_organisation(&admin(), organisation("admin"))
        .await;
    assert_rejected(&error.unwrap_err(), "admin");
    assert_eq!(f.store.ledgers().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_who_register_one_site_one_wins_and_the_others_learn_that_it_exists() {
    let f = with_a_site().await;
    let elsewhere = f.elsewhere().await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let commands = if n % 2 == 0 {
                f.commands.clone()
            } else {
                elsewhere.clone()
            };
            tokio::spawn(async move { commands.register_site(&admin(), site("plant-2")).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(done) => won += usize::from(!done.duplicate),
            Err(error) => assert_rejected(&error, "already registered"),
        }
    }
    assert_eq!((won, f.entries().await.len()), (1, 4));
}

#[tokio::test]
async fn a_device_may_change_nothing_in_the_registry() {
    let (f, registered) = with_a_device().await;
    let (org, plant, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let id = registered.device;
    let by = context(Principal::Device {
        id,
        organisation: org.clone(),
        site: plant.clone(),
        name: name.clone(),
    });
    let commands = &f.commands;
    let bind = BindDevice {
        asset: slug("stack-1"),
    };
    let rename = RenameSite {
        display_name: "Mine".parse().unwrap(),
    };
    let refused = [
        commands
            .register_organisation(&by, organisation("mine"))
            .await
            .unwrap_err(),
        commands
            .register_site(&by, site("plant-2"))
            .await
            .unwrap_err(),
        commands
            .rename_site(&by, &org, &plant, rename)
            .await
            .unwrap_err(),
        commands.retire_site(&by, &org, &plant).await.unwrap_err(),
        commands
            .register_asset(&by, asset("stack-2"))
            .await
            .unwrap_err(),
        commands
            .register_device(&by, device("meter-8"))
            .await
            .unwrap_err(),
        commands
            .bind_device(&by, &org, &plant, &name, bind)
            .await
            .unwrap_err(),
        commands
            .rotate_credential(&by, &org, &plant, &name)
            .await
            .unwrap_err(),
        commands
            .revoke_credential(&by, &org, &plant, &name)
            .await
            .unwrap_err(),
        commands
            .decommission_device(&by, &org, &plant, &name)
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, CommandError::Denied(_)), "{error:?}");
    }
    assert_eq!(
        (
            f.entries().await.len(),
            f.store.ledgers().await.unwrap().len()
        ),
        (4, 1)
    );
}

#[tokio::test]
async fn nothing_new_comes_to_a_retired_site() {
    let (f, _) = with_a_device().await;
    let (org, plant) = (slug("northsea"), slug("plant-1"));
    f.commands
        .retire_site(&admin(), &org, &plant)
        .await
        .unwrap();
    let error = f
        .commands
        .register_device(&admin(), device("meter-8"))
        .await
        .unwrap_err();
    assert_rejected(&error, "site plant-1 of northsea is retired");
    let error = f
        .commands
        .register_asset(&admin(), asset("stack-2"))
        .await
        .unwrap_err();
    assert_rejected(&error, "site plant-1 of northsea is retired");
    let again = f
        .commands
        .retire_site(&admin(), &org, &plant)
        .await
        .unwrap_err();
    assert_rejected(&again, "retired");
}

#[tokio::test]
async fn a_device_is_bound_to_an_asset_that_is_in_use() {
    let (f, _) = with_a_device().await;
    let (org, plant, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let bind = |asset: &str| BindDevice { asset: slug(asset) };
    let unknown = f
        .commands
        .bind_device(&admin(), &org, &plant, &name, bind("stack-2"))
        .await;
    assert_not_found(&unknown.unwrap_err(), "no asset stack-2");
    f.commands
        .register_asset(&admin(), asset("stack-2"))
        .await
        .unwrap();
    f.commands
        .bind_device(&admin(), &org, &plant, &name, bind("stack-2"))
        .await
        .unwrap();
    f.commands
        .retire_asset(&admin(), &org, &plant, &slug("stack-1"))
        .await
        .unwrap();
    let retired = f
        .commands
        .bind_device(&admin(), &org, &plant, &name, bind("stack-1"))
        .await;
    assert_rejected(
        &retired.unwrap_err(),
        "asset stack-1 of site plant-1 is retired",
    );
}
