//! The picture that `top` keeps up to date, and its keys. It knows no terminal: it draws into a frame.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Cell, Gauge, Paragraph, Row as TableRow, Sparkline, Table, TableState};
use ringfence::bench::time_text;

use super::row::{Row, Sort, sort};
use super::table::{NOBODY, TITLES, WORDS, cells, count};
use crate::failure::printable;

/// Intervals that are kept for the curves.
const HISTORY: usize = 512;
/// Lines of what is told of the chosen connection.
const DETAIL: u16 = 9;

/// Columns that a narrow terminal does without, in this order: a number that is cut off would be another number.
const DROPPED: [&str; 12] =
    ["MODE", "ELIDED", "→B/s", "←B/s", "NAME", "RST", "USE", "LABEL", "p99.9", "MODULE", "←MSG/s", "→MSG/s"];
/// The widest that a column gets.
const WIDEST: usize = 24;

/// What a key leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum After {
    GoOn,
    Quit,
}

/// All that is shown.
#[derive(Debug)]
pub struct Screen {
    rows: Vec<Row>,
    history: BTreeMap<String, History>,
    sort: Sort,
    reverse: bool,
    held: bool,
    interval: Duration,
    /// The chosen connection, by its number: it may move.
    chosen: Option<String>,
    has_looked: bool,
}

/// What a connection did in the last intervals, the newest at the end.
#[derive(Debug, Default)]
struct History {
    messages: VecDeque<u64>,
    p99_ns: VecDeque<u64>,
}

impl Screen {
    pub fn new(sort: Sort, interval: Duration) -> Self {
        Self {
            rows: Vec::new(),
            history: BTreeMap::new(),
            sort,
            reverse: false,
            held: false,
            interval,
            chosen: None,
            has_looked: false,
        }
    }

    /// Takes what was found in the last interval. A picture that is held stays as it is.
    pub fn update(&mut self, rows: Vec<Row>) {
        if self.held {
            return;
        }
        self.has_looked = true;
        self.history.retain(|id, _| rows.iter().any(|row| row.identity.connection == *id));
        for row in &rows {
            let history = self.history.entry(row.identity.connection.clone()).or_default();
            for (list, value) in [
                (&mut history.messages, row.messages_per_s() as u64),
                (&mut history.p99_ns, row.latency_ns.p99.unwrap_or(0)),
            ] {
                list.push_back(value);
                if list.len() > HISTORY {
                    list.pop_front();
                }
            }
        }
        self.rows = rows;
        self.arrange();
    }

    /// Sorts the rows, and chooses the first one if the chosen one is gone.
    fn arrange(&mut self) {
        sort(&mut self.rows, self.sort, self.reverse);
        if self.place().is_none() {
            self.chosen = self.rows.first().map(|row| row.identity.connection.clone());
        }
    }

    /// Where the chosen one is.
    fn place(&self) -> Option<usize> {
        self.rows.iter().position(|row| Some(&row.identity.connection) == self.chosen.as_ref())
    }

    fn choose(&mut self, step: isize) {
        let place = self.place().unwrap_or(0).saturating_add_signed(step);
        let place = place.min(self.rows.len().saturating_sub(1));
        self.chosen = self.rows.get(place).map(|row| row.identity.connection.clone());
    }

    /// Does what a key asks for.
    pub fn key(&mut self, key: KeyEvent) -> After {
        let interrupts = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
        match key.code {
            _ if interrupts => return After::Quit,
            KeyCode::Char('q') | KeyCode::Esc => return After::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.choose(-1),
            KeyCode::Down | KeyCode::Char('j') => self.choose(1),
            KeyCode::Char('m') => self.sort = Sort::Messages,
            KeyCode::Char('b') => self.sort = Sort::Bytes,
            KeyCode::Char('l') => self.sort = Sort::Latency,
            KeyCode::Char('c') => self.sort = Sort::Cpu,
            KeyCode::Char('p') => self.sort = Sort::Pid,
            KeyCode::Char('u') => self.sort = Sort::Use,
            KeyCode::Char('r') => self.reverse = !self.reverse,
            KeyCode::Char(' ') => self.held = !self.held,
            _ => {}
        }
        self.arrange();
        After::GoOn
    }

