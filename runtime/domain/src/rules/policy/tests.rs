use serde_json::{Value, json};

use super::*;

fn policy(value: Value) -> Policy {
    serde_json::from_value(value).unwrap()
}

fn connections() -> Vec<String> {
    ["main", "spare"].map(str::to_owned).to_vec()
}

fn fields(policy: &Policy) -> Vec<String> {
    match check(policy, &connections()) {
        Ok(()) => Vec::new(),
        Err(FieldErrors(errors)) => errors.into_iter().map(|error| error.field).collect(),
    }
}

#[test]
fn what_a_new_tenant_starts_with_is_within_the_bounds() {
    let development = new_tenant(Environment::Development);
    assert!(development.countries.all);
    assert_eq!((development.limits.tenant_per_day, &development.spend), (500, &None));
    let production = new_tenant(Environment::Production);
    assert_eq!(production, Policy::default());
    assert_eq!(production.limits.tenant_per_day, 10_000);
    assert!(!allows(&production.countries, Some("DK")) && !allows(&production.countries, None));
    assert!(fields(&development).is_empty() && fields(&production).is_empty());
}

#[test]
fn templates_of_notices() {
    let of = |templates: Value| fields(&policy(json!({ "notices": { "templates": templates } })));
    let template = |content: &str| json!({ "usage": "generic", "content": content });
    assert!(
        of(json!([template("Go to {{link}}"), { "usage": "generic", "locale": "da", "content": "Hej" }])).is_empty()
    );
    for (templates, field) in [
        (json!([template("{{code}} is it")]), "/notices/templates/0/content"),
        (json!([template(" ")]), "/notices/templates/0/content"),
        (json!([template(&"a".repeat(8193))]), "/notices/templates/0/content"),
        (json!([{ "usage": "generic", "locale": "d", "content": "Hej" }]), "/notices/templates/0/locale"),
        (json!([template("a"), template("b")]), "/notices/templates/1"),
        (json!((0..101).map(|_| template("a")).collect::<Vec<_>>()), "/notices/templates"),
    ] {
        assert_eq!(of(templates).first().map(String::as_str), Some(field));
    }
}

#[test]
fn each_number_has_its_bounds() {
    for (pointer, least, most) in [
        ("/codes/digits", 6, 10_u64),
        ("/codes/lifetimeSeconds", 60, 600),
        ("/codes/maxTries", 1, 10),
        ("/codes/maxSends", 1, 10),
        ("/limits/numberPerHour", 1, 100),
        ("/limits/numberPerDay", 1, 1000),
        ("/limits/prefixPerHour", 1, 1_000_000),
        ("/limits/ipPerHour", 1, 1_000_000),
        ("/limits/connectionPerMinute", 1, 1_000_000),
        ("/limits/tenantPerMinute", 1, 1_000_000),
        ("/limits/tenantPerDay", 1, 100_000_000),
        ("/limits/cooldownSeconds", 0, 600),
        ("/notices/numberPerDay", 1, 1000),
        ("/notices/tenantPerDay", 1, 100_000_000),
        ("/delivery/maxMessages", 1, 3),
        ("/spend/capPerMonthMicros", 0, 1_000_000_000_000_000),
        ("/spend/pricePerSegmentMicros", 0, 1_000_000_000),
        ("/spend/prices/DK", 0, 1_000_000_000),
    ] {
        let with = |value: u64| {
            let mut whole = serde_json::to_value(Policy::default()).unwrap();
            whole["spend"] = json!({
                "currency": "EUR", "capPerMonthMicros": 1, "pricePerSegmentMicros": 1, "prices": {"DK": 1},
            });
            *whole.pointer_mut(pointer).unwrap() = json!(value);
            fields(&policy(whole))
        };
        assert!(with(least).is_empty() && with(most).is_empty(), "{pointer}");
        assert_eq!(with(most + 1), [pointer]);
        if least > 0 {
            assert_eq!(with(least - 1), [pointer]);
        }
    }
}

#[test]
fn countries_currencies_and_domains_have_their_shape() {
    for (given, want) in [
        (json!({"countries": {"only": ["DK", "001", "ZZ"]}}), None),
        (json!({"countries": {"only": ["dk"]}}), Some("/countries/only")),
        (json!({"countries": {"all": true, "only": ["DNK"]}}), Some("/countries/only")),
        (json!({"countries": {"only": ["Ø"]}}), Some("/countries/only")),
        (json!({"countries": {"only": [""]}}), Some("/countries/only")),
        (json!({"countries": {"only": ["002"]}}), Some("/countries/only")),
        (json!({"originDomain": "example.com"}), None),
        (json!({"originDomain": "https://example.com"}), Some("/originDomain")),
        (json!({"originDomain": ""}), Some("/originDomain")),
        (spend("EUR", "DK"), None),
        (spend("EUR", "001"), None),
        (spend("eur", "DK"), Some("/spend/currency")),
        (spend("EU", "DK"), Some("/spend/currency")),
        (spend("€", "DK"), Some("/spend/currency")),
        (spend("EUR", "a/b"), Some("/spend/prices/a~1b")),
    ] {
        assert_eq!(fields(&policy(given.clone())), want.into_iter().collect::<Vec<_>>(), "{given}");
    }
}

fn spend(currency: &str, country: &str) -> Value {
    json!({"spend": {"currency": currency, "capPerMonthMicros": 1, "pricePerSegmentMicros": 1, "prices": {country: 2}}})
}

