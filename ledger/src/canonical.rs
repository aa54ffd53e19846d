//! RFC 8785 canonical JSON of what is nearly canonical already.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

/// Largest integer that RFC 8785 writes as it is: beyond it numbers are rounded to a double.
const MAX_SAFE: u64 = 1 << 53;

/// The canonical JSON (RFC 8785) of `value`, byte for byte what `serde_json_canonicalizer` writes.
///
/// Texts, whole numbers and objects with ASCII keys, which is all that events and commands hold, are
/// written in one pass, in which only members that do not stand in order are moved. Whatever else there is (other numbers, other keys) is left to that library, which
/// knows all of RFC 8785. A number that is not finite is `null`, as `serde_json` has it.
///
/// # Errors
/// If `value` cannot be written as JSON, or an object has a key twice.
pub fn canonical_json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(256);
    let formatter = InOrder {
        out: &mut bytes,
        objects: Vec::new(),
        scratch: Vec::new(),
    };
    let mut serializer = Serializer::with_formatter(io::sink(), formatter);
    match value.serialize(&mut serializer) {
        Ok(()) => Ok(bytes),
        Err(_) => serde_json_canonicalizer::to_vec(value),
    }
}

/// Writes to `out`, where members can still be moved, and nothing to `serde_json`'s writer.
struct InOrder<'a> {
    out: &'a mut Vec<u8>,
    /// Those that are open, the innermost last.
    objects: Vec<Object>,
    scratch: Vec<u8>,
}

#[derive(Default)]
struct Object {
    members: Vec<Member>,
}

/// Where a member stands in `out`.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    /// Behind the key's quotation mark.
    key_end: usize,
    end: usize,
}

/// What this writer leaves to the library.
fn left_to_the_library() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

impl InOrder<'_> {
    fn object(&mut self) -> io::Result<&mut Object> {
        self.objects.last_mut().ok_or_else(left_to_the_library)
    }

    /// The text between the quotation marks.
    fn key(&self, member: Member) -> &[u8] {
        &self.out[member.start + 1..member.key_end - 1]
    }

    /// Moves the members of an object into the order of their keys, which is that of their bytes
    /// while all are ASCII. A key that is there twice is left to the library, which refuses it.
    fn sort(&mut self, mut members: Vec<Member>) -> io::Result<()> {
        let ascending = |pair: &[Member]| self.key(pair[0]) < self.key(pair[1]);
        if members.windows(2).all(ascending) {
            return Ok(());
        }
        let start = members[0].start;
        members.sort_by(|a, b| self.key(*a).cmp(self.key(*b)));
        if !members.windows(2).all(ascending) {
            return Err(left_to_the_library());
        }
        self.scratch.clear();
        for (at, member) in members.iter().enumerate() {
            if at > 0 {
                self.scratch.push(b',');
            }
            self.scratch
                .extend_from_slice(&self.out[member.start..member.end]);
        }
        self.out.truncate(start);
        self.out.extend_from_slice(&self.scratch);
        Ok(())
    }
}

/// Methods of [`Formatter`] that write as [`CompactFormatter`] does, to `out`.
macro_rules! compact {
    ($($method:ident($($argument:ident: $type:ty)?);)+) => {$(
        fn $method<W: ?Sized + Write>(&mut self, _: &mut W $(, $argument: $type)?) -> io::Result<()> {
            CompactFormatter.$method(self.out $(, $argument)?)
        }
    )+};
}

