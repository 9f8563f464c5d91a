//! Schemas that explode are refused with the bound that they exceed; what connectors need is accepted; and the cost of the worst
//! accepted schema can be measured.

use std::time::Instant;

use super::*;

/// `d0` … `dn`, each containing the next one twice.
fn chain(length: usize, twice: impl Fn(Value) -> Value) -> Value {
    let mut definitions = Map::new();
    for step in 0..length {
        definitions.insert(format!("d{step}"), twice(json!({"$ref": format!("#/$defs/d{}", step + 1)})));
    }
    definitions.insert(format!("d{length}"), json!({"type": "string"}));
    json!({"$ref": "#/$defs/d0", "$defs": definitions})
}

/// A schema nested in itself this many times.
fn nested(times: usize, inner: Value, wrap: impl Fn(Value) -> Value) -> Value {
    (0..times).fold(inner, |schema, _| wrap(schema))
}

fn refusal(schema: &Value) -> String {
    match compile("parameters-schema", &schema.to_string()) {
        Ok(_) => "taken".to_owned(),
        Err(fault) => fault,
    }
}

#[test]
fn schemas_that_explode_are_refused_with_the_bound() {
    let strings = |count: usize| (0..count).map(|number| format!("v{number}")).collect::<Vec<_>>();
    let by_name = |count: usize, schema: Value| -> Value {
        let all: Map<String, Value> = strings(count).into_iter().map(|name| (name, schema.clone())).collect();
        Value::Object(all)
    };
    let table = [
        // References that multiply.
        (chain(8, |next| json!({"allOf": [next, next]})), "more checks of one value than the 1000"),
        (chain(11, |next| json!({"allOf": [next, next]})), "more subschemas than the 4000"),
        (chain(11, |next| json!({"anyOf": [next, next]})), "more subschemas than the 4000"),
        (chain(27, |next| json!({"allOf": [next, next]})), "deeper within each other than the 24"),
        (chain(45, |next| json!({"oneOf": [next, next]})), "deeper within each other than the 24"),
        (chain(2000, |next| next), "deeper within each other than the 24"),
        (chain(11, |next| json!({"if": next, "then": next, "else": next})), "more subschemas than the 4000"),
        (chain(11, |next| json!({"not": next, "dependentSchemas": {"a": next}})), "more subschemas than the 4000"),
        // The same, one level of the instance further down each time: evaluating would be cheap, compiling would not.
        (chain(11, |next| json!({"properties": {"a": next, "b": next}})), "more subschemas than the 4000"),
        (chain(11, |next| json!({"items": next, "contains": next})), "more subschemas than the 4000"),
        (chain(11, |next| json!({"prefixItems": [next, next]})), "more subschemas than the 4000"),
        (
            chain(11, |next| json!({"additionalProperties": next, "propertyNames": next})),
            "more subschemas than the 4000",
        ),
        // A definition that has already been computed, further down.
        (
            json!({
                "allOf": [
                    {"$ref": "#/$defs/a"},
                    nested(16, json!({"$ref": "#/$defs/a"}), |inner| json!({"not": inner})),
                ],
                "$defs": {"a": nested(12, json!({"type": "string"}), |inner| json!({"not": inner}))},
            }),
            "deeper within each other than the 24",
        ),
        // Recursive references.
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}), "`#/$defs/a` back to itself"),
        (
            json!({"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
            "back to itself",
        ),
        (json!({"properties": {"a": {"$ref": "#"}}}), "`$ref` that is not `#/$defs/NAME`"),
        // References to other places.
        (json!({"$ref": "https://evil.test/schema"}), "`$ref` that is not `#/$defs/NAME`"),
        (json!({"$ref": "file:///etc/passwd"}), "`$ref` that is not `#/$defs/NAME`"),
        (json!({"$ref": "#/properties/a"}), "`$ref` that is not `#/$defs/NAME`"),
        (json!({"$ref": "#/$defs/a%2Fb", "$defs": {"a/b": {}}}), "`$ref` that is not `#/$defs/NAME`"),
        (json!({"$ref": "#/$defs/a/items", "$defs": {"a": {"items": {}}}}), "`$ref` that is not `#/$defs/NAME`"),
        (json!({"$ref": ["#/$defs/a"]}), "`$ref` that is not `#/$defs/NAME`"),
        (json!({"$ref": "#/$defs/a"}), "`#/$defs/a`, which is not there"),
        (json!({"$dynamicRef": "#a", "$dynamicAnchor": "a"}), "uses `$dynamic"),
        (json!({"$recursiveRef": "#"}), "uses `$recursiveRef`"),
        (json!({"$id": "https://evil.test/", "type": "object"}), "uses `$id`"),
        (json!({"$anchor": "a"}), "uses `$anchor`"),
        (json!({"$schema": "https://evil.test/meta"}), "`$schema` that is not"),
        (json!({"items": {"$schema": "https://json-schema.org/draft/2020-12/schema"}}), "`$schema` that is not"),
        (json!({"items": {"$defs": {}}}), "`$defs` that are not at the top"),
        // Keywords that visit values repeatedly, or whose cost is unknown.
        (json!({"unevaluatedProperties": false}), "uses `unevaluatedProperties`"),
        (json!({"unevaluatedItems": false}), "uses `unevaluatedItems`"),
        (json!({"dependencies": {"a": {}}}), "uses `dependencies`"),
        (json!({"contentSchema": {}}), "uses `contentSchema`"),
        (json!({"whatever": {}}), "uses `whatever`"),
        // Size.
        (json!({"title": "x".repeat(70_000)}), "bytes; 65536 are allowed"),
        (json!({"examples": vec![1; 9000]}), "values; 8000 are allowed"),
        (json!({"default": nested(70, json!(1), |inner| json!([inner]))}), "deeper than the 64 levels"),
        (nested(30, json!({}), |inner| json!({"not": inner})), "deeper within each other than the 24"),
        // Work for one value.
        (json!({"enum": strings(1200)}), "more checks of one value than the 1000"),
        (json!({"properties": {"a": {"anyOf": vec![json!({"enum": strings(100)}); 11]}}}), "more checks of one value"),
        (
            json!({"additionalProperties": {"allOf": vec![json!({"uniqueItems": true}); 60]}}),
            "more checks of one value",
        ),
        (json!({"items": {"allOf": vec![json!({"multipleOf": 0.001}); 60]}}), "more checks of one value"),
        (json!({"patternProperties": by_name(64, json!({"enum": strings(20)}))}), "more checks of one value"),
        (json!({"propertyNames": {"enum": strings(1200)}}), "more checks of one value"),
        (json!({"required": strings(1200)}), "more checks of one value"),
        (json!({"dependentRequired": {"a": strings(1200)}}), "more checks of one value"),
        // Patterns.
        (
            json!({"allOf": vec![json!({"pattern": "(a|b){9}"}); 9]}),
            "more KiB of compiled patterns for one value than the 32",
        ),
        (json!({"allOf": vec![json!({"pattern": "(a|b){200}"}); 3]}), "more KiB of compiled patterns for one value"),
        (json!({"patternProperties": by_name(17, json!({}))}), "more KiB of compiled patterns for one value"),
        (json!({"patternProperties": {"^a": {"allOf": vec![json!({"pattern": "a"}); 8]}}}), "more KiB of compiled"),
        (json!({"propertyNames": {"allOf": vec![json!({"pattern": "a"}); 9]}}), "more KiB of compiled"),
        (json!({"properties": by_name(65, json!({"pattern": "a"}))}), "more than the 64 patterns"),
        (json!({"pattern": "a".repeat(300)}), "a pattern of 300 bytes; 256 are allowed"),
        (json!({"pattern": "^(a+)+\\1$"}), "looks ahead or back"),
        (json!({"pattern": "^(?=.*a)(?!b).*$"}), "looks ahead or back"),
        (json!({"pattern": "((a{1000}){1000}){1000}"}), "comes to more than 32 KiB"),
        (json!({"patternProperties": {"(\\p{L}{100}){100}": true}}), "comes to more than 32 KiB"),
        // A secret that would not be sealed.
        (json!({"allOf": [{"properties": {"a": {"writeOnly": true}}}]}), "`writeOnly` that is not directly"),
        (
            json!({"properties": {"a": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"writeOnly": true}}}),
            "`writeOnly` that is not",
        ),
        // Invalid structures.
        (json!({"properties": {"a": 7}}), "where a schema is expected"),
        (json!({"allOf": {"a": {}}}), "`allOf` that is not a list"),
        (json!({"properties": []}), "`properties` that is not an object"),
        (json!(7), "where a schema is expected"),
        (json!({"type": 7}), "is not a JSON Schema"),
    ];
    for (schema, bound) in table {
        let said = refusal(&schema);
        let schema = crate::text::one_line(&schema.to_string(), 200);
        assert!(
            said.starts_with("`parameters-schema` ") && said.contains(bound),
            "{schema}\nsays: {said}\nwanted: {bound}"
        );
        assert!(said.len() < 1000, "{schema}: {} bytes", said.len());
    }
}

