//! The columns of a table, listed once. `SELECT`, `INSERT` and `UPDATE` are built from that list.
//!
//! In `INSERT` and `UPDATE` the parameter of a column is its position in the list, from `$1` on, so that one function binds a row
//! for both. Further parameters of a statement follow.

use std::sync::LazyLock;

/// A statement, built on first use and kept for the lifetime of the process.
pub(super) type Statement = LazyLock<String>;

/// A table, with the columns that are written together.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// In the order in which a row is bound.
    pub(super) columns: &'static [&'static str],
}

impl Table {
    /// `a, b, c`, for `RETURNING`.
    pub(super) fn list(&self) -> String {
        self.columns.join(", ")
    }

    /// `SELECT a, b, c FROM table`, followed by `rest`.
    pub(super) fn select(&self, rest: &str) -> String {
        format!("SELECT {} FROM {} {rest}", self.list(), self.name)
    }

    /// [`Self::select`] without one large column.
    pub(super) fn select_without(&self, column: &str, rest: &str) -> String {
        let columns: Vec<&str> = self.columns.iter().copied().filter(|name| *name != column).collect();
        format!("SELECT {} FROM {} {rest}", columns.join(", "), self.name)
    }

    /// `table.a AS p_a, table.b AS p_b`, for a statement that reads several tables. The prefix is `p_`.
    pub(super) fn qualified(&self, prefix: &str) -> String {
        let column = |column: &&str| format!("{table}.{column} AS {prefix}{column}", table = self.name);
        self.columns.iter().map(column).collect::<Vec<_>>().join(", ")
    }

    /// `INSERT INTO table (a, b, c) VALUES ($1, $2, $3)`, followed by `rest`.
    pub(super) fn insert(&self, rest: &str) -> String {
        let values: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({}) {rest}", self.name, self.list(), values.join(", "))
    }

    /// [`Self::insert`], or an update of these columns if there is a row with the same `key`.
    pub(super) fn upsert(&self, key: &[&str], columns: &[&str], rest: &str) -> String {
        let changes: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        self.insert(&format!("ON CONFLICT ({}) DO UPDATE SET {} {rest}", key.join(", "), changes.join(", ")))
    }

    /// `UPDATE table SET c = $3 WHERE a = $1 AND b = $2`, followed by `rest`: updates these columns of the row with this `key`.
    pub(super) fn update(&self, key: &[&str], columns: &[&str], rest: &str) -> String {
        let assignments = |columns: &[&str], separator: &str| {
            columns
                .iter()
                .map(|column| format!("{column} = {}", self.parameter(column)))
                .collect::<Vec<_>>()
                .join(separator)
        };
        format!("UPDATE {} SET {} WHERE {} {rest}", self.name, assignments(columns, ", "), assignments(key, " AND "))
    }

    /// The parameter of a column; `$0`, which no database accepts, for a column that is not in the list.
    fn parameter(&self, column: &str) -> String {
        let number = self.columns.iter().position(|name| *name == column).map_or(0, |index| index + 1);
        format!("${number}")
    }

    /// A parameter after those of all columns: 1 is the first.
    pub(super) fn further_parameter(&self, number: usize) -> String {
        format!("${}", self.columns.len() + number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table { name: "pets", columns: &["owner", "name", "age", "photo"] };

    #[test]
    fn statements_are_built_from_the_list() {
        for (statement, want) in [
            (TABLE.select("WHERE owner = $1"), "SELECT owner, name, age, photo FROM pets WHERE owner = $1"),
            (TABLE.select_without("photo", "LIMIT 1"), "SELECT owner, name, age FROM pets LIMIT 1"),
            (
                TABLE.qualified("pet_"),
                "pets.owner AS pet_owner, pets.name AS pet_name, pets.age AS pet_age, pets.photo AS pet_photo",
            ),
            (
                TABLE.insert("ON CONFLICT DO NOTHING"),
                "INSERT INTO pets (owner, name, age, photo) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            ),
            (
                TABLE.upsert(&["owner", "name"], &["photo"], "WHERE pets.age < 9"),
                "INSERT INTO pets (owner, name, age, photo) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (owner, name) DO UPDATE SET photo = excluded.photo WHERE pets.age < 9",
            ),
            (
                TABLE.update(&["owner", "name"], &["photo", "age"], "AND age < $5"),
                "UPDATE pets SET photo = $4, age = $3 WHERE owner = $1 AND name = $2 AND age < $5",
            ),
        ] {
            assert_eq!(statement, want);
        }
        assert_eq!(TABLE.further_parameter(1), "$5");
    }
}
