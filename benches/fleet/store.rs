//! The store that a cold pass over a fleet of copies would leave: the rows of the first, once for each copy.

use super::measure::Bot;
use rusqlite::{Connection, params};

pub(crate) fn grow(bot: &Bot, copies: &[(String, u64)]) {
    let mut connection = Connection::open(bot.store()).unwrap();
    let (head, data): (String, Vec<u8>) = connection
        .query_row("SELECT head, data FROM files", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let one = |kind: &str| -> String {
        let query = "SELECT value FROM kept WHERE kind = ?1";
        connection
            .query_row(query, [kind], |row| row.get(0))
            .unwrap()
    };
    let (memory, noticed) = (one("memory"), one("noticed"));
    let transaction = connection.transaction().unwrap();
    for (name, id) in copies {
        let url = format!("{}/{name}.git", bot.url);
        transaction
            .execute(
                "INSERT OR REPLACE INTO files VALUES (?1, ?2, ?3)",
                params![url, head, data],
            )
            .unwrap();
        let forge = &bot.forge;
        for (kind, key, value) in [
            ("registered", format!("{forge} {name}"), id.to_string()),
            ("memory", format!("{forge} {id}"), memory.clone()),
            ("noticed", format!("{forge} {id}"), noticed.clone()),
        ] {
            transaction
                .execute(
                    "INSERT OR REPLACE INTO kept VALUES (?1, ?2, ?3)",
                    params![kind, key, value],
                )
                .unwrap();
        }
    }
    transaction.commit().unwrap();
}