#[test]
fn text_that_is_no_json_is_refused() {
    for text in ["", "{", "nul", &"[".repeat(100_000), &format!("{}1{}", "[".repeat(200), "]".repeat(200))] {
        assert!(compile("template-schema", text).is_err());
    }
}

#[test]
fn what_connectors_need_is_taken() {
    let countries: Vec<Value> = (0..249).map(|number| json!({"const": number, "title": "A country"})).collect();
    let table = [
        (json!(true), json!("anything"), None),
        (json!({}), json!({"a": [1, {"b": null}]}), None),
        (
            json!({"properties": {"a": {"$ref": "#/$defs/id"}, "b": {"$ref": "#/$defs/id"}}, "$defs": {"id": {"pattern": "^[a-z]{1,64}$"}}}),
            json!({"a": "abc", "b": "d"}),
            Some(json!({"a": "abc", "b": "D"})),
        ),
        (chain(7, |next| json!({"allOf": [next, next]})), json!("a"), Some(json!(1))),
        (
            json!({"properties": {"country": {"oneOf": countries}}}),
            json!({"country": 7}),
            Some(json!({"country": 700})),
        ),
        (
            json!({"patternProperties": {"^x-": {"maxLength": 3}}, "additionalProperties": false}),
            json!({"x-a": "abc"}),
            Some(json!({"y": "abc"})),
        ),
        (
            json!({"items": {"enum": ["a", "b"]}, "uniqueItems": true, "contains": {"const": "a"}, "maxContains": 1}),
            json!(["a", "b"]),
            Some(json!(["a", "a"])),
        ),
        (json!({"pattern": "^[^\\s:@]+@[^\\s:@]+\\.[^\\s:@]+$"}), json!("ö@bücher.example"), Some(json!("a@b"))),
        (json!({"pattern": "^\\p{L}{1,11}$", "x-form": {"any": ["thing"]}}), json!("Käse"), Some(json!("1"))),
    ];
    for (schema, fits, does_not) in table {
        let (_, compiled) = compile("template-schema", &schema.to_string()).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(compiled.is_valid(&fits), "{schema} takes {fits}");
        assert!(does_not.is_none_or(|value| !compiled.is_valid(&value)), "{schema}");
    }
}

