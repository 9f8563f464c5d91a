//! How versions, differences and releases are labelled and laid out in text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sendbox_contract::FailureClass;
use sendbox_domain::model::{
    ComparedVersion, ConnectionDifference, ConnectorSummary, ConnectorVersion, Difference, IncompatibleConnection,
    Owner, Reach, Release, VersionActivated, VersionDifference, VersionRole, VersionState,
};

use crate::render::{self, line};

/// Digits of a digest that are printed.
const SHORT: usize = 12;

/// `3f9a1c02b7de`: a prefix that the commands take as an argument.
pub fn short(digest: &str) -> String {
    line(digest.strip_prefix("sha256:").unwrap_or(digest)).chars().take(SHORT).collect()
}

/// `active`
pub fn role(role: VersionRole) -> &'static str {
    match role {
        VersionRole::Active => "active",
        VersionRole::Canary => "canary",
        VersionRole::Previous => "previous",
        VersionRole::Available => "available",
    }
}

/// A line for each change: `+` it may do more, `-` it may do less, `·` anything else.
pub fn difference_lines(difference: &VersionDifference) -> String {
    let signed = |sign: &'static str, lines: &[Difference]| -> Vec<String> {
        lines.iter().map(|one| format!("  {sign} {}\n", line(&one.message))).collect()
    };
    let mut all = signed("+", &difference.wider);
    all.extend(signed("-", &difference.narrower));
    all.extend(signed("·", &difference.other));
    all.concat()
}

/// How a version differs from the active one, and the connections whose parameters it does not accept.
pub fn difference(difference: &VersionDifference) -> String {
    let reach = match difference.reach {
        Reach::Wider if difference.wider.iter().all(|line| line.code.is_presentation()) => {
            "it may do the same, and PRESENTS ITSELF DIFFERENTLY"
        }
        Reach::Wider => "it may do MORE",
        Reach::Narrower => "it may do less",
        Reach::Equal => "it may do the same",
    };
    let mut text = format!("Compared with the active version {}, {reach}:\n", short(&difference.from));
    let lines = difference_lines(difference);
    text.push_str(if lines.is_empty() { "  · its description is the same\n" } else { &lines });
    if let (Some(at), Some(by)) = (&difference.approved_at, &difference.approved_by) {
        writeln!(text, "Approved {at} by {}.", line(by)).ok();
    }
    text.push_str(&for_connections(&difference.connections));
    text.push_str(&unfit(&difference.incompatible_connections, "where the current version would keep sending"));
    text
}

/// What would change for each connection.
fn for_connections(all: &[ConnectionDifference]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut text = format!("It would change {}:\n", connections(all.len()));
    for one in all {
        writeln!(text, "  {} of {}", line(&one.connection), line(&one.tenant)).ok();
        for differs in &one.lines {
            writeln!(text, "    · {}", line(&differs.message)).ok();
        }
    }
    text
}

fn unfit(unfit: &[IncompatibleConnection], what: &str) -> String {
    if unfit.is_empty() {
        return String::new();
    }
    let mut text = format!("It does not accept the parameters of {}, {what}:\n", connections(unfit.len()));
    for one in unfit {
        writeln!(text, "  ! {} of {}", line(&one.connection), line(&one.tenant)).ok();
        for error in &one.errors {
            writeln!(text, "      {}", line(&error.to_string())).ok();
        }
    }
    text
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}

/// The list of connectors.
pub fn connectors(all: &[ConnectorSummary]) -> String {
    let mut rows = vec![["id", "version", "digest", "owner", "description"].map(str::to_owned)];
    rows.extend(all.iter().map(|one| {
        let owner = match one.owner {
            Owner::BuiltIn => "built in",
            Owner::AllTenants => "all tenants",
            Owner::Tenant => "tenant",
        };
        [line(&one.id), line(&one.version), short(&one.digest), owner.to_owned(), line(&one.description)]
    }));
    table(&rows)
}

