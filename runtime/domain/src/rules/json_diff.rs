//! Differences between two JSON values, for the audit log and for the review of a promotion.
//!
//! Promises: equal parts are left out; objects are compared member by member, and everything else as a whole, because an index in a list
//! says little.
//!
//! [`bounded`] keeps what is stored small.
//!
//! Must not know: what the values mean. The caller masks secrets first.

use serde_json::{Map, Value, json};

use crate::model::Change;

/// Both values, reduced to what differs: objects to the members that are not equal, recursively. If only one value exists, it is kept
/// whole. Equal values become empty objects.
pub fn changed(before: Option<&Value>, after: Option<&Value>) -> (Option<Value>, Option<Value>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {
            (Some(Value::Object(Map::new())), Some(Value::Object(Map::new())))
        }
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let (before, after) = reduced(before, after);
            (Some(Value::Object(before)), Some(Value::Object(after)))
        }
        (before, after) => (before.cloned(), after.cloned()),
    }
}

fn reduced(before: &Map<String, Value>, after: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut old, mut new) = (Map::new(), Map::new());
    for key in keys(Some(before), Some(after)) {
        let (one, other) = (before.get(key), after.get(key));
        if one == other {
            continue;
        }
        let (one, other) = changed(one, other);
        old.extend(one.map(|value| (key.clone(), value)));
        new.extend(other.map(|value| (key.clone(), value)));
    }
    (old, new)
}

/// The value, if its JSON is at most `max` bytes long. Otherwise large members of objects are replaced by their length, as
/// `{"omittedBytes": 4096}`, and a value that has none by its own.
pub fn bounded(value: Value, max: usize) -> Value {
    let length = value.to_string().len();
    if length <= max {
        return value;
    }
    let omitted = || json!({ "omittedBytes": length });
    let Value::Object(members) = value else { return omitted() };
    let share = max / members.len().max(1);
    let reduced = members.into_iter().map(|(key, value)| {
        // The key with quotes, a colon and a comma.
        let value = bounded(value, share.saturating_sub(key.len() + 4));
        (key, value)
    });
    let reduced = Value::Object(reduced.collect());
    if reduced.to_string().len() <= max { reduced } else { omitted() }
}

/// Every difference, by JSON pointer (RFC 6901): the members of `before` first, then the new ones. An object that was added or removed
/// is listed member by member.
pub fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let mut found = Vec::new();
    collect(String::new(), before, after, &mut found);
    found
}

fn collect(at: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let (one, other) = (before.and_then(Value::as_object), after.and_then(Value::as_object));
    // Go member by member if every existing value is an object. An empty object has no members, so it is listed itself.
    let members = keys(one, other);
    let objects_only = before.is_some() == one.is_some() && after.is_some() == other.is_some();
    if !objects_only || members.is_empty() {
        found.push(Change { field: at, before: before.cloned(), after: after.cloned() });
        return;
    }
    for key in members {
        let member = |of: Option<&'_ Map<String, Value>>| of.and_then(|of| of.get(key)).cloned();
        let (one, other) = (member(one), member(other));
        collect(format!("{at}/{}", escaped(key)), one.as_ref(), other.as_ref(), found);
    }
}

/// The keys of both objects, those of the first one first.
fn keys<'a>(one: Option<&'a Map<String, Value>>, other: Option<&'a Map<String, Value>>) -> Vec<&'a String> {
    let known = |key: &&String| one.is_none_or(|one| !one.contains_key(*key));
    one.into_iter().flat_map(Map::keys).chain(other.into_iter().flat_map(Map::keys).filter(known)).collect()
}

