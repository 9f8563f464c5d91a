//! Operator, manifest and tenant in combination, as tables.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::label::Label;
use crate::manifest::Manifest;

const HOOK: &str = "https://own.example/hook";

const PLACES: &str = r#"{"recipient_format":"e164","recipient":[{"form":"To"}],"content":[{"form":"Body"}]}"#;

fn reach() -> Reach {
    let manifest: Manifest = serde_json::from_str(
        &r#"{"hosts":[
            {"origin":"https://api.example.com","methods":["POST"],"path_prefix":"/v1/send","message":PLACES,
             "secrets":[{"key":"token","usage":"sent"},{"key":"signing","usage":"signing-only"}],"purpose":"Sends."},
            {"origin":"https://api.example.com","methods":["GET","POST"],"path_prefix":"/v1","purpose":"Looks up."},
            {"origin":"https://*.cdn.example.com","methods":["GET"],"path_prefix":"/a/","purpose":"Fetches."},
            {"origin":"https://api.example.com:8443","methods":["GET"],"purpose":"Old API."},
            {"origin":"http://plain.example.com","methods":["GET"],"purpose":"In clear."},
            {"origin":"https://10.1.2.3","methods":["GET"],"purpose":"On site."},
            {"origin":"{endpoint}","methods":["POST"],"message":PLACES,"purpose":"The tenant's own."}
        ]}"#
        .replace("PLACES", PLACES),
    )
    .unwrap();
    manifest.resolve(&BTreeMap::from([("endpoint".to_owned(), format!("{HOOK}?a=1"))])).unwrap()
}

fn operator(json: &str) -> OperatorPolicy {
    serde_json::from_str(json).unwrap()
}

fn tenant(json: &str) -> TenantGrant {
    serde_json::from_str(json).unwrap()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn verdict(grant: &EffectiveGrant, request: &str) -> Result<String, DenialRule> {
    let (method, target) = request.split_once(' ').unwrap();
    grant.check(method.parse().unwrap(), &url(target)).map(|entry| entry.purpose.clone()).map_err(|denial| denial.rule)
}

#[test]
fn by_default_the_manifest_decides() {
    use DenialRule::*;
    let grant = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &TenantGrant::default());
    for (request, expected) in [
        ("POST https://api.example.com/v1/send", Ok("Sends.")),
        ("POST https://api.example.com/v1/send/now?to=1", Ok("Sends.")),
        ("POST https://API.example.com.:443/v1/send", Ok("Sends.")),
        ("POST https://api.example.com/v1/sender", Ok("Looks up.")),
        ("GET https://api.example.com/v1/send", Ok("Looks up.")),
        ("GET https://api.example.com/v1", Ok("Looks up.")),
        ("GET https://x.cdn.example.com/a/b", Ok("Fetches.")),
        ("POST https://own.example/hook", Ok("The tenant's own.")),
        ("POST https://own.example/hook?anything", Ok("The tenant's own.")),
        ("GET https://evil.example/", Err(NotInManifest)),
        ("GET https://example.com/v1", Err(NotInManifest)),
        ("GET https://api.example.com.evil.example/v1", Err(NotInManifest)),
        ("GET https://cdn.example.com/a/b", Err(NotInManifest)),
        ("GET https://x.y.cdn.example.com/a/b", Err(NotInManifest)),
        ("GET http://api.example.com/v1", Err(NotInManifest)),
        ("GET http://api.example.com:443/v1", Err(NotInManifest)),
        ("GET ftp://api.example.com/v1", Err(NotInManifest)),
        ("GET file:///etc/passwd", Err(NotInManifest)),
        ("GET https://api.example.com:444/v1", Err(NotInManifest)),
        ("GET https://user@api.example.com/v1", Err(Authority)),
        ("GET https://:pw@api.example.com/v1", Err(Authority)),
        ("DELETE https://api.example.com/v1", Err(Method)),
        ("GET https://own.example/hook", Err(Method)),
        ("GET https://api.example.com/", Err(Path)),
        ("GET https://api.example.com/v11", Err(Path)),
        ("GET https://api.example.com/V1", Err(Path)),
        ("GET https://x.cdn.example.com/a", Err(Path)),
        ("POST https://own.example/hook/", Err(Path)),
        ("POST https://own.example/", Err(Path)),
        // The URL parser resolves dot segments; those that it leaves are refused.
        ("GET https://api.example.com/v1/../x", Err(Path)),
        ("GET https://api.example.com/v1/%2e%2e/x", Err(Path)),
        ("GET https://api.example.com/v1/a%2eb", Err(Path)),
        ("GET https://api.example.com/v1/..%2fx", Err(Path)),
        ("GET https://api.example.com/v1/a%2Fb", Err(Path)),
        ("GET https://api.example.com/v1/a%5cb", Err(Path)),
        ("GET https://api.example.com/v1/a%252fb", Err(Path)),
        ("GET https://api.example.com/v1/a%25252fb", Err(Path)),
        ("GET https://api.example.com/v1/..;/x", Err(Path)),
        ("GET https://api.example.com/v1/a%00", Err(Path)),
        ("GET https://127.0.0.1/", Err(NotInManifest)),
        ("GET https://2130706433/", Err(NotInManifest)),
        ("GET https://[::ffff:10.1.2.3]/", Err(LiteralAddress)),
        ("GET https://10.1.2.3/", Err(LiteralAddress)),
        ("GET https://api.example.com:8443/", Err(Port)),
        ("GET http://plain.example.com/", Err(Scheme)),
    ] {
        assert_eq!(verdict(&grant, request), expected.map(str::to_owned), "{request}");
    }
}