/// The versions of a connector.
pub fn versions(all: &[ConnectorVersion]) -> String {
    let mut rows = vec![["digest", "version", "role", "size", "uploaded", "by"].map(str::to_owned)];
    rows.extend(all.iter().map(|one| {
        let state = match (one.state, one.role) {
            (VersionState::Ready, Some(of)) => role(of),
            (state, _) => state.as_str(),
        };
        [
            short(&one.digest),
            line(one.version.as_deref().unwrap_or("-")),
            state.to_owned(),
            render::bytes(one.bytes),
            one.uploaded_at.to_string(),
            line(&one.uploaded_by),
        ]
    }));
    table(&rows)
}

/// The release after an activation, and the connections that keep another version.
pub fn activated(activated: &VersionActivated) -> String {
    let mut text = release(&activated.release);
    text.push_str(&unfit(&activated.incompatible_connections, "where another version keeps sending"));
    text
}

/// Which versions send, and their results side by side.
pub fn release(release: &Release) -> String {
    let scope = match &release.tenant {
        Some(tenant) => format!("for {}", line(tenant)),
        None => "for all tenants".to_owned(),
    };
    let mut text = format!("{}, {scope}\n", line(&release.connector));
    let mut row = |name: &str, digest: &str, more: &str| {
        writeln!(text, "  {name:<9} {}  {more}", short(digest)).ok();
    };
    let watched = if release.auto_rollback_until > release.activated_at {
        format!(", rolled back automatically on failures until {}", release.auto_rollback_until)
    } else {
        String::new()
    };
    row("active", &release.active, &format!("since {}{watched}", release.activated_at));
    if let Some(canary) = &release.canary {
        row("canary", &canary.digest, &format!("{} % of messages, since {}", canary.percent, canary.started_at));
    }
    if let Some(previous) = &release.previous {
        row("previous", previous, "ready for a rollback");
    }
    if let Some(back) = &release.last_rollback {
        let how = if back.automatic { "automatic" } else { "manual" };
        writeln!(
            text,
            "Last rollback: from {} to {}, {}, {how}: {}",
            short(&back.from),
            short(&back.to),
            back.rolled_back_at,
            line(&back.reason)
        )
        .ok();
    }
    for held in &release.held_requests {
        let shapes = if held.shapes == 1 { "shape" } else { "shapes" };
        let (id, digest) = (line(&release.connector), short(&held.digest));
        writeln!(
            text,
            "Held back: requests of {} {shapes} by {digest}; see `sendbox connector shapes {id} {digest}`",
            held.shapes
        )
        .ok();
    }
    if let Some(comparison) = &release.comparison {
        write!(text, "\nSince {}:\n{}", comparison.since, side_by_side(&comparison.versions)).ok();
    }
    text
}

fn side_by_side(sides: &[ComparedVersion]) -> String {
    let row = |name: &str, value: &dyn Fn(&ComparedVersion) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(sides.iter().map(value)).collect()
    };
    let none = || "-".to_owned();
    let mut rows = vec![
        row("", &|side| role(side.role).to_owned()),
        row("version", &|side| short(&side.digest)),
        row("attempts", &|side| side.attempts.to_string()),
        row("accepted", &|side| side.accepted.to_string()),
        row("in doubt", &|side| side.in_doubt.to_string()),
        row("rejected", &|side| side.rejected.to_string()),
        row("faults", &|side| side.faults.to_string()),
        row("success", &|side| side.success_rate.map_or_else(none, |rate| format!("{:.1} %", rate * 100.0))),
    ];
    for (name, of) in [("p50", 50), ("p95", 95), ("p99", 99)] {
        rows.push(row(name, &|side| {
            let latency = side.latency_ms.map(|latency| match of {
                50 => latency.p50,
                95 => latency.p95,
                _ => latency.p99,
            });
            latency.map_or_else(none, |millis| format!("{millis} ms"))
        }));
    }
    let classes: BTreeSet<&FailureClass> = sides.iter().flat_map(|side| side.failures.keys()).collect();
    for class in classes {
        rows.push(row(class.as_str(), &|side| side.failures.get(class).copied().unwrap_or_default().to_string()));
    }
    table(&rows)
}