    /// Draws everything.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let detail = if self.place().is_some() && frame.area().height >= 16 { DETAIL } else { 0 };
        let [head, body, below, help] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Min(2),
            Constraint::Length(detail),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(self.head(), head);
        match (self.rows.is_empty(), self.has_looked) {
            (true, false) => frame.render_widget(centred("looking…"), body),
            (true, true) => frame.render_widget(centred(NOBODY), body),
            (false, _) => self.draw_rows(frame, body),
        }
        if let Some(place) = self.place().filter(|_| detail != 0) {
            self.draw_detail(frame, below, &self.rows[place]);
        }
        let keys = "q quit  ↑↓ choose  sort: m messages  b bytes  l latency  c CPU  p process  u use  r reverse  space hold";
        frame.render_widget(Paragraph::new(keys).style(Style::new().add_modifier(Modifier::DIM)), help);
    }

    fn head(&self) -> Paragraph<'_> {
        let count = match self.rows.len() {
            1 => "1 connection".to_owned(),
            count => format!("{count} connections"),
        };
        let order = if self.reverse { ", reversed" } else { "" };
        let held = if self.held { ", HELD" } else { "" };
        let text = format!(
            "ringfence top: {count}, by {}{order}, every {:.1} s{held}",
            self.sort.name(),
            self.interval.as_secs_f64()
        );
        Paragraph::new(text).style(Style::new().add_modifier(Modifier::BOLD))
    }

    fn draw_rows(&self, frame: &mut Frame<'_>, area: Rect) {
        let all: Vec<[String; TITLES.len()]> = self.rows.iter().map(cells).collect();
        let width = |column: usize| {
            let cells = all.iter().map(|row| row[column].chars().count());
            cells.chain([TITLES[column].chars().count()]).max().unwrap_or(0).min(WIDEST)
        };
        let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
        let shown = shown(&widths, area.width.into());
        let aligned = |column: usize, text: &str| {
            let alignment = if column < WORDS { Alignment::Left } else { Alignment::Right };
            Cell::from(Text::from(text.to_owned()).alignment(alignment))
        };
        let titles = shown.iter().map(|column| aligned(*column, TITLES[*column]));
        let rows =
            all.iter().map(|row| TableRow::new(shown.iter().map(|column| aligned(*column, &row[*column]))));
        let constraints = shown.iter().map(|column| Constraint::Length(widths[*column] as u16));
        let table = Table::new(rows, constraints)
            .header(TableRow::new(titles).style(Style::new().add_modifier(Modifier::BOLD)))
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        let mut state = TableState::new().with_selected(self.place());
        frame.render_stateful_widget(table, area, &mut state);
    }

    /// The chosen connection: its names, its curves, and how full its rings have been.
    fn draw_detail(&self, frame: &mut Frame<'_>, area: Rect, row: &Row) {
        let identity = &row.identity;
        let cpu = |percent: Option<f64>| percent.map_or_else(|| "?".to_owned(), |it| format!("{it:.0}%"));
        let worker = identity
            .worker_pid
            .map_or_else(String::new, |_| format!(", worker {}", cpu(row.worker_cpu_percent)));
        let queued = |queued: Option<u64>| queued.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let texts = [
            format!("{}, {}, {} encoding", identity.interface, identity.interface_hash, identity.encoding),
            format!(
                "CPU: host {}{worker}; waiting: → {} ← {}; dropped events: {}",
                cpu(row.host_cpu_percent),
                queued(row.to_module.queued),
                queued(row.to_host.queued),
                row.dropped_events
            ),
        ];
        let block = Block::bordered().title(format!(" connection {} ", identity.connection));
        let inside = block.inner(area);
        frame.render_widget(block, area);
        let [text, curves, gauges] =
            Layout::vertical([Constraint::Length(2), Constraint::Min(3), Constraint::Length(1)])
                .areas(inside);
        let lines = texts.iter().map(|text| Line::from(printable(text))).collect::<Vec<_>>();
        frame.render_widget(Paragraph::new(lines), text);

        let [left, right] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(1).areas(curves);
        if let Some(history) = self.history.get(&identity.connection) {
            let most = |values: &VecDeque<u64>| values.iter().copied().max().unwrap_or(0);
            let messages = format!("messages/s, up to {}", count(most(&history.messages) as f64));
            curve(frame, left, messages, &history.messages);
            let p99 = format!("p99 of a call, up to {}", time_text(most(&history.p99_ns) as f64));
            curve(frame, right, p99, &history.p99_ns);
        }

        let [left, right] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(1).areas(gauges);
        for (area, way, flow) in [(left, "→", &row.to_module), (right, "←", &row.to_host)] {
            if let Some(percent) = flow.peak_fill_percent {
                let gauge = Gauge::default()
                    .ratio((percent / 100.0).clamp(0.0, 1.0))
                    .label(format!("{way} ring used up to {percent:.0}%"));
                frame.render_widget(gauge, area);
            }
        }
    }
}

/// The columns that fit, with a blank between each two.
fn shown(widths: &[usize], available: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..widths.len()).collect();
    for title in DROPPED {
        let needed = shown.iter().map(|column| widths[*column] + 1).sum::<usize>().saturating_sub(1);
        if needed <= available {
            break;
        }
        shown.retain(|column| TITLES[*column] != title);
    }
    shown
}

/// The newest values, with a title above.
fn curve(frame: &mut Frame<'_>, area: Rect, title: String, values: &VecDeque<u64>) {
    let [above, area] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
    frame.render_widget(Paragraph::new(title), above);
    let shown: Vec<u64> =
        values.iter().skip(values.len().saturating_sub(area.width.into())).copied().collect();
    frame.render_widget(Sparkline::default().data(shown), area);
}