/// If several entries allow a request, the most specific one applies, wherever it is in the manifest.
#[test]
fn the_most_specific_entry_wins() {
    let need = |origin: &str, prefix: &str| {
        let purpose = format!("{origin} {prefix}");
        format!(r#"{{"origin":"{origin}","methods":["POST"],"path_prefix":"{prefix}","purpose":"{purpose}"}}"#)
    };
    let cases = [
        // From the least specific to the most specific.
        vec![
            need("https://*.*.example.com", "/a/b"),
            need("https://x.*.example.com", "/a/b"),
            need("https://x.y.example.com", ""),
        ],
        vec![
            need("https://x.y.example.com", ""),
            need("https://x.y.example.com", "/a"),
            need("https://x.y.example.com", "/a/b"),
        ],
        vec![need("https://*.y.example.com", "/a/b"), need("https://x.y.example.com", "/a/b"), need("{endpoint}", "")],
    ];
    for ordered in cases {
        let best: Manifest = serde_json::from_str(&format!("{{\"hosts\":[{}]}}", ordered[2])).unwrap();
        let best = best.hosts()[0].purpose().to_owned();
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2], [0, 2, 1], [2, 0, 1]] {
            let hosts: Vec<&str> = order.iter().map(|at| ordered[*at].as_str()).collect();
            let manifest: Manifest = serde_json::from_str(&format!("{{\"hosts\":[{}]}}", hosts.join(","))).unwrap();
            let endpoint = BTreeMap::from([("endpoint".to_owned(), "https://x.y.example.com/a/b".to_owned())]);
            let reach = manifest.resolve(&endpoint).unwrap();
            let grant = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach, &TenantGrant::default());
            assert_eq!(verdict(&grant, "POST https://x.y.example.com/a/b"), Ok(best.clone()), "{order:?}");
        }
    }
    // Of two equally specific ones, the first in the manifest.
    let twins =
        ["first", "second"].map(|name| need("https://x.example.com", "/a").replace("/a\"}", &format!("{name}\"}}")));
    let manifest: Manifest = serde_json::from_str(&format!("{{\"hosts\":[{}]}}", twins.join(","))).unwrap();
    let reach = manifest.resolve(&BTreeMap::new()).unwrap();
    let grant = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach, &TenantGrant::default());
    assert!(verdict(&grant, "POST https://x.example.com/a").unwrap().ends_with("first"));
}

