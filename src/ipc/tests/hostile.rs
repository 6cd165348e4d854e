//! Modules that lie, flood and trick.

use super::*;

/// Connects to a module that agrees to everything and then does as `lie` says.
fn lied_to(lie: impl FnOnce(&mut handshake::Accepted, &socket::Socket) + Send + 'static) -> Connection {
    lied_to_with(&Options::new(), lie)
}

pub(super) fn lied_to_with(
    options: &Options,
    lie: impl FnOnce(&mut handshake::Accepted, &socket::Socket) + Send + 'static,
) -> Connection {
    let serve = move |endpoint: Endpoint| {
        let socket = endpoint.into_socket();
        let mut accepted = accept(&socket, &INTERFACE)?;
        lie(&mut accepted, &socket);
        // Stay until the host has had enough.
        wait::wait(&[], wait::Peer::socket(socket.as_fd()), None);
        Ok(())
    };
    Connection::threaded(&INTERFACE, options, serve).unwrap()
}

pub(super) fn await_call(accepted: &mut handshake::Accepted, socket: &socket::Socket) {
    let mut message = Default::default();
    while !accepted.incoming.try_receive(socket, &mut message).unwrap() {
        std::thread::yield_now();
    }
}

pub(super) fn is_gone(socket: &socket::Socket) -> bool {
    wait::wait(&[], wait::Peer::socket(socket.as_fd()), Some(Instant::now())) == wait::Wake::Gone
}

pub(super) fn label(kind: Kind) -> Label {
    Label { kind, number: 1, sequence: 1 }
}

#[test]
fn lies_of_the_module_end_the_connection_and_nothing_else() {
    watchdog(|| {
        let mut connection = lied_to(|accepted, socket| {
            accepted.outgoing.try_send(socket, label(Kind::Call), &0u8).unwrap();
        });
        let error = echo(&mut connection, b"").unwrap_err();
        assert!(
            matches!(&error, CallError::Protocol(error) if matches!(**error, ProtocolError::Kind { kind: 1 }))
        );

        // Descriptors that come with another message than the one that announces them.
        let mut connection = lied_to(|accepted, socket| {
            let null = SharedFd::from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap()));
            socket.send(&99u64.to_le_bytes(), &[null.get().unwrap()]).unwrap();
            accepted.outgoing.try_send(socket, label(Kind::Event), &null).unwrap();
        });
        let error = echo(&mut connection, b"").unwrap_err();
        let expected = ProtocolError::Fds { announced: 1, delivered: 1 };
        assert!(matches!(&error, CallError::Protocol(error) if **error == expected), "{error}");
    });
}

#[test]
fn replies_that_nobody_asked_for_cannot_keep_the_host_busy() {
    let flood = |kind| {
        lied_to(move |accepted, socket| {
            let label = Label { sequence: 77, ..label(kind) };
            while !is_gone(socket) {
                let _ = accepted.outgoing.try_send(socket, label, "no");
            }
        })
    };
    let is_unasked = |error: &CallError| {
        let unasked = ProtocolError::Unasked { sequence: 77 };
        assert!(matches!(error, CallError::Protocol(error) if **error == unasked), "{error}");
    };
    watchdog(|| {
        for kind in [Kind::Reply, Kind::Fault] {
            is_unasked(&echo(&mut flood(kind), b"").unwrap_err());
            is_unasked(&flood(kind).wait(None).unwrap_err());
            let mut connection = flood(kind);
            is_unasked(
                &std::iter::repeat_with(|| connection.next_event::<Told>()).find_map(Result::err).unwrap(),
            );
        }
    });
}

#[test]
fn a_doorbell_rung_for_nothing_does_not_put_off_a_deadline() {
    watchdog(|| {
        for policy in [WaitPolicy::Block, WaitPolicy::Adaptive] {
            let options = Options::new().call_deadline(Duration::from_millis(50)).host_wait(policy);
            let mut connection = lied_to_with(&options, |accepted, socket| {
                std::thread::scope(|scope| {
                    for _ in 0..4 {
                        let outgoing = &accepted.outgoing;
                        scope.spawn(move || {
                            while !is_gone(socket) {
                                (0..1000).for_each(|_| outgoing.ring_for_nothing());
                            }
                        });
                    }
                });
            });
            let error = echo(&mut connection, b"").unwrap_err();
            assert!(matches!(error, CallError::Deadline { .. }), "{error}");
            let soon = Instant::now() + Duration::from_millis(50);
            assert!(!connection.wait(Some(soon)).unwrap());
        }
    });
}

#[test]
fn a_small_event_does_not_keep_the_memory_of_a_large_one() {
    watchdog(|| {
        let mut connection = lied_to(|accepted, socket| {
            let event = label(Kind::Event);
            accepted.outgoing.try_send(socket, event, &vec![0u8; 200_000]).unwrap();
            accepted.outgoing.try_send(socket, event, &1u32).unwrap();
            await_call(accepted, socket);
            accepted.outgoing.try_send(socket, label(Kind::Reply), &Vec::<u8>::new()).unwrap();
        });
        // One that is no `Told`, then one that waits for its turn in its place.
        let mut next = || connection.next_event::<Told>();
        let error = std::iter::repeat_with(&mut next).find(|event| !matches!(event, Ok(None))).unwrap();
        assert!(matches!(error, Err(CallError::Decode(_))), "{error:?}");
        echo(&mut connection, b"").unwrap();
        assert!(connection.kept_memory() < 1000, "{}", connection.kept_memory());
        assert_eq!(events(&mut connection), [1]);
    });
}

