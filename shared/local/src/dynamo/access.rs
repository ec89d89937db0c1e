//! What a call on tables needs to be allowed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::World;
use crate::call::{Call, Refusal};
use crate::iam::account_of;

/// The names in a request that decide which permissions it needs.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Names {
    table_name: Option<String>,
    index_name: Option<String>,
    #[serde(default)]
    #[expect(
        clippy::zero_sized_map_values,
        reason = "what stands under a table's name is skipped, not read"
    )]
    request_items: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    transact_items: Vec<BTreeMap<String, TransactItem>>,
    #[serde(default)]
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransactItem {
    table_name: Option<String>,
}

/// In `PartiQL`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    statement: String,
}

/// Checks every (action, table or index) that a call touches.
///
/// # Errors
/// `AccessDenied`, and `SerializationException` for a body that is not a request.
pub(super) fn check(world: &World, call: &Call, body: &str) -> Result<(), Refusal> {
    let names: Names = serde_json::from_str(body)
        .map_err(|e| Refusal::new(400, "SerializationException", format!("body is not a request: {e}")))?;
    for (action, resource) in needs(call, names) {
        let action = format!("dynamodb:{action}");
        let subject = (account_of(&resource), resource.as_str());
        world.iam.authorize(&world.clock, &call.principal, &action, subject, None, &[])?;
    }
    Ok(())
}

fn needs(call: &Call, names: Names) -> Vec<(String, String)> {
    let table_arn = |table: &str| {
        if table.starts_with("arn:") {
            return table.to_owned();
        }
        format!("arn:aws:dynamodb:{}:{}:table/{table}", call.region, call.account)
    };
    let operation = || call.operation.clone();
    match names {
        Names { table_name: Some(table), index_name: Some(index), .. } => {
            vec![(operation(), format!("{}/index/{index}", table_arn(&table)))]
        }
        Names { table_name: Some(table), .. } => vec![(operation(), table_arn(&table))],
        Names { request_items, .. } if !request_items.is_empty() => {
            request_items.keys().map(|table| (operation(), table_arn(table))).collect()
        }
        Names { transact_items, .. } if !transact_items.is_empty() => {
            let one = |(kind, item): (String, TransactItem)| {
                let action = match kind.as_str() {
                    "ConditionCheck" => "ConditionCheckItem".to_owned(),
                    "Get" | "Put" | "Update" | "Delete" => format!("{kind}Item"),
                    _ => kind,
                };
                (action, table_arn(&item.table_name.unwrap_or_default()))
            };
            transact_items.into_iter().flatten().map(one).collect()
        }
        Names { statements, .. } if !statements.is_empty() => {
            let need = |statement: Statement| {
                let (action, table) = touched(&statement.statement);
                (action.to_owned(), table_arn(table))
            };
            statements.into_iter().map(need).collect()
        }
        _ => vec![(operation(), table_arn("*"))],
    }
}

/// What a statement is called among actions, and the table that it names; an index's table is named before a dot.
fn touched(statement: &str) -> (&'static str, &str) {
    let mut words = statement.split_whitespace();
    let (action, before) = match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
        "INSERT" => ("PartiQLInsert", "INTO"),
        "UPDATE" => ("PartiQLUpdate", ""),
        "DELETE" => ("PartiQLDelete", "FROM"),
        _ => ("PartiQLSelect", "FROM"),
    };
    if !before.is_empty() {
        words.find(|word| word.eq_ignore_ascii_case(before));
    }
    let name = words.next().unwrap_or("*").trim_start_matches('"');
    (action, name.split(['"', '.']).next().unwrap_or(name))
}