/// Positions come from the manifest; a tenant's grant cannot move them.
#[test]
fn a_grant_keeps_the_places() {
    let whole = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &TenantGrant::default());
    let cut =
        tenant(r#"{"entries":[{"origin":"https://api.example.com","methods":["POST"],"path_prefix":"/v1/send/now"}]}"#);
    let cut = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &cut);
    for grant in [whole, cut] {
        let entry = grant.check(Method::Post, &url("https://api.example.com/v1/send/now")).unwrap();
        assert_eq!(
            entry.message.as_ref().map(|places| serde_json::to_string(places).unwrap()).as_deref(),
            Some(PLACES)
        );
    }
}

#[test]
fn the_operator_opens_and_closes() {
    use DenialRule::*;
    for (policy, request, expected) in [
        (r#"{"ports":[{"port":8443}]}"#, "GET https://api.example.com:8443/", Ok(())),
        (r#"{"ports":[{"port":8443,"hosts":["api.example.com"]}]}"#, "GET https://api.example.com:8443/", Ok(())),
        (r#"{"ports":[{"port":8443,"hosts":["b.example.com"]}]}"#, "GET https://api.example.com:8443/", Err(Port)),
        (r#"{"ports":[{"port":8444}]}"#, "GET https://api.example.com:8443/", Err(Port)),
        (r#"{"ports":[{"port":80}]}"#, "GET http://plain.example.com/", Err(Scheme)),
        (r#"{"allow_http":[{"host":"plain.example.com","port":80}]}"#, "GET http://plain.example.com/", Ok(())),
        (r#"{"allow_http":[{"host":"plain.example.com","port":81}]}"#, "GET http://plain.example.com/", Err(Scheme)),
        (r#"{"literals":["10.1.2.3"]}"#, "GET https://10.1.2.3/", Ok(())),
        (r#"{"literals":["::ffff:10.1.2.3"]}"#, "GET https://0x0a010203/", Ok(())),
        (r#"{"literals":["10.1.2.4"]}"#, "GET https://10.1.2.4/", Err(NotInManifest)),
        (r#"{"denied_hosts":["example.com"]}"#, "GET https://api.example.com/v1", Err(RefusedByOperator)),
        (r#"{"denied_hosts":["api.example.com"]}"#, "GET https://x.cdn.example.com/a/", Ok(())),
        (r#"{"allowed_hosts":["api.example.com"]}"#, "GET https://api.example.com/v1", Ok(())),
        (r#"{"allowed_hosts":["api.example.com"]}"#, "GET https://x.cdn.example.com/a/", Err(RefusedByOperator)),
        (r#"{"allowed_hosts":[]}"#, "GET https://api.example.com/v1", Err(RefusedByOperator)),
        (
            r#"{"allowed_hosts":["api.example.com"],"denied_hosts":["api.example.com"]}"#,
            "GET https://api.example.com/v1",
            Err(RefusedByOperator),
        ),
        // The manifest must also ask for what the operator allows.
        (r#"{"allowed_hosts":["evil.example"]}"#, "GET https://evil.example/", Err(NotInManifest)),
    ] {
        let grant = EffectiveGrant::intersect(&operator(policy), &reach(), &TenantGrant::default());
        assert_eq!(verdict(&grant, request).map(drop), expected, "{policy} {request}");
    }
}

#[test]
fn the_tenant_narrows() {
    use DenialRule::*;
    for (entry, request, expected) in [
        (r#""origin":"https://api.example.com","methods":["GET"]"#, "GET https://api.example.com/v1", Ok(())),
        (
            r#""origin":"https://api.example.com","methods":["GET"]"#,
            "POST https://api.example.com/v1",
            Err(NotGrantedByTenant),
        ),
        (
            r#""origin":"https://api.example.com","methods":["GET","DELETE"]"#,
            "DELETE https://api.example.com/v1",
            Err(Method),
        ),
        (
            r#""origin":"https://api.example.com","methods":["GET"],"path_prefix":"/v1/x""#,
            "GET https://api.example.com/v1",
            Err(NotGrantedByTenant),
        ),
        (
            r#""origin":"https://api.example.com","methods":["GET"],"path_prefix":"/v1/x""#,
            "GET https://api.example.com/v1/x/y",
            Ok(()),
        ),
        // Wider than the manifest: the manifest still applies.
        (
            r#""origin":"https://api.example.com","methods":["GET"],"path_prefix":"/""#,
            "GET https://api.example.com/v2",
            Err(Path),
        ),
        (r#""origin":"https://evil.example","methods":["GET"]"#, "GET https://evil.example/", Err(NotInManifest)),
        (r#""origin":"https://*.example.com","methods":["GET"]"#, "GET https://api.example.com/v1", Ok(())),
        (r#""origin":"https://x.cdn.example.com","methods":["GET"]"#, "GET https://x.cdn.example.com/a/", Ok(())),
        (
            r#""origin":"https://x.cdn.example.com","methods":["GET"]"#,
            "GET https://y.cdn.example.com/a/",
            Err(NotGrantedByTenant),
        ),
        (r#""origin":"https://own.example","methods":["POST"]"#, "POST https://own.example/hook", Ok(())),
        (r#""origin":"https://own.example/hook","methods":["POST"]"#, "POST https://own.example/hook", Ok(())),
        (
            r#""origin":"https://own.example/other","methods":["POST"]"#,
            "POST https://own.example/hook",
            Err(NotGrantedByTenant),
        ),
        (r#""origin":"https://own.example/other","methods":["POST"]"#, "POST https://own.example/other", Err(Path)),
        (
            r#""origin":"https://api.example.com/v1/one","methods":["GET"]"#,
            "GET https://api.example.com/v1/one",
            Ok(()),
        ),
        (
            r#""origin":"https://api.example.com/v1/one","methods":["GET"]"#,
            "GET https://api.example.com/v1/one/two",
            Err(NotGrantedByTenant),
        ),
        // Another port, and another scheme on the same port.
        (
            r#""origin":"https://api.example.com","methods":["GET"]"#,
            "GET https://api.example.com:8443/v1",
            Err(NotGrantedByTenant),
        ),
        (
            r#""origin":"https://plain.example.com:80","methods":["GET"]"#,
            "GET http://plain.example.com/",
            Err(NotGrantedByTenant),
        ),
    ] {
        let grant = tenant(&format!("{{\"entries\":[{{{entry}}}]}}"));
        let grant = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &grant);
        assert_eq!(verdict(&grant, request).map(drop), expected, "{entry} {request}");
    }
    let shows = |operator: &OperatorPolicy, purpose: &str| {
        let grant = EffectiveGrant::intersect(operator, &reach(), &TenantGrant::default());
        grant.entries().any(|entry| entry.purpose == purpose)
    };
    assert!(!shows(&OperatorPolicy::default(), "On site."));
    assert!(shows(&operator(r#"{"literals":["10.1.2.3"]}"#), "On site."));
    let nothing = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &tenant(r#"{"entries":[]}"#));
    assert_eq!(nothing.entries().count(), 0);
}

#[test]
fn the_line_that_a_denial_prints_allows_the_request() {
    let request = (Method::Get, url("https://api.example.com/v1/a?secret=1"));
    let closed = tenant(r#"{"entries":[]}"#);
    let denial = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &closed)
        .check(request.0, &request.1)
        .unwrap_err();
    let line = denial.allow_line.strip_suffix(" in the grant's `entries`").unwrap();
    let open = tenant(&format!("{{\"entries\":[{line}]}}"));
    assert!(
        EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &open).check(request.0, &request.1).is_ok()
    );

    for target in ["https://api.example.com:8443/", "http://plain.example.com/", "https://10.1.2.3/"] {
        let grant = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &TenantGrant::default());
        let denial = grant.check(Method::Get, &url(target)).unwrap_err();
        let line = denial.allow_line.strip_suffix(" in the operator's policy").unwrap();
        let opened = operator(&format!("{{{line}}}"));
        let grant = EffectiveGrant::intersect(&opened, &reach(), &TenantGrant::default());
        assert!(grant.check(Method::Get, &url(target)).is_ok(), "{line}");
    }
}

#[test]
fn a_denial_shows_no_path_and_no_query() {
    let grant =
        EffectiveGrant::intersect(&operator(r#"{"denied_hosts":["own.example"]}"#), &reach(), &TenantGrant::default());
    for target in [
        "https://evil.example/hunter2?hunter2",
        "https://api.example.com/hunter2?hunter2",
        "https://api.example.com/v1/hunter2%2e?hunter2",
        "https://api.example.com:1/hunter2?hunter2",
        "https://hunter2:hunter2@api.example.com/v1",
        "http://api.example.com/hunter2#hunter2",
        "https://own.example/hook?hunter2",
        "https://own.example/hunter2",
        "https://9.9.9.9/hunter2",
    ] {
        let denial = grant.check(Method::Post, &url(target)).unwrap_err();
        let shown = format!("{denial} {denial:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("/hook"), "{shown}");
    }
}

#[test]
fn secrets_and_the_message_go_where_they_are_bound() {
    let grant = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &TenantGrant::default());
    let sends = grant.check(Method::Post, &url("https://api.example.com/v1/send")).unwrap();
    let looks_up = grant.check(Method::Get, &url("https://api.example.com/v1")).unwrap();
    let secret = |key: &str| Labels::from(Label::Secret(key.into()));
    let not_bound = |key: &str| Err(DenialRule::SecretNotBound { key: key.to_owned() });
    for (entry, labels, expected) in [
        (sends, Labels::none(), Ok(())),
        (sends, secret("token"), Ok(())),
        (sends, secret("token").signed(), Ok(())),
        (sends, secret("signing").signed(), Ok(())),
        (sends, secret("signing"), not_bound("signing")),
        (sends, secret("signing").signed().union(&secret("signing")), not_bound("signing")),
        (sends, secret("other").signed(), not_bound("other")),
        (sends, Label::Code.into(), Ok(())),
        (looks_up, Labels::none(), Ok(())),
        (looks_up, Label::Received.into(), Ok(())),
        (looks_up, secret("token"), not_bound("token")),
        (looks_up, secret("token").signed(), not_bound("token")),
        (looks_up, Label::Code.into(), Err(DenialRule::MessageNotForHost)),
        (looks_up, Labels::from(Label::Recipient).signed(), Err(DenialRule::MessageNotForHost)),
        (looks_up, Label::ClientIp.into(), Err(DenialRule::MessageNotForHost)),
        (looks_up, Label::Variable("v".into()).into(), Err(DenialRule::MessageNotForHost)),
    ] {
        let answer = entry.may_receive(&labels).map_err(|denial| denial.rule);
        assert_eq!(answer, expected, "{} {labels:?}", entry.purpose);
    }
}

#[test]
fn reveal_is_granted_by_kind() {
    let grant = tenant(r#"{"reveal":["secret","client-ip"]}"#);
    let grant = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &grant);
    let secret = Labels::from(Label::Secret("k".into()));
    assert_eq!(grant.may_reveal(&secret), Ok(()));
    assert_eq!(grant.may_reveal(&secret.union(&Label::ClientIp.into())), Ok(()));
    // A digest of a six-digit code reveals the code to anyone who can try a million.
    let digest = secret.union(&Label::Code.into()).signed();
    let denial = grant.may_reveal(&digest).unwrap_err();
    assert_eq!(denial.rule, DenialRule::RevealNotGranted { kind: LabelKind::Code });
    assert_eq!(
        denial.to_string(),
        "This connector may not read a sealed value of the kind `code`. To allow it: \"reveal\": [\"code\"] in the tenant's grant"
    );
    let default = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &TenantGrant::default());
    assert!(default.may_reveal(&secret).is_err());
}

/// A request that no manifest asks for has the operator's rules all the same.
#[test]
fn the_operator_judges_requests_of_the_host() {
    let policy = operator(
        r#"{"denied_hosts":["denied.example"],"ports":[{"port":8443}],"literals":["203.0.113.7"],
            "allow_http":[{"host":"plain.example","port":80}]}"#,
    );
    for (target, expected) in [
        ("https://hooks.example/a?b=c", Ok(Scheme::Https)),
        ("https://hooks.example:8443/", Ok(Scheme::Https)),
        ("http://plain.example/", Ok(Scheme::Http)),
        ("https://203.0.113.7/", Ok(Scheme::Https)),
        ("http://hooks.example/", Err(DenialRule::Scheme)),
        ("https://hooks.example:444/", Err(DenialRule::Port)),
        ("https://denied.example/", Err(DenialRule::RefusedByOperator)),
        ("https://a.denied.example/", Err(DenialRule::RefusedByOperator)),
        ("https://127.0.0.1/", Err(DenialRule::LiteralAddress)),
        ("https://[::1]/", Err(DenialRule::LiteralAddress)),
        ("https://user@hooks.example/", Err(DenialRule::Authority)),
        ("ftp://hooks.example/", Err(DenialRule::NotInManifest)),
    ] {
        let judged = policy.check(Method::Post, &url(target));
        assert_eq!(judged.as_ref().map_err(|denial| denial.rule.clone()).copied(), expected, "{target}");
    }
    let only = operator(r#"{"allowed_hosts":["hooks.example"]}"#);
    assert!(only.check(Method::Post, &url("https://hooks.example/")).is_ok());
    let denial = only.check(Method::Post, &url("https://other.example/")).unwrap_err();
    assert_eq!(denial.rule, DenialRule::RefusedByOperator);
    let denial = only.check(Method::Post, &url("https://10.0.0.1/")).unwrap_err();
    assert!(denial.to_string().contains(r#""literals": ["10.0.0.1"] in the operator's policy"#), "{denial}");
}

#[test]
fn configuration_is_strict() {
    assert!(serde_json::from_str::<TenantGrant>(r#"{"entry":[]}"#).is_err());
    assert!(serde_json::from_str::<TenantGrant>(r#"{"reveal":["everything"]}"#).is_err());
    assert!(serde_json::from_str::<OperatorPolicy>(r#"{"allow_https":[]}"#).is_err());
    assert!(serde_json::from_str::<OperatorPolicy>(r#"{"denied_hosts":["*"]}"#).is_err());
    assert_eq!(operator("{}"), OperatorPolicy::default());
    assert_eq!(tenant("{}"), TenantGrant::default());
}

proptest! {
    /// Whatever the tenant grants, it never allows more than the manifest alone.
    #[test]
    fn a_grant_only_narrows(
        host in "(\\*|api|own|x\\.cdn)\\.(example\\.com|example)", prefix in "(/(v1|send|a|hook)){0,2}/?",
        method in proptest::sample::select(Method::ALL.to_vec()),
        request in "https://(api|x\\.cdn|own)\\.(example\\.com|example)(/(v1|send|a|hook)){0,2}/?",
    ) {
        let (Ok(origin), request) = (Origin::parse(&format!("https://{host}")), url(&request)) else { return Ok(()) };
        let narrowed = TenantGrant {
            entries: Some(vec![GrantEntry { origin, methods: Method::ALL.to_vec(), path_prefix: prefix }]),
            ..TenantGrant::default()
        };
        let all = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &TenantGrant::default());
        let some = EffectiveGrant::intersect(&OperatorPolicy::default(), &reach(), &narrowed);
        if let Ok(entry) = some.check(method, &request) {
            let whole = all.check(method, &request);
            prop_assert!(whole.is_ok());
            prop_assert!(all.entries().any(|other| other.secrets == entry.secrets && other.purpose == entry.purpose));
        }
    }
}
