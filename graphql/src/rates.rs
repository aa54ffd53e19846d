//! How much one account may ask for in a time: requests, and what they cost.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextRequest, NextValidation,
};
use async_graphql::{Response, ServerError, ValidationResult, Value, value};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::OnceCell;

use crate::caller::Caller;
use crate::code::Code;

/// Accounts whose spending is remembered before those are forgotten that have all of theirs again.
const REMEMBERED: usize = 10_000;

/// What each account may ask for. Strangers are bounded by their places, and by their addresses.
#[derive(Debug)]
pub(crate) struct Rates {
    requests: DefaultKeyedRateLimiter<String>,
    cost: DefaultKeyedRateLimiter<String>,
    cost_per_minute: NonZeroU32,
    clock: DefaultClock,
}

impl Rates {
    /// So many requests in a second, of which twice as many may come at once, and so much cost in a
    /// minute.
    pub(crate) fn new(requests: NonZeroU32, cost: NonZeroU32) -> Self {
        let at_once = requests.saturating_mul(TWO);
        Self {
            requests: RateLimiter::keyed(Quota::per_second(requests).allow_burst(at_once)),
            cost: RateLimiter::keyed(Quota::per_minute(cost)),
            cost_per_minute: cost,
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// `RATE_LIMITED`, and when there may be another one.
    pub(crate) fn request(&self, caller: &Caller) -> Result<(), ServerError> {
        let Caller::Known(principal) = caller else {
            return Ok(());
        };
        forget(&self.requests);
        self.requests
            .check_key(&principal.actor())
            .map_err(|until| {
                let wait = until.wait_time_from(self.clock.now());
                let message = "this account sends more requests than it may: wait, send fewer, or ask \
                               for more in each";
                later(Code::RateLimited, message, wait)
            })
    }

    /// Counts what an operation costs.
    ///
    /// # Errors
    /// `COST_BUDGET_SPENT`, and when there is enough again.
    fn spend(&self, caller: &Caller, cost: usize) -> Result<(), ServerError> {
        let (Caller::Known(principal), Ok(cost)) = (caller, u32::try_from(cost)) else {
            return Ok(());
        };
        let Some(cost) = NonZeroU32::new(cost) else {
            return Ok(());
        };
        forget(&self.cost);
        let most = self.cost_per_minute;
        match self.cost.check_key_n(&principal.actor(), cost) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.clock.now());
                let message = format!(
                    "this account may ask for a cost of {most} in a minute, and this operation's {cost} \
                     is more than is left: wait, ask for fewer items with `first`, or less often"
                );
                Err(later(Code::BudgetSpent, message, wait))
            }
            Err(_) => Err(Code::LimitExceeded.error(format!(
                "this operation costs {cost}, and an account may ask for {most} in a minute: ask for \
                 fewer items with `first`"
            ))),
        }
    }

    /// Counts what one more item of a subscription costs, and waits until there is enough for it.
    async fn afford(&self, caller: &Caller, cost: usize) {
        let (Caller::Known(principal), Ok(cost)) = (caller, u32::try_from(cost)) else {
            return;
        };
        let Some(cost) = NonZeroU32::new(cost) else {
            return;
        };
        // Who may never afford it was refused when he asked for the first.
        while let Ok(Err(until)) = self.cost.check_key_n(&principal.actor(), cost) {
            tokio::time::sleep(until.wait_time_from(self.clock.now())).await;
        }
    }
}

const TWO: NonZeroU32 = NonZeroU32::new(2).expect("it is not zero");

/// So that accounts of long ago take no memory.
fn forget(rates: &DefaultKeyedRateLimiter<String>) {
    if rates.len() > REMEMBERED {
        rates.retain_recent();
    }
}

/// An error that says when to try again: `Retry-After` over HTTP.
fn later(code: Code, message: impl Into<String>, wait: std::time::Duration) -> ServerError {
    let seconds = wait.as_secs() + 1;
    let mut error = code.error(message);
    if let Some(extensions) = &mut error.extensions {
        extensions.set("retryAfter", Value::from(seconds));
    }
    error
}

/// Counts what each operation costs, by its complexity, and says so in `extensions.cost`. Each item of
/// a subscription costs as much again, and comes when there is enough for it.
#[derive(Debug, Clone)]
pub(crate) struct Costs(pub(crate) Arc<Rates>);

impl ExtensionFactory for Costs {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Bill {
            rates: Arc::clone(&self.0),
            cost: OnceCell::new(),
            begun: AtomicBool::new(false),
        })
    }
}

/// Of one operation.
struct Bill {
    rates: Arc<Rates>,
    cost: OnceCell<usize>,
    /// Whether its answer, or its first item, was asked for: that is paid.
    begun: AtomicBool,
}

#[async_graphql::async_trait::async_trait]
impl Extension for Bill {
    async fn request(&self, context: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let response = next.run(context).await;
        match self.cost.get() {
            Some(cost) => {
                let most = self.rates.cost_per_minute.get();
                response.extension("cost", value!({"spent": *cost, "perMinute": most}))
            }
            None => response,
        }
    }

    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(context).await?;
        if let Some(caller @ Caller::Known(_)) = context.data_opt::<Caller>() {
            let spent = self.rates.spend(caller, result.complexity);
            spent.map_err(|error| vec![error])?;
            // It is set once, because a document is validated once.
            let _ = self.cost.set(result.complexity);
        }
        Ok(result)
    }

    /// Once for a query or mutation, and for each item of a subscription.
    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let paid = !self.begun.swap(true, Ordering::Relaxed);
        if let (false, Some(caller), Some(cost)) =
            (paid, context.data_opt::<Caller>(), self.cost.get())
        {
            self.rates.afford(caller, *cost).await;
        }
        next.run(context, operation_name).await
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::*;
    use sealrock_access::Principal;

    fn caller(name: &str) -> Caller {
        let name = name.parse().unwrap();
        Caller::Known(Principal::Service { name })
    }

    fn rates(requests: u32, cost: u32) -> Rates {
        Rates::new(requests.try_into().unwrap(), cost.try_into().unwrap())
    }

    #[test]
    fn an_account_that_sends_too_much_is_told_when_to_go_on_and_others_are_not_touched() {
        let rates = rates(1, 100);
        let (ada, eve) = (caller("ada"), caller("eve"));
        assert!((0..2).all(|_| rates.request(&eve).is_ok()));
        let refused = serde_json::to_value(rates.request(&eve).unwrap_err()).unwrap();
        assert_eq!(refused["extensions"]["code"], "RATE_LIMITED");
        assert_eq!(refused["extensions"]["retryable"], true);
        assert_eq!(refused["extensions"]["retryAfter"], 1);
        assert!(rates.request(&ada).is_ok());
    }

    #[test]
    fn what_is_spent_comes_back_within_the_minute_and_more_than_a_minutes_is_never_there() {
        let rates = rates(1, 100);
        let eve = caller("eve");
        assert!(rates.spend(&eve, 90).is_ok());
        let refused = serde_json::to_value(rates.spend(&eve, 60).unwrap_err()).unwrap();
        assert_eq!(refused["extensions"]["code"], "COST_BUDGET_SPENT");
        let wait = refused["extensions"]["retryAfter"].as_u64().unwrap();
        assert!((20..=60).contains(&wait), "{wait}");
        let never = serde_json::to_value(rates.spend(&eve, 101).unwrap_err()).unwrap();
        assert_eq!(never["extensions"]["code"], "DOCUMENT_LIMIT_EXCEEDED");
        assert_eq!(never["extensions"]["retryable"], false);
    }
}