/// A key, escaped for a JSON pointer and never shortened: two long keys must not become one.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_stays() {
        for (before, after, old, new) in [
            (json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3}), json!({"b": 2}), json!({"b": 3})),
            (json!({"a": 1}), json!({"b": 1}), json!({"a": 1}), json!({"b": 1})),
            (
                json!({"limits": {"x": 1, "y": 2}, "z": 0}),
                json!({"limits": {"x": 1, "y": 3}, "z": 0}),
                json!({"limits": {"y": 2}}),
                json!({"limits": {"y": 3}}),
            ),
            (json!({"a": [1, 2]}), json!({"a": [1, 3]}), json!({"a": [1, 2]}), json!({"a": [1, 3]})),
            (json!({"a": {"b": 1}}), json!({"a": 1}), json!({"a": {"b": 1}}), json!({"a": 1})),
            (json!({"a": null}), json!({}), json!({"a": null}), json!({})),
            (json!({"a": 1}), json!({"a": 1}), json!({}), json!({})),
            (json!(1), json!(2), json!(1), json!(2)),
        ] {
            assert_eq!(changed(Some(&before), Some(&after)), (Some(old), Some(new)), "{before} {after}");
        }
        let new = json!({"a": 1});
        assert_eq!(changed(None, Some(&new)), (None, Some(new.clone())));
        assert_eq!(changed(Some(&new), None), (Some(new), None));
        assert_eq!(changed(None, None), (None, None));
    }

    #[test]
    fn large_members_are_omitted() {
        let long = "x".repeat(1000);
        let many: Map<String, Value> = (0..1000).map(|number| (number.to_string(), Value::from(number))).collect();
        for (value, expected) in [
            (json!({"a": 1, "b": "x"}), json!({"a": 1, "b": "x"})),
            (json!({"a": 1, "b": long}), json!({"a": 1, "b": {"omittedBytes": 1002}})),
            (
                json!({"a": {"b": [long], "c": 2}, "d": null}),
                json!({"a": {"b": {"omittedBytes": 1004}, "c": 2}, "d": null}),
            ),
            (json!(long), json!({"omittedBytes": 1002})),
            (json!([1, long]), json!({"omittedBytes": 1006})),
            (json!({long.clone(): 1}), json!({"omittedBytes": 1006})),
            (Value::Object(many), json!({"omittedBytes": 9781})),
        ] {
            assert_eq!(bounded(value, 200), expected);
        }
    }

    fn check(before: Option<Value>, after: Option<Value>, want: &[(&str, Option<Value>, Option<Value>)]) {
        let found: Vec<_> = changes(before.as_ref(), after.as_ref())
            .into_iter()
            .map(|change| (change.field, change.before, change.after))
            .collect();
        let want: Vec<_> = want.iter().map(|(at, one, other)| ((*at).to_owned(), one.clone(), other.clone())).collect();
        assert_eq!(found, want);
    }

    #[test]
    fn differences_by_pointer() {
        check(
            Some(json!({"parameters": {"accountSID": "AC1", "from": "x"}, "same": 1})),
            Some(json!({"parameters": {"accountSID": "AC2", "to": null}, "same": 1})),
            &[
                ("/parameters/accountSID", Some(json!("AC1")), Some(json!("AC2"))),
                ("/parameters/from", Some(json!("x")), None),
                ("/parameters/to", None, Some(Value::Null)),
            ],
        );
        check(
            None,
            Some(json!({"a": {"b": 1, "c": [1]}, "d": {}})),
            &[("/a/b", None, Some(json!(1))), ("/a/c", None, Some(json!([1]))), ("/d", None, Some(json!({})))],
        );
        check(Some(json!({"a": {"b": 1}})), Some(json!({"a": 2})), &[("/a", Some(json!({"b": 1})), Some(json!(2)))]);
        check(Some(json!({"a": {}})), Some(json!({})), &[("/a", Some(json!({})), None)]);
        check(Some(json!({"a/b": {"~": 1}})), None, &[("/a~1b/~0", Some(json!(1)), None)]);
        check(Some(json!(1)), Some(json!(2)), &[("", Some(json!(1)), Some(json!(2)))]);
        check(Some(json!({"a": 1})), Some(json!({"a": 1})), &[]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), (0..3_u8).prop_map(Value::from), Just(json!([1])), Just(json!({}))];
        leaf.prop_recursive(3, 20, 3, |inner| {
            prop::collection::btree_map("[ab/~]{1,2}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
        })
    }

    proptest! {
        /// Each difference is one: what its pointer finds before and after is what it says, and is not equal.
        #[test]
        fn pointers_find_what_they_say(before in value(), after in value()) {
            let found = changes(Some(&before), Some(&after));
            prop_assert_eq!(found.is_empty(), before == after);
            for change in found {
                prop_assert_eq!(before.pointer(&change.field), change.before.as_ref());
                prop_assert_eq!(after.pointer(&change.field), change.after.as_ref());
                prop_assert_ne!(change.before, change.after);
            }
        }

        #[test]
        fn what_is_bounded_is_no_longer_than_that(value in value(), max in 24..80_usize) {
            let found = bounded(value.clone(), max);
            prop_assert!(found.to_string().len() <= max);
            prop_assert_eq!(found == value, value.to_string().len() <= max);
        }

        /// With what differs of two objects, the new one can be made of the old one.
        #[test]
        fn nothing_that_differs_is_lost(before in value(), after in value()) {
            let (before, after) = (json!({"x": before, "y": 1}), json!({"x": after}));
            let (old, new) = changed(Some(&before), Some(&after));
            let mut made = before.clone();
            apply(&mut made, &old.unwrap(), &new.unwrap());
            prop_assert_eq!(made, after);
        }
    }

    fn apply(value: &mut Value, old: &Value, new: &Value) {
        match (value, old, new) {
            (Value::Object(members), Value::Object(old), Value::Object(new)) => {
                members.retain(|key, _| !old.contains_key(key) || new.contains_key(key));
                for (key, new) in new {
                    match (members.get_mut(key), old.get(key)) {
                        (Some(member), Some(old)) => apply(member, old, new),
                        _ => drop(members.insert(key.clone(), new.clone())),
                    }
                }
            }
            (value, _, new) => *value = new.clone(),
        }
    }
}
