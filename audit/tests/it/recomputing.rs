use sealrock_audit::{Recomputed, recompute};

use crate::ledger::Ledger;

async fn recomputed(ledger: &Ledger) -> Recomputed {
    recompute(&ledger.store, &ledger.info).await.unwrap()
}

#[tokio::test]
async fn an_undamaged_ledger_gives_the_signed_root_again() {
    let ledger = Ledger::empty().await;
    assert_eq!(recomputed(&ledger).await, Recomputed::Empty);
    ledger.grow(600).await;
    assert_eq!(recomputed(&ledger).await, Recomputed::Agrees { size: 600 });
}

#[tokio::test]
async fn damage_in_the_middle_is_named() {
    let damages = [
        (
            "DELETE FROM events WHERE index = 300",
            "entry 300 is missing",
        ),
        (
            "UPDATE events SET entry = entry || ' '::bytea WHERE index = 300",
            "entry 300 do not give",
        ),
        (
            "UPDATE events SET leaf_hash = sha256('\\x00'::bytea || entry || ' '::bytea), \
             entry = entry || ' '::bytea WHERE index = 300",
            "tile 1 of level 0",
        ),
        (
            "UPDATE events SET leaf_hash = sha256('\\x00'::bytea || entry || ' '::bytea), \
             entry = entry || ' '::bytea WHERE index = 590",
            "another root than was signed",
        ),
        ("DELETE FROM tiles WHERE n = 1", "tile 1 of level 0"),
    ];
    for (damage, reason) in damages {
        let ledger = Ledger::of(600).await;
        ledger.damage(damage).await;
        let Recomputed::Differs(found) = recomputed(&ledger).await else {
            panic!("{damage}: not found");
        };
        assert!(found.contains(reason), "{damage}: {found}");
    }
}
