//! The power fails: what was written to the database and not synced is lost, in part or as a whole. Promises P3 and P6.
//!
//! `strace` records what the real binary writes and syncs. From the record, the files are made as a disk could have them at any moment: all
//! that was synced, and of the rest a random choice of sectors. The binary starts with each, and must still have what it had acknowledged,
//! and what had reached a phone. Names of files and the shared memory of SQLite are not part of it.
//!
//! Without `strace` the test is left out, with a line that says so; `SENDBOX_REQUIRE_STRACE=1` makes that a failure. `SENDBOX_POWER_LOSSES`
//! is the number of failures, and `SENDBOX_SEED` repeats the choice of moments and sectors, on a new record.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use regex::Regex;
use sendbox_simulator::InboxEvent;
use sendbox_tests::database::connect;
use sendbox_tests::process::{Client, Deployment};
use serde_json::json;
use sqlx::{Row, query};

use crate::load::{Crowd, Dice, received_code};

const POWER_LOSSES: u64 = 12;
const CLIENTS: usize = 4;
const RESPONSES: usize = 40;
const SECTOR: usize = 512;
const FILES: [&str; 2] = ["sendbox.db", "sendbox.db-wal"];

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
    Remove,
    Sync,
}

/// A system call that changes one of [`FILES`], and when it began, in microseconds.
#[derive(Debug)]
struct Event {
    at: u64,
    file: usize,
    change: Change,
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text.replace("\\x", "")).unwrap()
}

