//! Arithmetic of decimals that refuses to round, and the one place where a measured number becomes
//! an accounted one.

use rust_decimal::{Decimal, RoundingStrategy};

use super::Problem;

/// Rounds a measured number to `places` decimal places, half to even: the only border at which a
/// double becomes an accounted decimal.
///
/// # Errors
/// [`Problem::NotFinite`] or [`Problem::TooLarge`].
pub fn accounted(value: f64, places: u32) -> Result<Decimal, Problem> {
    Ok(rounded(retained(value)?, places))
}

/// The decimal nearest to a double, with all digits that fit.
pub(super) fn retained(value: f64) -> Result<Decimal, Problem> {
    if !value.is_finite() {
        return Err(Problem::NotFinite);
    }
    Decimal::from_f64_retain(value).ok_or(Problem::TooLarge)
}

/// Rounds half to even, as statistics of many figures need it.
pub(super) fn rounded(value: Decimal, places: u32) -> Decimal {
    value
        .round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven)
        .normalize()
}

/// Rounds towards minus infinity: what is credited is never more than what was stored.
pub(super) fn floored(value: Decimal, places: u32) -> Decimal {
    value
        .round_dp_with_strategy(places, RoundingStrategy::ToNegativeInfinity)
        .normalize()
}

/// Rounds towards plus infinity: what is set aside is never less than its share.
pub(super) fn rounded_up(value: Decimal, places: u32) -> Decimal {
    value
        .round_dp_with_strategy(places, RoundingStrategy::ToPositiveInfinity)
        .normalize()
}

/// The sum, to the last digit.
pub(super) fn sum(a: Decimal, b: Decimal) -> Result<Decimal, Problem> {
    let places = a.normalize().scale().max(b.normalize().scale());
    let sum = a.checked_add(b).ok_or(Problem::TooLarge)?;
    // The library drops places that do not fit; an account does not.
    if sum.scale() < places && !sum.is_zero() {
        return Err(Problem::TooFine);
    }
    Ok(sum.normalize())
}

/// The product, to the last digit.
pub(super) fn product(a: Decimal, b: Decimal) -> Result<Decimal, Problem> {
    let (a, b) = (a.normalize(), b.normalize());
    if a.is_zero() || b.is_zero() {
        return Ok(Decimal::ZERO);
    }
    let product = a.checked_mul(b).ok_or(Problem::TooLarge)?;
    if product.scale() < a.scale() + b.scale() {
        return Err(Problem::TooFine);
    }
    Ok(product.normalize())
}

/// The quotient, rounded half to even after `places`: division is where decimals end.
pub(super) fn quotient(a: Decimal, b: Decimal, places: u32) -> Result<Decimal, Problem> {
    if b.is_zero() {
        return Err(Problem::DividedByZero);
    }
    let quotient = a.checked_div(b).ok_or(Problem::TooLarge)?;
    Ok(rounded(quotient, places))
}
