//! When messages first came that a broker sends again after a connection has ended.
//!
//! The time of receipt is part of what a message without a time of its own says: it must not change
//! because it is delivered again.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use rumqttc::v5::mqttbytes::v5::Publish;
use sha2::{Digest, Sha256};

use super::RECEIVE_MAXIMUM;

/// What a message is known by when it comes again: the hash of its topic and bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; 32]);

impl Name {
    pub(super) fn of(topic: &[u8], payload: &[u8]) -> Self {
        let mut hash = Sha256::new();
        // A topic's length fits: MQTT gives it two bytes.
        hash.update(topic.len().to_be_bytes());
        hash.update(topic);
        hash.update(payload);
        Self(hash.finalize().into())
    }
}

/// A message that has been taken and not been acknowledged.
pub(super) struct Taken {
    /// Its packet id, to acknowledge it by; without its bytes.
    pub(super) publish: Publish,
    pub(super) name: Name,
    pub(super) at: DateTime<Utc>,
}

/// What earlier connections did not acknowledge and this one has not brought again.
#[derive(Debug, Default)]
pub(super) struct Again(HashMap<Name, VecDeque<DateTime<Utc>>>);

impl Again {
    /// A new connection. A broker that has not `resumed` our session sends nothing again.
    pub(super) fn begin(&mut self, unacknowledged: impl Iterator<Item = Taken>, resumed: bool) {
        // So many it can have under way; if there are more it has lost some of them.
        if !resumed || self.0.len() > usize::from(RECEIVE_MAXIMUM) {
            self.0.clear();
        }
        for Taken { name, at, .. } in unacknowledged.filter(|_| resumed) {
            self.0.entry(name).or_default().push_back(at);
        }
    }

    /// When this message came before, if the broker says that it did (`dup`).
    pub(super) fn first_came(&mut self, name: &Name, dup: bool) -> Option<DateTime<Utc>> {
        let times = self.0.get_mut(name).filter(|_| dup)?;
        let at = times.pop_front();
        if times.is_empty() {
            self.0.remove(name);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use rumqttc::v5::mqttbytes::QoS;

    use super::*;

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(number)
    }

    fn taken(payload: &str, at: i64) -> Taken {
        Taken {
            publish: Publish::new("t", QoS::AtLeastOnce, "", None),
            name: Name::of(b"t", payload.as_bytes()),
            at: second(at),
        }
    }

    #[test]
    fn a_message_that_comes_again_has_the_time_when_it_came_first_and_a_new_one_like_it_has_not() {
        let mut again = Again::default();
        again.begin(
            [taken("1", 1), taken("1", 2), taken("2", 3)].into_iter(),
            true,
        );
        let (one, two) = (taken("1", 0).name, taken("2", 0).name);
        assert_eq!(again.first_came(&one, false), None);
        assert_eq!(again.first_came(&one, true), Some(second(1)));
        // The next connection ends before the others have come.
        again.begin([taken("1", 1)].into_iter(), true);
        assert_eq!(again.first_came(&one, true), Some(second(2)));
        assert_eq!(again.first_came(&one, true), Some(second(1)));
        assert_eq!(again.first_came(&one, true), None);
        assert_eq!(again.first_came(&two, true), Some(second(3)));
    }

    #[test]
    fn nothing_comes_again_from_a_broker_that_has_forgotten_our_session() {
        let mut again = Again::default();
        again.begin([taken("1", 1)].into_iter(), false);
        assert_eq!(again.first_came(&taken("1", 0).name, true), None);
    }
}
