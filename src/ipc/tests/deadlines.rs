//! Calls that are given up, and modules that are because of them.

use rustix::process::{Pid, Signal, kill_process};

use super::*;

const GRACE: Duration = Duration::from_millis(150);
const HOUR: Duration = Duration::from_secs(3600);

/// Only calls of `sleep` are given up: whatever else ends is ended by the watchdog.
fn options() -> Options {
    Options::new().call_deadline(HOUR).method_deadline("sleep", Duration::from_millis(20)).grace(GRACE)
}

/// Calls a method that will not return, and gives it up.
fn stall(connection: &mut Connection) {
    let error = call(connection, SLEEP, 3_600_000).unwrap_err();
    assert!(matches!(error, CallError::Deadline { method: "sleep", .. }), "{error}");
}

#[track_caller]
fn assert_wedged(error: &CallError) {
    assert!(matches!(error, CallError::Died(death) if death.exit == Exit::Wedged), "{error}");
}

fn is_readable(connection: &Connection, timeout: Option<Duration>) -> bool {
    let timeout = timeout.map(|timeout| Timespec::try_from(timeout).unwrap());
    poll(&mut [PollFd::new(connection, PollFlags::IN)], timeout.as_ref()).unwrap() == 1
}

fn signal(connection: &Connection, signal: Signal) {
    let pid = Pid::from_raw(connection.worker_pid().unwrap() as i32).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Stops the worker, and waits until it has stopped: a thread of it may run on for a moment.
fn stop(connection: &Connection) {
    signal(connection, Signal::STOP);
    let status = format!("/proc/{}/status", connection.worker_pid().unwrap());
    while !std::fs::read_to_string(&status).unwrap().contains("T (stopped)") {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Checks that `find` finds the module wedged, not before its time and for good, whatever is tried afterwards.
fn finds_it_wedged(options: &Options, find: impl Fn(&mut Connection) -> CallError) {
    in_both_modes(options, |connection| {
        stall(connection);
        let start = Instant::now();
        assert_wedged(&find(connection));
        // The grace time began a moment before the call returned.
        assert!(start.elapsed() > GRACE - Duration::from_millis(50), "{:?}", start.elapsed());
        assert_wedged(&echo(connection, b"").unwrap_err());
        assert_wedged(&connection.cast(TELL, &1u32).unwrap_err());
        assert_wedged(&connection.next_event::<Told>().unwrap_err());
        assert_wedged(&connection.wait(None).unwrap_err());
        assert!(is_readable(connection, None));
        if let Some(pid) = connection.worker_pid() {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "it lives");
        }
    });
}

#[test]
fn a_later_call_finds_a_module_wedged() {
    for policy in [WaitPolicy::Block, WaitPolicy::Spin, WaitPolicy::Adaptive] {
        finds_it_wedged(&options().host_wait(policy), |connection| echo(connection, b"").unwrap_err());
    }
}

#[test]
fn whoever_waits_for_room_finds_a_module_wedged() {
    for policy in [WaitPolicy::Block, WaitPolicy::Spin] {
        finds_it_wedged(&options().ring_bytes(500, 500).host_wait(policy), |connection| {
            std::iter::repeat_with(|| connection.cast(TELL, &1u32)).find_map(Result::err).unwrap()
        });
    }
}

#[test]
fn whoever_looks_for_events_finds_a_module_wedged() {
    finds_it_wedged(&options(), |connection| {
        loop {
            match connection.next_event::<Told>() {
                Ok(event) => assert_eq!(event, None),
                Err(error) => return error,
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

#[test]
fn whoever_waits_for_events_finds_a_module_wedged() {
    for policy in [WaitPolicy::Block, WaitPolicy::Spin] {
        finds_it_wedged(&options().host_wait(policy), |connection| connection.wait(None).unwrap_err());
    }
    finds_it_wedged(&options(), |connection| {
        loop {
            match connection.wait(Some(Instant::now() + Duration::from_millis(1))) {
                Ok(found) => assert!(!found),
                Err(error) => return error,
            }
        }
    });
}

#[test]
fn an_event_loop_is_woken_when_a_module_is_wedged() {
    finds_it_wedged(&options(), |connection| {
        assert!(is_readable(connection, None));
        connection.next_event::<Told>().unwrap_err()
    });
}

#[test]
fn a_stopped_worker_is_killed_after_the_grace() {
    watchdog(|| {
        let mut connection = isolated(&options());
        connection.as_fd();
        echo(&mut connection, b"").unwrap();
        assert_eq!(connection.next_event::<Told>().unwrap(), None);
        stop(&connection);
        connection.deadline_of_next_call(Duration::from_millis(20));
        let error = echo(&mut connection, b"").unwrap_err();
        assert!(matches!(error, CallError::Deadline { method: "echo", .. }), "{error}");
        assert!(is_readable(&connection, None));
        let CallError::Died(death) = connection.next_event::<Told>().unwrap_err() else { panic!("no death") };
        assert_eq!((&death.exit, death.last_call), (&Exit::Wedged, Some("echo")));
        assert!(death.to_string().contains("as it had not answered a call by its deadline"), "{death}");
        assert!(!std::path::Path::new(&format!("/proc/{}", connection.worker_pid().unwrap())).exists());
    });
}

#[test]
fn a_worker_that_takes_nothing_more_is_killed_though_nothing_waits_for_its_answer() {
    watchdog(|| {
        let options =
            Options::new().ring_bytes(500, 500).call_deadline(Duration::from_millis(20)).grace(GRACE);
        let mut connection = isolated(&options);
        stop(&connection);
        let mut refused = 0;
        let error = loop {
            match connection.cast(TELL, &1u32) {
                Ok(()) => assert_eq!(refused, 0, "a stopped worker has made room"),
                Err(CallError::Full { .. }) => refused += 1,
                Err(error) => break error,
            }
        };
        assert!(refused > 0);
        assert_wedged(&error);
    });
}

#[test]
fn an_answer_within_the_grace_keeps_the_connection() {
    let grace = Duration::from_secs(3);
    in_both_modes(&options().grace(grace), |connection| {
        connection.as_fd();
        let start = Instant::now();
        call(connection, SLEEP, 50).unwrap_err();
        while is_readable(
            connection,
            Some(grace.saturating_sub(start.elapsed()) + Duration::from_millis(200)),
        ) {
            assert_eq!(connection.next_event::<Told>().unwrap(), None);
        }
        // Had the answer not been taken for one, the descriptor would be readable by now.
        assert!(start.elapsed() > grace);
        assert_eq!(echo(connection, b"going on").unwrap(), b"going on");
        assert_eq!(events(connection), [0u32; 0]);
    });
}

#[test]
fn an_answer_that_lay_unread_beyond_the_grace_keeps_the_connection() {
    type Looks = [fn(&mut Connection); 3];
    let looks: Looks = [
        |connection| assert_eq!(connection.next_event::<Told>().unwrap(), None),
        |connection| assert!(!connection.wait(Some(Instant::now())).unwrap()),
        |_| {},
    ];
    for look in looks {
        in_both_modes(&options(), |connection| {
            call(connection, SLEEP, 50).unwrap_err();
            std::thread::sleep(GRACE + Duration::from_millis(500));
            look(connection);
            assert_eq!(echo(connection, b"going on").unwrap(), b"going on");
        });
    }
}

#[test]
fn a_module_that_waited_for_room_is_given_a_second_grace() {
    in_both_modes(&options().ring_bytes(1024, 1024).grace(Duration::from_millis(500)), |connection| {
        connection.deadline_of_next_call(Duration::ZERO);
        assert!(matches!(call(connection, FLOOD, 2000), Err(CallError::Deadline { .. })));
        // The module cannot go on before its events are taken.
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(echo(connection, b"going on").unwrap(), b"going on");
        assert_eq!(events(connection), (0..2000).collect::<Vec<_>>());
    });
}

#[test]
fn a_worker_that_died_in_its_grace_was_not_wedged() {
    watchdog(|| {
        let mut connection = isolated(&options());
        stall(&mut connection);
        signal(&connection, Signal::KILL);
        std::thread::sleep(GRACE);
        let CallError::Died(death) = connection.next_event::<Told>().unwrap_err() else { panic!("no death") };
        assert_eq!(death.exit, Exit::Signal(9));
    });
}

#[test]
fn a_call_may_have_a_deadline_of_its_own() {
    in_both_modes(&Options::new().call_deadline(HOUR).grace(HOUR), |connection| {
        connection.deadline_of_next_call(Duration::from_millis(10));
        assert!(matches!(call(connection, SLEEP, 200), Err(CallError::Deadline { .. })));
        call(connection, SLEEP, 20).unwrap();
    });
    in_both_modes(&Options::new().method_deadline("sleep", Duration::ZERO).grace(HOUR), |connection| {
        connection.deadline_of_next_call(HOUR);
        call(connection, SLEEP, 50).unwrap();
        assert!(matches!(call(connection, SLEEP, 50), Err(CallError::Deadline { .. })));
    });
}

/// The reply has rung for the host's sleep, which leaves the doorbell readable: it must not hide the end of the worker.
#[test]
fn whoever_waits_for_room_is_told_at_once_that_a_worker_has_ended() {
    watchdog(|| {
        let options = Options::new().ring_bytes(500, 500).host_wait(WaitPolicy::Block);
        let mut connection = isolated(&options.call_deadline(HOUR));
        call(&mut connection, SLEEP, 20).unwrap();
        stop(&connection);
        let pid = Pid::from_raw(connection.worker_pid().unwrap() as i32).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                kill_process(pid, Signal::KILL).unwrap();
            });
            let casts = std::iter::repeat_with(|| connection.cast(TELL, &1u32));
            let error = casts.take(1000).find_map(Result::err).unwrap();
            assert!(matches!(&error, CallError::Died(death) if death.exit == Exit::Signal(9)), "{error}");
        });
    });
}
