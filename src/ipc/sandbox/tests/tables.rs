//! The tables of calls and the programs made of them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seccompiler::TargetArch;
use syscalls::{aarch64, x86_64};

use super::super::SystemCall;
use super::super::allowed::{ALLOWED, REFUSED, UNJUDGED, UNKNOWN};
use super::super::filter::Filter;
use super::super::judge::{Judgement, Progress, harmless, judge};

/// `SECCOMP_RET_*` without the datum.
const ACTION: u32 = 0xffff_0000;

#[test]
fn every_name_is_a_call_and_stands_once() {
    let names = ALLOWED.iter().flat_map(|rule| rule.calls).chain(REFUSED).chain(UNKNOWN);
    let mut seen = BTreeSet::new();
    for name in names {
        let known = name.parse::<x86_64::Sysno>().is_ok() || name.parse::<aarch64::Sysno>().is_ok();
        assert!(known, "{name} is no system call");
        assert!(seen.insert(name), "{name} stands twice: the later rule would replace the earlier");
    }
    let mut seen = BTreeSet::new();
    assert!(UNJUDGED.iter().flat_map(|rule| rule.calls).all(|name| seen.insert(name)));
}

#[test]
fn nothing_that_reaches_beyond_the_process_is_allowed() {
    let allowed: BTreeSet<&str> = ALLOWED.iter().flat_map(|rule| rule.calls).copied().collect();
    for name in [
        "socket",
        "connect",
        "bind",
        "accept4",
        "execve",
        "execveat",
        "fork",
        "vfork",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "bpf",
        "io_uring_setup",
        "userfaultfd",
        "keyctl",
        "mount",
        "kill",
        "tgkill",
        "open",
        "openat",
        "openat2",
        "clone3",
        "memfd_create",
        "fallocate",
        "ftruncate",
        "unshare",
        "setns",
    ] {
        assert!(!allowed.contains(name), "{name}");
    }
}

#[test]
fn both_architectures_have_programs() {
    for arch in [TargetArch::x86_64, TargetArch::aarch64] {
        let filter = Filter::of(arch, &[]).unwrap();
        let asking = filter.asking.as_ref().unwrap();
        let actions = |program: &[seccompiler::sock_filter]| -> BTreeSet<u32> {
            program.iter().filter(|line| line.code == 0x06).map(|line| line.k & ACTION).collect()
        };
        // Allow, ask the host, and kill a caller of another architecture.
        assert_eq!(actions(asking), [0x7fff_0000, 0x7fc0_0000, 0x8000_0000].into(), "{arch:?}");
        assert_eq!(actions(&filter.killing), [0x7fff_0000, 0x8000_0000].into(), "{arch:?}");
        for quiet in &filter.quiet {
            assert_eq!(actions(quiet), [0x7fff_0000, 0x0005_0000, 0x8000_0000].into(), "{arch:?}");
        }
    }
}

#[test]
fn names_and_numbers_agree() {
    for name in ["read", "openat", "futex", "io_uring_setup", "seccomp"] {
        let call = SystemCall::named(name).unwrap();
        assert_eq!((call.name(), call.to_string().as_str()), (Some(name), name));
        assert_eq!(SystemCall::from_number(call.number()), call);
    }
    let error = "opennat".parse::<SystemCall>().unwrap_err();
    assert!(error.to_string().starts_with("`opennat` is no system call of "), "{error}");
}

fn progress(may_exec: bool, sealed: bool) -> Progress {
    Progress { may_exec, sealed, bold: false, inner_pid: 1 }
}

#[test]
fn the_program_is_executed_once() {
    let execve = SystemCall::named("execve").unwrap();
    assert_eq!(judge(execve, &[0; 6], progress(true, false)), Judgement::Execute);
    assert_eq!(judge(execve, &[0; 6], progress(false, false)), Judgement::Forbidden);
    let execveat = SystemCall::named("execveat").unwrap();
    assert_eq!(judge(execveat, &[0; 6], progress(true, false)), Judgement::Forbidden);
}

#[test]
fn harmless_paths_are_whole() {
    assert!(harmless(b"/proc/self/maps"));
    assert!(!harmless(b"/proc/self/maps/x"));
    assert!(!harmless(b"/proc/1/maps"));
    assert!(harmless(b"/usr/lib/locale/C.utf8/LC_CTYPE"));
    assert!(!harmless(b"/usr/lib/locale/../../../etc/shadow"));
    assert!(!harmless(b""));
}

proptest! {
    #[test]
    fn a_sealed_worker_is_never_let_go_on(number in 0_u32..480, flags: u64, arguments: [u64; 6]) {
        // Each call that is judged, in every case, and any other one.
        let judged = ["open", "openat", "mmap", "mprotect", "pkey_mprotect", "execve", "execveat"];
        let judged = judged.iter().filter_map(|name| SystemCall::named(name));
        for call in judged.chain([SystemCall::from_number(number)]) {
            // Whatever makes memory executable comes here, and nothing else of these calls.
            let mut arguments = arguments;
            arguments[2] = flags | 4;
            let judgement = judge(call, &arguments, progress(false, true));
            let own_signal =
                matches!(call.name(), Some("kill" | "tkill" | "tgkill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo"));
            prop_assert!(own_signal || !matches!(judgement, Judgement::Continue | Judgement::Execute), "{call}");
        }
    }
}
