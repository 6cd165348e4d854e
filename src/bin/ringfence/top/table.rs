//! Rows as text.

use comfy_table::{CellAlignment, Table, presets};
use ringfence::bench::time_text;

use super::row::Row;
use crate::failure::printable;

/// What is told where nothing is connected.
pub const NOBODY: &str =
    "no connections of this user's processes; to see one: ringfence run --frames 100000 --out /tmp/out";

/// The columns: their titles, and how many at the left are words.
pub const TITLES: [&str; 17] = [
    "HOST", "NAME", "WORKER", "MODULE", "LABEL", "MODE", "CALLS/s", "→MSG/s", "→B/s", "←MSG/s", "←B/s",
    "USE", "ELIDED", "p50", "p99", "p99.9", "RST",
];
pub const WORDS: usize = 6;

/// The cells of a row, in the order of the titles.
pub fn cells(row: &Row) -> [String; TITLES.len()] {
    let time = |ns: Option<u64>| ns.map_or_else(none, |ns| time_text(ns as f64));
    let percent = |value: Option<f64>| value.map_or_else(none, |value| format!("{value:.0}%"));
    let identity = &row.identity;
    [
        identity.host_pid.to_string(),
        printable(&identity.host),
        identity.worker_pid.map_or_else(none, |pid| pid.to_string()),
        or_none(printable(identity.component.rsplit('/').next().unwrap_or_default())),
        or_none(printable(&identity.label)),
        identity.mode.clone(),
        count(row.calls_per_s),
        count(row.to_module.messages_per_s),
        count(row.to_module.bytes_per_s),
        count(row.to_host.messages_per_s),
        count(row.to_host.bytes_per_s),
        percent(row.fill_percent()),
        percent(elided(row)),
        time(row.latency_ns.p50),
        time(row.latency_ns.p99),
        time(row.latency_ns.p999),
        row.restarts.to_string(),
    ]
}

/// Wake-ups that nobody needed, both ways, weighed by the messages.
fn elided(row: &Row) -> Option<f64> {
    let flows = [&row.to_module, &row.to_host];
    let known =
        flows.into_iter().filter_map(|flow| Some((flow.wake_ups_elided_percent?, flow.messages_per_s)));
    let (sum, messages) =
        known.fold((0.0, 0.0), |(sum, all), (percent, messages)| (sum + percent * messages, all + messages));
    (messages > 0.0).then(|| sum / messages)
}

/// All rows below their titles.
pub fn text(rows: &[Row]) -> String {
    if rows.is_empty() {
        return format!("{NOBODY}\n");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(TITLES);
    for row in rows {
        table.add_row(cells(row));
    }
    for column in table.column_iter_mut().skip(WORDS) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

/// A number a second in at most five characters.
pub fn count(value: f64) -> String {
    let units = ["", "k", "M", "G", "T", "P", "E"];
    let mut scaled = value;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < units.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    match scaled {
        _ if unit == 0 => format!("{scaled:.0}"),
        _ if scaled < 9.95 => format!("{scaled:.1}{}", units[unit]),
        _ => format!("{scaled:.0}{}", units[unit]),
    }
}

fn none() -> String {
    "-".to_owned()
}

fn or_none(text: String) -> String {
    if text.is_empty() { none() } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::row::Flow;
    use super::*;
    use crate::target::Identity;

    #[test]
    fn numbers_stay_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.4, "0"),
            (999.4, "999"),
            (999.6, "1.0k"),
            (9_949.0, "9.9k"),
            (123_456.0, "123k"),
            (1e9, "1.0G"),
            (2e22, "20000E"),
        ] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn names_cannot_do_anything_to_a_terminal() {
        let identity = Identity {
            host: "ho\x1b[2Jst".to_owned(),
            component: "/opt/\x07/ipa.so".to_owned(),
            ..Identity::default()
        };
        let row = Row { identity, ..Row::default() };
        let text = text(&[row]);
        assert!(
            text.contains("ho\\u{1b}[2Jst") && text.contains("ipa.so") && !text.contains('\x1b'),
            "{text}"
        );
        assert!(super::text(&[]).contains("ringfence run"));
    }

    #[test]
    fn both_ways_count_by_their_messages() {
        let flow = |messages_per_s, elided: f64| Flow {
            messages_per_s,
            wake_ups_elided_percent: Some(elided),
            ..Flow::default()
        };
        let row = Row { to_module: flow(300.0, 100.0), to_host: flow(100.0, 0.0), ..Row::default() };
        assert_eq!(elided(&row), Some(75.0));
        assert_eq!(elided(&Row::default()), None);
    }
}
