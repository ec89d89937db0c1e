//! Bars and lines made of letters.

/// How many letters a bar has.
const WIDTH: u64 = 10;

/// `████████░░ 250/300`; a bar is full only when all is used, and empty only when nothing is.
pub(super) fn bar(used: u64, of: u64) -> String {
    let share = (used * WIDTH + of / 2).checked_div(of).unwrap_or(WIDTH);
    let filled = match used {
        0 => 0,
        _ if used >= of => WIDTH,
        _ => share.clamp(1, WIDTH - 1),
    };
    let letters = |letter: &str, n: u64| letter.repeat(usize::try_from(n).unwrap_or_default());
    format!("{}{} {used}/{of}", letters("█", filled), letters("░", WIDTH - filled))
}

/// [`bar`], where it may be that nothing was counted.
pub(super) fn bar_or_unknown(used: Option<u32>, of: u32) -> String {
    used.map_or_else(
        || format!("{} ?/{of}", "·".repeat(usize::try_from(WIDTH).unwrap_or_default())),
        |used| bar(used.into(), of.into()),
    )
}

/// A letter for each value, from the lowest of them to the highest; a dot where there is none.
pub(super) fn line(values: &[Option<u32>]) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let known = || values.iter().flatten().copied();
    let (least, most) = (known().min().unwrap_or_default(), known().max().unwrap_or_default());
    let letter = |value: &Option<u32>| {
        let Some(value) = value else { return '·' };
        let step = u64::from(value - least) * 7 / u64::from((most - least).max(1));
        usize::try_from(step).ok().and_then(|step| STEPS.get(step)).copied().unwrap_or('█')
    };
    values.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_only_when_all_is_used_and_empty_only_when_nothing_is() {
        let bars = [0, 1, 250, 299, 300, 310].map(|used| bar(used, 300));
        let expected = [
            "░░░░░░░░░░ 0/300",
            "█░░░░░░░░░ 1/300",
            "████████░░ 250/300",
            "█████████░ 299/300",
            "██████████ 300/300",
            "██████████ 310/300",
        ];
        assert_eq!(bars, expected);
        assert_eq!(bar_or_unknown(None, 300), "·········· ?/300");
        assert_eq!(bar(3, 0), "██████████ 3/0");
    }

    #[test]
    fn a_line_goes_from_the_lowest_to_the_highest_and_shows_what_is_missing() {
        assert_eq!(line(&[Some(10), None, Some(17), Some(13)]), "▁·█▄");
        assert_eq!(line(&[Some(5), Some(5)]), "▁▁");
        assert_eq!(line(&[None, None]), "··");
    }
}
