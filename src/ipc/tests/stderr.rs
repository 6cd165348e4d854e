//! Workers that write more to their standard error than anybody reads.

use std::io::Write;

use super::*;

/// Writes so many bytes, in lines: what a worker does in these tests. All of them are for ever.
pub(super) fn write(bytes: u32) {
    let line = [&b"a line of the worker's that says nothing at all, over and over\n"[..]; 16].concat();
    let mut left = bytes as usize;
    while left != 0 {
        let piece = &line[..line.len().min(left)];
        std::io::stderr().write_all(piece).expect("whoever fails here would have panicked in eprintln");
        left -= if bytes == u32::MAX { 0 } else { piece.len() };
    }
}

/// Closes it, as a daemon does.
pub(super) fn close() {
    rustix::stdio::dup2_stdout(rustix::stdio::stdin()).unwrap();
    rustix::stdio::dup2_stderr(rustix::stdio::stdin()).unwrap();
}

const MEGABYTE: u32 = 1 << 20;

#[test]
fn a_flood_during_a_call_blocks_neither_side() {
    watchdog(|| {
        for policy in [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Block] {
            let mut connection = isolated(&Options::new().host_wait(policy));
            assert_eq!(call(&mut connection, MUTTER, MEGABYTE).unwrap(), 0);
            assert_eq!(echo(&mut connection, b"on").unwrap(), b"on");
        }
    });
}

#[test]
fn a_flood_without_end_is_no_excuse_for_a_call_without_end() {
    watchdog(|| {
        let options = Options::new()
            .call_deadline(Duration::from_millis(100))
            .grace(Duration::from_millis(100))
            .exit_deadline(Duration::ZERO);
        let mut connection = isolated(&options);
        let error = call(&mut connection, MUTTER, u32::MAX).unwrap_err();
        assert!(matches!(error, CallError::Deadline { .. }), "{error}");
        // It shows no sign of life, for all that it writes.
        let error = loop {
            match connection.wait(Some(Instant::now() + Duration::from_millis(10))) {
                Ok(had) => assert!(!had),
                Err(error) => break error,
            }
        };
        let CallError::Died(death) = &error else { panic!("{error}") };
        assert!(death.exit == Exit::Wedged && death.stderr.contains("says nothing"), "{error}");
    });
}

#[test]
fn a_host_that_sleeps_on_the_descriptor_is_woken_to_read() {
    watchdog(|| {
        let mut connection = isolated(&Options::new());
        let fd = connection.as_fd().try_clone_to_owned().unwrap();
        connection.cast(MUMBLE, &MEGABYTE).unwrap();
        let mut wakes = 0;
        let event = loop {
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).unwrap();
            wakes += 1;
            if let Some(event) = connection.next_event::<Told>().unwrap() {
                break event;
            }
        };
        assert_eq!(event, Told(MEGABYTE));
        assert!(wakes > 100, "the flood was read in {wakes} looks, of which each should be short");
    });
}

#[test]
fn a_worker_whose_lines_nobody_reads_waits_and_goes_on() {
    watchdog(|| {
        let mut connection = isolated(&Options::new());
        connection.cast(MUMBLE, &MEGABYTE).unwrap();
        // Whenever the host looks, the worker has stopped in the midst of its flood, or is about to.
        std::thread::sleep(Duration::from_millis(50));
        assert!(connection.next_event::<Told>().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(50));
        // What waits for a reply reads, and so does what waits for an event.
        assert_eq!(echo(&mut connection, b"on").unwrap(), b"on");
        assert_eq!(events(&mut connection), [MEGABYTE]);
        connection.cast(MUMBLE, &MEGABYTE).unwrap();
        assert!(connection.wait(None).unwrap());
        assert_eq!(events(&mut connection), [MEGABYTE]);
    });
}

#[test]
fn a_host_that_is_done_lets_a_worker_finish_its_lines() {
    watchdog(|| {
        let mut connection = isolated(&Options::new().exit_deadline(Duration::from_secs(3600)));
        connection.cast(MUMBLE, &MEGABYTE).unwrap();
        // It could not end if nobody read.
        drop(connection);
    });
}

#[test]
fn a_worker_that_closes_its_standard_error_keeps_nobody_awake() {
    watchdog(|| {
        let mut connection = isolated(&Options::new());
        let fd = connection.as_fd().try_clone_to_owned().unwrap();
        call(&mut connection, HUSH, 0).unwrap();
        assert_eq!(events(&mut connection), [0u32; 0]);
        let is_readable =
            || poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&Timespec::default())).unwrap() == 1;
        assert!(!is_readable());
        connection.cast(TELL, &7u32).unwrap();
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).unwrap();
        assert_eq!(events(&mut connection), [7]);
        let error = call(&mut connection, DIE, 2).unwrap_err();
        assert!(matches!(&error, CallError::Died(death) if death.exit == Exit::Status(7)), "{error}");
    });
}
