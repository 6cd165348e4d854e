//! Whole programs under the filter: what a libc and a runtime do by themselves has to work.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr;

use super::super::filter::Filter;
use super::child::{Outcome, errno_of, run};

/// Says that [`inside`] runs under the filter, and what it does last.
const LAST: &str = "RINGFENCE_TEST_LAST";

/// Executes a program under the filter.
fn execute(program: &str, arguments: &[&str], environment: &[&str]) -> Outcome {
    let strings =
        |strings: &[&str]| -> Vec<CString> { strings.iter().map(|s| CString::new(*s).unwrap()).collect() };
    let (program, arguments, environment) =
        (CString::new(program).unwrap(), strings(arguments), strings(environment));
    let pointers =
        |strings: &[CString]| -> Vec<_> { strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect() };
    let (argv, envp) = (pointers(&arguments), pointers(&environment));
    let filter = Filter::new(&[]).unwrap();
    let number = |call: &str| call.parse::<super::super::SystemCall>().unwrap().number();
    let (execve, dup3) = (number("execve"), number("dup3"));
    let arguments = [program.as_ptr().addr(), argv.as_ptr().addr(), envp.as_ptr().addr(), 0, 0, 0];
    // What it says would be taken for what this test says.
    let silence = File::options().write(true).open("/dev/null").unwrap();
    let null = usize::try_from(silence.as_raw_fd()).unwrap();
    let child = || {
        errno_of(dup3, [null, 1, 0, 0, 0, 0]);
        errno_of(dup3, [null, 2, 0, 0, 0, 0]);
        errno_of(execve, arguments)
    };
    run(&filter, |listener| listener.allow_exec_once(), child)
}

/// This test program again, for [`inside`] alone.
fn execute_inside(last: &str) -> Outcome {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let test = concat!(module_path!(), "::inside").split_once("::").unwrap().1;
    let arguments = [own, "--exact", test, "--ignored", "--nocapture", "--test-threads=1"];
    execute(own, &arguments, &[&format!("{LAST}={last}"), "RUST_BACKTRACE=1"])
}

#[test]
fn a_c_program_starts_and_ends() {
    assert_eq!(execute("/bin/true", &["true"], &[]), Outcome::Exited(0));
    assert_eq!(execute("/bin/false", &["false"], &[]), Outcome::Exited(1));
}

#[test]
fn a_program_executes_no_other() {
    assert_eq!(execute("/bin/sh", &["sh", "-c", "exec /bin/true"], &[]), Outcome::forbidden("execve"));
    // Shells fork by `clone` or by `vfork`.
    let outcome = execute("/bin/sh", &["sh", "-c", "/bin/true; /bin/true"], &[]);
    assert!(matches!(&outcome, Outcome::Forbidden(call) if call != "execve"), "{outcome:?}");
}

#[test]
fn a_rust_program_computes() {
    assert_eq!(execute_inside("return"), Outcome::Exited(0));
    assert_eq!(execute_inside("panic"), Outcome::Exited(101));
    assert_eq!(execute_inside("exit"), Outcome::Exited(7));
    assert_eq!(execute_inside("abort"), Outcome::Aborted);
    assert_eq!(execute_inside("connect"), Outcome::forbidden("socket"));
    assert_eq!(execute_inside("spawn"), Outcome::forbidden("clone"));
}

/// Threads, panics, memory, time, random numbers.
#[test]
#[ignore = "runs under the filter, started by another test"]
fn inside() {
    let Ok(last) = std::env::var(LAST) else { return };
    let threads: Vec<_> = (0..4).map(|n| std::thread::spawn(move || vec![n; 25 << 20].len())).collect();
    assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 100 << 20);
    let panicked =
        std::thread::Builder::new().name("unlucky".to_owned()).spawn(|| panic!("on purpose")).unwrap();
    assert!(panicked.join().is_err());
    assert!(std::panic::catch_unwind(|| panic!("on purpose")).is_err());
    let map: std::collections::HashMap<_, _> = [(1, 2)].into();
    assert_eq!(map[&1], 2);
    std::thread::sleep(std::time::Duration::from_millis(1));
    assert!(std::thread::available_parallelism().is_ok());
    match last.as_str() {
        "panic" => panic!("on purpose"),
        "exit" => std::process::exit(7),
        "abort" => std::process::abort(),
        "connect" => drop(std::net::UdpSocket::bind("127.0.0.1:0")),
        "spawn" => drop(std::process::Command::new("/bin/true").status()),
        _ => {}
    }
}
