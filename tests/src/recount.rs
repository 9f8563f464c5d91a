//! Counts what statistics show again, from the rows, and compares it with what the database counted.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, query_scalar};

/// The counted messages, from the counts and from the rows.
const MESSAGES: [&str; 2] = [
    "SELECT tenant || ' ' || hour || ' ' || country || ': ' || SUM(accepted) || ' ' || SUM(failed) || ' ' || SUM(in_doubt) \
     || ' ' || SUM(expired) || ' ' || SUM(cancelled) || ' ' || SUM(delivered) || ' ' || SUM(undelivered) || ' ' \
     || SUM(segments) || ' ' || SUM(cost_micros) AS line FROM message_counts GROUP BY tenant, hour, country ORDER BY line",
    "SELECT tenant || ' ' || (created_at / 3600000 * 3600000) || ' ' || COALESCE(country, '') || ': ' \
     || COUNT(CASE WHEN status = 'accepted' THEN 1 END) || ' ' || COUNT(CASE WHEN status = 'failed' THEN 1 END) || ' ' \
     || COUNT(CASE WHEN status = 'in-doubt' THEN 1 END) || ' ' || COUNT(CASE WHEN status = 'expired' THEN 1 END) || ' ' \
     || COUNT(CASE WHEN status = 'cancelled' THEN 1 END) || ' ' || COUNT(CASE WHEN delivery = 'delivered' THEN 1 END) \
     || ' ' || COUNT(CASE WHEN delivery IN ('expired', 'rejected', 'undelivered') THEN 1 END) || ' ' \
     || SUM(COALESCE(segments, 1) * physical_messages) || ' ' || SUM(price_micros * physical_messages) AS line \
     FROM messages WHERE test = 0 AND status NOT IN ('queued', 'sending') \
     GROUP BY tenant, created_at / 3600000 * 3600000, COALESCE(country, '') ORDER BY line",
];

/// Failures by class.
const FAILURES: [&str; 2] = [
    "SELECT tenant || ' ' || hour || ' ' || class || ': ' || SUM(messages) AS line FROM failure_counts \
     GROUP BY tenant, hour, class ORDER BY line",
    "SELECT tenant || ' ' || (created_at / 3600000 * 3600000) || ' ' || class || ': ' || COUNT(*) AS line FROM messages \
     WHERE test = 0 AND status IN ('failed', 'in-doubt') AND class IS NOT NULL \
     GROUP BY tenant, created_at / 3600000 * 3600000, class ORDER BY line",
];

/// Verifications. Their country is that of their message.
const VERIFICATIONS: [&str; 2] = [
    "SELECT tenant || ' ' || hour || ' ' || country || ': ' || SUM(started) || ' ' || SUM(approved) AS line \
     FROM verification_counts GROUP BY tenant, hour, country ORDER BY line",
    "SELECT verifications.tenant || ' ' || (verifications.created_at / 3600000 * 3600000) || ' ' || COALESCE(country, '') \
     || ': ' || COUNT(*) || ' ' || COUNT(CASE WHEN verifications.status = 'approved' THEN 1 END) AS line \
     FROM verifications LEFT JOIN messages ON messages.tenant = verifications.tenant AND messages.id = verifications.message \
     WHERE verifications.test = 0 \
     GROUP BY verifications.tenant, verifications.created_at / 3600000 * 3600000, COALESCE(country, '') ORDER BY line",
];

/// What is counted, one line for each hour and country or class.
pub async fn counted(connection: &mut AnyConnection) -> Vec<String> {
    let mut lines = Vec::new();
    for sql in [MESSAGES[0], FAILURES[0], VERIFICATIONS[0]] {
        lines.extend(query_scalar::<_, String>(sql).fetch_all(&mut *connection).await.unwrap());
    }
    lines.extend(latencies(connection).await);
    lines
}

/// Fails unless the counts are those of the rows. Nothing may have been deleted.
pub async fn assert_counted(connection: &mut AnyConnection) {
    for [counts, rows] in [MESSAGES, FAILURES, VERIFICATIONS] {
        let counted: Vec<String> = query_scalar(counts).fetch_all(&mut *connection).await.unwrap();
        let recounted: Vec<String> = query_scalar(rows).fetch_all(&mut *connection).await.unwrap();
        assert_eq!(counted, recounted, "{counts}");
    }
    let rows = "SELECT messages.tenant || ' ' || (messages.created_at / 3600000 * 3600000) || ' ' \
                || (attempts.finished_at - messages.created_at) FROM attempts JOIN messages \
                ON messages.tenant = attempts.tenant AND messages.id = attempts.message \
                WHERE messages.test = 0 AND attempts.outcome = 'accepted'";
    let mut recounted: BTreeMap<String, u64> = BTreeMap::new();
    for line in query_scalar::<_, String>(rows).fetch_all(&mut *connection).await.unwrap() {
        let (hour, took) = line.rsplit_once(' ').unwrap();
        let lower = lower_bound(took.parse::<i64>().unwrap().try_into().unwrap_or(0));
        *recounted.entry(format!("{hour} {lower}")).or_default() += 1;
    }
    let mut recounted: Vec<String> = recounted.into_iter().map(|(range, count)| format!("{range}: {count}")).collect();
    recounted.sort();
    assert_eq!(latencies(connection).await, recounted);
}

async fn latencies(connection: &mut AnyConnection) -> Vec<String> {
    let counts = "SELECT tenant || ' ' || hour || ' ' || latency_ms || ': ' || SUM(messages) FROM latency_counts \
                  GROUP BY tenant, hour, latency_ms";
    let mut lines: Vec<String> = query_scalar(counts).fetch_all(connection).await.unwrap();
    lines.sort();
    lines
}

/// The lower bound of the range of a latency: eight ranges for each doubling, from 16 ms on.
fn lower_bound(took: u64) -> u64 {
    let took = took.min(1 << 20);
    if took < 16 { took } else { took >> (took.ilog2() - 3) << (took.ilog2() - 3) }
}