#[test]
fn descriptors_of_a_malformed_event_are_closed_at_once() {
    watchdog(|| {
        for during_a_call in [false, true] {
            let (reader, writer) = std::io::pipe().unwrap();
            let writer = SharedFd::from(OwnedFd::from(writer));
            let mut connection = lied_to(move |accepted, socket| {
                let fds = vec![writer];
                accepted.outgoing.try_send(socket, label(Kind::Event), &fds).unwrap();
                drop(fds);
                if during_a_call {
                    await_call(accepted, socket);
                    accepted.outgoing.try_send(socket, label(Kind::Reply), &Vec::<u8>::new()).unwrap();
                }
            });
            if during_a_call {
                echo(&mut connection, b"").unwrap();
            }
            assert!(connection.wait(None).unwrap());
            connection.next_event::<Told>().unwrap_err();
            poll(&mut [PollFd::new(&reader, PollFlags::empty())], None).unwrap();
        }
    });
}

#[test]
fn many_descriptors_that_nobody_asked_for_are_a_flood() {
    watchdog(|| {
        let mut connection = lied_to(|accepted, socket| {
            let null = SharedFd::from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap()));
            let fds = vec![null; 100];
            while !is_gone(socket) {
                let _ = accepted.outgoing.try_send(socket, label(Kind::Event), &fds);
            }
        });
        let error = echo(&mut connection, b"").unwrap_err();
        assert!(
            matches!(&error, CallError::Protocol(error) if matches!(**error, ProtocolError::Flood { .. })),
            "{error}"
        );
    });
}

#[test]
fn the_descriptor_stays_readable_until_the_last_event_is_taken() {
    in_both_modes(&Options::new(), |connection| {
        let fd = connection.as_fd().try_clone_to_owned().unwrap();
        for _ in 0..20 {
            let (first, last) = (1u32, 5);
            for number in first..=last {
                connection.cast(TELL, &number).unwrap();
            }
            // An event loop that takes one event whenever the descriptor is readable.
            for number in first..=last {
                let taken = loop {
                    let timeout = Timespec { tv_sec: 30, tv_nsec: 0 };
                    let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)).unwrap();
                    assert_eq!(ready, 1, "event {number} was not announced");
                    if let Some(event) = connection.next_event::<Told>().unwrap() {
                        break event;
                    }
                };
                assert_eq!(taken, Told(number));
            }
            assert_eq!(connection.next_event::<Told>().unwrap(), None);
        }
    });
}

#[test]
fn what_a_module_writes_cannot_reach_the_terminal_as_a_command() {
    watchdog(|| {
        let mut connection = lied_to(|accepted, socket| {
            await_call(accepted, socket);
            accepted.outgoing.try_send(socket, label(Kind::Fault), "\u{1b}[2J\rall is well\n").unwrap();
        });
        let error = echo(&mut connection, b"").unwrap_err().to_string();
        assert_eq!(error, "echo failed in the module: \u{fffd}all is well\u{fffd}");

        let words = Worker::component("echo").program("/bin/sh");
        let words = words.args(["-c", "printf '\\033[2Jbad\\n' >&2; exit 3"]);
        let error = Connection::isolated(&INTERFACE, &Options::new(), &words).unwrap_err().to_string();
        assert!(error.ends_with("bad") && !error.contains(['\u{1b}', '[']), "{error:?}");
    });
}

#[test]
fn a_panic_is_noticed_at_once_though_threads_of_the_module_live_on() {
    watchdog(|| {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let serve = move |endpoint: Endpoint| {
            endpoint.serve(&INTERFACE, |emitter| {
                let held = emitter.clone();
                std::thread::spawn(move || {
                    let _ = ended.recv();
                    drop(held);
                });
                Echo(emitter)
            })
        };
        let options = Options::new().call_deadline(Duration::from_secs(3600));
        let mut connection = Connection::threaded(&INTERFACE, &options, serve).unwrap();
        let error = call(&mut connection, DIE, 0).unwrap_err();
        assert!(matches!(&error, CallError::Died(_)), "{error}");
        drop(end);
    });
}

#[test]
fn deadlines_may_be_endless() {
    let options = Options::new().call_deadline(Duration::MAX).handshake_deadline(Duration::MAX);
    let options = options.method_deadline("sleep", Duration::MAX).exit_deadline(Duration::MAX);
    in_both_modes(&options.host_wait(WaitPolicy::Block), |connection| {
        echo(connection, b"").unwrap();
        call(connection, SLEEP, 5).unwrap();
    });
}

#[test]
fn what_a_worker_started_ends_with_it() {
    watchdog(|| {
        let shell =
            Worker::component("echo").program("/bin/sh").args(["-c", "sleep 3600 & echo $! >&2; exit 3"]);
        // In a sandbox it could start nothing.
        let options = Options::new().sandbox(SandboxPolicy::off());
        let connect = Connection::isolated(&INTERFACE, &options, &shell);
        let Err(ConnectError::Died(death)) = connect else { panic!("no death") };
        let stat = format!("/proc/{}/stat", death.stderr.trim());
        // Dead, whether or not its new parent has reaped it yet.
        let is_dead = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        while !is_dead() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}
