//! The configuration of `dev`: that of a connection, and scripted responses of the provider.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use sendbox_simulator::ScriptedHost;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::connection;
use crate::exit::{CliError, InputErrorExt as _};
use crate::runner;

/// The contents of the file. The service validates parameters and templates.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    #[serde(default)]
    parameters: Map<String, Value>,
    #[serde(default)]
    templates: Vec<Value>,
    #[serde(default)]
    answers: BTreeMap<String, PathBuf>,
}

/// The settings with which the connector is tried.
pub struct Settings {
    /// The parameters, with the values of `$env` and `$file`.
    pub parameters: Map<String, Value>,
    pub templates: Value,
    /// The files of scripted responses and their contents, by host.
    pub answers: BTreeMap<String, (PathBuf, Vec<u8>)>,
}

impl Settings {
    /// Reads the file, and the files that it names.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        if !path.exists() {
            return Err(CliError::usage(anyhow!(
                "{} does not exist. Create it with the parameters, templates and scripted responses to try the connector with (`sendbox dev --help` shows an example), or name another file with --config",
                path.display()
            )));
        }
        let mut value: Value = runner::json_file(path)?;
        connection::resolve_references(&mut value, path)?;
        let SettingsFile { parameters, templates, answers } = serde_json::from_value(value)
            .with_context(|| format!("{} is invalid", path.display()))
            .into_input_error()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let answers = answers
            .into_iter()
            .map(|(host, file)| {
                let file = folder.join(file);
                let contents = runner::read(&file)?;
                Ok((host, (file, contents)))
            })
            .collect::<Result<_, CliError>>()?;
        let settings = Self { parameters, templates: templates.into(), answers };
        // Report invalid responses before the simulator is restarted.
        settings.scripted()?;
        Ok(settings)
    }

    /// The scripted responses, for the simulator.
    pub fn scripted(&self) -> Result<Vec<ScriptedHost>, CliError> {
        self.answers
            .iter()
            .map(|(host, (file, contents))| {
                let name = || format!("{} is invalid", file.display());
                let answer = serde_json::from_slice(contents).with_context(name).into_input_error()?;
                Ok(ScriptedHost { host: host.clone(), answer })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_read_and_errors_name_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let path = folder.path().join("dev.json");
        let read = || Settings::read(&path).map_err(|error| format!("{error:?}"));
        assert!(read().err().unwrap().contains("does not exist"));
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
            (r#"{"answers": {"api.example.com": "token"}}"#, "token is invalid"),
            (r#"{"parameters": {"a": {"$env": "SENDBOX_TEST_NOT_SET"}}}"#, "SENDBOX_TEST_NOT_SET"),
        ] {
            write("dev.json", text);
            let error = read().err().unwrap();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