/// Reads a record of `strace -f -y -xx -ttt`. A call during which another thread was scheduled is in two lines, and takes effect with the
/// second.
fn events(record: &str) -> Vec<Event> {
    let line = Regex::new(r"^(\d+) +(\d+)\.(\d{6}) (.*)$").unwrap();
    let write = Regex::new(r#"^pwrite64\(\d+<([^>]*)>, "([^"]*)", \d+, (\d+)\) += (\d+)$"#).unwrap();
    let sync = Regex::new(r"^f(?:data)?sync\(\d+<([^>]*)>\) += 0$").unwrap();
    let truncate = Regex::new(r"^ftruncate\(\d+<([^>]*)>, (\d+)\) += 0$").unwrap();
    let remove = Regex::new(r#"^unlink\("([^"]*)"\) += 0$"#).unwrap();
    let mut unfinished: HashMap<String, String> = HashMap::new();
    let mut events = Vec::new();
    for text in record.lines() {
        let Some(parts) = line.captures(text) else { continue };
        let at = parts[2].parse::<u64>().unwrap() * 1_000_000 + parts[3].parse::<u64>().unwrap();
        let mut call = parts[4].to_owned();
        if let Some(first) = call.strip_suffix(" <unfinished ...>") {
            unfinished.insert(parts[1].to_owned(), first.to_owned());
            continue;
        }
        if let Some((_, rest)) = call.split_once(" resumed>").filter(|_| call.starts_with("<... ")) {
            let Some(first) = unfinished.remove(&parts[1]) else { continue };
            call = format!("{first}{rest}");
        }
        let number = |text: &str| text.parse::<usize>().unwrap();
        let (path, change) = if let Some(parts) = write.captures(&call) {
            let bytes = unhex(&parts[2]);
            assert_eq!(bytes.len(), number(&parts[4]), "a write is not recorded as a whole");
            (parts[1].to_owned(), Change::Write { offset: number(&parts[3]), bytes })
        } else if let Some(parts) = sync.captures(&call) {
            (parts[1].to_owned(), Change::Sync)
        } else if let Some(parts) = truncate.captures(&call) {
            (parts[1].to_owned(), Change::Truncate { length: number(&parts[2]) })
        } else if let Some(parts) = remove.captures(&call) {
            (parts[1].to_owned(), Change::Remove)
        } else {
            continue;
        };
        let path = String::from_utf8(unhex(&path)).unwrap();
        if let Some(file) = FILES.iter().position(|name| path.ends_with(&format!("/{name}"))) {
            events.push(Event { at, file, change });
        }
    }
    events
}

/// A file on the disk; `None` if there is none.
type File = Option<Vec<u8>>;

fn put(file: &mut File, offset: usize, bytes: &[u8]) {
    let file = file.get_or_insert_default();
    file.resize(file.len().max(offset + bytes.len()), 0);
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

fn apply(file: &mut File, change: &Change) {
    match change {
        Change::Write { offset, bytes } => put(file, *offset, bytes),
        Change::Truncate { length } => file.get_or_insert_default().resize(*length, 0),
        Change::Remove => *file = None,
        Change::Sync => {}
    }
}

/// The files after the power has failed: all that was synced, and some sectors of what was not.
fn after_power_loss(base: &[File; 2], events: &[Event], dice: &mut Dice) -> [File; 2] {
    let mut files = base.clone();
    for (index, file) in files.iter_mut().enumerate() {
        let mut unsynced: Vec<&Change> = Vec::new();
        for event in events.iter().filter(|event| event.file == index) {
            if matches!(event.change, Change::Sync) {
                unsynced.drain(..).for_each(|change| apply(file, change));
            } else {
                unsynced.push(&event.change);
            }
        }
        for change in unsynced {
            match change {
                Change::Write { offset, bytes } => {
                    let mut at = *offset;
                    while at < offset + bytes.len() {
                        let end = ((at / SECTOR + 1) * SECTOR).min(offset + bytes.len());
                        if dice.once_in(2) {
                            put(file, at, &bytes[at - offset..end - offset]);
                        }
                        at = end;
                    }
                }
                other if dice.once_in(2) => apply(file, other),
                _ => {}
            }
        }
    }
    files
}

fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

/// What somebody has learned, and when.
#[derive(Debug)]
enum Learned {
    Message {
        id: String,
        status: String,
    },
    Approved {
        verification: String,
    },
    /// A message has reached a phone.
    Arrived {
        number: String,
    },
}

type Book = Arc<Mutex<Vec<(u64, Learned)>>>;

/// Sends messages and checks codes until the server has ended.
async fn client(deployment: Arc<Deployment>, crowd: Arc<Crowd>, client: Client, book: Book, mut dice: Dice) {
    let learn = |learned: Learned| book.lock().unwrap().push((micros(), learned));
    loop {
        let number = crowd.number();
        let mode = if dice.once_in(2) { "sync" } else { "async" };
        if dice.once_in(3) {
            let body = json!({ "to": number, "usage": "sign-in" });
            let Ok(started) = client.post("verifications", &body, None).await else { return };
            crowd.answered_once();
            let Some(code) = received_code(&deployment, &number) else { continue };
            let id = started.text("/id").to_owned();
            let path = format!("verifications/{id}/check");
            let Ok(checked) = client.post(&path, &json!({ "code": code }), None).await else { return };
            if checked.status == 200 {
                learn(Learned::Approved { verification: id });
            }
        } else {
            let body = json!({ "to": number, "usage": "sign-in", "code": "123456", "mode": mode });
            let Ok(sent) = client.post("messages", &body, None).await else { return };
            if sent.is_success() {
                learn(Learned::Message { id: sent.text("/id").to_owned(), status: sent.text("/status").to_owned() });
            }
        }
        crowd.answered_once();
    }
}

fn has_strace() -> bool {
    let found = std::process::Command::new("strace").arg("--version").stdout(Stdio::null()).status();
    let has = found.is_ok_and(|status| status.success());
    let required = std::env::var_os("SENDBOX_REQUIRE_STRACE").is_some_and(|value| value == "1");
    assert!(has || !required, "SENDBOX_REQUIRE_STRACE is set, and there is no strace");
    if !has {
        println!("SKIPPED: there is no strace; to run this test: `apt install strace`");
    }
    has
}

fn files_in(data: &Path) -> [File; 2] {
    FILES.map(|name| fs::read(data.join(name)).ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_loss() {
    if !has_strace() {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("SENDBOX_SEED").unwrap_or_else(micros);
    println!("SENDBOX_SEED={seed}");
    let mut dice = Dice::new(seed);
    let (deployment, crowd) = (Arc::new(Deployment::new().await), Arc::new(Crowd::default()));
    let data = deployment.beside("recorded");
    let process = deployment.start_in(data.clone(), &[]).await;
    process.client.add_tenant().await;
    process.stop().await;
    let base = files_in(&data);

    let record = deployment.beside("record");
    let strace = ["strace", "-D", "-f", "-y", "-xx", "-ttt", "-s", "1000000", "-e"];
    let traced = ["trace=pwrite64,fdatasync,fsync,ftruncate,unlink", "-o", record.to_str().unwrap()];
    let process = deployment.start_under(&[&strace[..], &traced[..]].concat(), data.clone(), &[]).await;
    let book = Book::default();
    let mut arrivals = deployment.simulator.subscribe();
    let arrived = Arc::clone(&book);
    let watch = tokio::spawn(async move {
        while let Ok(event) = arrivals.recv().await {
            if let InboxEvent::Message(message) = event {
                arrived.lock().unwrap().push((micros(), Learned::Arrived { number: message.to.clone() }));
            }
        }
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (deployment, crowd, book) = (Arc::clone(&deployment), Arc::clone(&crowd), Arc::clone(&book));
            tokio::spawn(client(deployment, crowd, process.client.clone(), book, Dice::new(dice.roll(u64::MAX))))
        })
        .collect();
    crowd.answers(RESPONSES).await;
    process.kill().await;
    join_all(clients).await;
    watch.abort();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(&record).unwrap().contains("+++ killed by") {
        assert!(Instant::now() < deadline, "strace does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let events = events(&fs::read_to_string(&record).unwrap());
    let syncs = events.iter().filter(|event| matches!(event.change, Change::Sync)).count();
    println!("{} writes and other changes, {syncs} syncs", events.len() - syncs);
    let book = std::mem::take(&mut *book.lock().unwrap());

    let mut surviving = 0;
    for loss in 0..number("SENDBOX_POWER_LOSSES").unwrap_or(POWER_LOSSES) {
        let last = dice.roll(events.len() as u64) as usize;
        let failed_at = events[last].at;
        let image = deployment.beside(&format!("image-{loss}"));
        deployment.prepare_data(&image);
        fs::copy(data.join("master.keys"), image.join("master.keys")).unwrap();
        for (name, file) in FILES.iter().zip(after_power_loss(&base, &events[..=last], &mut dice)) {
            if let Some(bytes) = file {
                fs::write(image.join(name), bytes).unwrap();
            }
        }
        let process = deployment.start_in(image.clone(), &[]).await;
        for (_, learned) in book.iter().filter(|(at, _)| *at < failed_at) {
            surviving += 1;
            let what = format!("power loss {loss}, after change {last}: {learned:?}");
            match learned {
                Learned::Message { id, status } => {
                    let read = process.client.get(&format!("messages/{id}")).await;
                    assert!(status != "accepted" || read.text("/status") == status, "{what}: {read:?}");
                }
                Learned::Approved { verification } => {
                    let read = process.client.get(&format!("verifications/{verification}")).await;
                    assert_eq!(read.text("/status"), "approved", "{what}");
                }
                Learned::Arrived { number } => {
                    let messages = process.client.messages_to(number).await;
                    assert_eq!(messages.len(), 1, "{what}: it is not in the journal");
                    assert!(!messages[0]["attempts"].as_array().unwrap().is_empty(), "{what}: {messages:?}");
                }
            }
        }
        process.stop().await;
        let mut database = connect(&format!("sqlite://{}", image.join("sendbox.db").display())).await;
        let checked = query("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap();
        assert_eq!(checked.get::<String, _>(0), "ok", "power loss {loss}, after change {last}");
        drop(database);
        deployment.remove_data(&image);
    }
    println!("{surviving} acknowledgements and arrivals were found again");
    assert!(surviving > 0, "no power loss came after an acknowledgement");
}

#[test]
fn a_write_without_a_sync_may_be_lost_and_a_synced_one_is_not() {
    let record = r#"7 1.000001 pwrite64(3<\x2f\x73\x65\x6e\x64\x62\x6f\x78\x2e\x64\x62>, "\x61\x61", 2, 0) = 2
7 1.000002 fdatasync(3<\x2f\x73\x65\x6e\x64\x62\x6f\x78\x2e\x64\x62> <unfinished ...>
8 1.000003 pwrite64(4<\x2f\x6f\x74\x68\x65\x72>, "\x62", 1, 0) = 1
7 1.000004 <... fdatasync resumed>)        = 0
7 1.000005 pwrite64(3<\x2f\x73\x65\x6e\x64\x62\x6f\x78\x2e\x64\x62>, "\x63", 1, 1) = 1"#;
    let events = events(record);
    assert_eq!(events.len(), 3, "{events:?}");
    let mut found: Vec<File> = Vec::new();
    for seed in 0..20 {
        let [database, log] = after_power_loss(&[None, None], &events, &mut Dice::new(seed));
        assert_eq!(log, None);
        found.push(database);
    }
    found.sort();
    found.dedup();
    assert_eq!(found, [Some(b"aa".to_vec()), Some(b"ac".to_vec())]);
    let unsynced = after_power_loss(&[None, None], &events[..1], &mut Dice::new(1));
    assert!(unsynced == [None, None] || unsynced == [Some(b"aa".to_vec()), None]);
}
