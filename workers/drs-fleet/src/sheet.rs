//! Comma-separated values for spreadsheets.

use std::io::Write;

/// A heading and a line for each row.
pub(crate) fn sheet<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(headings)?;
    for row in rows {
        writer.write_record(row.map(harmless))?;
    }
    out.write_all(&writer.into_inner()?)?;
    Ok(())
}

/// Spreadsheets take a cell that begins so for a formula, and names and tags come from outside.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_take_for_a_formula_is_text() {
        let cell = |text: &str| harmless(text.to_owned());
        assert_eq!(cell("=HYPERLINK(\"http://x\")"), "'=HYPERLINK(\"http://x\")");
        for text in ["+1", "-1", "@x", "\t=1", "\r=1"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["", "a=b", "10.0.0.1"] {
            assert_eq!(cell(text), text);
        }
    }
}
