//! XML as the services with the query protocol answer it.

/// Text as it stands between two tags. Characters that XML cannot hold are replaced.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#xD;"),
            '\t' | '\n' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => escaped.push(c),
            _ => escaped.push('\u{FFFD}'),
        }
        escaped
    })
}

/// `<name>text</name>`, escaped.
pub(crate) fn tag(name: &str, text: &str) -> String {
    element(name, &escape(text))
}

/// `<name>inner</name>` around elements.
pub(crate) fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}
