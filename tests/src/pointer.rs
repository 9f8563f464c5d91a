//! All JSON pointers (RFC 6901) into a value, and replacing the value at one of them.

use serde_json::Value;

/// All pointers into a value, beginning with `""`, the value itself.
pub fn pointers(value: &Value) -> Vec<String> {
    let below = |step: &str, value: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        pointers(value).into_iter().map(|pointer| format!("/{step}{pointer}")).collect::<Vec<_>>()
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

/// A copy of the body with `value` at the pointer.
pub fn with(body: &Value, pointer: &str, value: Value) -> Value {
    let mut body = body.clone();
    *body.pointer_mut(pointer).unwrap() = value;
    body
}
