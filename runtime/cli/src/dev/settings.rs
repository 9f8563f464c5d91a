//! The configuration of `dev`: that of a connection, and what the author's provider answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use sendbox_simulator::ScriptedHost;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::connection;
use crate::exit::{Blame as _, Stop};
use crate::runner;

/// The file's shape. What the parameters and templates must be is said by whoever takes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    parameters: Map<String, Value>,
    #[serde(default)]
    templates: Vec<Value>,
    #[serde(default)]
    answers: BTreeMap<String, PathBuf>,
}

/// What the connector is tried with.
pub struct Settings {
    /// With secrets from elsewhere filled in.
    pub parameters: Map<String, Value>,
    /// As written.
    pub templates: Value,
    /// By host: which file, and what stands in it.
    pub answers: BTreeMap<String, (PathBuf, Vec<u8>)>,
}

impl Settings {
    /// Reads the file, and those that it names.
    pub fn read(path: &Path) -> Result<Self, Stop> {
        if !path.exists() {
            return Err(Stop::usage(anyhow!(
                "{} is not there. It holds what the connector is tried with: parameters, templates, answers of the provider. Write one (`sendbox dev --help` shows its shape), or name another with --config",
                path.display()
            )));
        }
        let mut written: Value = runner::json_file(path)?;
        connection::complete(&mut written, path)?;
        let Written { parameters, templates, answers } = serde_json::from_value(written)
            .with_context(|| format!("{} is not what is wanted", path.display()))
            .blame_input()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let answers = answers
            .into_iter()
            .map(|(host, file)| {
                let file = folder.join(file);
                let contents = runner::read(&file)?;
                Ok((host, (file, contents)))
            })
            .collect::<Result<_, Stop>>()?;
        let settings = Self { parameters, templates: templates.into(), answers };
        // Wrong ones are better known before anything is started anew.
        settings.scripted()?;
        Ok(settings)
    }

    /// For the simulator.
    pub fn scripted(&self) -> Result<Vec<ScriptedHost>, Stop> {
        self.answers
            .iter()
            .map(|(host, (file, contents))| {
                let name = || format!("{} is not what is wanted", file.display());
                let answer = serde_json::from_slice(contents).with_context(name).blame_input()?;
                Ok(ScriptedHost { host: host.clone(), answer })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_it_and_what_is_wrong_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let path = folder.path().join("dev.json");
        let read = || Settings::read(&path).map_err(|stop| format!("{stop:?}"));
        assert!(read().err().unwrap().contains("is not there"));
        write("accepted.json", r#"{"status": 201, "body": {"id": "m"}}"#);
        write("token", "hush");
        write(
            "dev.json",
            r#"{"parameters": {"a": {"$file": "token"}}, "answers": {"api.example.com": "accepted.json"}}"#,
        );
        let settings = read().unwrap();
        assert_eq!(settings.parameters["a"], "hush");
        assert_eq!(settings.scripted().unwrap()[0].answer.status, 201);
        for (text, wanted) in [
            (r#"{"answer": {}}"#, "unknown field `answer`"),
            (r#"{"answers": {"api.example.com": "none.json"}}"#, "none.json"),
            (r#"{"answers": {"api.example.com": "token"}}"#, "token is not what is wanted"),
            (r#"{"parameters": {"a": {"$env": "SENDBOX_TEST_NOT_SET"}}}"#, "SENDBOX_TEST_NOT_SET"),
        ] {
            write("dev.json", text);
            let said = read().err().unwrap();
            assert!(said.contains(wanted), "{text}: {said}");
        }
    }
}
