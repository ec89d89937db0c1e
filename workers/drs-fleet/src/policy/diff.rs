//! What changes between two texts, line by line.

/// All lines, with `-` before those that go, `+` before those that come, and a space before those that stay.
pub(super) fn lines(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let common = common(&old, &new);
    let (mut n, mut m, mut lines) = (0, 0, Vec::new());
    while n < old.len() || m < new.len() {
        if n < old.len() && m < new.len() && old[n] == new[m] {
            lines.push(format!("  {}", old[n]));
            (n, m) = (n + 1, m + 1);
        } else if n < old.len() && (m == new.len() || common[n + 1][m] >= common[n][m + 1]) {
            lines.push(format!("- {}", old[n]));
            n += 1;
        } else {
            lines.push(format!("+ {}", new[m]));
            m += 1;
        }
    }
    lines
}

/// How many lines the texts have in common from each pair of lines on.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for n in (0..old.len()).rev() {
        for m in (0..new.len()).rev() {
            common[n][m] = if old[n] == new[m] {
                common[n + 1][m + 1] + 1
            } else {
                common[n + 1][m].max(common[n][m + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn what_stays_goes_and_comes_is_told_apart() {
        assert_eq!(lines("a\nb\nc\n", "a\nx\nc\nd\n"), ["  a", "- b", "+ x", "  c", "+ d"]);
        assert_eq!(lines("", "a"), ["+ a"]);
        assert_eq!(lines("a", ""), ["- a"]);
        assert_eq!(lines("a\nb", "a\nb"), ["  a", "  b"]);
    }
}
