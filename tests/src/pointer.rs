//! Every place in a JSON value, by pointer (RFC 6901), and the value with another one there.

use serde_json::Value;

/// Every place in a value, by JSON pointer, the value itself first.
pub fn places(value: &Value) -> Vec<String> {
    let below = |step: &str, value: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        places(value).into_iter().map(|place| format!("/{step}{place}")).collect::<Vec<_>>()
    };
    let mut found = vec![String::new()];
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                found.extend(below(&index.to_string(), item));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                found.extend(below(name, member));
            }
        }
        _ => {}
    }
    found
}

/// The body with another value at one place.
pub fn with(body: &Value, place: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(place).unwrap() = value;
    body
}
