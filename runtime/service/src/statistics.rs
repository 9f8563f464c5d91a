//! Statistics of a tenant for a period, and what needs attention now.
//!
//! The counts are kept by the database, by the hour, and read in one snapshot. `rules/alerts.rs` derives the alerts; the facts for
//! them are collected here.

use std::collections::BTreeMap;

use sendbox_domain::model::{
    Alert, AttemptOutcome, Conversion, CountryCount, Flow, Latency, MessageStatus, Rollback, Scope, StartedCount,
    Statistics, StatisticsBucket, StatisticsFilter, Timestamp, Totals,
};
use sendbox_domain::rules::alerts::{
    AccountFailures, ActiveConnection, Facts, LAST_DAY_MS, LAST_HOUR_MS, Tally, alerts, is_account_failure,
};
use sendbox_domain::rules::limit;
use sendbox_domain::rules::period::Period;
use sendbox_domain::{LimitName, template};
use sendbox_sandbox::{ContentKind, Digest};
use sendbox_store::rows::{ConnectionRow, TenantRow};
use sendbox_store::statistics::{Converted, EndedAlike, Latencies, MessageCounts};
use sendbox_store::{Tx, buckets, connections, holds, statistics};

use crate::access::caller::Caller;
use crate::connections::ready_connection::VersionAffinity;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::releases::resolved_connector::ResolvedConnector;
use crate::service::Service;

/// Maximum number of messages of the last hour that alerts are derived from.
const NEWEST: u32 = 1000;
/// The code for numbers of no country, as in policies.
const NO_COUNTRY: &str = "001";

impl Service {
    /// The statistics of a tenant for a period, and what needs attention now.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn statistics(&self, caller: &Caller, tenant: &str, filter: StatisticsFilter) -> Result<Statistics> {
        caller.may(tenant, &[Scope::Read])?;
        let now = self.now();
        // Not converted by `From`: the fields are query parameters, not members of a body.
        let period = Period::of(&filter, now).map_err(Error::Invalid)?;
        let span = (period.from, period.to);
        let mut tx = self.store_of(tenant).begin_read().await?;
        statistics::use_long_timeout(&mut tx).await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        let counted = statistics::by_bucket(&mut tx, tenant, span, period.width()).await?;
        let (totals, mut series) = add_up(&period, counted);
        let started = statistics::started_by_bucket(&mut tx, tenant, span, period.width()).await?;
        fill_in(&mut series, started);
        let latencies = statistics::latencies(&mut tx, tenant, span, period.width()).await?;
        let latency_ms = fill_in_latencies(&mut series, &latencies);
        let to_country = statistics::by_country(&mut tx, tenant, span).await?;
        let converted = statistics::conversions(&mut tx, tenant, span).await?;
        Ok(Statistics {
            from: period.from,
            to: period.to,
            bucket: period.bucket,
            totals,
            conversion: conversion(&converted),
            latency_ms,
            failures: statistics::failures(&mut tx, tenant, span).await?,
            countries: countries(to_country, converted),
            series,
            alerts: self.alerts(&mut tx, &row, now).await?,
        })
    }

    /// What needs attention now.
    async fn alerts(&self, tx: &mut Tx, tenant: &TenantRow, now: Timestamp) -> Result<Vec<Alert>> {
        let (recent, lately) = (now.minus_millis(LAST_HOUR_MS), Period::since(now.minus_millis(LAST_DAY_MS)));
        let connections = connections::list(tx, &tenant.id).await?;
        let connectors = self.resolve_connectors(tx, tenant, &connections).await?;
        let active = connections.iter().find(|row| tenant.active_connection.as_ref() == Some(&row.name));
        let active = match active {
            Some(row) => Some(self.active_facts(tx, tenant, row, connectors.get(&row.connector)).await?),
            None => None,
        };
        let ended = statistics::newest_by_connection(tx, &tenant.id, recent, NEWEST).await?;
        let converted = statistics::conversions(tx, &tenant.id, lately).await?;
        let by_country_lately = statistics::by_country(tx, &tenant.id, lately).await?;
        let spend = match &tenant.policy.spend {
            Some(policy) => Some((policy, self.spent(tx, tenant, now).await?)),
            None => None,
        };
        let flows: Vec<Flow> = tenant.flows.enabled();
        Ok(alerts(&Facts {
            now,
            environment: tenant.environment,
            flows: &flows,
            countries: &tenant.policy.countries,
            active,
            last_hour: tally(&statistics::newest_by_status(tx, &tenant.id, recent, NEWEST).await?),
            last_day: ended_of(&by_country_lately),
            reported: reported(&by_country_lately),
            account_failures: account_failures(&ended),
            open_breakers: self.open_breakers(&tenant.id, &connections, &connectors, now),
            holds: holds::list(tx, &tenant.id, now).await?.into_iter().map(|hold| (hold.id, hold.expires_at)).collect(),
            spend,
            rollbacks: rollbacks(&connectors),
            secrets: connections.into_iter().map(|row| (row.name, row.secret_times.into_iter().collect())).collect(),
            conversions: named_conversions(converted),
        }))
    }

    /// The connectors of these connections.
    async fn resolve_connectors(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        connections: &[ConnectionRow],
    ) -> Result<BTreeMap<String, ResolvedConnector>> {
        let mut connectors = BTreeMap::new();
        for row in connections {
            if !connectors.contains_key(&row.connector)
                && let Some(resolved) = self.resolve_connector(tx, &tenant.id, &row.connector).await?
            {
                connectors.insert(row.connector.clone(), resolved);
            }
        }
        Ok(connectors)
    }

    async fn active_facts(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &ConnectionRow,
        resolved: Option<&ResolvedConnector>,
    ) -> Result<ActiveConnection> {
        let incompatibility = match self.ready_connection(tx, tenant, &row.name, VersionAffinity::default()).await {
            Ok(_) => None,
            Err(Error::Invalid(errors)) => Some(errors.to_string()),
            Err(other) => return Err(other),
        };
        let content = match resolved {
            // One that cannot be loaded is incompatible anyway.
            Some(resolved) => self.active_of(tx, resolved).await.ok().map(|connector| connector.metadata().content),
            None => None,
        };
        let missing_templates = match content {
            Some(ContentKind::Text | ContentKind::Template) => {
                let templates = template::read(&row.templates, "/templates").unwrap_or_default();
                template::missing_usages(&templates).into_iter().map(str::to_owned).collect()
            }
            Some(ContentKind::Variables) | None => Vec::new(),
        };
        let tested = connections::tested_at(tx, &tenant.id, &row.fingerprint).await?.is_some();
        Ok(ActiveConnection { name: row.name.clone(), tested, missing_templates, incompatibility })
    }

    /// The amount spent this month, in millionths.
    async fn spent(&self, tx: &mut Tx, tenant: &TenantRow, now: Timestamp) -> Result<u64> {
        let state = buckets::peek(tx, &tenant.id, &LimitName::SpendCap.to_string()).await?;
        // A limit with an unreadable state admits nothing, as if it were reached.
        Ok(limit::spent(state.as_deref(), now).unwrap_or(u64::MAX))
    }

    /// Connections whose breaker is open in this process. The breaker of a canary does not count, because the active version sends
    /// instead.
    fn open_breakers(
        &self,
        tenant: &str,
        connections: &[ConnectionRow],
        connectors: &BTreeMap<String, ResolvedConnector>,
        now: Timestamp,
    ) -> Vec<String> {
        let breakers = lock(&self.inner.breakers);
        let open: Vec<(&String, u64, &Digest)> = breakers
            .iter()
            .filter(|((of, ..), breaker)| of == tenant && breaker.is_open(now))
            .map(|((_, name, revision, digest), _)| (name, *revision, digest))
            .collect();
        let is_tried = |row: &ConnectionRow, digest: &Digest| {
            let release = connectors.get(&row.connector).and_then(ResolvedConnector::release);
            let canary = release.and_then(|release| release.versions.canary.as_ref());
            canary.is_some_and(|canary| canary.digest == digest.to_string())
        };
        let rests = |row: &&ConnectionRow| {
            open.iter().any(|(name, revision, digest)| {
                **name == row.name && *revision == row.revision && !is_tried(row, digest)
            })
        };
        connections.iter().filter(rests).map(|row| row.name.clone()).collect()
    }
}