#[test]
fn delivery_names_what_is_there() {
    for (given, want) in [
        (json!({"fallbacks": ["main", "spare"], "routes": {"DK": "spare", "001": "main"}}), vec![]),
        (json!({"fallbacks": ["main", "gone"]}), vec!["/delivery/fallbacks/1"]),
        (json!({"fallbacks": ["main", "main"]}), vec!["/delivery/fallbacks/1"]),
        (json!({"routes": {"DK": "gone"}}), vec!["/delivery/routes/DK"]),
        (json!({"routes": {"dk": "main"}}), vec!["/delivery/routes/dk"]),
        (
            json!({"fallbacks": ["main", "spare", "a", "b", "c", "d"]}),
            vec!["/delivery/fallbacks", "/delivery/fallbacks/2", "/delivery/fallbacks/3", "/delivery/fallbacks/4"],
        ),
    ] {
        assert_eq!(fields(&policy(json!({"delivery": given}))), want);
    }
}

#[test]
fn everything_is_named_at_once() {
    let wrong = policy(json!({
        "codes": {"digits": 4, "maxTries": 99},
        "limits": {"numberPerHour": 0},
        "countries": {"only": ["x", "y"]},
        "delivery": {"maxMessages": 9, "fallbacks": ["gone"]},
        "originDomain": "LOCALHOST",
    }));
    let want = [
        "/codes/digits",
        "/codes/maxTries",
        "/limits/numberPerHour",
        "/delivery/maxMessages",
        "/countries/only",
        "/countries/only",
        "/delivery/fallbacks/0",
        "/originDomain",
    ];
    assert_eq!(fields(&wrong), want);
    let Err(errors) = check(&wrong, &[]) else { panic!() };
    assert!(errors.to_string().contains("/codes/digits: is 4; must be from 6 to 10"), "{errors}");
}

#[test]
fn countries_let_in() {
    let only = policy(json!({"countries": {"only": ["DK", "001"]}})).countries;
    assert!(allows(&only, Some("DK")) && allows(&only, None) && !allows(&only, Some("DE")));
    assert!(allows(&new_tenant(Environment::Development).countries, None));
}

#[test]
fn prices() {
    let policy = policy(json!({"spend": {
        "currency": "EUR", "capPerMonthMicros": 1, "pricePerSegmentMicros": 80_000, "prices": {"DK": 40_000, "001": 5},
    }}));
    for (country, segments, want) in [
        (Some("DK"), 1, 40_000),
        (Some("DK"), 3, 120_000),
        (Some("DE"), 2, 160_000),
        (None, 2, 10),
        // A message that the provider renders from its template is not measured, and counts as one segment.
        (Some("DK"), 0, 40_000),
        (Some("DE"), u32::MAX, 80_000 * u64::from(u32::MAX)),
    ] {
        assert_eq!(price(&policy, country, segments), Some(want));
    }
    assert_eq!(price(&Policy::default(), Some("DK"), 1), None);
}

fn numbers(value: Value) -> TestNumbers {
    serde_json::from_value(json!({ "numbers": value })).unwrap()
}

#[test]
fn test_numbers_are_brought_to_their_normal_form() {
    let given = numbers(json!([
        {"number": "+45 12 34 56 78", "code": "000000"},
        {"number": "+14155550100", "code": "1234567890"},
    ]));
    let Ok(fixed) = test_numbers(&given) else { panic!() };
    let fixed: Vec<_> = fixed.iter().map(|one| (one.number.as_str(), one.code.as_str())).collect();
    assert_eq!(fixed, [("+4512345678", "000000"), ("+14155550100", "1234567890")]);
    assert!(test_numbers(&numbers(json!([]))).is_ok_and(|fixed| fixed.is_empty()));
}

#[test]
fn wrong_test_numbers_are_all_named_and_not_shown() {
    let given = numbers(json!([
        {"number": "4598765432", "code": "987654"},
        {"number": "+4598765432", "code": "98765"},
        {"number": "+45 98 76 54 32", "code": "98765432109"},
        {"number": "+4587654321", "code": "９８７６５４"},
    ]));
    let Err(errors) = test_numbers(&given) else { panic!() };
    let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
    let want = ["/numbers/0/number", "/numbers/1/code", "/numbers/2/code", "/numbers/2/number", "/numbers/3/code"];
    assert_eq!(fields, want);
    assert!(!errors.to_string().contains("98"), "{errors}");
    let many: Vec<Value> =
        (0..21).map(|last| json!({"number": format!("+45123456{last:02}"), "code": "123456"})).collect();
    assert!(test_numbers(&numbers(json!(many[..20]))).is_ok());
    assert!(test_numbers(&numbers(json!(many))).is_err_and(|errors| errors.0[0].field == "/numbers"));
}

#[test]
fn names() {
    let forty = "a".repeat(40);
    for (text, tenant, connection) in [
        ("acme", true, true),
        ("a-1", true, true),
        ("a", false, true),
        ("ab", false, true),
        ("abc-", false, true),
        ("-abc", false, false),
        ("Acme", false, false),
        ("a b c", false, false),
        ("æøå", false, false),
        ("", false, false),
        (forty.as_str(), true, true),
        (&format!("{forty}a"), false, false),
    ] {
        assert_eq!(tenant_id(text).is_ok(), tenant, "{text}");
        assert_eq!(connection_name(text).is_ok(), connection, "{text}");
    }
    for (text, good) in [
        ("Acme", true),
        ("Ærø & Søn, 中文", true),
        (&"中".repeat(80), true),
        (&"中".repeat(81), false),
        ("", false),
        (" ", false),
        (" Acme", false),
        ("Acme\n", false),
        ("Ac\u{202e}me", false),
        ("Ac\u{200b}me", false),
    ] {
        assert_eq!(display_name(text).is_ok(), good, "{text:?}");
    }
}
