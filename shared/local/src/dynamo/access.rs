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
            let need = |Statement { statement }: Statement| match inserted_into(&statement) {
                Some(table) => ("PartiQLInsert".to_owned(), table_arn(table)),
                None => (operation(), table_arn("*")),
            };
            statements.into_iter().map(need).collect()
        }
        _ => vec![(operation(), table_arn("*"))],
    }
}

/// The table of a statement that inserts, the only kind that this project uses.
fn inserted_into(statement: &str) -> Option<&str> {
    let mut words = statement.split_whitespace();
    let inserts = words.next()?.eq_ignore_ascii_case("INSERT") && words.next()?.eq_ignore_ascii_case("INTO");
    words.next().filter(|_| inserts).map(|name| name.trim_matches('"'))
}
