use super::*;

fn facts() -> Facts<'static> {
    Facts {
        recipient: "aa",
        prefix: "bb",
        ip: Some("192.0.2.1"),
        connection: "main",
        usage: Usage::SignIn,
        is_notice: false,
        price_micros: Some(7),
    }
}

#[test]
fn the_limits_of_a_request() {
    let policy: Policy = serde_json::from_value(serde_json::json!({
        "spend": {"currency": "EUR", "capPerMonthMicros": 1000, "pricePerSegmentMicros": 7},
    }))
    .unwrap();
    let found = buckets(&policy, &facts());
    let shown: Vec<_> = found.iter().map(|bucket| (bucket.key.as_str(), bucket.limit, bucket.rule)).collect();
    let window = |max, seconds| Rule::Window { max, seconds };
    assert_eq!(
        shown,
        [
            ("connection-per-minute:main", LimitName::ConnectionPerMinute, window(6000, 60)),
            ("cooldown:aa:sign-in", LimitName::Cooldown, Rule::Cooldown { seconds: 30 }),
            ("ip-per-hour:192.0.2.1", LimitName::IpPerHour, window(30, 3600)),
            ("number-per-day:aa", LimitName::NumberPerDay, window(15, 86_400)),
            ("number-per-hour:aa", LimitName::NumberPerHour, window(5, 3600)),
            ("prefix-per-hour:bb", LimitName::PrefixPerHour, window(60, 3600)),
            ("spend-cap", LimitName::SpendCap, Rule::Spend { cap_micros: 1000, price_micros: 7 }),
            ("tenant-per-day", LimitName::TenantPerDay, window(10_000, 86_400)),
            ("tenant-per-minute", LimitName::TenantPerMinute, window(6000, 60)),
        ]
    );
}

#[test]
fn a_notice_takes_no_place_of_a_code() {
    let policy: Policy =
        serde_json::from_value(serde_json::json!({ "notices": { "numberPerDay": 3, "tenantPerDay": 50 } })).unwrap();
    let found = buckets(&policy, &Facts { is_notice: true, ..facts() });
    let window = |max| Rule::Window { max, seconds: 86_400 };
    let own: Vec<_> =
        found.iter().filter(|bucket| bucket.key.starts_with("notice")).map(|it| (&*it.key, it.rule)).collect();
    assert_eq!(own, [("notice-number-per-day:aa", window(3)), ("notice-tenant-per-day", window(50))]);
    let of_code = buckets(&policy, &facts());
    let shared: Vec<_> = found.iter().filter(|bucket| of_code.contains(bucket)).map(|bucket| bucket.limit).collect();
    assert_eq!(
        shared,
        [
            LimitName::ConnectionPerMinute,
            LimitName::IpPerHour,
            LimitName::PrefixPerHour,
            LimitName::TenantPerDay,
            LimitName::TenantPerMinute,
        ]
    );
    assert_eq!(found.len(), own.len() + shared.len());
    let refunds: Vec<_> = found.iter().filter(|bucket| bucket.refunds(&policy).is_ok()).map(|it| it.limit).collect();
    assert_eq!(refunds, [LimitName::IpPerHour, LimitName::NoticeNumberPerDay, LimitName::PrefixPerHour]);
}

#[test]
fn limits_that_a_request_does_not_meet() {
    let keys = |policy: &Policy, facts: &Facts| -> Vec<String> {
        buckets(policy, facts).into_iter().map(|bucket| bucket.key).collect()
    };
    let mut policy = Policy::default();
    assert!(!keys(&policy, &facts()).contains(&"spend-cap".to_owned()), "no cap, nothing to count");
    let none = keys(&policy, &Facts { ip: None, ..facts() });
    assert!(!none.iter().any(|key| key.starts_with("ip-")), "{none:?}");
    policy.limits.cooldown_seconds = 0;
    assert!(!keys(&policy, &facts()).iter().any(|key| key.starts_with("cooldown")));
    // Another usage has its own cooldown.
    policy.limits.cooldown_seconds = 1;
    let other = keys(&policy, &Facts { usage: Usage::Register, ..facts() });
    let differ: Vec<_> = other.iter().filter(|key| !keys(&policy, &facts()).contains(*key)).collect();
    assert_eq!(differ, ["cooldown:aa:register"]);
}

#[test]
fn prefixes() {
    for (number, want) in [
        ("+4512345678", "+4512345"),
        ("+14155550100", "+14155550"),
        ("+1234567", "+1234"),
        ("+123456", "+1234"),
        ("+12345", "+1234"),
        ("+1234", "+1234"),
        ("+12", "+12"),
        ("", ""),
    ] {
        assert_eq!(prefix(number), want, "{number}");
    }
}

#[test]
fn address_blocks() {
    for (address, want) in [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ] {
        assert_eq!(ip_block(address.parse().unwrap()), want, "{address}");
    }
}

#[test]
fn what_limits_give_back() {
    let policy: Policy = serde_json::from_value(serde_json::json!({
        "spend": {"currency": "EUR", "capPerMonthMicros": 1000, "pricePerSegmentMicros": 7},
    }))
    .unwrap();
    let found: Vec<_> = buckets(&policy, &facts())
        .into_iter()
        .map(|bucket| {
            let refunds = bucket.refunds(&policy).map(|budget| budget.map(|budget| (budget.key, budget.rule)));
            (bucket.limit, refunds)
        })
        .collect();
    let window = |key: &str, max, seconds| Ok(Some((key.to_owned(), Rule::Window { max, seconds })));
    assert_eq!(
        found,
        [
            (LimitName::ConnectionPerMinute, Err(NoRefund)),
            (LimitName::Cooldown, window("refunds:cooldown:aa:sign-in", 5, 3600)),
            (LimitName::IpPerHour, window("refunds:ip-per-hour:192.0.2.1", 30, 3600)),
            (LimitName::NumberPerDay, window("refunds:number-per-day:aa", 15, 86_400)),
            (LimitName::NumberPerHour, window("refunds:number-per-hour:aa", 5, 3600)),
            (LimitName::PrefixPerHour, window("refunds:prefix-per-hour:bb", 60, 3600)),
            (LimitName::SpendCap, Ok(None)),
            (LimitName::TenantPerDay, Err(NoRefund)),
            (LimitName::TenantPerMinute, Err(NoRefund)),
        ]
    );
    assert_eq!(failed_checks("aa").refunds(&policy), Err(NoRefund));
}