#[test]
fn a_value_is_bounded_before_it_meets_a_schema() {
    let table = [
        (json!({"a": "x".repeat(30_000)}), None),
        (json!({"a": "x".repeat(70_000)}), Some("more than the 32768 bytes")),
        (json!({"x".repeat(70_000): 1}), Some("more than the 32768 bytes")),
        (json!(vec![1; VALUES - 1]), None),
        (json!(vec![1; VALUES]), Some("more than the 256 values")),
        (nested(VALUE_NESTING, json!(1), |inner| json!([inner])), None),
        (nested(VALUE_NESTING + 1, json!(1), |inner| json!([inner])), Some("deeper than the 8 levels")),
        (nested(100_000, json!(1), |inner| Value::Array(vec![inner])), Some("deeper than the 8 levels")),
    ];
    for (mut value, bound) in table {
        let said = check_value(&value);
        match bound {
            None => assert_eq!(said, Ok(())),
            Some(bound) => assert!(said.clone().is_err_and(|said| said.contains(bound)), "{said:?}, wanted {bound}"),
        }
        // Dropping such a deeply nested value recurses as well.
        while let Value::Array(items) = &mut value
            && let Some(inner) = items.pop()
        {
            value = inner;
        }
    }
}

/// Prints what the worst that is taken costs: `cargo test --release -p sendbox-sandbox worst_accepted -- --ignored --nocapture`.
#[test]
#[ignore = "measures, and asserts nothing about speed"]
fn worst_accepted() {
    let leaves: Vec<Value> = (0..480).map(|number| json!({"const": format!("v{number}")})).collect();
    let of = |count: usize, pattern: &dyn Fn(usize) -> String| -> Vec<Value> {
        (0..count).map(|number| json!({"pattern": pattern(number)})).collect()
    };
    let states = |number| format!("(a|b|c)*a(a|b|c){{{}}}[x{number}]", 180);
    let classes = |number| format!("^([^\\s{number}]*[^\\sé]){{2}}[^b]\\u0001$");
    let nested_one_of = nested(20, json!({"anyOf": leaves}), |inner| json!({"oneOf": [inner]}));
    let text = format!("{}x", "a".repeat(4000));
    let strings: Vec<Value> = (0..8).map(|_| json!(text)).collect();
    let numbers: Vec<Value> = (0..255).map(Value::from).collect();
    let cases = [
        ("anyOf, nothing fits", json!({"items": {"anyOf": leaves}}), json!(numbers)),
        ("oneOf within oneOf", json!({"items": nested_one_of}), json!(numbers)),
        ("patterns that double states", json!({"items": {"allOf": of(1, &states)}}), json!(strings)),
        ("patterns of large classes", json!({"items": {"allOf": of(3, &classes)}}), json!(strings)),
        ("names against patterns", json!({"additionalProperties": {"enum": leaves}}), json!({"a": text})),
        (
            "many patterns to compile",
            {
                let all: Map<String, Value> = (0..64)
                    .map(|n| (format!("p{n}"), json!({"pattern": format!("[^\\p{{L}}{n}]*\\p{{Lu}}{{1,3}}")})))
                    .collect();
                json!({"properties": all})
            },
            json!({"p1": text}),
        ),
    ];
    let say = |line: String| std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{line}\n")).unwrap();
    for (name, schema, value) in cases {
        let start = Instant::now();
        let compiled = compile("parameters-schema", &schema.to_string());
        let compiling = start.elapsed();
        let (_, compiled) = match compiled {
            Ok(compiled) => compiled,
            Err(fault) => {
                say(format!("{name}: refused in {compiling:?}: {fault}"));
                continue;
            }
        };
        check_value(&value).unwrap_or_else(|bound| panic!("{name}: {bound}"));
        let start = Instant::now();
        let faults = compiled.iter_errors(&value).take(64).map(|error| error.masked().to_string().len()).sum::<usize>();
        say(format!("{name}: compiled in {compiling:?}, checked in {:?} ({faults} bytes of faults)", start.elapsed()));
    }
}
