//! Changes of JSON: a value somewhere in it becomes another one.

use proptest::sample::Index;
use serde_json::{Value, json};

/// Changes one value where the bytes are JSON.
pub(super) fn change(bytes: &mut Vec<u8>, at: Index, what: Index, words: &[&str]) {
    let Ok(mut document) = serde_json::from_slice::<Value>(bytes) else { return };
    let paths = paths(&document);
    let with = other(&document, &paths, what, words);
    if let Some(value) = document.pointer_mut(&paths[at.index(paths.len())]) {
        *value = with;
    }
    *bytes = document.to_string().into_bytes();
}

/// Of every value in a document, its own included.
pub(super) fn paths(document: &Value) -> Vec<String> {
    let mut paths = vec![String::new()];
    let below = |name: &str, value: &Value| {
        let name = name.replace('~', "~0").replace('/', "~1");
        self::paths(value).into_iter().map(move |path| format!("/{name}{path}"))
    };
    match document {
        Value::Object(members) => paths.extend(members.iter().flat_map(|(name, value)| below(name, value))),
        Value::Array(all) => {
            paths.extend(all.iter().enumerate().flat_map(|(n, value)| below(&n.to_string(), value)));
        }
        _ => {}
    }
    paths
}

/// Of any type; also a word, or another value of the same document.
fn other(document: &Value, paths: &[String], what: Index, words: &[&str]) -> Value {
    let mut others = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!("\u{0}\u{202e}\u{feff}"),
        json!("<!channel> & *all*"),
        json!("x".repeat(10_000)),
        json!([]),
        json!({}),
        json!([[[[{"": [{}]}]]]]),
        json!(["FALSE", 1, null]),
    ];
    others.extend(words.iter().map(|word| json!(word)));
    others.extend(document.pointer(&paths[what.index(paths.len())]).cloned());
    what.get(&others).clone()
}
