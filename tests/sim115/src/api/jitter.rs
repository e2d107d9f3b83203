//! Types that change from answer to answer (protocol notes, reading part, §0.2 and §12.1).

use serde_json::{Number, Value, json};

use crate::num::mix;

/// Texts that sometimes come as numbers; all others, such as names and hashes, stay texts.
const NUMERIC_TEXTS: [&str; 33] = [
    "cid",
    "pid",
    "fid",
    "aid",
    "s",
    "t",
    "te",
    "tu",
    "tp",
    "to",
    "pt",
    "sh",
    "uid",
    "id",
    "user_id",
    "file_id",
    "file_size",
    "count",
    "folder_count",
    "record_open_time",
    "is_private",
    "file_category",
    "snap_id",
    "share_state",
    "create_time",
    "receive_count",
    "auto_renewal",
    "auto_fill_recvcode",
    "fs",
    "type",
    "dtime",
    "status",
    "category_id",
];

/// Turns about half of the scalars of an answer into the other type they may come as.
pub(crate) fn jitter(value: &mut Value, seed: u64) {
    let mut turn = 0;
    visit("", value, &mut || {
        turn += 1;
        mix(seed, turn)
    });
}

fn visit(key: &str, value: &mut Value, next: &mut impl FnMut() -> u64) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                visit(key, field, next);
            }
        }
        Value::Array(items) => {
            for item in items {
                visit(key, item, next);
            }
        }
        Value::Number(number) => {
            if let Some(changed) = other_than_number(key, number, next()) {
                *value = changed;
            }
        }
        Value::String(text) if NUMERIC_TEXTS.contains(&key) => {
            let whole: Option<u64> = text.parse().ok().filter(|number: &u64| number.to_string() == *text);
            if let Some(number) = whole.filter(|_| next() & 1 == 1) {
                *value = json!(number);
            }
        }
        Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

fn other_than_number(key: &str, number: &Number, draw: u64) -> Option<Value> {
    let code = matches!(key, "errno" | "errNo" | "errcode" | "code");
    match (key, draw % 4) {
        // Sizes of the space are the ones known to come with a fraction.
        ("size", 0) => number.as_f64().and_then(|size| Number::from_f64(size + 0.5)).map(Value::Number),
        // Known as a whole number and as one with a fraction, never as a text.
        ("client", draw) => (draw % 2 == 1).then(|| json!(1.0)),
        (_, 1) if code && number.as_i64() == Some(0) => Some(json!("")),
        (_, 1 | 2) => Some(json!(number.to_string())),
        _ => None,
    }
}

/// Gives `data`, or the one field an answer without `data` is about, a wrong type.
pub(super) fn wrong_type(value: &mut Value) {
    let Value::Object(fields) = value else {
        *value = json!("");
        return;
    };
    let known = ["data", "id", "count", "file_id", "progress"];
    let field = known.into_iter().find(|name| fields.contains_key(*name)).unwrap_or("data");
    let wrong = match fields.get(field) {
        Some(Value::Object(_) | Value::String(_)) | None => json!([]),
        Some(_) => json!({}),
    };
    fields.insert(field.to_owned(), wrong);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_types_come_up_and_names_stay() {
        let original = json!({"cid": "12", "s": 5, "n": "34", "errno": 0, "sha": "56", "state": true});
        let (mut texts, mut numbers) = (0, 0);
        for seed in 0..64 {
            let mut value = original.clone();
            jitter(&mut value, seed);
            assert_eq!(
                (&value["n"], &value["sha"], &value["state"]),
                (&json!("34"), &json!("56"), &json!(true))
            );
            texts += usize::from(value["s"] == json!("5"));
            numbers += usize::from(value["cid"] == json!(12));
        }
        assert!((10..54).contains(&texts) && (10..54).contains(&numbers), "{texts} {numbers}");
    }

    #[test]
    fn wrong_types_replace_the_right_ones() {
        for (mut value, expected) in [
            (json!({"data": [1]}), json!({"data": {}})),
            (json!({"data": "x"}), json!({"data": []})),
            (json!({"id": 5}), json!({"id": {}})),
            (json!({"file_id": "5"}), json!({"file_id": []})),
        ] {
            wrong_type(&mut value);
            assert_eq!(value, expected);
        }
    }
}
