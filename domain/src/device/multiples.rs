//! Multiples of one point of Ed25519's curve, kept to multiply it by many numbers.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;

/// Of a point P, `j · 2^(BITS · i) · P` for each digit i of a scalar and j of 1 to `2^(BITS - 1)`.
///
/// A product is then one addition a digit and no doubling. It takes a time that depends on the
/// number, so only public numbers may be multiplied. With `BITS` of 4 the table has 80 KiB, with 8
/// 640 KiB; the products take 64 and 32 additions.
pub(super) struct Multiples<const BITS: usize> {
    points: Box<[EdwardsPoint]>,
}

impl<const BITS: usize> Multiples<BITS> {
    const DIGITS: usize = 256 / BITS;
    const HALF: usize = 1 << (BITS - 1);

    pub(super) fn of(point: EdwardsPoint) -> Self {
        let mut points = Vec::with_capacity(Self::DIGITS * Self::HALF);
        let mut base = point;
        for _ in 0..Self::DIGITS {
            let mut multiple = base;
            points.push(multiple);
            for _ in 1..Self::HALF {
                multiple += base;
                points.push(multiple);
            }
            base = multiple + multiple;
        }
        Self {
            points: points.into_boxed_slice(),
        }
    }

    /// `sum + scalar · P`.
    pub(super) fn add_product(&self, scalar: &Scalar, sum: EdwardsPoint) -> EdwardsPoint {
        let digits = digits::<BITS>(scalar);
        let mut sum = sum;
        // A digit above half of the base counts as one of the next less what is left to it. A
        // scalar is below 2^253, so the last one never is.
        let mut carry = 0;
        for (digit, multiples) in digits.zip(self.points.chunks_exact(Self::HALF)) {
            let digit = digit + carry;
            carry = usize::from(digit > Self::HALF);
            if carry == 0 && digit > 0 {
                sum += &multiples[digit - 1];
            } else if carry == 1 && digit < 2 * Self::HALF {
                sum -= &multiples[2 * Self::HALF - digit - 1];
            }
        }
        sum
    }
}

/// The digits of a scalar to the base `2^BITS`, the lowest first; `BITS` is 4 or 8.
fn digits<const BITS: usize>(scalar: &Scalar) -> impl Iterator<Item = usize> {
    let parts = 8 / BITS;
    scalar.as_bytes().iter().flat_map(move |byte| {
        (0..parts).map(move |part| usize::from(*byte) >> (part * BITS) & ((1 << BITS) - 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
    use curve25519_dalek::traits::Identity;
    use proptest::prelude::*;

    fn products(point: EdwardsPoint, scalar: Scalar) -> [EdwardsPoint; 3] {
        let none = EdwardsPoint::identity();
        [
            Multiples::<4>::of(point).add_product(&scalar, none),
            Multiples::<8>::of(point).add_product(&scalar, none),
            point * scalar,
        ]
    }

    #[test]
    fn the_smallest_and_largest_scalars_give_the_librarys_products() {
        let all_digits = |digit: u8| Scalar::from_bytes_mod_order([digit; 32]);
        for scalar in [0u64, 1, 7, 8, 9, 127, 128, 129, 255, 256]
            .map(Scalar::from)
            .into_iter()
            .flat_map(|scalar| [scalar, -scalar])
            .chain([0x07, 0x08, 0x0f, 0x77, 0x78, 0x80, 0x88, 0xff].map(all_digits))
        {
            let [four, eight, library] = products(ED25519_BASEPOINT_POINT, scalar);
            assert_eq!((four, eight), (library, library), "{scalar:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_product_is_the_librarys(scalar in any::<[u8; 32]>(), of in any::<[u8; 32]>()) {
            let point = ED25519_BASEPOINT_POINT * Scalar::from_bytes_mod_order(of);
            let [four, eight, library] = products(point, Scalar::from_bytes_mod_order(scalar));
            prop_assert_eq!((four, eight), (library, library));
        }
    }
}