impl Formatter for InOrder<'_> {
    compact! {
        write_null();
        write_bool(value: bool);
        write_i8(value: i8);
        write_i16(value: i16);
        write_i32(value: i32);
        write_u8(value: u8);
        write_u16(value: u16);
        write_u32(value: u32);
        begin_string();
        end_string();
        write_string_fragment(fragment: &str);
        write_char_escape(escape: CharEscape);
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object_value();
    }

    fn write_i64<W: ?Sized + Write>(&mut self, _: &mut W, value: i64) -> io::Result<()> {
        if value.unsigned_abs() > MAX_SAFE {
            return Err(left_to_the_library());
        }
        CompactFormatter.write_i64(self.out, value)
    }

    fn write_u64<W: ?Sized + Write>(&mut self, _: &mut W, value: u64) -> io::Result<()> {
        if value > MAX_SAFE {
            return Err(left_to_the_library());
        }
        CompactFormatter.write_u64(self.out, value)
    }

    fn write_i128<W: ?Sized + Write>(&mut self, _: &mut W, _: i128) -> io::Result<()> {
        Err(left_to_the_library())
    }

    fn write_u128<W: ?Sized + Write>(&mut self, _: &mut W, _: u128) -> io::Result<()> {
        Err(left_to_the_library())
    }

    fn write_f32<W: ?Sized + Write>(&mut self, _: &mut W, _: f32) -> io::Result<()> {
        Err(left_to_the_library())
    }

    fn write_f64<W: ?Sized + Write>(&mut self, _: &mut W, _: f64) -> io::Result<()> {
        Err(left_to_the_library())
    }

    fn write_number_str<W: ?Sized + Write>(&mut self, _: &mut W, _: &str) -> io::Result<()> {
        Err(left_to_the_library())
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, _: &mut W, _: &str) -> io::Result<()> {
        Err(left_to_the_library())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.out.push(b'{');
        self.objects.push(Object::default());
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.out.push(b',');
        }
        let start = self.out.len();
        self.object()?.members.push(Member {
            start,
            key_end: start,
            end: start,
        });
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let key_end = self.out.len();
        let member = self.object()?.members.last_mut();
        let member = member.ok_or_else(left_to_the_library)?;
        member.key_end = key_end;
        let member = *member;
        let key = self.key(member);
        if !key.is_ascii() || key.contains(&b'\\') {
            return Err(left_to_the_library());
        }
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let end = self.out.len();
        if let Some(member) = self.object()?.members.last_mut() {
            member.end = end;
        }
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let object = self.objects.pop().ok_or_else(left_to_the_library)?;
        self.sort(object.members)?;
        self.out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Tuple(u8, Option<&'static str>),
        Struct {
            zebra: i64,
            apple: (),
            middle: [u8; 3],
        },
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let key = prop_oneof![3 => "[a-f !]{0,4}", 1 => any::<String>()];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1000_i64..1000).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x7f\"\\\\]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, move |inner| {
            let members = prop::collection::vec((key.clone(), inner.clone()), 0..6);
            let object = |members: Vec<(String, Value)>| Value::from_iter(members);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                members.prop_map(object),
            ]
        })
    }

    /// Members in any order, as a struct's fields are.
    #[derive(Debug)]
    struct Unordered(Vec<(String, Value)>);

    impl Serialize for Unordered {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }

    proptest! {
        #[test]
        fn it_is_byte_for_byte_what_the_library_writes(value in any_json()) {
            prop_assert_eq!(
                canonical_json(&value).unwrap(),
                serde_json_canonicalizer::to_vec(&value).unwrap()
            );
        }

        #[test]
        fn members_in_whatever_order_are_sorted_or_refused_as_by_the_library(
            members in prop::collection::vec(("[a-c!\"é\u{1F600}\u{FFFD}]{0,3}", any_json()), 0..8)
        ) {
            let value = Unordered(members);
            let library = serde_json_canonicalizer::to_vec(&value).map_err(|e| e.to_string());
            prop_assert_eq!(canonical_json(&value).map_err(|e| e.to_string()), library);
        }
    }

    #[test]
    fn shapes_of_rust_are_written_as_the_library_writes_them() {
        let shapes = [
            Shape::Unit,
            Shape::Tuple(255, Some("\u{7f}\u{1f}/\"")),
            Shape::Tuple(0, None),
            Shape::Struct {
                zebra: -(1 << 53),
                apple: (),
                middle: [0, 1, 255],
            },
        ];
        for shape in shapes {
            let library = serde_json_canonicalizer::to_vec(&shape).unwrap();
            assert_eq!(canonical_json(&shape).unwrap(), library);
        }
    }

    #[test]
    fn numbers_at_the_border_are_rounded_as_doubles_are() {
        for number in [MAX_SAFE - 1, MAX_SAFE, MAX_SAFE + 1, u64::MAX] {
            let library = serde_json_canonicalizer::to_vec(&number).unwrap();
            assert_eq!(canonical_json(&number).unwrap(), library);
        }
        let empty = json!({"z": Map::new(), "a": [{"k": 1.5}, -0.0, 1e21]});
        let library = serde_json_canonicalizer::to_vec(&empty).unwrap();
        assert_eq!(canonical_json(&empty).unwrap(), library);
    }
}