/// A remark in the middle.
fn centred(text: &str) -> Paragraph<'_> {
    Paragraph::new(vec![Line::from(""), Line::from(text)]).alignment(Alignment::Center)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::row::{Flow, Percentiles};
    use super::*;
    use crate::target::Identity;

    fn row(number: u32, messages_per_s: f64, p99: u64) -> Row {
        Row {
            identity: Identity {
                connection: format!("{number:016x}"),
                host_pid: number,
                host: "camera".to_owned(),
                worker_pid: Some(number + 1),
                mode: "isolated".to_owned(),
                component: "rpi".to_owned(),
                label: format!("camera {number}"),
                interface: "ipa.RPi.IPARPiInterface".to_owned(),
                ..Identity::default()
            },
            to_module: Flow { messages_per_s, peak_fill_percent: Some(25.0), ..Flow::default() },
            latency_ns: Percentiles { p50: Some(p99 / 2), p99: Some(p99), p999: Some(p99) },
            ..Row::default()
        }
    }

    fn screen() -> Screen {
        Screen::new(Sort::Messages, Duration::from_secs(1))
    }

    /// What is seen on a terminal of this size.
    fn seen(screen: &Screen, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    fn press(screen: &mut Screen, code: KeyCode) -> After {
        screen.key(KeyEvent::from(code))
    }

    #[test]
    fn nobody_connected_is_told_with_the_cure() {
        let mut screen = screen();
        assert!(seen(&screen, 100, 20).contains("looking"));
        screen.update(Vec::new());
        let seen = seen(&screen, 100, 20);
        assert!(seen.contains("no connections") && seen.contains("ringfence run"), "{seen}");
        assert!(seen.contains("q quit"), "{seen}");
    }

    #[test]
    fn every_connection_has_a_line_and_the_chosen_one_its_curves() {
        let mut screen = screen();
        screen.update(vec![row(10, 100.0, 2_000), row(20, 900.0, 1_000)]);
        let shown = seen(&screen, 160, 24);
        let line = |text: &str| shown.lines().position(|line| line.contains(text)).unwrap();
        assert!(line("2 connections, by messages") < line("CALLS/s"));
        assert!(line("camera 20") < line("camera 10"), "{shown}");
        assert!(shown.contains("connection 0000000000000014"), "{shown}");
        assert!(
            shown.contains("messages/s, up to 900") && shown.contains("→ ring used up to 25%"),
            "{shown}"
        );
    }

    #[test]
    fn keys_sort_choose_hold_and_quit() {
        let mut screen = screen();
        screen.update(vec![row(10, 100.0, 2_000), row(20, 900.0, 1_000)]);
        let order = |screen: &Screen| screen.rows.iter().map(|row| row.identity.host_pid).collect::<Vec<_>>();
        assert_eq!(press(&mut screen, KeyCode::Char('l')), After::GoOn);
        assert_eq!(order(&screen), [10, 20]);
        press(&mut screen, KeyCode::Char('r'));
        assert_eq!(order(&screen), [20, 10]);
        // The chosen one stays chosen wherever it goes.
        assert_eq!(screen.place(), Some(0));
        press(&mut screen, KeyCode::Down);
        press(&mut screen, KeyCode::Down);
        assert_eq!(screen.place(), Some(1));
        press(&mut screen, KeyCode::Char('r'));
        assert_eq!(screen.place(), Some(0));
        press(&mut screen, KeyCode::Char(' '));
        screen.update(Vec::new());
        assert!(seen(&screen, 120, 24).contains("HELD") && order(&screen).len() == 2);
        press(&mut screen, KeyCode::Char(' '));
        screen.update(vec![row(10, 1.0, 1)]);
        assert_eq!(order(&screen), [10]);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(screen.key(interrupt), After::Quit);
        assert_eq!(press(&mut screen, KeyCode::Char('q')), After::Quit);
    }

    #[test]
    fn a_narrow_terminal_drops_columns_and_cuts_no_number() {
        assert!(DROPPED.iter().all(|title| TITLES.contains(title)));
        let mut screen = screen();
        screen.update(vec![row(1_234_567, 123_456.0, 98_765)]);
        let shown = seen(&screen, 70, 20);
        assert!(shown.contains("1234567") && shown.contains("98.8 µs"), "{shown}");
        assert!(!shown.contains("ELIDED") && shown.contains("CALLS/s"), "{shown}");
        assert!(seen(&screen, 170, 20).contains("ELIDED"));
    }

    /// No size of a terminal, and no number, makes it panic.
    #[test]
    fn any_terminal_will_do() {
        let mut screen = screen();
        let mut odd = row(7, f64::from(u32::MAX) * 1e12, u64::MAX);
        odd.identity.label = "é\u{202e}\x1b[2J".repeat(40);
        odd.to_host.peak_fill_percent = Some(f64::INFINITY);
        screen.update(vec![odd, row(1, 0.0, 0)]);
        for (width, height) in [(1, 1), (2, 5), (20, 16), (80, 15), (80, 16), (300, 100)] {
            seen(&screen, width, height);
        }
        for _ in 0..HISTORY + 2 {
            screen.update(vec![row(1, 1.0, 1)]);
        }
        assert_eq!(screen.history["0000000000000001"].messages.len(), HISTORY);
    }
}
