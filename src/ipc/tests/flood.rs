//! More events than are kept: what is dropped, to the event, and what never is.

use super::hostile::{await_call, is_gone, label, lied_to_with};
use super::*;

/// What a `told` counts for: header and body, and what keeping it costs.
const TOLD_WEIGHT: usize = 16 + channel::KEPT_WEIGHT;

/// Options that let ten of them be kept.
fn ten(on_flood: OnFlood) -> Options {
    Options::new().queue_bytes(10 * TOLD_WEIGHT).on_flood(on_flood)
}

#[track_caller]
fn assert_dropped(connection: &Connection, count: u64) {
    assert_eq!((connection.dropped_events(), connection.meter().read().dropped_events), (count, count));
}

#[test]
fn ten_events_are_no_flood() {
    for on_flood in [OnFlood::CutOff, OnFlood::DropOldest, OnFlood::DropNewest] {
        in_both_modes(&ten(on_flood), |connection| {
            call(connection, FLOOD, 10).unwrap();
            assert_eq!(events(connection), (0..10).collect::<Vec<_>>());
            assert_dropped(connection, 0);
        });
    }
}

#[test]
fn the_oldest_events_make_room() {
    in_both_modes(&ten(OnFlood::DropOldest), |connection| {
        for round in 1..=3 {
            call(connection, FLOOD, 100).unwrap();
            assert_dropped(connection, 90 * round);
            assert_eq!(events(connection), (90..100).collect::<Vec<_>>());
        }
    });
}

#[test]
fn the_newest_events_are_dropped() {
    in_both_modes(&ten(OnFlood::DropNewest), |connection| {
        for round in 1..=3 {
            call(connection, FLOOD, 100).unwrap();
            assert_dropped(connection, 90 * round);
            assert_eq!(events(connection), (0..10).collect::<Vec<_>>());
        }
    });
}

#[test]
fn an_event_larger_than_the_queue_is_dropped_by_itself() {
    for on_flood in [OnFlood::DropOldest, OnFlood::DropNewest] {
        in_both_modes(&ten(on_flood), |connection| {
            call(connection, FLOOD, 3).unwrap();
            connection.cast(SHOUT, &5000u32).unwrap();
            echo(connection, b"behind it").unwrap();
            assert_dropped(connection, 1);
            assert_eq!(events(connection), [0, 1, 2]);
        });
    }
    watchdog(|| {
        let mut connection = isolated(&ten(OnFlood::CutOff));
        connection.cast(SHOUT, &5000u32).unwrap();
        let error = echo(&mut connection, b"").unwrap_err();
        assert!(matches!(error, CallError::Protocol(error) if matches!(*error, ProtocolError::Flood { .. })));
        assert_dropped(&connection, 0);
    });
}

#[test]
fn descriptors_of_dropped_events_are_closed() {
    watchdog(|| {
        for (on_flood, kept) in [(OnFlood::DropOldest, 2..4), (OnFlood::DropNewest, 0..2)] {
            let (readers, writers): (Vec<_>, Vec<_>) = (0..4)
                .map(|_| std::io::pipe().unwrap())
                .map(|(r, w)| (r, vec![SharedFd::from(OwnedFd::from(w))]))
                .unzip();
            // Two of them fit.
            let options = Options::new().queue_bytes(2 * channel::FD_WEIGHT + 2000).on_flood(on_flood);
            let mut connection = lied_to_with(&options, move |accepted, socket| {
                for fds in writers {
                    accepted.outgoing.try_send(socket, label(Kind::Event), &fds).unwrap();
                }
                await_call(accepted, socket);
                accepted.outgoing.try_send(socket, label(Kind::Reply), &Vec::<u8>::new()).unwrap();
            });
            echo(&mut connection, b"").unwrap();
            assert_eq!(connection.dropped_events(), 2);
            let closed = |reader| {
                let now = Timespec { tv_sec: 0, tv_nsec: 0 };
                poll(&mut [PollFd::new(reader, PollFlags::empty())], Some(&now)).unwrap() == 1
            };
            for (index, reader) in readers.iter().enumerate() {
                assert_eq!(closed(reader), !kept.contains(&index), "{on_flood:?}, {index}");
            }
        }
    });
}

#[test]
fn an_endless_flood_puts_off_neither_deadlines_nor_the_watchdog() {
    watchdog(|| {
        for on_flood in [OnFlood::DropOldest, OnFlood::DropNewest] {
            for policy in [WaitPolicy::Spin, WaitPolicy::Block] {
                let options = ten(on_flood).host_wait(policy).grace(Duration::from_millis(100));
                let options = options.call_deadline(Duration::from_millis(30));
                let mut connection = lied_to_with(&options, |accepted, socket| {
                    while !is_gone(socket) {
                        for number in 0..100u32 {
                            let _ = accepted.outgoing.try_send(socket, label(Kind::Event), &number);
                        }
                    }
                });
                let error = echo(&mut connection, b"").unwrap_err();
                assert!(matches!(error, CallError::Deadline { .. }), "{error}");
                assert!(connection.wait(Some(Instant::now())).unwrap());
                let error = std::iter::repeat_with(|| echo(&mut connection, b"").unwrap_err())
                    .find(|error| !matches!(error, CallError::Deadline { .. } | CallError::Full { .. }))
                    .unwrap();
                assert!(matches!(&error, CallError::Died(death) if death.exit == Exit::Wedged), "{error}");
                assert!(connection.dropped_events() > 0);
            }
        }
    });
}
