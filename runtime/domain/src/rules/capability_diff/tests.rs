use sendbox_policy::Manifest;
use serde_json::{Value, json};

use super::connection::{Resolved, StoredNames};
use super::*;

/// The number in one form field, the text in another.
fn places(recipient: &str) -> Value {
    json!({ "recipient_format": "e164", "recipient": [{ "form": recipient }], "content": [{ "form": "Body" }] })
}

fn description(change: impl FnOnce(&mut Value)) -> Description {
    let mut value = json!({
        "id": "acme-sms", "version": "1.0.0", "name": "Acme", "description": "Sends.",
        "texts": { "readme": "a1", "logo": "b1", "templateSchema": null },
        "manifest": { "hosts": [{
            "origin": "https://api.acme.test", "methods": ["POST"], "path_prefix": "/v1", "message": places("To"),
            "secrets": [{ "key": "token", "usage": "sent" }], "purpose": "Sends.",
        }] },
        "reveals": false, "readsReports": false, "content": "text",
        "parametersSchema": {
            "properties": { "token": { "type": "string", "writeOnly": true }, "from": { "type": "string" } },
            "required": ["token"],
        },
        "secrets": ["token"], "usages": ["generic", "sign-in"], "locales": [], "idempotent": false,
        "shape": {
            "bytes": 1, "imports": [], "exports": [], "modules": 1, "memories": 1, "initialMemory": 1, "tables": 1,
            "customSections": 0, "customBytes": 0,
            "functions": 1,
        },
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn set(at: &'static str, to: Value) -> impl FnOnce(&mut Value) {
    move |value| {
        let (parent, name) = at.rsplit_once('/').unwrap();
        value.pointer_mut(parent).unwrap()[name] = to;
    }
}

/// The parameter `from` of the example with an additional keyword.
fn from_has(keyword: &'static str, to: Value) -> impl FnOnce(&mut Value) {
    move |value| value["parametersSchema"]["properties"]["from"][keyword] = to
}

fn all(difference: &CapabilityDiff) -> impl Iterator<Item = &Difference> {
    difference.wider.iter().chain(&difference.narrower).chain(&difference.other)
}

/// Each value of a difference, and each entry of a list, occurs in its sentence.
fn assert_said(line: &Difference) {
    let Difference { message: text, values, .. } = line;
    let content = |value: &str| ["text", "template", "variables"].contains(&value);
    let said = |value: &String| content(value) || value.split(", ").all(|part| text.contains(part));
    assert!(values.values().all(said), "{text}: {values:?}");
}

#[test]
fn what_differs_in_words() {
    let base = description(|_| {});
    for (new, reach, line) in [
        (description(|_| {}), Reach::Equal, "the author's version is still `1.0.0`, though the file differs"),
        (
            description(set("/manifest/hosts/0/path_prefix", json!("/"))),
            Reach::Wider,
            "new paths: POST https://api.acme.test/",
        ),
        (
            description(set("/manifest/hosts/0/message", places("Recipient"))),
            Reach::Wider,
            "new places: at https://api.acme.test/v1 (POST), the number (e164) goes into the form field `Recipient`",
        ),
        (description(set("/reveals", json!(true))), Reach::Wider, "new: it can read what is sealed"),
        (description(set("/manifest/hosts/0/secrets", json!([]))), Reach::Narrower, "no longer: the secret `token`"),
        (description(set("/version", json!("2.0.0"))), Reach::Equal, "the author's version: 1.0.0 → 2.0.0"),
        (
            description(set("/parametersSchema/required", json!(["token", "from"]))),
            Reach::Equal,
            "parameter `from` must be given now",
        ),
        (
            description(set("/parametersSchema/required", json!([]))),
            Reach::Equal,
            "parameter `token` need not be given any more",
        ),
        (
            description(set(
                "/parametersSchema/properties",
                json!({ "token": { "type": "string", "writeOnly": true } }),
            )),
            Reach::Equal,
            "parameter `from` is gone",
        ),
        (
            description(set("/content", json!("template"))),
            Reach::Equal,
            "it takes the provider's templates instead of texts",
        ),
        (
            description(set("/usages", json!(["generic"]))),
            Reach::Equal,
            "usages that it supports, no longer: `sign-in`",
        ),
        (description(set("/idempotent", json!(true))), Reach::Equal, "new: a repeated key"),
        // What people read.
        (
            description(set("/name", json!("Twilio (official)"))),
            Reach::Wider,
            "it is called “Twilio (official)”, and no longer “Acme”",
        ),
        (
            description(set("/name", json!("Acm\u{202e}e\n"))),
            Reach::Wider,
            "it is called “Acm\\u{202e}e\\u{a}”, and no longer “Acme”",
        ),
        (
            description(set("/description", json!("Sends for you."))),
            Reach::Wider,
            "it describes itself as “Sends for you.”, and no longer “Sends.”",
        ),
        (description(set("/texts/readme", json!("a2"))), Reach::Wider, "its README is another one"),
        (description(set("/texts/logo", json!("b2"))), Reach::Wider, "its logo is another one"),
        (description(set("/texts/logo", Value::Null)), Reach::Wider, "its logo is another one"),
        (
            description(set("/manifest/hosts/0/purpose", json!("Enter your key."))),
            Reach::Wider,
            "what https://api.acme.test/v1 is for: “Enter your key.”, and no longer “Sends.”",
        ),
        (description(set("/texts/templateSchema", json!("c"))), Reach::Equal, "templates are described otherwise"),
        // Secrets, and automatic values.
        (
            description(|value| {
                value["parametersSchema"]["properties"]["token"] = json!({ "type": "string" });
                value["secrets"] = json!([]);
                value["manifest"]["hosts"][0]["secrets"] = json!([]);
            }),
            Reach::Wider,
            "the secret `token` would be handed over in clear",
        ),
        (description(from_has("default", json!("Acme"))), Reach::Equal, "the default of `from`, new: `Acme`"),
        (
            description(set("/parametersSchema/properties/to", json!({ "default": 7 }))),
            Reach::Equal,
            "the default of `to`, new: `7`",
        ),
        (
            description(from_has("x-form", json!({ "fill": "report-address" }))),
            Reach::Wider,
            "new: Sendbox fills `from` in by itself, with `report-address`",
        ),
        (
            description(set("/parametersSchema/properties/to", json!({ "x-form": { "fill": "report-address" } }))),
            Reach::Wider,
            "new: Sendbox fills `to` in by itself, with `report-address`",
        ),
        // The keyword matters.
        (
            description(from_has("type", json!("integer"))),
            Reach::Equal,
            "parameter `from` is described otherwise: `type`",
        ),
        (
            description(|value| {
                from_has("pattern", json!("^a"))(value);
                from_has("examples", json!(["a"]))(value);
                from_has("x-form", json!({ "order": 1 }))(value);
            }),
            Reach::Equal,
            "parameter `from` is described otherwise: `examples`, `pattern`, `x-form`",
        ),
        (description(from_has("enum", json!(["a"]))), Reach::Equal, "parameter `from` is described otherwise: `enum`"),
        (
            description(set("/parametersSchema/properties/from", json!(false))),
            Reach::Equal,
            "parameter `from` is described otherwise: `schema`, `type`",
        ),
        (
            description(set("/parametersSchema/$defs", json!({ "a": {} }))),
            Reach::Equal,
            "the schema of the parameters differs: `$defs`",
        ),
        (
            description(set("/parametersSchema/required", json!(["token", "unheard-of"]))),
            Reach::Equal,
            "the schema of the parameters differs: `required`",
        ),
    ] {
        let difference = CapabilityDiff::between(&base, &new);
        all(&difference).for_each(assert_said);
        let lines: Vec<&Difference> = all(&difference).collect();
        assert_eq!(difference.reach, reach, "{lines:?}");
        assert!(lines.iter().any(|found| found.message.starts_with(line)), "{line}: {lines:?}");
    }
}

/// Each case above has exactly one difference; nothing is reported for equal versions.
#[test]
fn what_is_the_same_has_no_line() {
    let (base, next) = (description(|_| {}), description(set("/version", json!("2"))));
    let difference = CapabilityDiff::between(&base, &next);
    let codes: Vec<DifferenceCode> = all(&difference).map(|line| line.code).collect();
    assert_eq!(codes, [DifferenceCode::Version]);
    // The order of names has no meaning.
    let both = |names: Value| description(set("/parametersSchema/required", names));
    let difference = CapabilityDiff::between(&both(json!(["from", "token"])), &both(json!(["token", "from"])));
    assert!(all(&difference).all(|line| line.code == DifferenceCode::VersionSame), "{difference:?}");
}

/// Two hosts must not swap their purposes.
#[test]
fn purposes_belong_to_their_hosts() {
    let hosts = |get: &str, post: &str| {
        let host = |method: &str, purpose: &str| json!({ "origin": "https://api.acme.test", "methods": [method], "path_prefix": "/v1", "purpose": purpose });
        description(set("/manifest/hosts", json!([host("GET", get), host("POST", post)])))
    };
    let difference = CapabilityDiff::between(&hosts("Reads.", "Sends."), &hosts("Sends.", "Reads."));
    assert_eq!(difference.wider.len(), 2, "{difference:?}");
    assert!(difference.wider.iter().all(|line| line.code == DifferenceCode::Purpose), "{difference:?}");
}

/// What is added in one direction is removed in the other.
#[test]
fn each_line_has_a_code_of_its_own() {
    let old = description(|value| {
        from_has("default", json!("Acme"))(value);
        from_has("x-form", json!({ "fill": "report-address" }))(value);
        value["parametersSchema"]["properties"]["b"] = json!({ "default": 1 });
    });
    let new = description(|value| {
        *value = json!({ "version": "2", "content": "variables", "reveals": true, "readsReports": true,
            "idempotent": true, "locales": ["da"], "usages": ["generic", "mfa-verification"], "secrets": ["from", "key", "pin"],
            "texts": { "readme": "a2", "logo": null, "templateSchema": "c" },
            "parametersSchema": {
                "title": "Parameters",
                "properties": { "token": {}, "from": {}, "key": {}, "pin": {}, "a": {}, "c": {}, "b": { "default": 2 } },
                "required": ["from", "key", "a"],
            },
            "manifest": { "hosts": [
                { "origin": "https://b.acme.test", "methods": ["GET"], "message": places("To"), "purpose": "Reads." },
                {
                    "origin": "https://api.acme.test", "methods": ["GET", "POST"], "path_prefix": "/v1", "purpose": "Sends.",
                    "secrets": [{ "key": "from", "usage": "sent" }, { "key": "key", "usage": "signing-only" }],
                },
                {
                    "origin": "https://api.acme.test", "methods": ["POST"], "path_prefix": "/v2",
                    "message": places("Recipient"), "purpose": "Sends more.",
                },
            ] },
            "id": value["id"], "name": "Acme SMS", "description": "Sends texts.", "shape": value["shape"],
        });
    });
    let mut codes = BTreeSet::new();
    for (one, other) in [(&old, &new), (&new, &old), (&old, &old)] {
        let difference = CapabilityDiff::between(one, other);
        all(&difference).for_each(assert_said);
        codes.extend(all(&difference).map(|line| line.code));
    }
    let (old, new) = (for_connection(&OLD), for_connection(&NEW));
    for (one, other) in [(&old, &new), (&new, &old)] {
        let lines = connection::lines(&stored(), &one.resolved(), &other.resolved());
        lines.iter().for_each(assert_said);
        codes.extend(lines.iter().map(|line| line.code));
    }
    let missing: Vec<String> =
        documented().into_iter().filter(|code| !codes.iter().any(|had| name(*had) == *code)).collect();
    assert_eq!(missing, [""; 0]);
}

fn name(code: DifferenceCode) -> String {
    serde_json::to_value(code).unwrap().as_str().unwrap().to_owned()
}

/// The codes in the schema.
fn documented() -> Vec<String> {
    let schema = serde_json::to_value(<DifferenceCode as utoipa::PartialSchema>::schema()).unwrap();
    let codes = schema["enum"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_print_is_of_what_was_read() {
    let (base, wider) = (description(|_| {}), description(set("/reveals", json!(true))));
    let difference = CapabilityDiff::between(&base, &wider);
    assert_eq!(difference.fingerprint("a", "b"), difference.fingerprint("a", "b"));
    let same = CapabilityDiff::between(&base, &base);
    let mut reworded = difference.clone();
    reworded.wider[0].message = "neu".to_owned();
    assert_eq!(difference.fingerprint("a", "b"), reworded.fingerprint("a", "b"));
    let renamed = |to: &str| CapabilityDiff::between(&base, &description(set("/name", json!(to))));
    for other in [
        difference.fingerprint("a", "c"),
        difference.fingerprint("b", "a"),
        same.fingerprint("a", "b"),
        renamed("Twilio").fingerprint("a", "b"),
    ] {
        assert_ne!(difference.fingerprint("a", "b"), other);
    }
    assert_ne!(renamed("Twilio").fingerprint("a", "b"), renamed("Twilio (official)").fingerprint("a", "b"));
}

/// A version, with the parameters of one connection.
struct OfConnection {
    schema: Value,
    manifest: Manifest,
    filled: Option<&'static str>,
}

/// Origin, prefix, secret and its use; then the properties of the schema; then the parameter that is filled in.
struct Example {
    hosts: &'static [(&'static str, &'static str, bool, &'static str)],
    properties: &'static str,
    filled: Option<&'static str>,
}

const OLD: Example = Example {
    hosts: &[("https://{region}.acme.test", "/v1", true, "signing-only"), ("https://b.acme.test", "", false, "")],
    properties: r#"{ "region": {}, "token": {}, "gone": {}, "sender": { "default": "Acme" }, "label": { "default": "x" } }"#,
    filled: None,
};

const NEW: Example = Example {
    hosts: &[("https://{region}.acme.test", "/v1", true, "sent"), ("https://{region}-eu.acme.test", "", true, "")],
    properties: r#"{
        "region": { "default": "other" }, "token": { "default": "no" }, "sender": { "default": "Evil" },
        "callback": { "x-form": { "fill": "report-address" }, "default": "https://never.test" }
    }"#,
    filled: Some("callback"),
};

fn for_connection(example: &Example) -> OfConnection {
    let hosts: Vec<Value> = example
        .hosts
        .iter()
        .map(|(origin, path_prefix, receives_message, usage)| {
            let secrets = if usage.is_empty() { json!([]) } else { json!([{ "key": "token", "usage": usage }]) };
            let mut host = json!({
                "origin": origin, "methods": ["POST"], "path_prefix": path_prefix, "secrets": secrets, "purpose": "Sends.",
            });
            if *receives_message {
                host["message"] = places("To");
            }
            host
        })
        .collect();
    let properties: Value = serde_json::from_str(example.properties).unwrap();
    OfConnection {
        schema: json!({ "properties": properties }),
        manifest: serde_json::from_value(json!({ "hosts": hosts })).unwrap(),
        filled: example.filled,
    }
}

impl OfConnection {
    fn resolved(&self) -> Resolved<'_> {
        let parameters = [("region".to_owned(), "us1".to_owned())].into();
        Resolved { reach: self.manifest.resolve(&parameters).unwrap(), schema: &self.schema, filled: self.filled }
    }
}

fn stored() -> StoredNames<'static> {
    StoredNames { plain: ["region"].into(), sealed: ["token", "gone"].into() }
}

#[test]
fn what_differs_for_one_connection() {
    let (old, new) = (for_connection(&OLD), for_connection(&NEW));
    let texts: Vec<String> =
        connection::lines(&stored(), &old.resolved(), &new.resolved()).into_iter().map(|line| line.message).collect();
    assert_eq!(
        texts,
        [
            "it would reach: POST https://us1-eu.acme.test, any path",
            "it would not reach any more: POST https://b.acme.test, any path",
            "its messages would go to: POST https://us1-eu.acme.test, any path",
            "its secret `token` would go to: POST https://us1.acme.test/v1",
            "its `label` would not be filled in by default any more: `x`",
            "its `sender` would be filled in by default: `Evil`",
            "the address of its reports would be filled into `callback`",
            "its secret `gone` would not be handed over: the version has no such parameter",
        ]
    );
    assert_eq!(connection::lines(&stored(), &new.resolved(), &new.resolved()), []);
}
