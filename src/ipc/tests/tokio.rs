//! Events awaited on tokio, which asks for edges of a descriptor that has levels.

use ::tokio::runtime::{Builder, Runtime};
use ::tokio::task::yield_now;

use super::super::tokio::AsyncProxy;
use super::*;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs `test` with a module in a thread and with one in a process.
fn in_both_modes(test: impl AsyncFn(&mut AsyncProxy<Connection>)) {
    watchdog(|| {
        for connection in
            [Connection::threaded(&INTERFACE, &Options::new(), serve).unwrap(), isolated(&Options::new())]
        {
            runtime().block_on(async { test(&mut AsyncProxy::new(connection).unwrap()).await });
        }
    });
}

#[test]
fn no_wake_up_is_lost_among_thousands_of_events() {
    in_both_modes(async |proxy| {
        let (mut sent, mut heard) = (0u32, 0u32);
        while heard < 20_000 {
            // One to five at a time, some of them fetched by a call; now and then none is left to wait for.
            for _ in 0..=sent % 5 {
                proxy.cast(TELL, &sent).unwrap();
                sent += 1;
            }
            if sent % 3 == 0 {
                echo(proxy, b"between").unwrap();
            }
            let rest = if sent % 7 == 0 { 0 } else { 3 };
            while sent - heard > rest {
                proxy.ready().await.unwrap();
                // Fewer than there are: what is left is announced by no edge.
                for _ in 0..2 {
                    if let Some(Told(number)) = proxy.next_event().unwrap() {
                        assert_eq!(number, heard);
                        heard += 1;
                    }
                }
            }
        }
    });
}

#[test]
fn a_wait_that_is_dropped_loses_nothing() {
    in_both_modes(async |proxy| {
        for number in 0..1000u32 {
            ::tokio::select! {
                biased;
                result = proxy.ready() => result.unwrap(),
                () = yield_now() => {}
            }
            proxy.cast(TELL, &number).unwrap();
            loop {
                proxy.ready().await.unwrap();
                if let Some(event) = proxy.next_event::<Told>().unwrap() {
                    assert_eq!(event, Told(number));
                    break;
                }
            }
        }
    });
}

#[test]
fn a_death_wakes_the_task() {
    watchdog(|| {
        runtime().block_on(async {
            let mut proxy = AsyncProxy::new(isolated(&Options::new())).unwrap();
            while proxy.next_event::<Told>().unwrap().is_some() {}
            let pid = rustix::process::Pid::from_raw(proxy.worker_pid().unwrap() as i32).unwrap();
            let killer = ::tokio::spawn(async move {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            });
            let error = loop {
                proxy.ready().await.unwrap();
                if let Err(error) = proxy.next_event::<Told>() {
                    break error;
                }
            };
            assert!(matches!(error, CallError::Died(_)), "{error}");
            killer.await.unwrap();
            // It stays ready, and says the same.
            proxy.ready().await.unwrap();
            assert!(proxy.into_inner().next_event::<Told>().is_err());
        });
    });
}

#[test]
fn a_module_that_never_stops_starves_no_other_task() {
    watchdog(|| {
        runtime().block_on(async {
            let mut proxy = AsyncProxy::new(isolated(&Options::new())).unwrap();
            proxy.cast(TELL, &1u32).unwrap();
            proxy.ready().await.unwrap();
            // Nobody takes the event: it is ready for ever.
            let busy = ::tokio::spawn(async move {
                loop {
                    proxy.ready().await.unwrap();
                }
            });
            for _ in 0..100 {
                yield_now().await;
            }
            ::tokio::time::sleep(Duration::from_millis(5)).await;
            busy.abort();
        });
    });
}
