//! Values that no parameter of a query takes.

/// 130 characters.
const LONGER_THAN_A_REFERENCE: &str = "4598123476459812347645981234764598123476459812347645981234764598123476459812347645981234764598123476459812347645981234764598123476";

/// Invalid values of known parameters, by name. `None` if any text is accepted.
pub fn wrong_queries(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "limit" => vec!["0", "201", "-1", "1.5", "+1", "1e1", "", "18446744073709551616", "4598123476", "01"],
        "cursor" => vec!["4598123476X", "%00", "-", "%FF", "../x"],
        "status" | "usage" | "delivery" | "type" => vec!["4598123476", "", "Accepted", "%00"],
        "since" | "until" => vec!["4598123476", "", "yesterday", "2026-13-01T00:00:00Z", "%00"],
        // For statistics, also a time far from now.
        "from" => vec![
            "4598123476",
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "%00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ],
        "bucket" => vec!["4598123476", "", "Hour", "week", "%00"],
        // A number, or a time.
        "to" => vec!["4598123476", "", "+45", "%00"],
        "force" => vec!["4598123476", "", "1", "TRUE", "yes"],
        "country" | "connection" | "action" | "subject" => vec!["%00", "4598123476%00"],
        "reference" => vec![LONGER_THAN_A_REFERENCE],
        _ => return None,
    })
}