/// Lays out cells in columns as wide as their widest cell.
fn table<R: AsRef<[String]>>(rows: &[R]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.as_ref().iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut shown = String::from(" ");
        for (cell, width) in row.as_ref().iter().zip(&widths) {
            write!(shown, " {cell:<width$} ").ok();
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_compared_side_by_side() {
        let side = |digest: &str, role: &str, latency: Option<u64>| {
            json!({
                "digest": digest, "role": role, "attempts": 13, "accepted": 12, "inDoubt": 0, "rejected": 1,
                "faults": 1, "successRate": 12.0 / 13.0, "failures": {"connector-fault": 1},
                "latencyMs": latency.map(|millis| json!({"p50": millis, "p95": millis, "p99": millis})),
            })
        };
        let (new, old) = (format!("sha256:{}", "ab".repeat(32)), format!("sha256:{}", "cd".repeat(32)));
        let mut quiet = side(&new, "canary", None);
        quiet["failures"] = json!({});
        let shown = release(
            &serde_json::from_value(json!({
                "connector": "acme-sms", "owner": "all-tenants", "tenant": null, "active": old, "previous": null,
                "canary": {"digest": new, "percent": 10, "startedAt": "2026-11-23T20:21:33Z"}, "generation": 2,
                "activatedAt": "2026-11-23T20:00:00Z", "autoRollbackUntil": "2026-11-23T20:00:00Z", "lastRollback": null,
                "comparison": {"since": "2026-11-23T20:21:33Z", "versions": [side(&old, "active", Some(41)), quiet]},
            }))
            .unwrap(),
        );
        insta::assert_snapshot!(shown, @r"
        acme-sms, for all tenants
          active    cdcdcdcdcdcd  since 2026-11-23T20:00:00Z
          canary    abababababab  10 % of messages, since 2026-11-23T20:21:33Z

        Since 2026-11-23T20:21:33Z:
                           active        canary
          version          cdcdcdcdcdcd  abababababab
          attempts         13            13
          accepted         12            12
          in doubt         0             0
          rejected         1             1
          faults           1             1
          success          92.3 %        92.3 %
          p50              41 ms         -
          p95              41 ms         -
          p99              41 ms         -
          connector-fault  1             0
        ");
    }

    #[test]
    fn another_name_is_a_presentation_change() {
        let shown = difference(
            &serde_json::from_value(json!({
                "from": format!("sha256:{}", "ab".repeat(32)), "to": "sha256:cd", "reach": "wider",
                "wider": [{ "message": "it is called “Twilio (official)”, and no longer “Acme”", "code": "name", "values": {} }],
                "narrower": [], "other": [], "needsApproval": true, "confirmationToken": "5e", "approvedAt": null, "approvedBy": null,
                "readme": null, "connections": [], "incompatibleConnections": [],
            }))
            .unwrap(),
        );
        insta::assert_snapshot!(shown, @r"
        Compared with the active version abababababab, it may do the same, and PRESENTS ITSELF DIFFERENTLY:
          + it is called “Twilio (official)”, and no longer “Acme”
        ");
    }

    #[test]
    fn lines_of_a_difference_are_marked() {
        let shown = difference(
            &serde_json::from_value(json!({
                "from": format!("sha256:{}", "ab".repeat(32)), "to": "sha256:cd", "reach": "wider",
                "wider": [{ "message": "new host: https://collect.acme.test", "code": "host-new", "values": {} }],
                "narrower": [{ "message": "no longer: GET", "code": "method-gone", "values": {} }],
                "other": [{ "message": "the author's version: 1 → 2", "code": "version", "values": {} }],
                "needsApproval": true, "confirmationToken": "5e", "approvedAt": null,
                "approvedBy": null, "readme": null,
                "connections": [{ "tenant": "acme", "connection": "other", "lines": [
                    { "message": "it would reach: POST https://collect.acme.test", "code": "connection-reach-new", "values": {} },
                ] }],
                "incompatibleConnections": [{"tenant": "acme", "connection": "main", "errors": [{"field": "/parameters", "message": "is missing"}]}],
            }))
            .unwrap(),
        );
        insta::assert_snapshot!(shown, @r"
        Compared with the active version abababababab, it may do MORE:
          + new host: https://collect.acme.test
          - no longer: GET
          · the author's version: 1 → 2
        It would change 1 connection:
          other of acme
            · it would reach: POST https://collect.acme.test
        It does not accept the parameters of 1 connection, where the current version would keep sending:
          ! main of acme
              /parameters: is missing
        ");
    }
}
