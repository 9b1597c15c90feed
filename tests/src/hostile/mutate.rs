//! Real documents with something wrong in them: fields doubled, dropped, swapped, cut, with numbers at the ends of their
//! ranges and texts that are none; and texts of parameters likewise.

use zhijie_simulation::Dice;

/// Numbers at which something may break: ends of ranges, and just beyond the limits of the road.
const NUMBERS: [i64; 16] = [
    0,
    1,
    -1,
    2,
    99,
    10_000,
    10_001,
    1 << 31,
    i32::MAX as i64,
    i32::MIN as i64,
    10_000_000_001,
    100_000_000_000_001,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
];

/// Texts at which something may break.
const TEXTS: [&str; 20] = [
    "",
    "/",
    "..",
    "0",
    "\0",
    "é",
    "３１0000",
    "310000",
    "341200",
    "990000",
    "H31010000001",
    "H31010099999",
    "M03900",
    "M99999",
    "34120000000000000001",
    "2025-02-30",
    "-9999-01-01",
    "9999-12-31",
    "2025-03",
    "9999-12",
];

/// Nesting that is looked into.
const DEPTH_MAX: usize = 12;

/// A document cut into its fields; what does not read as one stays bytes.
#[derive(Debug, Clone)]
enum Value {
    Number(u64),
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
    Document(Vec<Field>),
}

#[derive(Debug, Clone)]
struct Field {
    tag: u64,
    value: Value,
}

/// One thing wrong in a document, or some; now and then the bytes are wrong as well.
pub fn document(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let Some(mut fields) = cut(bytes, 0) else { return raw(dice, bytes) };
    for _ in 0..dice.between(1, 4) {
        change(dice, &mut fields);
    }
    let changed = joined(&fields);
    if dice.percent(15) { raw(dice, &changed) } else { changed }
}

/// One thing wrong in a text of parameters, or some.
pub fn text(dice: &mut Dice, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..dice.between(1, 4) {
        if lines.is_empty() {
            break;
        }
        let place = dice.place(lines.len());
        match dice.between(0, 5) {
            0 => drop(lines.remove(place)),
            1 => lines.insert(place, lines[place].clone()),
            2 => {
                let other = dice.place(lines.len());
                lines.swap(place, other);
            }
            3 => {
                let bytes = raw(dice, lines[place].as_bytes());
                lines[place] = String::from_utf8_lossy(&bytes).into_owned();
            }
            _ => lines[place] = other_number(dice, &lines[place]),
        }
    }
    lines.join("\n")
}

/// A line with another number in the place of one of its own.
fn other_number(dice: &mut Dice, line: &str) -> String {
    let digits: Vec<(usize, &str)> = line.match_indices(|char: char| char.is_ascii_digit()).collect();
    if digits.is_empty() {
        return line.to_owned();
    }
    let (from, _) = digits[dice.place(digits.len())];
    let rest = &line[from..];
    let end = from + rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    let number = match dice.between(0, 3) {
        0 => NUMBERS[dice.place(NUMBERS.len())].to_string(),
        1 => "0".into(),
        2 => dice.between(0, 100).to_string(),
        _ => dice.between(0, 10_000_000).to_string(),
    };
    [&line[..from], &number, &line[end..]].concat()
}

/// Bytes flipped, cut off, doubled or put in.
fn raw(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = dice.place(bytes.len() + 1);
    match dice.between(0, 3) {
        0 if place < bytes.len() => bytes[place] ^= 1 << dice.between(0, 7),
        1 => bytes.truncate(place),
        2 => bytes.extend_from_within(place..),
        _ => bytes.insert(place, u8::try_from(dice.between(0, 255)).unwrap_or_default()),
    }
    bytes
}

fn change(dice: &mut Dice, fields: &mut Vec<Field>) {
    if fields.is_empty() {
        let tag = dice.between(1, 20) << 3;
        fields.push(Field { tag, value: Value::Number(number(dice)) });
        return;
    }
    let place = dice.place(fields.len());
    // Mostly what lies inside, where there is something.
    if let Value::Document(inner) = &mut fields[place].value
        && dice.percent(75)
    {
        return change(dice, inner);
    }
    match dice.between(0, 7) {
        0 => drop(fields.remove(place)),
        1 => fields.push(fields[place].clone()),
        2 => {
            let other = dice.place(fields.len());
            let value = fields[other].value.clone();
            fields[place].value = value;
        }
        3 => {
            let copies = usize::try_from(dice.between(2, 300)).unwrap_or_default();
            fields.extend(std::iter::repeat_n(fields[place].clone(), copies));
        }
        _ => {
            let field = &mut fields[place];
            let other = match &field.value {
                Value::Number(_) => Value::Number(number(dice)),
                Value::Fixed(bytes) => Value::Fixed(raw(dice, bytes)),
                Value::Bytes(bytes) => Value::Bytes(other_text(dice, bytes)),
                Value::Document(inner) => Value::Bytes(raw(dice, &joined(inner))),
            };
            field.value = other;
        }
    }
}

fn number(dice: &mut Dice) -> u64 {
    if dice.percent(30) { dice.between(0, 40) } else { NUMBERS[dice.place(NUMBERS.len())].cast_unsigned() }
}

fn other_text(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    match dice.between(0, 3) {
        0 => vec![b'x'; usize::try_from(dice.between(1, 2_000)).unwrap_or_default()],
        1 => raw(dice, bytes),
        _ => TEXTS[dice.place(TEXTS.len())].as_bytes().to_vec(),
    }
}

fn cut(mut bytes: &[u8], depth: usize) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        if tag >> 3 == 0 || tag >> 3 > 200 {
            return None;
        }
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => Value::Fixed(bytes.split_off(..8)?.to_vec()),
            5 => Value::Fixed(bytes.split_off(..4)?.to_vec()),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let content = bytes.split_off(..length)?;
                let inner = if depth < DEPTH_MAX && !content.is_empty() { cut(content, depth + 1) } else { None };
                inner.map_or_else(|| Value::Bytes(content.to_vec()), Value::Document)
            }
            _ => return None,
        };
        fields.push(Field { tag, value });
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn joined(fields: &[Field]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Field { tag, value } in fields {
        put(&mut bytes, *tag);
        match value {
            Value::Number(number) => put(&mut bytes, *number),
            Value::Fixed(content) => bytes.extend_from_slice(content),
            Value::Bytes(content) => put_content(&mut bytes, content),
            Value::Document(inner) => put_content(&mut bytes, &joined(inner)),
        }
    }
    bytes
}

fn put_content(bytes: &mut Vec<u8>, content: &[u8]) {
    put(bytes, content.len() as u64);
    bytes.extend_from_slice(content);
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use zhijie_services::pb;

    use super::*;
    use crate::hospital::outpatient;

    #[test]
    fn a_document_is_cut_and_joined_as_it_was_and_changes_are_often_readable() {
        let bytes = outpatient("m1", 400).encode_to_vec();
        assert_eq!(joined(&cut(&bytes, 0).expect("a document")), bytes);
        let mut dice = Dice::new(1);
        let changed: Vec<Vec<u8>> = (0..1_000).map(|_| document(&mut dice, &bytes)).collect();
        let readable = changed.iter().filter(|bytes| pb::SettleAtOnceRequest::decode(&bytes[..]).is_ok()).count();
        assert!((500..1_000).contains(&readable), "{readable}");
        assert!(changed.iter().filter(|changed| **changed != bytes).count() > 900);
    }
}
