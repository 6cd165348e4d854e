use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::*;

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A proxy that is nothing but a number.
type Proxy = u32;

/// What starting modules shall do, the first one first; later ones start well.
fn factory<const N: usize>(script: [bool; N]) -> impl FnMut() -> Result<Proxy, ConnectError> + Send {
    let (mut script, mut number) = (VecDeque::from(script), 0);
    move || {
        number += 1;
        match script.pop_front() {
            Some(false) => Err(ConnectError::System { call: "socketpair", errno: Errno::MFILE }),
            _ => Ok(number),
        }
    }
}

fn supervisor<const N: usize>(script: [bool; N]) -> Supervisor<Proxy> {
    Supervisor::new(factory(script)).budget(3, MINUTE).back_off(50 * MS, 1000 * MS)
}

fn error(words: &str) -> CallError {
    CallError::Module(words.to_owned())
}

#[test]
fn a_fresh_proxy_comes_at_once_with_the_reason_and_later_ones_are_waited_for() {
    let mut supervisor = supervisor([]);
    let now = Instant::now();
    assert_eq!(supervisor.start().unwrap(), 1);
    assert!(supervisor.poll(now).unwrap().is_none(), "nothing has failed");
    for (number, wait) in [(2, 0), (3, 50), (4, 100)] {
        supervisor.failed(error(&format!("end of {number}")), now).unwrap();
        assert_eq!(supervisor.due(), Some(now + wait * MS));
        if wait > 0 {
            assert!(supervisor.poll(now + (wait - 1) * MS).unwrap().is_none(), "too early");
        }
        let restart = supervisor.poll(now + wait * MS).unwrap().unwrap();
        assert_eq!((restart.proxy, restart.spare), (number, false));
        assert_eq!(restart.reason.to_string(), format!("end of {number}"));
        assert_eq!(supervisor.due(), None);
    }
    assert_eq!(supervisor.restarts(), 3);
    let given_up = supervisor.failed(error("the last straw"), now).unwrap_err();
    assert_eq!((given_up.restarts, given_up.window), (3, MINUTE));
    let message = given_up.to_string();
    assert!(message.contains("3 restarts within 60s") && message.ends_with(": the last straw"), "{message}");
    assert!(supervisor.poll(now + MINUTE).unwrap().is_none(), "nobody is started for a module given up");
}

#[test]
fn a_start_that_fails_is_a_failure_too() {
    let mut supervisor = supervisor([true, false, false, true]);
    let now = Instant::now();
    supervisor.start().unwrap();
    supervisor.failed(error("died"), now).unwrap();
    assert!(supervisor.poll(now).unwrap().is_none());
    assert_eq!(supervisor.due(), Some(now + 50 * MS));
    let now = now + 50 * MS;
    assert!(supervisor.poll(now).unwrap().is_none());
    assert_eq!(supervisor.due(), Some(now + 100 * MS));
    let restart = supervisor.poll(now + 100 * MS).unwrap().unwrap();
    assert!(matches!(restart.reason, Reason::NotStarted(ConnectError::System { .. })), "{restart:?}");
    assert_eq!((restart.proxy, supervisor.restarts()), (4, 1));
}

#[test]
fn starts_that_fail_use_up_the_budget() {
    let mut supervisor = supervisor([true, false, false, false]);
    let now = Instant::now();
    supervisor.start().unwrap();
    supervisor.failed(error("died"), now).unwrap();
    assert!(supervisor.poll(now).unwrap().is_none());
    assert!(supervisor.poll(now + 50 * MS).unwrap().is_none());
    let given_up = supervisor.poll(now + 150 * MS).unwrap_err();
    assert!(matches!(*given_up.last, Reason::NotStarted(_)), "{given_up}");
}

#[test]
fn the_first_start_is_not_repeated() {
    let mut supervisor = supervisor([false]);
    supervisor.start().unwrap_err();
    assert_eq!((supervisor.due(), supervisor.restarts()), (None, 0));
}

#[test]
fn a_spare_is_used_if_it_is_fit_and_replaced_when_there_is_time() {
    let unfit = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&unfit);
    let mut supervisor = supervisor([]).keep_spare(move |proxy| !list.lock().contains(proxy));
    let now = Instant::now();
    supervisor.start().unwrap();
    for _ in 0..3 {
        supervisor.prepare(Instant::now()).unwrap();
    }
    supervisor.failed(error("died"), now).unwrap();
    let restart = supervisor.poll(now).unwrap().unwrap();
    assert_eq!((restart.proxy, restart.spare), (2, true), "one spare, made once");

    // Without another `prepare` there is none.
    supervisor.failed(error("died"), now).unwrap();
    let restart = supervisor.poll(now + 50 * MS).unwrap().unwrap();
    assert_eq!((restart.proxy, restart.spare), (3, false));

    supervisor.prepare(Instant::now()).unwrap();
    unfit.lock().push(4);
    supervisor.failed(error("died"), now + MINUTE).unwrap();
    let restart = supervisor.poll(now + MINUTE).unwrap().unwrap();
    assert_eq!((restart.proxy, restart.spare), (5, false), "the spare had died");
}

#[test]
fn without_the_wish_for_a_spare_none_is_started() {
    let mut supervisor = supervisor([]);
    supervisor.start().unwrap();
    supervisor.prepare(Instant::now()).unwrap();
    supervisor.failed(error("died"), Instant::now()).unwrap();
    let restart = supervisor.wait().unwrap();
    assert_eq!((restart.proxy, restart.spare), (2, false));
}

#[test]
fn a_spare_that_cannot_be_started_is_not_tried_without_pause() {
    let mut supervisor = supervisor([true, false, false]).keep_spare(|_| true);
    let now = Instant::now();
    supervisor.start().unwrap();
    supervisor.prepare(now).unwrap_err();
    supervisor.prepare(now + 999 * MS).unwrap();
    supervisor.prepare(now + 1000 * MS).unwrap_err();
    supervisor.prepare(now + 2000 * MS).unwrap();
    supervisor.failed(error("died"), now + 2000 * MS).unwrap();
    let restart = supervisor.poll(now + 2000 * MS).unwrap().unwrap();
    assert_eq!((restart.proxy, restart.spare), (4, true));
}
