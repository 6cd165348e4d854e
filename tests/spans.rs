//! What both sides log of a call can be joined by the connection's id and the call's number.
//!
//! The subscriber is the whole process's, so everything happens in one test of one executable, and the part with a worker in
//! a child of it, which is started with `RUST_LOG`.

mod common;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::process::Command;
use std::sync::{Arc, Mutex};

use common::{until, watchdog};
use ringfence::bench::{COMPONENT, Pair, Place};
use ringfence::interfaces::bench::{Bench, BenchEvent, BenchProxy, Pod};
use ringfence::ipc::{Mode, Options, Worker};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Says that this process is the child, which hosts a worker.
const CHILD: &str = "RINGFENCE_TEST_SPANS_CHILD";

/// A span or an event: its name or message, and its fields.
type Told = (String, BTreeMap<String, String>);

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Told>>>);

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.0.lock().unwrap().push((attributes.metadata().name().to_owned(), fields.0));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        self.0.lock().unwrap().push((message, fields.0));
    }
}

impl Collector {
    /// Those of this name, by one of their fields and their sequence.
    fn told(&self, name: &str, connection: &str, field: &str) -> Vec<(String, u64)> {
        let told = self.0.lock().unwrap();
        let ours = told.iter().filter(|(other, fields)| {
            other == name && fields.get("connection").is_some_and(|it| it == connection)
        });
        ours.map(|(_, fields)| (fields[field].clone(), fields["sequence"].parse().unwrap())).collect()
    }
}

fn talk(proxy: &mut BenchProxy) -> String {
    for _ in 0..3 {
        proxy.ping(&Pod::default()).unwrap();
    }
    proxy.tell(&Pod::default()).unwrap();
    while !matches!(proxy.next_event().unwrap(), Some(BenchEvent::Told { .. })) {
        proxy.wait(None).unwrap();
    }
    proxy.ping(&Pod::default()).unwrap();
    proxy.connection().unwrap().id().to_string()
}

#[test]
fn logs_of_both_sides_can_be_joined() {
    watchdog(join);
}

fn join() {
    let collector = Collector::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(collector.clone())).unwrap();
    if std::env::var_os(CHILD).is_some() {
        return with_a_worker(&collector);
    }

    let mut pair = Pair::new(Mode::Threaded, &Options::new(), Place::Free).unwrap();
    let id = talk(pair.proxy());
    // The module's thread may not have left its last span.
    drop(pair);
    let called = collector.told("call", &id, "method");
    assert_eq!(called, [1, 2, 3, 5].map(|sequence| ("ping".to_owned(), sequence)));
    assert_eq!(collector.told("casting", &id, "method"), [("tell".to_owned(), 4)]);
    let served = collector.told("serve", &id, "method");
    assert_eq!(
        served,
        [("ping", 1), ("ping", 2), ("ping", 3), ("tell", 4), ("ping", 5)]
            .map(|(name, number)| (name.to_owned(), number))
    );
    let emitted = collector.told("an event was emitted", &id, "event");
    assert_eq!(emitted.len(), 1);
    assert_eq!(emitted, collector.told("an event came", &id, "event"));

    let own = std::env::current_exe().unwrap();
    let arguments = ["--exact", "logs_of_both_sides_can_be_joined", "--nocapture"];
    let status = Command::new(own).args(arguments).env(CHILD, "1").env("RUST_LOG", "trace").status().unwrap();
    assert!(status.success(), "{status}");
}

/// Its standard error comes to the host's log, line by line.
fn with_a_worker(collector: &Collector) {
    let worker = Worker::component(COMPONENT).program(env!("CARGO_BIN_EXE_ringfence-worker"));
    let mut proxy = BenchProxy::isolated(&Options::new(), &worker).unwrap();
    let id = talk(&mut proxy);
    assert_eq!(collector.told("call", &id, "method").len(), 4);
    for (method, sequence) in [("ping", 1), ("tell", 4), ("ping", 5)] {
        let expected = format!("serve{{connection={id} method=\"{method}\" sequence={sequence}}}");
        until(|| {
            // What the worker writes is read when its host looks.
            assert!(proxy.next_event().unwrap().is_none());
            collector.0.lock().unwrap().iter().any(|(line, _)| line.contains(&expected))
        });
    }
}
