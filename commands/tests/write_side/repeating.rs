//! The same command again: its first receipt, whatever has happened since.

use sealrock_commands::{CommandError, Commands, Context};
use sealrock_domain::device::BindDevice;
use sealrock_domain::site::RenameSite;

use crate::fixture::{
    admin, asset, device, empty, open, organisation, secret, site, slug, with_a_device, with_a_site,
};

#[tokio::test]
async fn a_repeated_command_is_answered_with_its_first_receipt() {
    let f = empty().await;
    let (org, plant, stack) = (admin(), admin(), admin());
    for duplicate in [false, true] {
        let first = f
            .commands
            .register_organisation(&org, organisation("northsea"))
            .await
            .unwrap();
        let second = f
            .commands
            .register_site(&plant, site("plant-1"))
            .await
            .unwrap();
        let third = f
            .commands
            .register_asset(&stack, asset("stack-1"))
            .await
            .unwrap();
        let indexes = [&first, &second, &third].map(|done| done.receipt.first.0);
        assert_eq!(indexes, [0, 1, 2]);
        assert_eq!(
            [first, second, third].map(|done| done.duplicate),
            [duplicate; 3]
        );
    }
    assert_eq!(f.entries().await.len(), 3);
}

#[tokio::test]
async fn a_repeated_receipt_is_the_first_one_to_the_letter() {
    let f = with_a_site().await;
    let again = admin();
    let first = f
        .commands
        .register_site(&again, site("plant-2"))
        .await
        .unwrap();
    f.commands
        .register_site(&admin(), site("plant-3"))
        .await
        .unwrap();
    let repeated = f
        .elsewhere()
        .await
        .register_site(&again, site("plant-2"))
        .await
        .unwrap();
    assert_eq!(
        (repeated.receipt, repeated.duplicate),
        (first.receipt, true)
    );
}