/// The totals of all buckets, and a point for each bucket.
fn add_up(period: &Period, counted: Vec<(Timestamp, MessageCounts)>) -> (Totals, Vec<StatisticsBucket>) {
    let empty = |at: Timestamp| (at, StatisticsBucket::empty(at));
    let mut series: BTreeMap<Timestamp, StatisticsBucket> = period.starts().map(empty).collect();
    let mut totals = Totals::default();
    for (at, counts) in counted {
        totals.messages += counts.messages();
        totals.accepted += counts.accepted;
        totals.delivered += counts.delivered;
        totals.undelivered += counts.undelivered;
        totals.failed += counts.failed;
        totals.in_doubt += counts.in_doubt;
        totals.cancelled += counts.cancelled;
        totals.expired += counts.expired;
        totals.in_progress += counts.in_progress;
        totals.segments += counts.segments;
        totals.cost_micros += counts.cost_micros;
        if let Some(point) = series.get_mut(&at) {
            point.messages = counts.messages();
            point.accepted = counts.accepted;
            point.delivered = counts.delivered;
            point.undelivered = counts.undelivered;
            point.failed = counts.failed;
            point.in_doubt = counts.in_doubt;
        }
    }
    (totals, series.into_values().collect())
}

/// Adds the verifications to the points of their buckets.
fn fill_in(series: &mut [StatisticsBucket], started: Vec<(Timestamp, StartedCount)>) {
    let mut started: BTreeMap<Timestamp, StartedCount> = started.into_iter().collect();
    for point in series {
        point.verifications = started.remove(&point.starts_at).unwrap_or_default();
    }
}

