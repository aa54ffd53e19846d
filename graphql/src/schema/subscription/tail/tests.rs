use super::*;

/// Numbers up to a limit that rises, of which the even ones have a key of their own.
struct Numbers {
    end: watch::Receiver<u64>,
}

impl Topic for Numbers {
    type Item = u64;
    type Place = u64;
    type Key = bool;

    async fn fetch(&self, after: Option<u64>) -> Result<Page<Self>, QueryError> {
        let end = *self.end.borrow();
        Ok(Page {
            items: (after.map_or(0, |after| after + 1)..end).collect(),
            reached: end.checked_sub(1),
            more: false,
        })
    }

    fn place(number: &u64) -> u64 {
        *number
    }

    fn keys(number: &u64) -> Vec<bool> {
        vec![number.is_multiple_of(2)]
    }

    fn bytes(_: &u64) -> usize {
        1_024
    }
}

fn tail(from: Option<u64>) -> (watch::Sender<u64>, Arc<Tail<Numbers>>) {
    let (end, more) = watch::channel(from.map_or(0, |from| from + 1));
    let numbers = Numbers { end: more.clone() };
    (end, Tail::start(numbers, from, more))
}

fn numbers(step: &Step<Numbers>) -> Vec<u64> {
    step.items.iter().map(|item| **item).collect()
}

#[tokio::test]
async fn who_waits_is_woken_for_his_key_and_finds_what_lies_behind_his_place() {
    let (end, tail) = tail(Some(9));
    let mut even = tail.watch(true);
    end.send_replace(13);
    even.changed().await.unwrap();
    let step = tail
        .after(&true, Some(9), 100, |number| number % 2 == 0)
        .unwrap();
    assert_eq!((numbers(&step), step.reached), (vec![10, 12], Some(12)));
}

#[tokio::test]
async fn a_step_that_is_full_ends_with_its_last_item() {
    let (end, tail) = tail(Some(9));
    let mut even = tail.watch(true);
    end.send_replace(20);
    even.changed().await.unwrap();
    let step = tail
        .after(&true, Some(9), 2, |number| number % 2 == 0)
        .unwrap();
    assert_eq!((numbers(&step), step.reached), (vec![10, 12], Some(12)));
}

#[tokio::test]
async fn a_place_before_the_tail_is_to_be_asked_for_elsewhere() {
    let (_end, tail) = tail(Some(9));
    let _even = tail.watch(true);
    assert!(tail.after(&true, Some(8), 100, |_| true).is_none());
    assert!(tail.after(&true, Some(9), 100, |_| true).is_some());
}

#[tokio::test]
async fn a_place_ahead_of_the_tail_waits_there() {
    let (_end, tail) = tail(Some(9));
    let _even = tail.watch(true);
    let step = tail.after(&true, Some(15), 100, |_| true).unwrap();
    assert_eq!((numbers(&step), step.reached), (vec![], Some(15)));
}

#[tokio::test]
async fn more_than_fits_is_dropped_and_only_who_wanted_it_has_missed_it() {
    let (end, tail) = tail(Some(9));
    let (mut even, _odd) = (tail.watch(true), tail.watch(false));
    // 16 MiB hold 16,384 of them; these are dropped but for the newest.
    end.send_replace(100_000);
    even.changed().await.unwrap();
    assert!(tail.after(&true, Some(9), 1, |_| true).is_none());
    let newest = tail.after(&true, Some(99_990), 100, |_| true).unwrap();
    assert_eq!(numbers(&newest), (99_991..100_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_is_asked_when_nobody_follows() {
    let (end, tail) = tail(Some(9));
    drop(tail);
    end.send_replace(20);
    // The task ends with the last subscriber, and with it the receivers.
    end.closed().await;
}