#[tokio::test]
async fn a_repeated_registration_of_a_device_shows_no_secret_and_leaves_the_first_valid() {
    let f = with_a_site().await;
    let again = admin();
    let first = f
        .commands
        .register_device(&again, device("meter-7"))
        .await
        .unwrap();
    let second = f
        .commands
        .register_device(&again, device("meter-7"))
        .await
        .unwrap();
    assert!(second.secret.is_none());
    assert!(second.done.duplicate);
    assert_eq!(second.done.receipt, first.done.receipt);
    f.devices
        .authenticate(first.device, &secret(&first))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_repeated_rotation_changes_nothing() {
    let (f, _) = with_a_device().await;
    let again = admin();
    let (org, plant, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let first = f
        .commands
        .rotate_credential(&again, &org, &plant, &name)
        .await
        .unwrap();
    let second = f
        .commands
        .rotate_credential(&again, &org, &plant, &name)
        .await
        .unwrap();
    assert!(second.secret.is_none());
    assert_eq!(second.done.receipt, first.done.receipt);
    f.devices
        .authenticate(first.device, &secret(&first))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_command_id_is_not_taken_for_other_input() {
    let f = with_a_site().await;
    let by = admin();
    f.commands
        .register_site(&by, site("plant-2"))
        .await
        .unwrap();
    let other_name = f
        .commands
        .register_site(&by, site("plant-3"))
        .await
        .unwrap_err();
    let other_kind = f
        .commands
        .register_asset(&by, asset("stack-2"))
        .await
        .unwrap_err();
    let device = f
        .commands
        .register_device(&by, device("meter-7"))
        .await
        .unwrap_err();
    for error in [other_name, other_kind, device] {
        assert!(
            matches!(&error, CommandError::CommandIdReused { first } if first.first.0 == 3),
            "{error:?}"
        );
        assert!(error.to_string().contains("choose a new id"), "{error}");
    }
    assert_eq!(f.entries().await.len(), 4);
}

#[tokio::test]
async fn another_actor_may_use_the_same_command_id() {
    let f = with_a_site().await;
    let by = admin();
    f.commands
        .register_site(&by, site("plant-2"))
        .await
        .unwrap();
    let name = slug("cli");
    let principal = sealrock_access::Principal::Service { name };
    let service = Context { principal, ..by };
    let done = f
        .commands
        .register_site(&service, site("plant-3"))
        .await
        .unwrap();
    assert!(!done.duplicate);
}

#[tokio::test]
async fn a_command_is_answered_as_it_was_then_even_if_it_would_be_refused_now() {
    let f = with_a_site().await;
    let (org, plant, name) = (slug("northsea"), slug("plant-1"), slug("meter-7"));
    let (register, add, bind) = (admin(), admin(), admin());
    let binding = || BindDevice {
        asset: slug("stack-2"),
    };
    let added = f
        .commands
        .register_asset(&add, asset("stack-2"))
        .await
        .unwrap();
    let registered = f
        .commands
        .register_device(&register, device("meter-7"))
        .await
        .unwrap();
    let bound = f
        .commands
        .bind_device(&bind, &org, &plant, &name, binding())
        .await
        .unwrap();
    f.commands
        .retire_asset(&admin(), &org, &plant, &slug("stack-2"))
        .await
        .unwrap();
    f.commands
        .retire_site(&admin(), &org, &plant)
        .await
        .unwrap();

    let again = f
        .commands
        .register_asset(&add, asset("stack-2"))
        .await
        .unwrap();
    assert_eq!((again.receipt, again.duplicate), (added.receipt, true));
    let again = f
        .commands
        .register_device(&register, device("meter-7"))
        .await
        .unwrap();
    assert_eq!(
        (again.done.receipt, again.done.duplicate),
        (registered.done.receipt, true)
    );
    let again = f
        .commands
        .bind_device(&bind, &org, &plant, &name, binding())
        .await
        .unwrap();
    assert_eq!((again.receipt, again.duplicate), (bound.receipt, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_copies_of_one_command_at_once_get_one_receipt() {
    let f = with_a_site().await;
    let elsewhere = f.elsewhere().await;
    for round in 0..5 {
        let by = admin();
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let commands = if n % 2 == 0 {
                    f.commands.clone()
                } else {
                    elsewhere.clone()
                };
                let (by, site) = (by.clone(), site(&format!("copy-{round}")));
                tokio::spawn(async move { commands.register_site(&by, site).await })
            })
            .collect();
        let mut first = 0;
        for task in tasks {
            let done = task.await.unwrap().unwrap();
            first += usize::from(!done.duplicate);
            assert_eq!(done.receipt.first.0, 3 + round);
        }
        assert_eq!(first, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_registration_sent_many_times_at_once_one_secret_is_shown_and_it_works() {
    let f = with_a_site().await;
    let by = admin();
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (commands, by) = (f.commands.clone(), by.clone());
            tokio::spawn(async move { commands.register_device(&by, device("meter-7")).await })
        })
        .collect();
    let mut shown = Vec::new();
    for task in tasks {
        let registered = task.await.unwrap().unwrap();
        shown.extend(registered.secret.is_some().then_some(registered));
    }
    assert_eq!(shown.len(), 1);
    f.devices
        .authenticate(shown[0].device, &secret(&shown[0]))
        .await
        .unwrap();
}

fn named(name: &str) -> RenameSite {
    RenameSite {
        display_name: name.parse().unwrap(),
    }
}

#[tokio::test]
async fn a_repetition_that_would_do_something_again_does_nothing() {
    let f = with_a_site().await;
    let (org, plant) = (slug("northsea"), slug("plant-1"));
    let (first, second) = (admin(), admin());
    let one = f
        .commands
        .rename_site(&first, &org, &plant, named("One"))
        .await
        .unwrap();
    f.commands
        .rename_site(&second, &org, &plant, named("Two"))
        .await
        .unwrap();
    // The site is called Two now, so calling it One would be recorded if it were a new command.
    for commands in [f.commands.clone(), f.elsewhere().await] {
        let again = commands
            .rename_site(&first, &org, &plant, named("One"))
            .await
            .unwrap();
        assert_eq!(
            (again.receipt, again.duplicate),
            (one.receipt.clone(), true)
        );
        let other = commands
            .rename_site(&first, &org, &plant, named("Three"))
            .await
            .unwrap_err();
        assert!(
            matches!(&other, CommandError::CommandIdReused { first } if **first == one.receipt),
            "{other:?}"
        );
    }
    assert_eq!(f.entries().await.len(), 5);
    // What is decided next is decided on the site as it is.
    let unchanged = f
        .commands
        .rename_site(&admin(), &org, &plant, named("Two"))
        .await
        .unwrap_err();
    assert!(
        matches!(unchanged, CommandError::Rejected(_)),
        "{unchanged:?}"
    );
}

#[tokio::test]
async fn a_repetition_is_answered_where_the_ledger_cannot_be_written() {
    let f = with_a_site().await;
    let (org, plant) = (slug("northsea"), slug("plant-1"));
    let by = admin();
    let done = f
        .commands
        .rename_site(&by, &org, &plant, named("One"))
        .await
        .unwrap();
    f.commands
        .rename_site(&admin(), &org, &plant, named("Two"))
        .await
        .unwrap();
    let no_keys = tempfile::tempdir().unwrap();
    let keyless = Commands::new(open(&f.database.pool, &no_keys).await, false);
    let new = keyless
        .rename_site(&admin(), &org, &plant, named("One"))
        .await
        .unwrap_err();
    assert!(
        matches!(new, CommandError::Unavailable(_) | CommandError::Fatal(_)),
        "{new:?}"
    );
    let again = keyless
        .rename_site(&by, &org, &plant, named("One"))
        .await
        .unwrap();
    assert_eq!((again.receipt, again.duplicate), (done.receipt, true));
    let other = keyless
        .rename_site(&by, &org, &plant, named("Three"))
        .await
        .unwrap_err();
    assert!(
        matches!(other, CommandError::CommandIdReused { .. }),
        "{other:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_rename_a_site_at_once_from_two_processes_are_each_recorded_once() {
    const EACH: usize = 10;
    let f = with_a_site().await;
    let elsewhere = f.elsewhere().await;
    let (org, plant) = (slug("northsea"), slug("plant-1"));
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let commands = if task % 2 == 0 {
                &f.commands
            } else {
                &elsewhere
            }
            .clone();
            let (org, plant) = (org.clone(), plant.clone());
            tokio::spawn(async move {
                for number in 0..EACH {
                    let (by, name) = (admin(), format!("{task} {number}"));
                    // Whoever lost too many races sends the same command again.
                    loop {
                        let sent = commands.rename_site(&by, &org, &plant, named(&name));
                        match sent.await {
                            Ok(_) => break,
                            Err(CommandError::Conflict) => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(f.entries().await.len(), 3 + 4 * EACH);
}