/// Adds the latencies to the points of their buckets. Returns those of the whole period.
fn fill_in_latencies(series: &mut [StatisticsBucket], latencies: &[Latencies]) -> Option<Latency> {
    let mut by_bucket: BTreeMap<Timestamp, Vec<(u64, u64)>> = BTreeMap::new();
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    for Latencies { at, latency_ms, messages } in latencies {
        by_bucket.entry(*at).or_default().push((*latency_ms, *messages));
        *all.entry(*latency_ms).or_default() += messages;
    }
    for point in series {
        point.latency_ms = by_bucket.remove(&point.starts_at).and_then(Latency::of_ranges);
    }
    Latency::of_ranges(all.into_iter().collect())
}

fn conversion(converted: &[Converted]) -> Conversion {
    let sum = |of: fn(&Converted) -> u64| converted.iter().map(of).sum();
    Conversion::of(sum(|one| one.approved), sum(|one| one.started))
}

fn named_conversions(converted: Vec<Converted>) -> Vec<(String, Conversion)> {
    let named = |country: Option<String>| country.unwrap_or_else(|| NO_COUNTRY.to_owned());
    converted.into_iter().map(|one| (named(one.country), Conversion::of(one.approved, one.started))).collect()
}

/// Countries with messages or verifications, most messages first.
fn countries(messages: Vec<(Option<String>, MessageCounts)>, converted: Vec<Converted>) -> Vec<CountryCount> {
    let mut conversions: BTreeMap<String, Conversion> = named_conversions(converted).into_iter().collect();
    let mut found: Vec<CountryCount> = messages
        .into_iter()
        .map(|(country, counts)| {
            let country = country.unwrap_or_else(|| NO_COUNTRY.to_owned());
            CountryCount {
                conversion: conversions.remove(&country),
                country,
                messages: counts.messages(),
                accepted: counts.accepted,
                delivered: counts.delivered,
                undelivered: counts.undelivered,
            }
        })
        .collect();
    // A verification may have been started in this period, and its message created a moment after it.
    found.extend(conversions.into_iter().map(|(country, conversion)| CountryCount {
        country,
        messages: 0,
        accepted: 0,
        delivered: 0,
        undelivered: 0,
        conversion: Some(conversion),
    }));
    found.sort_by(|one, other| other.messages.cmp(&one.messages).then_with(|| one.country.cmp(&other.country)));
    found
}

/// Cancelled messages and messages in progress are not counted.
fn tally(by_status: &[(MessageStatus, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (status, messages) in by_status {
        match status {
            MessageStatus::Queued | MessageStatus::Sending | MessageStatus::Cancelled => {}
            MessageStatus::Accepted => {
                tally.ended += messages;
                tally.accepted += messages;
            }
            MessageStatus::Failed | MessageStatus::InDoubt | MessageStatus::Expired => tally.ended += messages,
        }
    }
    tally
}

/// The messages that have ended, except for cancelled ones.
fn ended_of(counted: &[(Option<String>, MessageCounts)]) -> Tally {
    let sum = |of: fn(&MessageCounts) -> u64| counted.iter().map(|(_, counts)| of(counts)).sum();
    Tally {
        ended: sum(|counts| counts.accepted + counts.failed + counts.in_doubt + counts.expired),
        accepted: sum(|counts| counts.accepted),
    }
}

/// Messages with a final delivery report, and how many of them were delivered.
fn reported(counted: &[(Option<String>, MessageCounts)]) -> Tally {
    let sum = |of: fn(&MessageCounts) -> u64| counted.iter().map(|(_, counts)| of(counts)).sum();
    Tally { ended: sum(|counts| counts.delivered + counts.undelivered), accepted: sum(|counts| counts.delivered) }
}

/// Attempts that failed because of the account of a connection.
fn account_failures(ended: &[EndedAlike]) -> Vec<AccountFailures> {
    let sent_after = |connection: &str, at: Timestamp| {
        let is_later = |one: &EndedAlike| one.outcome == AttemptOutcome::Accepted && one.last > at;
        ended.iter().any(|one| one.connection == connection && is_later(one))
    };
    let mut found: Vec<AccountFailures> = Vec::new();
    for one in ended {
        let Some(class) = one.class.filter(|class| is_account_failure(*class)) else { continue };
        let recovered = sent_after(&one.connection, one.last);
        match found.iter_mut().find(|known| known.connection == one.connection && known.class == class) {
            // Rejected and in-doubt attempts with the same class are counted together.
            Some(known) => {
                known.attempts += one.attempts;
                known.recovered &= recovered;
            }
            None => {
                let (connection, attempts) = (one.connection.clone(), one.attempts);
                found.push(AccountFailures { connection, class, attempts, recovered });
            }
        }
    }
    found
}

fn rollbacks(connectors: &BTreeMap<String, ResolvedConnector>) -> Vec<(String, Rollback)> {
    let last = |connector: &ResolvedConnector| connector.release()?.versions.last_rollback.clone();
    connectors.iter().filter_map(|(id, connector)| Some((id.clone(), last(connector)?))).collect()
}
