//! Workers and the threads that start them.

use super::*;

/// Threads of this process that are nurseries.
fn nurseries() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |thread: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(thread.ok()?.path().join("comm")).ok()
    };
    threads.filter_map(name).filter(|name| name == "rf:nursery\n").count()
}

/// Makes a connection in a thread that ends.
fn made_elsewhere(options: &Options) -> Connection {
    std::thread::scope(|scope| scope.spawn(|| isolated(options)).join().unwrap())
}

#[test]
fn a_worker_ends_with_the_thread_that_started_it_and_its_death_says_so() {
    watchdog(|| {
        let mut connection = made_elsewhere(&Options::new());
        let error = loop {
            // The thread may have been joined before the kernel is done with it.
            match echo(&mut connection, b"") {
                Ok(_) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => break error,
            }
        };
        let CallError::Died(death) = &error else { panic!("{error}") };
        assert_eq!((&death.exit, death.starter_ended), (&Exit::Signal(9), true));
        let text = error.to_string();
        assert!(
            text.contains(
                "was killed by signal 9 (SIGKILL) as the thread that started it has ended; give `Options::nursery`"
            ) && text.lines().next().unwrap().contains("the last call was echo"),
            "{text}"
        );

        // Killed by somebody else, it says nothing of the kind.
        let mut connection = isolated(&Options::new());
        let pid = rustix::process::Pid::from_raw(connection.worker_pid().unwrap() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let CallError::Died(death) = connection.wait(None).unwrap_err() else { panic!("no death") };
        assert_eq!((&death.exit, death.starter_ended), (&Exit::Signal(9), false));
        assert!(!death.to_string().contains("thread"), "{death}");
    });
}

// The only test that has nurseries.
#[test]
fn a_nursery_is_there_as_long_as_it_is_needed() {
    watchdog(|| {
        let nursery = Nursery::new().unwrap();
        // A thread takes its name when it first runs.
        while nurseries() != 1 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut one = made_elsewhere(&Options::new().nursery(&nursery));
        let mut two = made_elsewhere(&Options::new().nursery(&nursery.clone()));
        drop(nursery);
        std::thread::sleep(Duration::from_millis(50));
        for connection in [&mut one, &mut two] {
            assert_eq!(echo(connection, b"alive").unwrap(), b"alive");
        }
        assert_eq!(nurseries(), 1);
        drop(one);
        assert_eq!(echo(&mut two, b"alive").unwrap(), b"alive");
        drop(two);
        // It ends by itself, a moment after its last worker.
        while nurseries() != 0 {
            std::thread::sleep(Duration::from_millis(1));
        }

        // A program that is not there is an error as without.
        let options = Options::new().nursery(&Nursery::new().unwrap());
        let nothing = Worker::component("echo").program("/nonexistent/worker");
        let error = Connection::isolated(&INTERFACE, &options, &nothing).unwrap_err();
        assert!(matches!(error, ConnectError::Spawn { .. }), "{error}");
    });
}
