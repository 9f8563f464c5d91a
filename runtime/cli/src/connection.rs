//! The configuration file of a connection.
//!
//! A parameter may be `{"$env": "NAME"}` or `{"$file": "path"}` instead of a value, which keeps secrets out of the file. A path is
//! relative to the configuration file; a line break at the end of the referenced file is not part of the secret.

use std::io::{self, Read as _};
use std::path::Path;

use sendbox_domain::{ConnectionConfig, FieldError, FieldErrors};
use serde_json::Value;

use crate::exit::CliError;
use crate::runner;

/// Maximum size in bytes of a parameter that is read from a file.
const LARGEST_SECRET: u64 = 64 << 10;

/// Reads a configuration, with the values of its references.
pub fn read(path: &Path) -> Result<ConnectionConfig, CliError> {
    let mut value: Value = runner::json_file(path)?;
    let errors = resolve(&mut value, path);
    match ConnectionConfig::read(value) {
        Ok(config) if errors.is_empty() => Ok(config),
        Ok(_) => Err(CliError::errors(errors)),
        Err(FieldErrors(more)) => Err(CliError::errors(errors.into_iter().chain(more).collect())),
    }
}

/// Replaces the `$env` and `$file` references in a configuration that was read from `path`.
pub fn resolve_references(value: &mut Value, path: &Path) -> Result<(), CliError> {
    let errors = resolve(value, path);
    if errors.is_empty() { Ok(()) } else { Err(CliError::errors(errors)) }
}

fn resolve(value: &mut Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(parameters) = value.get_mut("parameters").and_then(Value::as_object_mut) {
        for (key, parameter) in parameters.iter_mut() {
            match referenced_text(parameter, path) {
                None => {}
                Some(Ok(text)) => *parameter = Value::String(text),
                Some(Err(message)) => errors.push(FieldError::new(format!("/parameters/{key}"), message)),
            }
        }
    }
    errors
}

/// The text that a parameter refers to. `None` if it is not a reference.
fn referenced_text(parameter: &Value, config: &Path) -> Option<Result<String, String>> {
    let fields = parameter.as_object().filter(|fields| fields.len() == 1)?;
    let (kind, target) = fields.iter().next()?;
    let target = match (kind.as_str(), target) {
        ("$env" | "$file", Value::String(target)) if !target.is_empty() => target,
        ("$env" | "$file", _) => return Some(Err(format!("`{kind}` needs a name, like {{\"{kind}\": \"TOKEN\"}}"))),
        _ => return None,
    };
    Some(match kind.as_str() {
        "$env" => std::env::var(target).map_err(|error| match error {
            std::env::VarError::NotPresent => format!("the environment variable {target} is not set; export it"),
            std::env::VarError::NotUnicode(_) => format!("the environment variable {target} is not UTF-8"),
        }),
        _ => {
            let path = config.parent().unwrap_or(Path::new(".")).join(target);
            secret_file(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        }
    })
}

fn secret_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST_SECRET + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_SECRET {
        return Err(io::Error::other(format!("it is larger than {LARGEST_SECRET} bytes, the maximum for a parameter")));
    }
    let end = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text)).len();
    text.truncate(end);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write_config(folder: &Path, config: &Value) -> std::path::PathBuf {
        let path = folder.join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    #[test]
    fn secrets_come_from_files_and_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from a file\r\n").unwrap();
        // Set by cargo for every test.
        let config = json!({"parameters": {
            "a": {"$file": "token"}, "b": {"$env": "CARGO_PKG_NAME"}, "c": "as it is", "d": {"not": "us"}, "e": 7,
        }});
        let read = read(&write_config(folder.path(), &config)).unwrap();
        let want = json!({"a": "from a file", "b": "sendbox", "c": "as it is", "d": {"not": "us"}, "e": 7});
        assert_eq!(read.parameters, want);
    }

    #[test]
    fn missing_values_are_reported_by_field_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "parameters": {"a": {"$file": "none"}, "b": {"$env": "SENDBOX_TEST_NOT_SET"}, "c": {"$env": 1}},
            "templates": [{"usage": "generic"}],
        });
        let Err(error) = read(&write_config(folder.path(), &config)) else { panic!("it was read") };
        let shown = format!("{error:?}");
        for part in ["/parameters/a", "none", "/parameters/b", "SENDBOX_TEST_NOT_SET", "/parameters/c", "/templates/0"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
}
